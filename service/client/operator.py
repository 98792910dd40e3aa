"""A client that changes what a service serves: lists detectors, moves aliases, rolls back."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, final
from urllib.parse import quote

import httpx
import msgspec

from service.client.sending import Sender, address_of
from service.served import ServedDetector

_CHAMPION: Final = "champion"


@final
class ServiceOperator:
    """Changes what one service serves; its key needs the role `operate`.

    Args:
        url: Address of the service.
        key: API key, where the service needs one (default: the variable DETECTOR_KEY).
        timeout: Seconds that one answer may take: a version is loaded and checked meanwhile.
        transport: Another way to the service than the network, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout: float = 120.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._sender = Sender(url, key=key, timeout=timeout, transport=transport)

    def __enter__(self) -> ServiceOperator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()

    def detectors(self) -> list[ServedDetector]:
        """Return all detectors of the service.

        Raises:
            ServiceError: The service refuses it, or does not answer.
        """
        answer = msgspec.json.decode(self._sender.send("GET", "/detectors").content)
        return msgspec.convert(answer["detectors"], list[ServedDetector])

    def promote(self, detector: str, version: str) -> ServedDetector:
        """Make a version the champion, which answers from then on; return when it does.

        Raises:
            ServiceError: The version cannot be served, the service refuses it, or does not answer.
        """
        return self.set_alias(detector, _CHAMPION, version)

    def set_alias(self, detector: str, alias: str, version: str) -> ServedDetector:
        """Move an alias to a version.

        Raises:
            ServiceError: The version cannot be served, the service refuses it, or does not answer.
        """
        return self._changed("PUT", detector, f"/aliases/{quote(alias, safe='')}", {"version": version})

    def remove_alias(self, detector: str, alias: str) -> ServedDetector:
        """Remove an alias.

        Raises:
            ServiceError: The service refuses it, or does not answer.
        """
        return self._changed("DELETE", detector, f"/aliases/{quote(alias, safe='')}")

    def roll_back(self, detector: str) -> ServedDetector:
        """Make the version that was active before champion again; it is sent once, as twice would go back two versions.

        Raises:
            ServiceError: There is no version before, the service refuses it, or does not answer.
        """
        return self._changed("POST", detector, "/rollback", again=False)

    def _changed(
        self, method: str, detector: str, path: str, body: Mapping[str, Any] | None = None, *, again: bool = True
    ) -> ServedDetector:
        content = None if body is None else msgspec.json.encode(body)
        answer = self._sender.send(method, address_of(detector) + path, content, again=again)
        return msgspec.json.decode(answer.content, type=ServedDetector)

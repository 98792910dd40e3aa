"""Sends requests to a service, again where an answer was lost or put off, and raises what it refuses."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, final
from urllib.parse import quote

import httpx

from models.errors import ServiceError
from service.client.results import refusal

KEY_VARIABLE: Final = "DETECTOR_KEY"
"""Variable of the environment with the key of the client."""

JSON: Final = "application/json"

_AGAIN: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_LOST: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
_LONGEST_WAIT: Final = 60.0  # seconds; with a longer Retry-After, the error is raised at once


@final
class Sender:
    """Talks to one service; may be used by many threads at once.

    Args:
        url: Address of the service.
        key: API key, where the service needs one (default: the variable DETECTOR_KEY).
        timeout: Seconds that one answer may take.
        retries: How often a request is sent again that was lost, or put off by the service (429, 503).
        backoff_seconds: Wait before the first time again; it doubles each time. Retry-After, where it comes, wins.
        transport: Another way to the service than the network, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout: float = 120.0,
        retries: int = 4,
        backoff_seconds: float = 0.5,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        key = key or os.environ.get(KEY_VARIABLE)
        headers = {"Authorization": f"Bearer {key}"} if key else None
        self._client = httpx.Client(base_url=url, timeout=timeout, transport=transport, headers=headers)
        self._retries = retries
        self._backoff = backoff_seconds

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def is_ready(self) -> bool:
        """Return True if the service can score records; it is asked once."""
        try:
            return self._client.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        first: int = 0,
        again: bool = True,
    ) -> httpx.Response:
        """Send a request, again if that can help.

        Args:
            method: HTTP method.
            path: Path of the address.
            content: The body, if there is one.
            params: The query.
            content_type: Of the body.
            accept: What the answer is to be.
            first: Index of the first record of the body.
            again: It does no harm to send it twice, so one that was lost is sent again.

        Raises:
            ServiceError: The service refuses it, or does not answer.
        """
        headers = {"Content-Type": content_type, "Accept": accept} if content is not None else {}
        for attempt in range(self._retries + 1):
            wait = self._backoff * 2**attempt
            try:
                answer = self._client.request(method, path, content=content, params=params, headers=headers)
            except httpx.TransportError as error:
                if again and isinstance(error, _LOST) and attempt < self._retries:
                    time.sleep(wait)
                    continue
                raise ServiceError(
                    f"{self._client.base_url}: does not answer ({type(error).__name__}: {error}). Is the service "
                    "there, and its address right?"
                ) from error
            if answer.is_success:
                return answer
            retry_after = _retry_after(answer)
            if answer.status_code in _AGAIN and attempt < self._retries and (retry_after or 0.0) <= _LONGEST_WAIT:
                time.sleep(wait if retry_after is None else retry_after)
                continue
            raise refusal(answer.status_code, answer.reason_phrase, answer.content, first=first)
        raise AssertionError  # the last attempt returns or raises


def address_of(detector: str | None, version: str | None = None) -> str:
    """Return what stands before the paths of a detector; nothing for the default one.

    Raises:
        ServiceError: There is a version without a detector.

    Example:
        >>> address_of("pumps"), address_of("Bremsen, Süd", "2"), address_of(None)
        ('/detectors/pumps', '/detectors/Bremsen%2C%20S%C3%BCd/versions/2', '')
    """
    if detector is None:
        if version is not None:
            raise ServiceError(f"A version ({version}) needs its detector: detector=NAME.")
        return ""
    of_version = "" if version is None else f"/versions/{quote(version, safe='')}"
    return f"/detectors/{quote(detector, safe='')}{of_version}"


def _retry_after(answer: httpx.Response) -> float | None:
    """Return the seconds that Retry-After asks to wait, given as a number or as a date; None without one."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None

"""Requests to a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


def _json() -> dict[str, str]:
    return {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A POST request, sent repeatedly.

    Args:
        body: Its body.
        path: Its path.
        headers: Headers beyond those of every request.
        scheme: http, or https by a certificate that nobody checks.
    """

    body: bytes
    path: str = "/score"
    headers: Mapping[str, str] = field(default_factory=_json)
    scheme: str = "http"

    def message(self, port: int) -> bytes:
        """Return the bytes of the request, for a connection that is kept alive."""
        lines = [f"POST {self.path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body

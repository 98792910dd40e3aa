"""What a server is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


def _json() -> dict[str, str]:
    return {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that is posted, again and again.

    Args:
        body: Its bytes.
        path: Where it is posted.
        headers: Beside those that every request has.
    """

    body: bytes
    path: str = "/score"
    headers: Mapping[str, str] = field(default_factory=_json)

    def message(self, port: int) -> bytes:
        """Return what is sent over a connection that stays open."""
        lines = [f"POST {self.path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body

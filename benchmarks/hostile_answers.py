"""Sends requests as they are, in process or on a socket, and says what is wrong with an answer."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import http.client
import io
import json
import math
import socket
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

LONGEST_SECONDS: Final = 5.0
"""An answer that takes longer is a hang."""

_SERVER_ERROR: Final = HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """A request.

    Args:
        source: Who made it.
        method: The method.
        target: Path and query, percent-encoded.
        headers: Names and values, as bytes.
        body: What is sent.
        pieces: In how many pieces the body comes.
        leaves: The client leaves before the last piece.
    """

    source: str
    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    pieces: int = 1
    leaves: bool = False

    def media_type(self) -> str:
        """Return the content type without its parameters; what is no text of ASCII is one kind."""
        value = next((value for name, value in self.headers if name.lower() == b"content-type"), b"none")
        bare = value.partition(b";")[0].strip().lower().decode("latin-1")
        return bare if bare in _KNOWN or bare == "none" else "another"

    def cut(self) -> list[bytes]:
        """Return the pieces of the body, at least one."""
        size = max(1, math.ceil(len(self.body) / self.pieces))
        return [self.body[start : start + size] for start in range(0, len(self.body), size)] or [b""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came back.

    Args:
        status: The status code; 0 where there was no answer.
        media_type: The content type without its parameters.
        body: The content.
        seconds: How long that took.
        error: What was raised or went wrong on the way.
    """

    status: int
    media_type: str
    body: bytes
    seconds: float
    error: str = ""


async def send_in_process(app: Any, request: Hostile) -> Answered:
    """Hand a request to an ASGI application."""
    path, _, query = request.target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    pieces = request.cut()
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages[-1]["more_body"] = False
    if request.leaves:
        messages[-1:] = [{"type": "http.disconnect"}]
    waiting = iter(messages)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(waiting, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    started, error = time.perf_counter(), ""
    try:
        await asyncio.wait_for(app(scope, receive, send), LONGEST_SECONDS * 4)
    except Exception as raised:
        frames = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(raised.__traceback__)]
        error = f"{type(raised).__name__}: {str(raised)[:200]} ({' '.join(frames[-3:])})"
    start = next((message for message in sent if message["type"] == "http.response.start"), {"status": 0})
    kind = dict(start.get("headers", [])).get(b"content-type", b"").decode("latin-1")
    return Answered(
        status=start["status"],
        media_type=kind.partition(";")[0],
        body=b"".join(message.get("body", b"") for message in sent),
        seconds=time.perf_counter() - started,
        error=error,
    )


def send_on_socket(address: tuple[str, int], request: Hostile) -> Answered:
    """Write a request to a socket, byte for byte, and read the answer."""
    started = time.perf_counter()
    headers = [(name, value) for name, value in request.headers if name.lower() not in _FRAMING]
    chunked = request.pieces > 1
    framing = (b"Transfer-Encoding", b"chunked") if chunked else (b"Content-Length", str(len(request.body)).encode())
    headers += [(b"Host", b"service"), (b"Connection", b"close"), framing]
    lines = [f"{request.method} {request.target} HTTP/1.1".encode("latin-1")]
    lines += [name + b": " + value for name, value in headers]
    try:
        with socket.create_connection(address, timeout=LONGEST_SECONDS * 4) as connection:
            with contextlib.suppress(OSError):  # answered before all was sent
                connection.sendall(b"\r\n".join([*lines, b"", b""]))
                _send_body(connection, request, chunked=chunked)
            if request.leaves:
                return Answered(status=0, media_type="", body=b"", seconds=0.0)
            response = http.client.HTTPResponse(connection, method=request.method)
            response.begin()
            kind = response.headers.get("content-type", "").partition(";")[0]
            content, status, error = response.read(), response.status, ""
    except (OSError, http.client.HTTPException) as raised:
        content, status, kind, error = b"", 0, "", f"{type(raised).__name__}: {raised}"
    return Answered(status=status, media_type=kind, body=content, seconds=time.perf_counter() - started, error=error)


def complaint(request: Hostile, answer: Answered) -> str | None:
    """Return what is wrong with an answer; None where it is as it should be."""
    if answer.error:
        return f"raised {answer.error}"
    if answer.seconds > LONGEST_SECONDS:
        return f"took {answer.seconds:.1f} s"
    if request.leaves or answer.body == _NO_HTTP:
        return None
    if answer.status >= _SERVER_ERROR or answer.status < HTTPStatus.OK:
        return f"status {answer.status}"
    if request.method == "HEAD" or not answer.body or answer.media_type == "text/html":
        return None
    return _wrong_content(answer)


_NO_HTTP: Final = b"Invalid HTTP request received."
"""What uvicorn says itself to what it cannot read, before the service hears of it."""


def _wrong_content(answer: Answered) -> str | None:
    if (answer.status >= HTTPStatus.BAD_REQUEST) != (answer.media_type == "application/problem+json"):
        return f"status {answer.status} with {answer.media_type}"
    try:
        for value in _READERS[answer.media_type](answer.body):
            if isinstance(value, float) and not math.isfinite(value):
                return f"a number that is none: {value}"
    except (KeyError, ValueError, pa.ArrowException, OSError, RecursionError) as raised:
        return f"{answer.media_type} cannot be read: {raised}"
    return None


_FRAMING: Final = (b"content-length", b"transfer-encoding", b"host", b"connection", b"expect", b"upgrade")


def _send_body(connection: socket.socket, request: Hostile, *, chunked: bool) -> None:
    pieces = request.cut()
    for piece in pieces[:-1] if request.leaves else pieces:
        if chunked and piece:
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        elif piece:
            connection.sendall(piece)
    if chunked and not request.leaves:
        connection.sendall(b"0\r\n\r\n")


def _json_values(content: bytes) -> Iterable[Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    waiting = [json.loads(content.decode("utf-8"), parse_constant=refuse)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        else:
            yield value


def _line_values(content: bytes) -> Iterable[Any]:
    for line in content.split(b"\n")[:-1]:
        yield from _json_values(line)


def _csv_values(content: bytes) -> Iterable[Any]:
    names, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
    for row in rows:
        if len(row) != len(names):
            raise ValueError(f"a row of {len(row)} cells under {len(names)} names")
        cells = dict(zip(names, row, strict=True))
        yield from (float(cells[name]) for name in ("anomaly_score", "p_value") if name in cells)
        yield from (float(cells[name]) for name in names if name.startswith("embedding_"))


def _table_values(table: pa.Table) -> Iterable[Any]:
    ids = [name for name in table.column_names if name == "serial"]  # what came is given back as it was
    for column in table.drop_columns(ids).columns:
        yield from column.to_pylist()


_READERS: Final[dict[str, Callable[[bytes], Iterable[Any]]]] = {
    "application/json": _json_values,
    "application/problem+json": _json_values,
    "application/x-ndjson": _line_values,
    "text/csv": _csv_values,
    "application/vnd.apache.arrow.stream": lambda content: _table_values(pa.ipc.open_stream(content).read_all()),
    "application/vnd.apache.arrow.file": lambda content: _table_values(pa.ipc.open_file(content).read_all()),
    "application/vnd.apache.parquet": lambda content: _table_values(pa.parquet.read_table(io.BytesIO(content))),
}
"""Gives the values in an answer, strictly read."""

_KNOWN: Final = frozenset(_READERS)

"""The service within the tests' own process, behind a real socket, as requests come to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

import uvicorn
from fastapi import FastAPI

from models.detector import Detector
from service.app import create_app, load_settings
from service.fast_path.accepting import FairServer
from service.fast_path.protocol import carriers
from service.registry import Registry

_OWN = ("date", "x-request-id")

Answer = tuple[int, dict[str, str], bytes]


def request(body: bytes, *, query: str = "", headers: Sequence[str] = ()) -> bytes:
    """Return a request as it is sent."""
    lines = [
        f"POST /score{query and '?'}{query} HTTP/1.1",
        "Host: service",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _ByteByByte:
    """A connection of which no more is read than asked for: what follows is the next answer's."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, mode: str) -> Any:
        assert mode == "rb"
        return self._connection.makefile("rb", buffering=1)


def answer_from(connection: socket.socket) -> Answer:
    """Read the next answer; its date and its id, which no other answer has, are left out."""
    with HTTPResponse(_ByteByByte(connection)) as response:  # type: ignore[arg-type]
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders() if name.lower() not in _OWN}
        return response.status, headers, response.read()


@dataclass(frozen=True)
class Wire:
    """A service that listens.

    Args:
        server: What runs it.
        port: Where it listens.
    """

    server: uvicorn.Server
    port: int

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def together(self, requests: Sequence[bytes], *, late: float | None = None) -> list[Answer]:
        """Send requests that come at once, each on a connection of its own.

        Args:
            requests: Whole ones.
            late: How many seconds after the rest the last byte comes; None: with it.
        """
        with ExitStack() as opened:
            connections = [opened.enter_context(self.connect()) for _ in requests]
            self._accept(connections)
            with self.busy():
                for connection, one in zip(connections, requests, strict=True):
                    connection.sendall(one if late is None else one[:-1])
            if late is not None:
                time.sleep(late)
                for connection, one in zip(connections, requests, strict=True):
                    connection.sendall(one[-1:])
            return [answer_from(connection) for connection in connections]

    def _accept(self, connections: Sequence[socket.socket]) -> None:
        """Wait until the service knows all of them: what came before that would be looked at later than the others."""
        ours = {connection.getsockname() for connection in connections}
        while not ours <= {one.client for one in list(self.server.server_state.connections)}:
            time.sleep(0.0005)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Keep the service from looking at what comes meanwhile."""
        busy, done = threading.Event(), threading.Event()

        def work() -> None:
            busy.set()
            done.wait(20)

        loop = self.server.servers[0].get_loop()
        loop.call_soon_threadsafe(work)
        assert busy.wait(20)
        try:
            yield
        finally:
            done.set()


@contextmanager
def wired(detector: Detector, *, add: Callable[[FastAPI], None] = lambda app: None, **settings: Any) -> Iterator[Wire]:
    """Run a service.

    Args:
        detector: Scores.
        add: Adds something to the application.
        settings: As the service takes them; unless it is among them, a slow machine is no overload.
    """
    given = load_settings(**{"max_wait_seconds": 60, **settings})
    app = create_app(Registry(detector), given)
    add(app)
    served: Any
    protocol: Any
    served, protocol = carriers(app, given)
    config = uvicorn.Config(served, port=0, http=protocol, lifespan="off", log_config=None, server_header=False)
    server = FairServer(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.001)
    try:
        yield Wire(server, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()

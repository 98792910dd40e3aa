"""How long a client may take to read: as long as it likes, if it reads at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from samples import sample_detector
from uvicorn.server import ServerState

from service.app import load_settings
from service.fast_path.answering import SmallRequests
from service.fast_path.protocol import connections_of
from service.gate import Gate
from service.registry import Registry


class FakeTransport(asyncio.Transport):
    """A connection with so many bytes that nobody has read yet."""

    unread = 100_000
    aborted = False

    def get_write_buffer_size(self) -> int:
        return self.unread

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


class FakeLoop:
    """A loop whose clock stands still until it is told that time has passed."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, tuple[Any, ...]]] = []

    def call_later(self, delay: float, call: Any, *arguments: Any) -> FakeLoop:
        assert delay == 7.0
        self.waiting.append((call, arguments))
        return self

    def cancel(self) -> None:
        self.waiting.clear()

    def pass_time(self) -> None:
        [(call, arguments)] = self.waiting
        self.waiting.clear()
        call(*arguments)


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError


@pytest.fixture
def connection() -> tuple[Any, FakeTransport, FakeLoop]:
    loop, transport = FakeLoop(), FakeTransport()
    config = uvicorn.Config(nothing, lifespan="off")
    config.load()
    small_requests = SmallRequests(Registry(sample_detector()), load_settings(), nothing, Gate(load_settings()))
    kind: Any = connections_of(small_requests, patience=7.0)
    protocol = kind(config=config, server_state=ServerState(), app_state={}, _loop=loop)
    protocol.connection_made(transport)
    protocol.pause_writing()
    return protocol, transport, loop


def test_a_client_that_reads_slowly_is_waited_for(connection: tuple[Any, FakeTransport, FakeLoop]) -> None:
    protocol, transport, loop = connection
    for unread in (90_000, 80_000, 79_999):
        transport.unread = unread
        loop.pass_time()
    protocol.resume_writing()
    assert not loop.waiting
    assert not transport.aborted


def test_a_client_that_reads_nothing_is_not(connection: tuple[Any, FakeTransport, FakeLoop]) -> None:
    _, transport, loop = connection
    transport.unread = 99_000
    loop.pass_time()
    assert not transport.aborted
    loop.pass_time()
    assert transport.aborted
    assert not loop.waiting


def test_nobody_waits_for_a_client_that_has_gone(connection: tuple[Any, FakeTransport, FakeLoop]) -> None:
    protocol, transport, loop = connection
    protocol.connection_lost(None)
    assert not loop.waiting
    assert not transport.aborted

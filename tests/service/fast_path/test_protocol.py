"""The protocols of connections: which one serves, and how long a client may take to read."""

from __future__ import annotations

import asyncio
from importlib.metadata import requires
from typing import Any

import pytest
import uvicorn
from samples import sample_detector
from uvicorn.server import ServerState

from service.app import create_app, load_settings
from service.fast_path.protocol import TESTED_UVICORN, _protocol_off, carriers
from service.fast_path.sending import SlowReaderGuard
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


Guard = tuple[SlowReaderGuard, FakeTransport, FakeLoop]


@pytest.fixture
def watching() -> Guard:
    """A guard that watches a client with much to read."""
    loop: Any = FakeLoop()
    guard, transport = SlowReaderGuard(loop, 7.0), FakeTransport()
    guard.watch(transport)
    return guard, transport, loop


def test_a_client_that_reads_slowly_is_waited_for(watching: Guard) -> None:
    guard, transport, loop = watching
    for unread in (90_000, 80_000, 73_000):
        transport.unread = unread
        loop.pass_time()
    guard.stop()
    assert not loop.waiting
    assert not transport.aborted


@pytest.mark.parametrize("read", [0, 1, 6_999])
def test_a_client_that_reads_nothing_or_next_to_nothing_is_cut_off(watching: Guard, read: int) -> None:
    _, transport, loop = watching
    transport.unread = 93_000
    loop.pass_time()
    assert not transport.aborted
    transport.unread -= read
    loop.pass_time()
    assert transport.aborted
    assert not loop.waiting


@pytest.mark.parametrize("fast_path", [True, False])
def test_both_protocols_watch_a_client_as_long_as_it_has_much_to_read(fast_path: bool) -> None:
    settings = load_settings(body_seconds=7.0, fast_path=fast_path)
    app = create_app(Registry(sample_detector()), settings)
    config = uvicorn.Config(app, lifespan="off")
    config.load()
    loop: Any = FakeLoop()
    transport = FakeTransport()
    _, make = carriers(app, settings)
    protocol: Any = make(config=config, server_state=ServerState(), app_state={}, _loop=loop)
    protocol.connection_made(transport)
    for stop in (protocol.resume_writing, lambda: protocol.connection_lost(None)):
        protocol.pause_writing()
        assert loop.waiting
        stop()
        assert not loop.waiting


def test_the_range_of_uvicorn_is_that_of_the_packages_metadata() -> None:
    [wanted] = [line for line in requires("relu-anomaly-detector") or [] if line.startswith("uvicorn")]
    versions = [".".join(map(str, version)) for version in TESTED_UVICORN]
    assert set(wanted.removeprefix("uvicorn").partition(";")[0].strip().split(",")) == {
        f">={versions[0]}",
        f"<{versions[1].removesuffix('.0')}",
    }


@pytest.mark.parametrize(
    ("version", "is_on"), [("0.31.1", False), ("0.32.0", True), ("0.54.0rc1", True), ("1.0", False)]
)
def test_the_fast_path_is_off_outside_the_range_of_uvicorn(version: str, is_on: bool) -> None:
    reason = _protocol_off(load_settings(), version=version)
    assert (reason is None) == is_on
    assert is_on or version in str(reason)

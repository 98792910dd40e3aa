"""Worker processes that serve on one port: forked from one that has loaded everything, replaced when they die. Linux.

They share its memory; each follows the folder of detectors for itself. With Uvicorn's own workers, which
each load it, four take 245 MB instead of 97, and three times the CPU time to start. Forking is safe here: the first
process has no threads but those of OpenBLAS, which ends them before; ONNX Runtime runs in the thread that calls it.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.context import ForkProcess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import uvicorn

    from service.settings import Settings

_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP})
_ENDING: Final = frozenset({signal.SIGTERM, signal.SIGINT})
_RESTART_SECONDS: Final = 1.0  # at least between two starts of a worker, which may die at once each time
_HUNG_SECONDS: Final = 5.0  # beyond those for draining, after which a worker hangs

log = logging.getLogger(__name__)


def serve_by_workers(config: uvicorn.Config, settings: Settings, begin: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT, then let all workers finish the requests in flight; a second signal ends them.

    Args:
        config: Of each worker's server.
        settings: Settings of the service.
        begin: Called in each worker with its number.
    """
    sockets = _listen(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "http" if settings.tls_certificate is None else "https"
    port = sockets[0].getsockname()[1]
    log.info("running on %s://%s:%d with %d workers", scheme, host, port, settings.workers)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # `sigwait` takes them
    workers = [_Worker(config, sockets, index, begin) for index in range(settings.workers)]
    while (number := signal.sigwait(_SIGNALS)) not in _ENDING:
        if number == signal.SIGHUP:
            _hang_up()
            for worker in workers:
                worker.look_again()
        for index, worker in enumerate(workers):
            if not worker.is_alive():
                log.warning("worker %d has ended (exit code %s) and is replaced", worker.pid, worker.exitcode)
                time.sleep(max(0.0, worker.started + _RESTART_SECONDS - time.monotonic()))
                workers[index] = _Worker(config, sockets, index, begin)
    for listening in sockets:
        listening.close()  # else new connections would wait for nobody
    for worker in workers:
        worker.terminate()
    _wait_for(workers, seconds=settings.drain_seconds + _HUNG_SECONDS)
    for worker in workers:
        if worker.is_alive():
            log.warning("worker %d has not ended and is killed", worker.pid)
            worker.kill()
        worker.join()
    log.info("all workers have ended")


def _hang_up() -> None:
    """Do what `service.hangup` does at SIGHUP, which is blocked here."""
    handler = signal.getsignal(signal.SIGHUP)
    if callable(handler):
        handler(signal.SIGHUP, None)


def _wait_for(workers: Sequence[_Worker], *, seconds: float) -> None:
    """Wait until all workers have ended, the time is over, or a second signal says to wait no longer."""
    end = time.monotonic() + seconds
    while any(worker.is_alive() for worker in workers) and (left := end - time.monotonic()) > 0:
        taken = signal.sigtimedwait(_SIGNALS, left)
        if taken is not None and taken.si_signo in _ENDING:
            return


def _listen(settings: Settings) -> list[socket.socket]:
    """Return a socket for each worker, all on one port: the kernel spreads connections over them.

    A worker's socket stays open here, so that a connection made while it is replaced is answered by the next one.
    """
    family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    host, port, *_ = address
    sockets: list[socket.socket] = []
    for _ in range(settings.workers):
        sockets.append(socket.create_server((str(host), int(port)), family=family, backlog=2048, reuse_port=True))
        port = sockets[0].getsockname()[1]
    return sockets


class _Worker(ForkProcess):
    """A process that serves at one of the sockets of all workers, and is started at once."""

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], index: int, begin: Callable[[int], None]
    ) -> None:
        super().__init__(daemon=True)
        self._config = config
        self._sockets = sockets
        self._index = index
        self._begin = begin
        self.started = time.monotonic()
        self.start()

    def look_again(self) -> None:
        """Have the worker look at the folder of detectors again."""
        if self.pid is not None and self.is_alive():
            os.kill(self.pid, signal.SIGHUP)

    def run(self) -> None:
        from service.fast_path.accepting import FairServer

        for index, other in enumerate(self._sockets):
            if index != self._index:
                other.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self._begin(self._index)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        with suppress(KeyboardInterrupt):  # Ctrl-C has ended it in order
            FairServer(self._config).run([self._sockets[self._index]])


def _end_with_parent() -> None:
    """End this process when the first one has ended, even by SIGKILL: nobody would replace or end it afterwards."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

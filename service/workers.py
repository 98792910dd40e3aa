"""Several processes that serve on one port: forked off one that has loaded everything, replaced when they die. Linux.

They share its memory until they change it, and score with the same detector whatever becomes of its folder. Forking is
safe here: the first process has no threads but those of OpenBLAS, which ends them before; ONNX Runtime has none, as an
engine runs in the thread that calls it.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.context import ForkProcess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import uvicorn

    from service.settings import Settings

_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
_LEAST_SECONDS: Final = 1.0  # between two starts of a worker: what kills it at once must not keep the CPUs busy

log = logging.getLogger(__name__)


def serve_by_workers(config: uvicorn.Config, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then let all workers finish what is in flight."""
    listening = _listen(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    log.info("running on http://%s:%d with %d workers", host, listening[0].getsockname()[1], settings.workers)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # they are waited for
    workers = [_Worker(config, own, listening) for own in listening]
    while signal.sigwait(_SIGNALS) == signal.SIGCHLD:
        for worker in workers:
            worker.replace_if_dead()
    for one in listening:
        one.close()  # else callers would wait for an answer of nobody
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join()
    log.info("all workers have ended")


def _listen(settings: Settings) -> list[socket.socket]:
    """Return a socket for each worker, all on one port: the kernel spreads connections over them.

    A worker's socket stays open here. Who connects while it is replaced is answered by the next one.
    """
    family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    host, port, *_ = address
    listening: list[socket.socket] = []
    for _ in range(settings.workers):
        listening.append(socket.create_server((str(host), int(port)), family=family, backlog=2048, reuse_port=True))
        port = listening[0].getsockname()[1]
    return listening


class _Worker:
    """A process that serves, and the one that comes after it.

    Args:
        config: What it serves, and how.
        own: Where it listens.
        listening: Where all of them listen.
    """

    def __init__(self, config: uvicorn.Config, own: socket.socket, listening: list[socket.socket]) -> None:
        self._config = config
        self._own = own
        self._others = [one for one in listening if one is not own]
        self.process = self._start()

    def replace_if_dead(self) -> None:
        """Start another process where this one has ended."""
        if self.process.is_alive():
            return
        log.warning("worker %d has ended (exit code %s) and is replaced", self.process.pid, self.process.exitcode)
        time.sleep(max(0.0, self._started + _LEAST_SECONDS - time.monotonic()))
        self.process = self._start()

    def _start(self) -> ForkProcess:
        self._started = time.monotonic()
        process = get_context("fork").Process(target=self._serve, daemon=True)
        process.start()
        return process

    def _serve(self) -> None:
        import uvicorn

        for one in self._others:
            one.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        with suppress(KeyboardInterrupt):  # Ctrl-C has ended it in order
            uvicorn.Server(self._config).run([self._own])


def _end_with_parent() -> None:
    """Wait for the end of the first process, even a violent one; nobody would replace or end this one afterwards."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

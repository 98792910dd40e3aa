"""Works on several chunks at once, in bounded memory; the results keep the order of the chunks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event, Semaphore
from typing import Final, TypeVar

_AHEAD: Final = 2  # chunks beside those that are worked on: one is read, one is used

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def in_order(
    chunks: Iterable[Chunk], work: Callable[[Chunk, Event], Result], *, threads: int
) -> Generator[Result, None, None]:
    """Read chunks on one thread, work on several of them at once, and yield the results in order.

    An error is raised where it would be raised if the chunks were worked on one after the other. Close the iterator to
    stop early: it waits until all threads have ended.

    Args:
        chunks: The work; at most `threads` + 3 chunks or results exist at a time.
        work: Called with each chunk, on several threads at once, and with an event: when that is set, the result is no
            longer needed, so that long work checks it now and then.
        threads: Number of threads that work.

    Example:
        >>> list(in_order(range(4), lambda number, stopped: number**2, threads=2))
        [0, 1, 4, 9]
    """
    slots, stopped = Semaphore(threads + _AHEAD), Event()
    results: SimpleQueue[Future[Result] | None] = SimpleQueue()

    def read() -> None:
        try:
            for chunk in chunks:
                slots.acquire()
                if stopped.is_set():
                    break
                results.put(pool.submit(work, chunk, stopped))
        finally:
            results.put(None)

    with ThreadPoolExecutor(threads + 1) as pool:
        reading = pool.submit(read)
        try:
            while (result := results.get()) is not None:
                yield result.result()
                slots.release()
            reading.result()  # raises the error of the chunks
        finally:
            stopped.set()
            slots.release()
            pool.shutdown(wait=False, cancel_futures=True)

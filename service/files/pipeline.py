"""Does work on pieces beside one another; what comes out keeps their order, and few of them exist at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event, Semaphore
from typing import Final, TypeVar

_AHEAD: Final = 2  # pieces beside those that are worked on: one is taken in, one is used

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def in_order(
    pieces: Iterable[Piece], work: Callable[[Piece, Event], Result], *, threads: int
) -> Generator[Result, None, None]:
    """Take pieces on a thread of their own, work on several at once, and yield the results in the pieces' order.

    An error comes where it would come if one piece were done after the other. Close the iterator to stop early: it
    waits until no thread is at work any more.

    Args:
        pieces: What is worked on; at most `threads` + 3 of them, or of their results, exist at a time.
        work: What is done to each, on several threads at once. When the event that it is given is set, nobody waits for
            its result any more: work that takes long looks at it now and then.
        threads: How many work.

    Example:
        >>> list(in_order(range(4), lambda number, stopped: number**2, threads=2))
        [0, 1, 4, 9]
    """
    slots, stopped = Semaphore(threads + _AHEAD), Event()
    worked_on: SimpleQueue[Future[Result] | None] = SimpleQueue()

    def feed() -> None:
        try:
            for piece in pieces:
                slots.acquire()
                if stopped.is_set():
                    break
                worked_on.put(pool.submit(work, piece, stopped))
        finally:
            worked_on.put(None)

    with ThreadPoolExecutor(threads + 1) as pool:
        feeding = pool.submit(feed)
        try:
            while (piece := worked_on.get()) is not None:
                yield piece.result()
                slots.release()
            feeding.result()  # raises what the pieces raised
        finally:
            stopped.set()
            slots.release()
            pool.shutdown(wait=False, cancel_futures=True)

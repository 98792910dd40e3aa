"""Numbers that all workers of a service can read: each worker adds to its own, in memory that they share.

Adding is an addition in memory, whatever the number of workers. A worker that is replaced goes on with the numbers of
the one before it, so nothing is lost and nothing piles up.
"""

from __future__ import annotations

import json
import logging
import mmap
import os
from collections.abc import Sequence
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from service.observing.families import FAMILIES

Key = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Family, values of its labels, values of the last label of a family with items."""

Block = NDArray[np.float64]

_DIRECTORY: Final = 1 << 21  # bytes of the keys of a worker
_NUMBERS: Final = 1 << 19  # of a worker; memory is taken when it is written
_HEAD: Final = 2  # numbers before the directory: its bytes, and the process

log = logging.getLogger(__name__)


@final
class SharedValues:
    """Blocks of numbers by key, in a part of shared memory for each worker; forked processes share it.

    Args:
        workers: Number of the workers.
    """

    def __init__(self, workers: int) -> None:
        self._parts = [_Part() for _ in range(workers)]
        self.begin(0)

    def begin(self, worker: int) -> None:
        """Begin to add as one of the workers; blocks that were returned before are of another."""
        self._own = self._parts[worker]
        self._own.pid = os.getpid()
        for (family, *_), block in self._own.blocks().items():
            if FAMILIES[family].kind == "gauge":
                block[:] = 0.0

    def block(self, key: Key) -> Block:
        """Return this worker's block for a key; the caller adds to it, one thread at a time."""
        return self._own.block(key)

    def pids(self) -> dict[int, int]:
        """Return the process of each worker that has begun."""
        return {worker: part.pid for worker, part in enumerate(self._parts) if part.pid}

    def sums(self) -> dict[Key, Block]:
        """Return the sum of the blocks of all workers for each key."""
        found: dict[Key, Block] = {}
        for part in self._parts:
            for key, block in part.blocks().items():
                found[key] = found[key] + block if key in found else block.copy()
        return found


@final
class _Part:
    """The memory of one worker."""

    def __init__(self) -> None:
        memory = mmap.mmap(-1, 8 * (_HEAD + _NUMBERS) + _DIRECTORY)
        self._head = np.frombuffer(memory, np.int64, _HEAD)
        self._directory = memoryview(memory)[8 * _HEAD : 8 * _HEAD + _DIRECTORY]
        self._numbers = np.frombuffer(memory, np.float64, _NUMBERS, 8 * _HEAD + _DIRECTORY)
        self._blocks: dict[Key, Block] = {}
        self._read = self._used = 0  # bytes of the directory, and numbers
        self._is_full = False

    @property
    def pid(self) -> int:
        """The process of the worker, 0 before it has begun."""
        return int(self._head[1])

    @pid.setter
    def pid(self, pid: int) -> None:
        self._head[1] = pid

    def blocks(self) -> dict[Key, Block]:
        """Return all blocks, also those that another process has added."""
        written = int(self._head[0])
        for line in bytes(self._directory[self._read : written]).splitlines():
            family, labels, items = json.loads(line)
            key: Key = (family, tuple(labels), tuple(items))
            size = FAMILIES[family].size(len(items))
            self._blocks[key] = self._numbers[self._used : self._used + size]
            self._used += size
        self._read = written
        return self._blocks

    def block(self, key: Key) -> Block:
        """Return a block, which is new for a new key."""
        known = self.blocks().get(key)
        if known is not None:
            return known
        family, _, items = key
        line, size = _line_of(key), FAMILIES[family].size(len(items))
        if self._read + len(line) > _DIRECTORY or self._used + size > _NUMBERS:
            if not self._is_full:
                log.warning("metrics are full: no further detectors, versions or endpoints are counted")
            self._is_full = True
            return np.zeros(size)
        self._directory[self._read : self._read + len(line)] = line
        self._head[0] = self._read + len(line)  # now others see it
        return self.blocks()[key]


def _line_of(key: Sequence[object]) -> bytes:
    return json.dumps(key, separators=(",", ":")).encode() + b"\n"

"""Default widths, batch sizes and epochs, by the numbers of rows and features."""

from __future__ import annotations

import math
from typing import Final

_FULL_STEPS_UP_TO: Final = 512  # features
_FEWEST_STEPS: Final = 0.3  # of the preset's


def default_hidden_units(width: int, *, depth: int) -> tuple[int, ...]:
    """Return the widths of `depth` layers, the outermost first, each half as wide as the one before."""
    return tuple(max(16, width >> level) for level in range(depth))


def default_batch_size(rows: int, *, features: int, ensemble: bool) -> int:
    """Return the rows of one step: for about thirty steps an epoch, from 32 to 256.

    For an ensemble it is 64, and less with many features, where steps take long and learn much from each row.
    """
    if ensemble:
        return max(32, min(64, 1 << (16_384 // features).bit_length() - 1))
    return min(256, max(32, 1 << max(0, (rows // 30).bit_length() - 1)))


def default_epochs(rows: int, *, features: int, batch_size: int, steps: int) -> int:
    """Return the epochs that make the preset's steps, or down to a third of them.

    With few rows, many epochs would fit the anomalies among them, too; with many features, a step takes long.
    """
    wanted = min(steps, 15 * math.sqrt(rows), _FULL_STEPS_UP_TO * steps / features)
    return max(1, round(max(wanted, _FEWEST_STEPS * steps) / -(-rows // min(batch_size, max(rows, 1)))))

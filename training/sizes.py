"""How wide and how long, where it is not said: by the numbers of rows and features."""

from __future__ import annotations

import math
from typing import Final

_FULL_STEPS_UP_TO: Final = 512  # features
_FEWEST_STEPS: Final = 0.3  # of the preset's


def default_hidden_units(features: int, *, width: int | None, depth: int) -> tuple[int, ...]:
    """Return widths, each half of the one before; the outermost follows the number of features, if not given.

    Wide layers with input noise find more than narrow ones, and train in fewer epochs.
    """
    outer = width or min(512, max(256, 1 << (2 * features - 1).bit_length()))
    return tuple(max(16, outer >> level) for level in range(depth))


def default_latent_units(features: int) -> int:
    """Return the width of the bottleneck for a number of features."""
    return min(64, max(4, features))


def default_batch_size(rows: int, *, features: int, ensemble: bool) -> int:
    """Return the rows of one step: about thirty steps an epoch, within 32 and 256.

    For an ensemble 64; fewer where features are many, whose steps take long and learn much from each row.
    """
    if ensemble:
        return max(32, min(64, 1 << (16_384 // features).bit_length() - 1))
    return min(256, max(32, 1 << max(0, (rows // 30).bit_length() - 1)))


def default_epochs(rows: int, *, features: int, batch_size: int, steps: int) -> int:
    """Return the passes over so many rows that make the preset's steps, or fewer, down to a third of them.

    Where rows are few, many passes learn them by heart, with the anomalies among them; where features are many, a step
    takes long.
    """
    wanted = min(steps, 15 * math.sqrt(rows), _FULL_STEPS_UP_TO * steps / features)
    return max(1, round(max(wanted, _FEWEST_STEPS * steps) / -(-rows // min(batch_size, max(rows, 1)))))

"""Tables of Markdown, and how a number with its spread is written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def table_head(*names: str) -> str:
    """Return the two first lines of a table."""
    return f"{row_of(*names)}\n{row_of(*['---'] * len(names))}"


def row_of(*cells: str) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |"


def spread(values: Sequence[float]) -> str:
    """Return the median of some values, and in brackets the lowest and the highest.

    Example:
        >>> spread([3.0, 1.0, 2.5])
        '2.50 (1.00–3.00)'
    """
    middle = f"{np.median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.2f}–{max(values):.2f})"


def seconds_text(seconds: float) -> str:
    """Return seconds with two digits or three.

    Example:
        >>> seconds_text(0.123), seconds_text(12.34)
        ('0.12', '12.3')
    """
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.1f}"

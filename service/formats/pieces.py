"""How many rows are worked on at once."""

from __future__ import annotations

from typing import Final

PIECE_ROWS: Final = 16_384
"""Rows that are turned into columns at once; whole chunks of the scorer, so that every form scores the same."""

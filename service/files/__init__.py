"""Files of any size, scored in order and in bounded memory."""

from __future__ import annotations

from typing import Final

WRITTEN: Final = ("scores", "embedding", "expected")
"""What can be written of each row, beside its ids."""

"""KINDS: the kinds of errors that a person would call odd, of all that are planted."""

from __future__ import annotations

from typing import Final

from training.planting import kinds

KINDS: Final = {name: kind for name, kind in kinds.KINDS.items() if kind.at_sight}
"""Kinds of errors by name."""

"""Keeps Keras from importing optional packages, which would take seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

UNUSED: Final = ("matplotlib", "pandas", "sklearn")
"""Packages that Keras imports where they are installed, for wrappers, frames and pictures."""


@contextmanager
def without_unused() -> Iterator[None]:
    """Let these packages look as if they were not installed while Keras is imported; afterwards they are there.

    For command lines alone: Keras's wrappers for these packages do not work in the process afterwards.
    """
    modules = cast("dict[str, Any]", sys.modules)
    hidden = [name for name in UNUSED if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]

"""A command of `python -m service.admin`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command: a verb of the program.

    Args:
        summary: What it does, in some words.
        description: The same, in a sentence or two.
        add_flags: Adds its flags to a parser.
        run: Does it; raises a `DetectorError` where it cannot.
    """

    summary: str
    description: str
    add_flags: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]

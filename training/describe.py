"""`python -m training.describe` is `python -m models.bundle describe` now."""

from __future__ import annotations

import sys

from models.programs.cli import moved


def main() -> int:
    """Say where the command went; return the exit code."""
    return moved("training.describe", "models.bundle describe BUNDLE")


if __name__ == "__main__":
    sys.exit(main())

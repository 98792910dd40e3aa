"""`python -m training.embed` is `python -m service.batch --write embedding` now."""

from __future__ import annotations

import sys

from models.programs.cli import moved


def main() -> int:
    """Say where the command went; return the exit code."""
    return moved("training.embed", "service.batch DETECTOR DATA --output FILE --write embedding")


if __name__ == "__main__":
    sys.exit(main())

"""Values of flags that the benchmarks of quality share."""

from __future__ import annotations

import argparse

from models.errors import ConfigError


def at_least_one(text: str) -> int:
    """Return a whole number of at least 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number


def listed(flag: str, text: str, known: tuple[str, ...]) -> list[str]:
    """Return the names in a text, separated by commas.

    Raises:
        ConfigError: There is none, or one is not known.
    """
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ConfigError(f"{flag} must be some of {', '.join(known)}, got {text!r}.")
    return names


def seeds(text: str) -> list[int]:
    """Return the seeds in a text, separated by commas.

    Raises:
        ConfigError: One is no whole number.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"--seeds must be whole numbers with commas, such as 0,1,2, got {text!r}.") from error

"""The formats that rows are written in, and the file names that mean them; apart from what writes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.errors import ConfigError, Set

_GZIP: Final = ".gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFormat:
    """How a format is known.

    Args:
        suffixes: Ends of file names that mean it.
        gzip: The file can be compressed as a whole: ``.gz`` behind the suffix.
    """

    suffixes: tuple[str, ...]
    gzip: bool

    def is_packed(self, path: Path) -> bool:
        """Return whether a file of that name is compressed as a whole."""
        return self.gzip and path.name.lower().endswith(_GZIP)

    def is_meant_by(self, path: Path) -> bool:
        """Return whether a file of that name is of this format."""
        return path.name.lower().removesuffix(_GZIP if self.gzip else "").endswith(self.suffixes)


OUTPUT_FORMATS: Final[dict[str, OutputFormat]] = {
    "csv": OutputFormat(suffixes=(".csv",), gzip=True),
    "parquet": OutputFormat(suffixes=(".parquet",), gzip=False),
    "arrow": OutputFormat(suffixes=(".arrow", ".feather"), gzip=False),
    "jsonl": OutputFormat(suffixes=(".jsonl", ".ndjson"), gzip=True),
}
"""The output formats by the name that ``--format`` takes."""

SUFFIXES: Final = tuple(suffix for form in OUTPUT_FORMATS.values() for suffix in form.suffixes)
"""Ends of file names that mean a format."""


def format_of(path: Path) -> str:
    """Return the format that a file's name means.

    Raises:
        ConfigError: It means none.

    Example:
        >>> format_of(Path("scores.csv.gz"))
        'csv'
    """
    for name, form in OUTPUT_FORMATS.items():
        if form.is_meant_by(path):
            return name
    raise ConfigError(
        f"{path}: its name does not say which format is wanted. End it in {', '.join(SUFFIXES)}, or say ",
        Set("format", like="|".join(OUTPUT_FORMATS)),
        ".",
    )

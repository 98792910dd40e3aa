"""Where a report is written: tried before the work, there as a whole or not at all, and never over something else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.errors import ConfigError
from training.report.kit.page import GENERATOR

_HEAD: Final = 1000  # bytes within which a page says what made it


def check_report(path: Path) -> None:
    """Prove that a report can be written.

    Raises:
        ConfigError: It cannot, or something else would be lost.
    """
    if path.exists() and not _is_report(path):
        raise ConfigError(f"{path}: is there already and is no report. Name another file.")
    made = [folder for folder in path.parents if not folder.exists()]
    unfinished = _unfinished(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
        unfinished.unlink()
        for folder in made:  # from the innermost one on; whether there will be a report is not known yet
            folder.rmdir()
    except OSError as error:
        raise ConfigError(f"{path}: a report cannot be written there ({error.strerror}).") from error


def write_report(path: Path, page: str) -> None:
    """Write a page, in the place of an earlier report.

    Raises:
        ConfigError: It cannot be written, or something else would be lost.
    """
    check_report(path)
    unfinished = _unfinished(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(page, encoding="utf-8", errors="replace")  # a name from a table may hold half a letter
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: the report cannot be written ({error.strerror}).") from error


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return GENERATOR.encode() in file.read(_HEAD)

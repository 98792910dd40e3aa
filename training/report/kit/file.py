"""Writes a report: checked before the work, atomic, and never over a file that is no report."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.errors import ConfigError
from models.unfinished import keep_mode, real_path

GENERATOR: Final = '<meta name="generator" content="relu-anomaly-detector">'
"""The tag by which a report is known."""

_HEAD: Final = 1000  # bytes of a page that hold the tag


def check_report(path: Path) -> None:
    """Check that a report can be written.

    Raises:
        ConfigError: It cannot, or another file would be lost.
    """
    real_path(path)
    if path.exists() and not _is_report(path):
        raise ConfigError(f"{path}: is there already and is no report. Name another file.")
    created = [folder for folder in path.parents if not folder.exists()]
    unfinished = _unfinished(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
        unfinished.unlink()
        for folder in created:  # innermost first: there may be no report in the end
            folder.rmdir()
    except OSError as error:
        raise ConfigError(f"{path}: a report cannot be written there ({error.strerror}).") from error


def write_report(path: Path, page: str) -> None:
    """Write a page; replace an earlier report.

    Raises:
        ConfigError: It cannot be written, or another file would be lost.
    """
    check_report(path)
    unfinished = _unfinished(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
        keep_mode(unfinished, path)
        unfinished.write_text(page, encoding="utf-8", errors="replace")  # a column's name may hold a lone surrogate
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

"""Reads the bytes of a bundle's files: plain files of the folder, of a bounded size, each read once."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from models.bundle.layout import FILES, LIMITS
from models.errors import BundleError
from models.repository import MANIFEST

_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)  # the path is resolved: a link here was put there since
    | getattr(os, "O_NONBLOCK", 0)  # a pipe is refused, not waited for
)


def require_closed(folder: Path) -> None:
    """Refuse a folder that holds more than a bundle does.

    Names that begin with two dots are left alone: a volume of Kubernetes keeps its files behind ``..data``.

    Raises:
        BundleError: There is another file, or the folder cannot be listed.
    """
    try:
        names = {entry.name for entry in os.scandir(folder) if not entry.name.startswith("..")}
    except OSError as error:
        raise BundleError(f"{folder}: cannot be listed ({error.strerror}).") from error
    if extra := sorted(names - {MANIFEST, *FILES}):
        more = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
        raise BundleError(f"{folder}: holds {extra[0]!r}{more}, which is no part of a bundle. Move it elsewhere.")


def read_file(folder: Path, name: str) -> bytes:
    """Return the bytes of one file of a bundle; it is read only once.

    Raises:
        BundleError: It is missing, lies outside the folder, is no plain file, or is larger than any that we write.
    """
    try:
        real = (folder / name).resolve(strict=True)
        if not real.is_relative_to(folder.resolve()):
            raise BundleError(f"{folder}: {name} is a link that leaves the folder. Copy the file itself there.")
        with open(os.open(real, _FLAGS), "rb") as file:  # noqa: PTH123  # Path.open takes no flags
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BundleError(f"{folder}: {name} is no plain file. Copy the bundle again.")
            if status.st_size > LIMITS[name]:
                raise BundleError(
                    f"{folder}: {name} is larger than {LIMITS[name] // 1024**2:,} MB, which none that training writes "
                    "is. Copy the bundle again."
                )
            content = file.read(status.st_size + 1)  # not to the limit: as much memory would be taken at once
    except FileNotFoundError as error:
        raise BundleError(f"{folder}: {name} is missing. Copy the bundle again.") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, up to Python 3.12
        reason = getattr(error, "strerror", None) or error
        raise BundleError(f"{folder}: {name} is not readable ({reason}). Copy the bundle again.") from error
    if len(content) != status.st_size:
        raise BundleError(f"{folder}: {name} changed while it was read. Load the bundle again when it is complete.")
    return content

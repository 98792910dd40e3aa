"""Unfinished files and folders: they stand beside what they will replace, and none outlives the next program there."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from models.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows removes no file that is open, so that no lock is needed there
    fcntl = None  # type: ignore[assignment]


def real_path(path: Path) -> Path:
    """Return the path behind links, whose end need not exist.

    Raises:
        ConfigError: A link leads to itself.
    """
    try:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            path.stat()
        return path.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: up to Python 3.12
        if isinstance(error, OSError) and error.errno != errno.ELOOP:
            raise
        raise ConfigError(f"{path}: is a link to itself. Remove it, or choose another path.") from error


@contextmanager
def unfinished(target: Path, make: Callable[[Path], object]) -> Iterator[Path]:
    """Make a file or folder beside a target, for what will replace that one; what killed programs left is removed.

    The caller renames it; what is still there when the block ends is removed. Until then it is locked, so that no other
    program takes it for left.

    Args:
        target: The path of what will be replaced, behind links.
        make: Creates the file or folder at a path.

    Raises:
        OSError: It cannot be made.
    """
    _remove_left(target)
    path = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        make(path)
        with locked(path):
            yield path
    finally:
        _remove(path)


def keep_mode(path: Path, target: Path) -> None:
    """Give a new file the permissions and, where that is allowed, the owner of the one that it will replace."""
    with suppress(FileNotFoundError):
        old = target.stat()
        with suppress(OSError, AttributeError):  # to another owner: only the superuser may; Windows has none
            os.chown(path, old.st_uid, old.st_gid)
        path.chmod(stat.S_IMODE(old.st_mode))


def _remove_left(target: Path) -> None:
    """Remove what programs that were killed left beside a target."""
    old = r"(\.old)?" if target.exists() else ""  # else it may be all that is left of the target
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}{old}")
    with suppress(OSError):
        for path in [path for path in target.parent.iterdir() if pattern.fullmatch(path.name)]:
            with locked(path) as ours:
                if ours:
                    _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Lock a file or folder, and say whether no other program has."""
    if fcntl is None:
        yield True
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = True
    except OSError:  # another program has, or the file system has no locks
        ours = False
    try:
        yield ours
    finally:
        os.close(descriptor)

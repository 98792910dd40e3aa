"""Standard input and output, which `-` names wherever a file is named."""

from __future__ import annotations

import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

from models.errors import TableError

STANDARD: Final = Path("-")
"""The name of standard input and of standard output; a file of that name is `./-`."""


STANDARD_INPUT: Final = "standard input"
"""What errors call it."""


def is_standard(path: str | Path) -> bool:
    """Return whether a name stands for standard input or output.

    Example:
        >>> is_standard("-"), is_standard(Path("a/-")), is_standard("./-")
        (True, False, False)
    """
    return str(path) == "-" if isinstance(path, str) else path == STANDARD


def spooled_input() -> Path:
    """Return a file with what stands on standard input: readers look at the same bytes more than once.

    Raises:
        TableError: Standard input is a terminal or closed.
    """
    return Path(_spooled().name)


@cache  # standard input can be read once
def _spooled() -> IO[bytes]:
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise TableError(f"{STANDARD_INPUT}: is no table but a terminal. Send one (cat FILE | …), or name a file.")
    file = tempfile.NamedTemporaryFile(prefix="relu-anomaly-")  # noqa: SIM115 (it is deleted when the program ends)
    shutil.copyfileobj(sys.stdin.buffer, file)
    file.flush()
    return file


def standard_output() -> Any:
    """Return standard output as a binary stream."""
    return sys.stdout.buffer

"""The frame of every command-line program: parser, errors in one line, exit codes, signals."""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final, NoReturn

from models.errors import DetectorError

CONSOLE: Final = "relu-anomaly"
MODULES: Final = {
    "train": ("training.train", "learn a detector from records and save it as a bundle"),
    "compare": ("training.compare", "say which activation suits records, measured over seeds"),
    "calibrate": ("training.calibrate", "change the threshold of a bundle"),
    "serve": ("service", "serve a detector over HTTP"),
    "score": ("service.batch", "score files"),
    "bundle": ("models.bundle", "verify, show and compare bundles"),
}
"""The module of each command of the console script, and what it does."""


def as_called(text: str) -> str:
    """Return a text with `python -m MODULE` replaced by the console script, if that was called."""
    if Path(sys.argv[0]).stem != CONSOLE:
        return text
    for name, (module, _) in MODULES.items():
        text = re.sub(rf"python -m {re.escape(module)}(?![\w.])", f"{CONSOLE} {name}", text)
    return text


class OneLineParser(argparse.ArgumentParser):
    """A parser that prints an error in one line and exits with 2."""

    _source = ""

    def format_help(self) -> str:
        """Return the page of help."""
        return as_called(super().format_help())

    def error(self, message: str) -> NoReturn:
        """Print one line and exit."""
        self.exit(2, as_called(f"error: {self._source}{message} (see {self.prog} --help)\n"))

    @contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Put the name of a file before errors while words from it are parsed."""
        self._source = f"{path}: "
        try:
            yield
        finally:
            self._source = ""


def add_output_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags for the output of a program: --json, --quiet, --debug."""
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print one JSON object; everything else goes to stderr")
    output.add_argument("--quiet", action="store_true", help="print nothing but errors, and the JSON object")
    output.add_argument("--debug", action="store_true", help="show the traceback of an error")


def print_report(work: Callable[[], dict[str, Any]], *, as_json: bool) -> None:
    """Do work and print its report, as JSON if that is wanted; everything else goes to stderr then."""
    with redirect_stdout(sys.stderr if as_json else sys.stdout):
        report = work()
    if as_json:
        print(json.dumps(report, allow_nan=False))


def run_command(work: Callable[[], None], *, debug: bool) -> int:
    """Run a command, print an error in one line (with `debug`, raise it instead), and return the exit code.

    Returns:
        0; 2 for an error; 130 for Ctrl-C.
    """
    try:
        work()
        return 0
    except KeyboardInterrupt:
        complaint, code = "interrupted, nothing was written", 130
    except Exception as error:
        if debug:
            raise
        complaint, code = _complaint(error), 2
    print(f"error: {complaint}", file=sys.stderr)
    return code


def _complaint(error: Exception) -> str:
    words = " ".join(str(error).split())
    if isinstance(error, DetectorError):
        return words
    if isinstance(error, ModuleNotFoundError):
        return f"the package {error.name!r} is missing: pip install '.[train,serve]', or one of the two"
    return f"unexpected {type(error).__name__}: {words} (--debug says where)"  # a bug of ours is one line, too


def moved(old: str, new: str) -> int:
    """Print in one line that a command has another name now; return the exit code."""
    print(f"error: python -m {old} is gone; say: python -m {new}", file=sys.stderr)
    return 2


def clean_up_at_sigterm() -> None:
    """Turn SIGTERM into an exception, so that unfinished files are removed; the program exits with 143.

    For programs that write files. The server handles the signal itself.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))

"""The frame of every command-line program: parser, errors in one line, exit codes, signals."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from contextvars import copy_context
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NoReturn

from models.errors import DetectorError, did_you_mean
from models.languages import LANGUAGES, VARIABLE, language_named, shown, speak
from models.printable import one_line

CONSOLE: Final = "relu-anomaly"
MODULES: Final = {
    "train": ("training.train", "learn a detector from records and save it as a bundle"),
    "compare": ("training.compare", "say which activation suits records, measured over seeds"),
    "calibrate": ("training.calibrate", "change the threshold of a bundle"),
    "serve": ("service", "serve a detector over HTTP"),
    "score": ("service.batch", "score files"),
    "admin": ("service.admin", "make keys for callers of the service"),
    "bundle": ("models.bundle", "verify, show and compare bundles"),
}
"""The module of each command of the console script, and what it does."""

_SIGPIPE: Final = 13  # which Windows does not have


def as_called(text: str) -> str:
    """Return a text with `python -m MODULE` replaced by the console script, if that was called."""
    if Path(sys.argv[0]).stem != CONSOLE:
        return text
    for name, (module, _) in MODULES.items():
        text = re.sub(rf"python -m {re.escape(module)}(?![\w.])", f"{CONSOLE} {name}", text)
    return text


def commands_page() -> str:
    """Return the list of all commands, with the words that call them."""
    calls = {as_called(f"python -m {module}"): summary for module, summary in MODULES.values()}
    width = max(map(len, calls))
    lines = [f"  {call:<{width}}  {summary}" for call, summary in calls.items()]
    return "\n".join(["commands (each explains itself with --help, and knows --version):", *lines])


def program_version() -> str:
    """Return the version of this program."""
    try:
        return version("relu-anomaly-detector")
    except PackageNotFoundError:  # run from a clone that is not installed
        return "0+unknown"


class VersionAction(argparse.Action):
    """The flag --version: prints the version and ends the program."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: object) -> None:
        """Print one line and exit with 0."""
        print(f"{CONSOLE} {program_version()}")
        parser.exit()


class OneLineParser(argparse.ArgumentParser):
    """A parser that prints an error in one line and exits with 2; for a mistyped flag or choice it says what is near.

    Its flags have --version among them.
    """

    _source = ""
    _words: Sequence[str] = ()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        text = "print the version and exit"
        self.add_argument("--version", action=VersionAction, nargs=0, dest=argparse.SUPPRESS, help=text)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse the words of a command line, which the complaint about one of them looks at again."""
        self._words = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args(self._words, namespace)

    def format_help(self) -> str:
        """Return the page of help."""
        return as_called(super().format_help())

    def error(self, message: str) -> NoReturn:
        """Print one line and exit."""
        hint = self._meant()
        stop = "." if hint and not message.endswith("?") else ""
        self.exit(2, as_called(f"error: {self._source}{message}{stop}{hint} (see {self.prog} --help)\n"))

    def _meant(self) -> str:
        """Return a question for each word that looks like a flag, is none, and is near one."""
        flags = [*self._option_string_actions]
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                flags += [flag for command in action.choices.values() for flag in command._option_string_actions]
        given = [word.partition("=")[0] for word in self._words if word.startswith("--")]
        return "".join(
            did_you_mean(word, [flag for flag in flags if flag.startswith("--")])
            for word in dict.fromkeys(given)
            if not any(flag.startswith(word) for flag in flags)
        )

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            hint = did_you_mean(str(value), map(str, action.choices or ()), spell=repr)
            raise argparse.ArgumentError(action, f"{error.message}.{hint}" if hint else error.message) from error

    @contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Put the name of a file before errors while words from it are parsed."""
        self._source = f"{path}: "
        try:
            yield
        finally:
            self._source = ""


def add_output_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags for the output of a program: --lang, --json, --quiet, --debug."""
    output = parser.add_argument_group("output")
    output.add_argument(
        "--lang",
        choices=list(LANGUAGES),
        help=f"language of what is printed and of the report (default: {VARIABLE}, else {next(iter(LANGUAGES))})",
    )
    output.add_argument("--json", action="store_true", help="print one JSON object; everything else goes to stderr")
    output.add_argument("--quiet", action="store_true", help="print nothing but errors, and the JSON object")
    output.add_argument("--debug", action="store_true", help="show the traceback of an error")


def speak_as_asked(lang: str | None) -> None:
    """Have `shown` use the language of the flag, else of the variable, else English, until the command ends.

    Raises:
        ConfigError: The variable names a language that there is not.
    """
    named = lang or os.environ.get(VARIABLE)
    if named:
        speak(language_named(named))


def print_report(work: Callable[[], dict[str, Any]], *, as_json: bool) -> None:
    """Do work and print its report, as JSON if that is wanted; everything else goes to stderr then."""
    with redirect_stdout(sys.stderr if as_json else sys.stdout):
        report = work()
    if as_json:
        print(json.dumps(report, allow_nan=False))


def run_command(work: Callable[[], None], *, debug: bool) -> int:
    """Run a command, print an error in one line (with `debug`, raise it instead), and return the exit code.

    Returns:
        0; 2 for an error; 130 for Ctrl-C; 141 where nobody reads the output any more.
    """
    return copy_context().run(_run_command, work, debug=debug)  # the language that it speaks is its own


def _run_command(work: Callable[[], None], *, debug: bool) -> int:
    try:
        work()
        return 0
    except KeyboardInterrupt:
        complaint, code = "interrupted, nothing was written", 130
    except BrokenPipeError:  # who read the output, such as head, wants no more of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return 128 + _SIGPIPE
    except Exception as error:
        if debug:
            raise
        complaint, code = _complaint(error), 2
    print(f"error: {complaint}", file=sys.stderr)
    return code


def _complaint(error: Exception) -> str:
    if isinstance(error, DetectorError):
        return one_line(shown(error.message))
    words = one_line(str(error))
    if isinstance(error, ModuleNotFoundError):
        return f"the package {error.name!r} is missing: pip install '.[train,serve]', or one of the two"
    return f"unexpected {type(error).__name__}: {words} (--debug says where)"  # a bug of ours is one line, too


def moved(old: str, new: str) -> int:
    """Print in one line that a command has another name now; return the exit code."""
    print(f"error: python -m {old} is gone; say: python -m {new}", file=sys.stderr)
    return 2


def clean_up_at_signals() -> None:
    """Turn SIGTERM and SIGHUP into an exception, so that unfinished files are removed; the program exits with 143, 129.

    For programs that write files. A SIGHUP that is ignored, as under `nohup`, stays so. The server handles its signals
    itself.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: sys.exit(128 + number))

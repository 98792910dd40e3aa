"""`relu-anomaly`: the console script, `relu-anomaly train` for `python -m training.train` and so on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from models import shadowing
from models.programs.cli import MODULES, run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first word names; return its exit code."""
    command, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if command in ("--help", "-h"):
        print(_help())
        return 0
    if command == "--version":
        print(f"relu-anomaly {_version()}")
        return 0
    if command not in MODULES:
        print(f"error: {command!r} is no command of {', '.join(MODULES)} (see relu-anomaly --help)", file=sys.stderr)
        return 2
    module, code = MODULES[command][0], 0

    def work() -> None:
        nonlocal code
        package = import_module(module.partition(".")[0])
        if not shadowing.is_ours(package):
            shadowing.refuse(package)
        program = module if "." in module and module != "models.bundle" else f"{module}.__main__"
        code = int(import_module(program).main(rest))

    return run_command(work, debug="--debug" in rest) or code


def _help() -> str:
    lines = "\n".join(f"  {name:<10} {summary}" for name, (_, summary) in MODULES.items())
    return f"usage: relu-anomaly COMMAND …\n\n{lines}\n\nrelu-anomaly COMMAND --help says more; --version, which one."


def _version() -> str:
    try:
        return version("relu-anomaly-detector")
    except PackageNotFoundError:  # run from a clone that is not installed
        return "unknown"

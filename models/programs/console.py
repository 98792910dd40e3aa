"""`relu-anomaly`: the console script, `relu-anomaly train` for `python -m training.train` and so on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from models import shadowing
from models.errors import did_you_mean
from models.programs.cli import CONSOLE, MODULES, commands_page, program_version, run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first word names; return its exit code."""
    command, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if command in ("--help", "-h"):
        print(f"usage: {CONSOLE} COMMAND …\n\n{commands_page()}")
        return 0
    if command == "--version":
        print(f"{CONSOLE} {program_version()}")
        return 0
    if command not in MODULES:
        complaint = f"{command!r} is no command of {', '.join(MODULES)}.{did_you_mean(command, MODULES)}"
        print(f"error: {complaint} (see {CONSOLE} --help)", file=sys.stderr)
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

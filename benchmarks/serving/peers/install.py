"""Makes an environment for each peer, with the packages of `benchmarks.serving.peers.packages`.

    python -m benchmarks.serving.peers.install FOLDER [--only A,B…]

takes some minutes and 3 GB. Environments with these versions are kept. A peer that cannot be installed is named, and
leaves nothing behind; the benchmark leaves it out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.serving.peers.packages import PACKAGES, requirements

_DONE: Final = "installed.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 1 where a peer could not be installed."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    wanted = arguments.only.split(",") if arguments.only else list(PACKAGES)
    if unknown := sorted(set(wanted) - set(PACKAGES)):
        console.print(f"error: no such peer: {', '.join(unknown)}. There are {', '.join(PACKAGES)}.", style="red")
        return 2
    failed = False
    for name in wanted:
        problem = install(arguments.folder / name, requirements(name))
        failed = failed or problem is not None
        console.print(f"{name}: {problem or 'installed'}", soft_wrap=True)
    return 1 if failed else 0


def install(folder: Path, packages: Sequence[str]) -> str | None:
    """Make an environment with some packages, unless it exists; return why that failed, or None."""
    pins = dict(package.split("==") for package in packages)
    if installed_versions(folder) == pins:
        return None
    venv.create(folder, with_pip=True)
    pip = subprocess.run(
        [*(python_of(folder), "-m", "pip"), *("install", "--quiet"), *packages],
        check=False,
        capture_output=True,
        text=True,
    )
    if pip.returncode:
        shutil.rmtree(folder)
        said = [line for line in pip.stderr.splitlines() if line.startswith("ERROR")] or pip.stderr.splitlines()
        return f"could not be installed: {said[-1] if said else f'pip ended with {pip.returncode}'}"
    (folder / _DONE).write_text(json.dumps(pins))
    return None


def installed_versions(folder: Path) -> dict[str, str] | None:
    """Return the versions of some packages; None where the environment is incomplete."""
    try:
        versions: dict[str, str] = json.loads((folder / _DONE).read_text())
    except OSError:
        return None
    return versions


def python_of(folder: Path) -> str:
    """Return the Python of an environment."""
    return str(folder.resolve() / "bin" / "python")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the environments are made")
    parser.add_argument("--only", metavar="A,B…", help=f"some of {', '.join(PACKAGES)} (default: all)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

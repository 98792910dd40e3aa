"""Takes the examples out of a page and runs them in order, as a reader would.

Blocks of ``bash`` and ``python`` are run; every other block is what the run before it prints, and compared with it.
A comment above a block, which no reader sees, says otherwise:

    <!-- run: file NAME -->      the block is the content of a file
    <!-- run: background -->     the command goes on running until the page ends; it has started when it says so
    <!-- run: fails -->          the command ends with an error
    <!-- run: no, REASON -->     the block is not run
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
_RUN = re.compile(r"<!-- run: (\w+),? ?(.*?) -->")
_NUMBER = r"[-−+]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?"
_IN_PORTUGUESE = "--lang pt"
_MOST_COMMAS = 5  # of a line of a page that is none of a CSV file
_PORT = ":8000"  # in the pages; here any that is free


@dataclass(frozen=True)
class Example:
    """A block of a page."""

    line: int
    language: str
    text: str
    how: str
    detail: str


def examples_of(page: Path) -> list[Example]:
    """Return the blocks of a page that are no directives."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    found = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type != "fence" or token.info.startswith("{"):
            continue
        mark = _RUN.search(before.content) if before is not None and before.type == "html_block" else None
        language = token.info.split()[0] if token.info else ""
        how, detail = mark.groups() if mark else ("run" if language in ("bash", "python") else "output", "")
        found.append(Example((token.map or [0])[0] + 1, language, token.content, how, detail))
    return found


def run_page(page: Path, folder: Path) -> None:
    """Run a page in a folder; raise `AssertionError` where an example does not do what the page says."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    if not (folder / "docs").exists():
        (folder / "docs").symlink_to(DOCS)  # readers stand in the repository
    namespace: dict[str, Any] = {"__name__": "page"}
    command = printed = ""
    with _background() as start:
        for example in examples_of(page):
            text = example.text.replace(_PORT, f":{port}")
            where = f"{page.parent.name}/{page.name}:{example.line}"
            if example.how == "file":
                (folder / example.detail).write_text(text, encoding="utf-8")
            elif example.how == "background":
                start(where, text, folder, port)
            elif example.how == "output":
                read = _with_english_marks if _IN_PORTUGUESE in command else str
                difference = first_difference(read(text), read(printed))
                assert difference is None, f"{where}: {difference!r} is not in what was printed:\n{printed}"
            elif example.how in ("run", "fails") and example.language == "bash":
                command = text
                done = _bash(text, folder, port)
                printed = done.stdout
                assert (done.returncode != 0) == (example.how == "fails"), f"{where}: {done.returncode}\n{printed}"
            elif example.how == "run" and example.language == "python":
                printed = _python(where, text, folder, namespace)
            else:
                assert example.how == "no", f"{where}: a block of {example.language!r} cannot be {example.how!r}"
                assert example.detail, f"{where}: why is it not run?"


def _with_english_marks(text: str) -> str:
    """Return lines with 3,780 and 3.86 for the 3.780 and 3,86 of Portuguese; those of CSV files as they are."""
    marks = str.maketrans(",.", ".,")
    return "\n".join(line if line.count(",") > _MOST_COMMAS else line.translate(marks) for line in text.splitlines())


def first_difference(shown: str, printed: str) -> str | None:
    """Return the first line of `shown` that `printed` does not have, in order; None where it has them all.

    Spaces and line ends do not matter, an ellipsis stands for anything, and numbers are the same within a factor
    of two: another processor adds in another order, and training follows.
    """
    rest = printed
    for line in filter(str.strip, shown.splitlines()):
        pattern, numbers = _pattern(line)
        for found in re.finditer(pattern, rest, re.DOTALL):
            if all(map(_close, numbers, found.groups())):
                rest = rest[found.end() :]
                break
        else:
            return line
    return None


def _pattern(line: str) -> tuple[str, list[str]]:
    """Return what finds a line, and the numbers that it shows."""
    pattern, numbers = [], []
    for part in filter(None, re.split(rf"({_NUMBER}|…|\s+)", line.strip())):
        if re.fullmatch(_NUMBER, part):
            numbers.append(part)
        pattern.append(
            ".*?"
            if part == "…"
            else r"\s*"
            if part.isspace()
            else f"({_NUMBER})"
            if part in numbers
            else re.escape(part)
        )
    return "".join(pattern), numbers


def _close(shown: str, printed: str) -> bool:
    a, b = (float(text.replace(",", "").replace("−", "-")) for text in (shown, printed))
    return a == b or 0.5 <= (abs(a) + 0.02) / (abs(b) + 0.02) <= 2


def _environment(port: int) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ours = {"PATH": path, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1", "COLUMNS": "100"}
    return os.environ | ours | {"DETECTOR_PORT": str(port)}


def _bash(text: str, folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-euo", "pipefail", "-c", text]
    return subprocess.run(
        command,
        cwd=folder,
        env=_environment(port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )


def _python(where: str, text: str, folder: Path, namespace: dict[str, Any]) -> str:
    out, old = StringIO(), Path.cwd()
    os.chdir(folder)
    try:
        with redirect_stdout(out):
            exec(compile(text, where, "exec"), namespace)
    finally:
        os.chdir(old)
    return out.getvalue()


@contextmanager
def _background() -> Iterator[Any]:
    processes: list[subprocess.Popen[str]] = []
    readers: list[threading.Thread] = []

    def start(where: str, text: str, folder: Path, port: int) -> None:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {text}"], cwd=folder, env=_environment(port), stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        said = []
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if "running on" in line:
                readers.append(threading.Thread(target=process.stderr.read))  # else a full pipe would stop it
                readers[-1].start()
                return
        raise AssertionError(f"{where}: did not start: {''.join(said)}")

    try:
        yield start
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for reader in readers:
            reader.join()
        for process in processes:
            assert process.stderr is not None
            process.stderr.close()

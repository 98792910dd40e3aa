"""Text of the code → MyST Markdown that means just that text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~$])")


def plain(text: str) -> str:
    """Escape what Markdown would read as marks."""
    return _SPECIAL.sub(r"\\\1", re.sub(r"\s+", " ", text))


def code(text: object) -> str:
    """Return a text as code, also in a cell of a table."""
    shown = str(text).replace("|", "\\|")
    fence = "``" if "`" in shown else "`"
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}" if shown else "(empty)"


def docstring(text: str | None) -> str:
    """Return the first paragraph of a docstring; what stands there in backquotes is code."""
    first = " ".join((text or "").strip().split("\n\n")[0].split())
    parts = re.split(r"(``.+?``|`[^`]+`)", first)
    return "".join(code(part.strip("`")) if part.startswith("`") else plain(part) for part in parts)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown."""
    lines = [list(header), ["---"] * len(header), *([cell.replace("\n", " ") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def directive(name: str, argument: str, content: str) -> str:
    """Return a directive with a fence that is longer than any in its content."""
    longest = max((len(found) for found in re.findall(r"^:{3,}", content, re.MULTILINE)), default=2)
    fence = ":" * (longest + 1)
    return f"{fence}{{{name}}} {argument}\n{content}\n{fence}\n"

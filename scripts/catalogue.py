"""Bring the catalogues of translations up to date with the code: `python scripts/catalogue.py`.

Texts that are new get an empty translation, those that are gone go, and what has none yet is printed.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Final

from jinja2 import Environment
from jinja2.ext import extract_from_ast

from models.languages.catalogue import entries_of

_REPOSITORY: Final = Path(__file__).resolve().parents[1]
CATALOGUES: Final = _REPOSITORY / "models" / "languages"
_PACKAGES: Final = ("models", "training", "service")
_MARKERS: Final = {"phrase": 1, "plural": 2, "unfilled": 1}
"""The functions that mark texts, and how many of their arguments are texts."""


def main() -> int:
    """Write every catalogue anew; return 1 if a text has no translation."""
    missing = 0
    for catalogue in sorted(CATALOGUES.glob("*.po")):
        po = catalogue.read_text(encoding="utf-8")
        new = updated(po)
        catalogue.write_text(new, encoding="utf-8")
        for entry in entries_of(new):
            if not all(entry.translations):
                missing += 1
                print(f"{catalogue.name}: no translation of {entry.texts[0]!r}", file=sys.stderr)  # noqa: T201
    return 1 if missing else 0


def updated(po: str) -> str:
    """Return a catalogue with exactly the texts of the code, in its order, and the translations that it has."""
    known = {entry.texts: entry.translations for entry in entries_of(po)}
    blocks = [po.split("\n\n", 1)[0].rstrip("\n")]
    for texts, path in marked_texts().items():
        translations = known.get(texts, ("",) * len(texts))
        names = ("msgid", "msgid_plural")[: len(texts)]
        lines = [f"{name} {_quoted(text)}" for name, text in zip(names, texts, strict=True)]
        for i, text in enumerate(translations):
            lines.append(f"msgstr{f'[{i}]' if len(texts) > 1 else ''} {_quoted(text)}")
        blocks.append("\n".join([f"#: {path}", *lines]))
    return "\n\n".join(blocks) + "\n"


def marked_texts() -> dict[tuple[str, ...], str]:
    """Return all marked texts that have words, one or singular and plural, and the file where each is first.

    Raises:
        ValueError: A marked text is not written out in the call.
    """
    found: dict[tuple[str, ...], str] = {}
    for package in _PACKAGES:
        for path in sorted((_REPOSITORY / package).rglob("*")):
            texts = _READERS[path.suffix](path) if path.suffix in _READERS else ()
            for each in filter(_has_words, texts):
                found.setdefault(each, path.relative_to(_REPOSITORY).as_posix())
    return found


def _of_code(path: Path) -> Iterator[tuple[str, ...]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MARKERS):
            continue
        texts = tuple(
            each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
        )
        if len(texts) != _MARKERS[node.func.id] or len(texts) != len(node.args):
            raise ValueError(f"{path}, line {node.lineno}: a text that is marked must be written out in the call")
        yield texts


def _of_template(path: Path) -> Iterator[tuple[str, ...]]:
    tree = Environment(extensions=["jinja2.ext.i18n"], autoescape=True).parse(path.read_text(encoding="utf-8"))
    for _, _, text in extract_from_ast(tree):
        yield (text,) if isinstance(text, str) else tuple(each for each in text or () if each is not None)


_READERS: Final = {".py": _of_code, ".html": _of_template}


def _has_words(texts: tuple[str, ...]) -> bool:
    """Return whether a text has more than places for values and marks between them."""
    return any(letter.isalpha() for words, *_ in Formatter().parse(texts[0]) for letter in words)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())

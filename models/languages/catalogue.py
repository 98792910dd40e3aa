"""Reads catalogues of translations, gettext's ``.po`` files, which translators edit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_KEYWORDS: Final = ("msgid", "msgid_plural", "msgstr", "msgstr[0]", "msgstr[1]")


@dataclass(frozen=True, slots=True)
class Entry:
    """An English text, or singular and plural, and what they are in another language: as many texts."""

    texts: tuple[str, ...]
    translations: tuple[str, ...]


def entries_of(po: str) -> Iterator[Entry]:
    r"""Yield the entries of a catalogue, without its header; what is not translated has empty texts.

    Raises:
        ValueError: A line is none of a catalogue's.

    Example:
        >>> list(entries_of('msgid "rows"\nmsgstr "linhas"\n'))
        [Entry(texts=('rows',), translations=('linhas',))]
    """
    for block in po.split("\n\n"):
        strings: dict[str, str] = {}
        keyword = ""
        for line in block.splitlines():
            if not line.startswith("#"):
                word, _, text = ("", "", line) if line.startswith('"') else line.partition(" ")
                keyword = word or keyword
                if keyword not in _KEYWORDS:
                    raise ValueError(f"{line!r} is no line of a catalogue")
                strings[keyword] = strings.get(keyword, "") + json.loads(text)
        if strings.get("msgid"):
            yield Entry(
                tuple(text for name, text in strings.items() if name.startswith("msgid")),
                tuple(text for name, text in strings.items() if name.startswith("msgstr")),
            )

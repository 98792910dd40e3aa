"""Finds texts for people that no catalogue can translate, and English ones where another language was asked for."""

from __future__ import annotations

import html
import re
from contextvars import copy_context
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any, cast

from models.languages import LANGUAGES, Language, speak
from models.languages.catalogue import entries_of
from models.messages import Message, Template

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
WORD = re.compile(r"[A-Za-z]{3,}")
_LEAST = 10  # letters of several words in a row, by which a text is known


@dataclass(frozen=True)
class _Marking:
    """A language that puts brackets around each text that has a translation."""

    code: str = "en"
    tag: str = "en"
    decimal: str = "."

    def __call__(self, text: str) -> str:
        return text.said_by(self) if isinstance(text, Message) else text

    def template(self, template: Template) -> str:
        return f"⟦{template.texts[0] if template.count == 1 else template.texts[-1]}⟧"

    def formatted(self, value: object, spec: str) -> str:
        return format(value, spec)

    def number(self, text: str) -> str:
        return text


def in_language(code: str, work: Callable[[], Any]) -> Any:
    """Do some work where a language is spoken."""

    def speaking() -> Any:
        speak(LANGUAGES[code])
        return work()

    return copy_context().run(speaking)


def unmarked_words(work: Callable[[], str]) -> list[str]:
    """Return the words, in order, that a text for people has outside of what catalogues can translate."""

    def speaking() -> str:
        speak(cast(Language, _Marking()))
        return work()

    text, left = "", copy_context().run(speaking)
    while left != text:
        text, left = left, _MARKED.sub("", left)
    assert "⟦" not in left, left
    return WORD.findall(left)


def english_in(text: str, catalogue: Path) -> list[str]:
    """Return the English texts of a catalogue that a text in its language has; those of a few letters apart."""
    entries = list(entries_of(catalogue.read_text(encoding="utf-8")))
    theirs = " ".join(translation for entry in entries for translation in entry.translations)
    runs = {
        run.strip()
        for entry in entries
        for english in entry.texts
        for words, *_ in Formatter().parse(english)
        for run in [words]
        if len(run.strip()) >= _LEAST and " " in run.strip() and run.strip() not in theirs
    }
    return sorted(run for run in runs if run in text)


def texts_of(page: str) -> str:
    """Return what a page of HTML says to people: its text, and what is read out of pictures."""
    page = re.sub(r"<style>.*?</style>|<title>|<defs>.*?</defs>", " ", page, flags=re.DOTALL)
    page = re.sub(r'aria-label="([^"]*)"', r"> \1 <", page)
    return html.unescape(re.sub(r"<[^>]*>", "\n", page))

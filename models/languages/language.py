"""The languages, and how a text, a number and a date are shown in each of them."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from numbers import Number
from pathlib import Path
from typing import Final

from models.errors import ConfigError, did_you_mean
from models.languages.catalogue import entries_of
from models.messages import Message, Template, iso_text

VARIABLE: Final = "DETECTOR_LANG"
"""The variable that names the language where no flag does."""

_ISO: Final = "%Y-%m-%d"
_MARKS: Final = {".": "decimal", ",": "thousands"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language in which texts are shown; what its catalogue lacks stays in English.

    Args:
        code: What `--lang` calls it, and its catalogue; English, in which texts are written, has none.
        name: What its speakers call it.
        tag: What HTML calls it (BCP 47).
        decimal: Mark before the decimals of a number.
        thousands: Mark between its thousands.
        date: How `strftime` writes a date.
        is_singular: Whether a number of things takes the singular.
    """

    code: str
    name: str
    tag: str
    decimal: str = "."
    thousands: str = ","
    date: str = _ISO
    is_singular: Callable[[int], bool] = lambda count: count == 1

    def __call__(self, text: str) -> str:
        """Return a text in this language; one that is no message stays as it is."""
        return self.message(text) if isinstance(text, Message) else text

    def message(self, message: Message) -> Message:
        """Return a message in this language, with its settings still apart."""
        return message.said_by(self)

    def template(self, template: Template) -> str:
        """Return the words with places of a template."""
        texts = _catalogue(self.code).get(template.texts) or template.texts
        return texts[0] if len(texts) == 1 or self.is_singular(template.count) else texts[1]

    def formatted(self, value: object, spec: str) -> str:
        """Return a value as `format` writes it; numbers with this language's marks, dates in its order."""
        if isinstance(value, Number) and not isinstance(value, bool):
            return self.number(format(value, spec))
        if isinstance(value, date) and not spec:
            if self.date == _ISO:
                return iso_text(value) if isinstance(value, datetime) else str(value)
            return format(value, f"{self.date} %H:%M:%S" if isinstance(value, datetime) else self.date)
        return format(value, spec)

    def number(self, text: str) -> str:
        """Return a number, written as Python does, with this language's marks."""
        if self.decimal == ".":
            return text
        return "".join(getattr(self, _MARKS[letter]) if letter in _MARKS else letter for letter in text)


LANGUAGES: Final = {
    language.code: language
    for language in (
        Language(code="en", name="English", tag="en"),
        Language(
            code="pt",
            name="Português (Brasil)",
            tag="pt-BR",
            decimal=",",
            thousands=".",
            date="%d/%m/%Y",
            is_singular=lambda count: count in (0, 1),
        ),
    )
}
"""The languages by code, English first."""

_SPOKEN: Final = ContextVar("spoken", default=LANGUAGES["en"])


def language_named(code: str) -> Language:
    """Return a language by its code.

    Raises:
        ConfigError: There is none of this code.
    """
    if code not in LANGUAGES:
        known = ", ".join(f"{language.code} ({language.name})" for language in LANGUAGES.values())
        raise ConfigError(f"There is no language {code!r}.{did_you_mean(code, LANGUAGES)} There are: {known}.")
    return LANGUAGES[code]


def speak(language: Language) -> None:
    """Have `shown` use a language in this context: a program's command, or the test that calls it.

    Threads have contexts of their own: give them the `Language`.
    """
    _SPOKEN.set(language)


def spoken() -> Language:
    """Return the language of this context; English where none was named."""
    return _SPOKEN.get()


def shown(text: str) -> str:
    """Return a text in the language of this context."""
    return _SPOKEN.get()(text)


@cache
def _catalogue(code: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the translated texts of a language; it is read when the first text is shown in that language."""
    if code == "en":
        return {}
    po = Path(__file__).with_name(f"{code}.po").read_text(encoding="utf-8")
    return {entry.texts: entry.translations for entry in entries_of(po) if all(entry.translations)}

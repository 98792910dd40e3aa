"""Texts that are written for people: they name settings, which each face spells, and can be said in other languages.

A text is written in English, as a whole sentence with named places for its values: `phrase("{rows:,} rows are left
out", rows=12)`. It is a `str`, the English one, wherever it is kept or printed for programs; where it is shown to a
person, `models.languages.shown` says it in the language that was asked for.
"""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from typing import Final, Protocol

__all__ = [
    "Message",
    "Set",
    "Speaker",
    "Template",
    "brief",
    "iso_text",
    "joined",
    "listed",
    "phrase",
    "plural",
    "quoted",
    "unfilled",
]

_FORMATTER: Final = Formatter()
_LONGEST_SHOWN: Final = 60  # characters of a text of the user's


@dataclass(frozen=True, slots=True)
class Set:
    """A setting that a message names, with the value to give it. As text, it is the flag of the command line.

    The estimator spells it as a parameter (`training.estimator.errors`), the service as a query parameter where it
    has one (`service.web.problems`).

    Args:
        name: The flag's name with underscores.
        value: What to give it: text, a number, several texts; True and False for a switch; None for the name alone.
        like: Placeholders in capital letters for what the reader knows better, behind the value.

    Example:
        >>> print(Set("fit_on", "normal"), Set("label", like="COLUMN"), Set("exclude", ("a", "b c")))
        --fit-on normal --label COLUMN --exclude a 'b c'
        >>> print(Set("learning_rate", 1e-4), Set("overwrite", True), Set("header", False), Set("depth"))
        --learning-rate 0.0001 --overwrite --no-header --depth
    """

    name: str
    value: str | float | bool | tuple[str, ...] | None = None
    like: str = ""

    def __str__(self) -> str:
        """Return the flag, as a shell reads it."""
        dashed = self.name.replace("_", "-")
        if isinstance(self.value, bool):
            return f"--{dashed}" if self.value else f"--no-{dashed}"
        return " ".join([f"--{dashed}", *map(shlex.quote, self.texts), *self.like.split()])

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as text, unquoted."""
        if self.value is None or isinstance(self.value, bool):
            return ()
        if isinstance(self.value, tuple):
            return self.value
        return (f"{self.value:g}" if isinstance(self.value, float) else str(self.value),)


@dataclass(frozen=True, slots=True)
class Template:
    """English words with places, ``{name}``, for values: one text, or singular and plural with what is plural."""

    texts: tuple[str, ...]
    count: int = 1

    def __str__(self) -> str:
        """Return the English words with their places."""
        return self.texts[-1]

    def filled(self, **values: object) -> Message:
        """Return the message that it makes with values."""
        return _of(self, values)


class Speaker(Protocol):
    """What is needed to say a message in a language."""

    def template(self, template: Template) -> str:
        """Return the words with places of a template in this language."""

    def formatted(self, value: object, spec: str) -> str:
        """Return a value as `format` writes it, numbers with the marks of this language."""


class _English:
    """The language in which messages are written."""

    def template(self, template: Template) -> str:
        """Return the text for a count."""
        return template.texts[0] if template.count == 1 else template.texts[-1]

    def formatted(self, value: object, spec: str) -> str:
        """Return a value as `format` writes it; a timestamp as ISO 8601 has it."""
        return iso_text(value) if isinstance(value, datetime) and not spec else format(value, spec)


def iso_text(moment: datetime) -> str:
    """Return a timestamp as ISO 8601 has it, to the second where it is whole.

    Example:
        >>> iso_text(datetime(2023, 11, 14, 22, 13, 20))
        '2023-11-14T22:13:20'
    """
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


_ENGLISH: Final = _English()


class Message(str):
    """A message with settings among its words. As text, it is what the command line prints, in English.

    `phrase` and `plural` make one that other languages have, too.

    Args:
        pieces: Words, settings, and other messages; they are joined without spaces.

    Example:
        >>> message = Message("Give more data, or ask for ", Set("alert_rate", 0.05), " or more.")
        >>> print(message)
        Give more data, or ask for --alert-rate 0.05 or more.
        >>> print(message.spelt(lambda setting: f"{setting.name}={setting.value}"))
        Give more data, or ask for alert_rate=0.05 or more.
    """

    pieces: tuple[str | Set, ...]
    source: tuple[Template, Mapping[str, object]] | None

    def __new__(cls, *pieces: str | Set) -> Message:
        """Join the pieces."""
        message = super().__new__(cls, "".join(map(str, pieces)))
        message.pieces = pieces
        message.source = None
        return message

    @property
    def parts(self) -> tuple[str | Set, ...]:
        """The words and the settings, those of messages within it among them."""
        return tuple(_flat(self.pieces))

    def spelt(self, spell: Callable[[Set], str]) -> str:
        """Return the words with each setting as a face spells it."""
        return "".join(spell(part) if isinstance(part, Set) else part for part in self.parts)

    def said_by(self, speaker: Speaker) -> Message:
        """Return the message in a language, its settings still apart.

        One that is put together of words that are no phrase stays in English as a whole.
        """
        if self.source is not None:
            template, values = self.source
            return Message(*_filled(speaker.template(template), values, speaker))
        if any(not isinstance(piece, (Message, Set)) and any(map(str.isalpha, piece)) for piece in self.pieces):
            return self
        return Message(*(piece.said_by(speaker) if isinstance(piece, Message) else piece for piece in self.pieces))


def phrase(text: str, /, **values: object) -> Message:
    """Return a text for people that other languages have, too.

    Args:
        text: A whole sentence or label in English, with places for the values as `str.format` has them; written out
            in the call, because the catalogues are compared with what the code says.
        values: Numbers, texts, settings and other messages.

    Example:
        >>> print(phrase("{rows:,} rows are left out: {reason}", rows=1200, reason=phrase("no label")))
        1,200 rows are left out: no label
    """
    return _of(Template((text,)), values)


def plural(one: str, many: str, /, *, count: int, **values: object) -> Message:
    """Return a text with a singular and a plural, as `phrase` does; ``{count}`` is among the values.

    Example:
        >>> print(*(plural("{count} row", "{count:,} rows", count=rows) for rows in (0, 1, 1200)), sep=", ")
        0 rows, 1 row, 1,200 rows
    """
    return _of(Template((one, many), count), {"count": count, **values})


def unfilled(text: str, /) -> Template:
    """Return a text for people whose values are not known yet, as a row of a table has it.

    Example:
        >>> unfilled("At most {percent} of {rows} are flagged.").filled(percent="1 %", rows="rows")
        'At most 1 % of rows are flagged.'
    """
    return Template((text,))


def joined(messages: Sequence[str], *, by: str = " ") -> Message:
    """Return one message made of several."""
    return Message(*[part for message in messages for part in (by, message)][1:])


def listed(texts: Sequence[str]) -> Message:
    """Return texts as in a sentence.

    Example:
        >>> print(listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"]), sep="; ")
        a; a and b; a, b and c
    """
    if len(texts) < 2:
        return Message(*texts)
    return phrase("{others} and {last}", others=joined(texts[:-1], by=", "), last=texts[-1])


def brief(text: str) -> str:
    """Return a text as messages show it: at most its first characters."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def quoted(text: str) -> str:
    r"""Return a brief text in quotes, as messages show it: what looks like a space, or like nothing, is named.

    Example:
        >>> print(quoted("1 234"), quoted("1\u00a0234"))
        '1 234' '1 234' (with a no-break space)
    """
    text = brief(text)
    odd = {char: unicodedata.category(char) for char in text if not char.isascii()}
    odd = {char: category for char, category in odd.items() if category in ("Zs", "Cf")}
    if not odd:
        return repr(text)
    plain = text.translate({ord(char): " " if category == "Zs" else "" for char, category in odd.items()})
    names = [unicodedata.name(char, f"U+{ord(char):04X}").lower() for char in odd]
    return phrase("{text!r} (with {characters})", text=plain, characters=listed([f"a {name}" for name in names[:2]]))


def _of(template: Template, values: Mapping[str, object]) -> Message:
    message = Message(*_filled(_ENGLISH.template(template), values, _ENGLISH))
    message.source = template, values
    return message


def _filled(text: str, values: Mapping[str, object], speaker: Speaker) -> Iterator[str | Set]:
    """Yield the words of a text, and its values in their places."""
    for words, name, spec, conversion in _FORMATTER.parse(text):
        if words:
            yield words
        if name is None:
            continue
        value = values[name]
        if isinstance(value, Set) or (isinstance(value, Message) and not conversion and not spec):
            yield value.said_by(speaker) if isinstance(value, Message) else value
        else:
            yield speaker.formatted(_FORMATTER.convert_field(value, conversion), spec or "")


def _flat(pieces: Sequence[str | Set]) -> Iterator[str | Set]:
    for piece in pieces:
        if isinstance(piece, Message):
            yield from _flat(piece.pieces)
        else:
            yield piece

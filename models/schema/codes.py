"""Categories that training had, and codes that lost the zeros before them on the way: 1067 is the zip code 01067."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from models.messages import phrase, quoted
from models.schema.cells import Cell, number_text
from models.schema.numbers import NUMBER

_LONGEST_SHOWN: Final = 60  # characters of a value
_SHOWN: Final = 3  # categories of training
_MIN_ROWS: Final = 20  # with a value, before it says something that training had none of these


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What values of a column of categories are to a detector.

    Args:
        present: Number of values that are there, counted up to the first that training had.
        seen: Training had one of them.
        unseen: One that training did not have.
        otherwise: One that training had written otherwise, and that category: `1067` and `01067`.
    """

    present: int = 0
    seen: bool = False
    unseen: str | None = None
    otherwise: tuple[str, str] | None = None

    def __or__(self, other: Sighting) -> Sighting:
        """Return the sighting of the values of both."""
        return Sighting(
            present=self.present + other.present,
            seen=self.seen or other.seen,
            unseen=self.unseen or other.unseen,
            otherwise=self.otherwise or other.otherwise,
        )


@dataclass(frozen=True)
class KnownCategories:
    """The categories of one column that training had.

    Args:
        values: Their texts, the most frequent first.

    Example:
        >>> KnownCategories(("01067", "99084")).shortened, KnownCategories(("7", "07")).shortened
        ({'1067': '01067'}, {})
    """

    values: Sequence[str]

    @cached_property
    def shortened(self) -> dict[str, str]:
        """The codes that begin with zeros, by what is left of them where a program takes them for numbers.

        Empty unless all categories are digits of one width: only then it is sure which code is meant.
        """
        one_width = len(set(map(len, self.values))) == 1 and all(map(_is_whole, self.values))
        return self._padded if one_width else {}

    def is_looked_at(self, rows: int) -> bool:
        """Return whether anything could be noted of so many values."""
        return rows >= _MIN_ROWS or bool(self._as_numbers)

    def look(self, values: Iterable[Cell]) -> Sighting:
        """Return what values, None for a missing one, are to these categories.

        No further than to the first that training had, unless it had codes that a program may take for numbers.
        """
        if not self._as_numbers:
            found = self._first_seen(values)
            return found if found.seen or found.unseen is None else found | self._otherwise([found.unseen])
        present = [value for value in values if value is not None]
        if self._known.issuperset(present):  # as nearly always
            return Sighting(present=len(present), seen=bool(present))
        return self._first_seen(present) | self._otherwise(map(str, dict.fromkeys(present)))

    def note(self, name: str, found: Sighting) -> str | None:
        """Return the line about a column whose values are not written as training had them; None for another one."""
        if not found.otherwise and (found.seen or found.present < _MIN_ROWS):
            return None
        none = phrase("no value of {column!r} was seen in training", column=name)
        if found.otherwise:
            value, category = found.otherwise
            both = {"value": _brief(value), "category": _brief(category)}
            if value in self.shortened:
                return phrase(
                    "{column!r}: {value} is read as {category!r}: leading zeros were lost; {remedy}",
                    column=name,
                    remedy=_REMEDY,
                    **both,
                )
            if not _is_whole(category):
                how = phrase("codes were read as numbers ({value} for {category!r})", **both)
            elif len(value) < len(category):
                how = phrase("leading zeros were lost ({value} for {category!r})", **both)
            else:
                how = phrase("leading zeros differ ({value} for {category!r})", **both)
            some = phrase("{column!r}: some values were not seen in training", column=name)
            what = some if found.seen else none
            return phrase("{what}: {how}; {remedy}", what=what, how=how, remedy=_REMEDY)
        had = ", ".join(quoted(_brief(value)) for value in self.values[:_SHOWN])
        more = ", …" if len(self.values) > _SHOWN else ""
        unseen = quoted(_brief(found.unseen or ""))
        return phrase("{none}, which had {values}; here is {unseen}", none=none, values=had + more, unseen=unseen)

    def _first_seen(self, values: Iterable[Cell]) -> Sighting:
        present, unseen = 0, None
        for value in values:
            if value is None:
                continue
            present += 1
            if value in self._known or value in self.shortened:
                return Sighting(present=present, seen=True, unseen=unseen)
            unseen = unseen or str(value)
        return Sighting(present=present, unseen=unseen)

    def _otherwise(self, values: Iterable[str]) -> Sighting:
        """Return the first of different values that training had with other zeros, or as a code and no number."""
        for value in values:
            if value in self._known:
                continue
            category = self._as_numbers.get(value) or self._by_digits.get(_without_zeros(value))
            if category:
                return Sighting(otherwise=(value, category))
        return Sighting()

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.values)

    @cached_property
    def _by_digits(self) -> dict[str, str]:
        """The categories of digits, by what is left of them without the zeros before them."""
        return {_without_zeros(value): value for value in reversed(self.values) if _is_whole(value)}

    @cached_property
    def _as_numbers(self) -> dict[str, str]:
        """The codes that a program may take for numbers, by what it makes of them."""
        texts = [value for value in self.values if NUMBER.fullmatch(value) and not _is_whole(value)]
        numbers = {number_text(float(text)): text for text in texts if math.isfinite(float(text))}
        return {number: code for number, code in (numbers | self._padded).items() if number not in self._known}

    @cached_property
    def _padded(self) -> dict[str, str]:
        """Those that begin with zeros."""
        return {digits: value for digits, value in self._by_digits.items() if len(value) > len(digits)}


_REMEDY: Final = phrase("read the column as text")


def _brief(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _without_zeros(text: str) -> str:
    """Return digits without the zeros before them; another text as it is."""
    return text.lstrip("0") or "0" if _is_whole(text) else text

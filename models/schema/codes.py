"""Categories that training had, and codes that lost the zeros before them on the way: 1067 is the zip code 01067."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from models.messages import phrase
from models.schema.cells import Cell

_SHOWN: Final = 3  # categories of training
_MIN_ROWS: Final = 20  # with a value, before it says something that training had none of these


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What values of a column of categories are to a detector.

    Args:
        present: Number of values that are there, counted up to the first that training had.
        seen: Training had one of them.
        unseen: One that training did not have.
        zeros: One that training had with other zeros before it, and that category.
    """

    present: int = 0
    seen: bool = False
    unseen: str | None = None
    zeros: tuple[str, str] | None = None

    def __or__(self, other: Sighting) -> Sighting:
        """Return the sighting of the values of both."""
        return Sighting(
            present=self.present + other.present,
            seen=self.seen or other.seen,
            unseen=self.unseen or other.unseen,
            zeros=self.zeros or other.zeros,
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
        return rows >= _MIN_ROWS or bool(self._padded)

    def look(self, values: Iterable[Cell]) -> Sighting:
        """Return what values, None for a missing one, are to these categories.

        No further than to the first that training had, unless it had codes that begin with zeros.
        """
        if not self._padded:
            found = self._first_seen(values)
            return found if found.seen or found.unseen is None else found | self._zeros_of([found.unseen])
        present = [value for value in values if value is not None]
        return self._first_seen(present) | self._zeros_of(map(str, dict.fromkeys(present)))

    def note(self, name: str, found: Sighting) -> str | None:
        """Return the line about a column whose values are not written as training had them; None for another one."""
        none = phrase("no value of {column!r} was seen in training", column=name)
        if found.zeros:
            value, category = found.zeros
            if value in self.shortened:
                return phrase(
                    "{column!r}: {value} is read as {category!r}: leading zeros were lost; {remedy}",
                    column=name,
                    value=value,
                    category=category,
                    remedy=_REMEDY,
                )
            zeros = (
                phrase("leading zeros were lost ({value} for {category!r})", value=value, category=category)
                if len(value) < len(category)
                else phrase("leading zeros differ ({value} for {category!r})", value=value, category=category)
            )
            some = phrase("{column!r}: some values were not seen in training", column=name)
            what = some if found.seen else none
            return phrase("{what}: {zeros}; {remedy}", what=what, zeros=zeros, remedy=_REMEDY)
        if found.seen or found.present < _MIN_ROWS:
            return None
        some_values = ", ".join(map(repr, self.values[:_SHOWN])) + (", …" if len(self.values) > _SHOWN else "")
        return phrase(
            "{none}, which had {values}; here is {unseen!r}", none=none, values=some_values, unseen=found.unseen
        )

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

    def _zeros_of(self, values: Iterable[str]) -> Sighting:
        """Return the first of different values that training had with other zeros before it."""
        for value in values:
            if value not in self._known and _is_whole(value) and (code := self._by_digits.get(_without_zeros(value))):
                return Sighting(zeros=(value, code))
        return Sighting()

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.values)

    @cached_property
    def _by_digits(self) -> dict[str, str]:
        """The categories of digits, by what is left of them without the zeros before them."""
        return {_without_zeros(value): value for value in reversed(self.values) if _is_whole(value)}

    @cached_property
    def _padded(self) -> dict[str, str]:
        """Those that begin with zeros."""
        return {digits: value for digits, value in self._by_digits.items() if len(value) > len(digits)}


_REMEDY: Final = phrase("read the column as text")


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _without_zeros(digits: str) -> str:
    return digits.lstrip("0") or "0"

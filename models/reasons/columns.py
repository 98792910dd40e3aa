"""A value of one column beside the expected one, in words: the value, and what is unusual about it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from models.encoders import CategoricalEncoding, Encoding, NumericEncoding, TimestampEncoding
from models.reasons.gaps import GapWords
from models.reasons.texts import ENGLISH, Texts
from models.reasons.times import TimeHabits, time_of
from models.reasons.values import NumberForm, brief
from models.schema import Kind
from models.schema.cells import Cell
from models.schema.numbers import without_zero_fraction

_RARE: Final = 0.05  # share of the rows up to which a value is rare
_USUAL: Final = ("0.05", "0.95")  # quantiles: beyond them is what is unusual of a number that the others do not tell
_NEAR: Final = 0.1  # deviations, up to which a number is about the expected one

Phrase = tuple[str, tuple[str, ...]]
"""A value as text, and what is unusual about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """What a detector knows of one column.

    Args:
        form: How its numbers are written.
        summary: Its part of the reference: counts, quantiles, hours.
        rarity: −log of the share of the fitting rows in each bin of the column's first feature, from below its least
            value to above its largest; None without histograms.
        zoned: Of times: they were written with their zones, or may have been.
        texts: The words.
    """

    encoding: Any
    form: NumberForm
    summary: Mapping[str, Any]
    rarity: NDArray[np.float32] | None = None
    zoned: bool = False
    texts: Texts = ENGLISH


class ColumnWords(ABC):
    """Describes the values of one column."""

    kind: ClassVar[Kind]

    def __init__(self, facts: ColumnFacts) -> None:
        self._texts = facts.texts
        self._missing_share = facts.encoding.missing_share
        self._is_told = not facts.summary.get("untold", False)  # by the other columns

    def phrase(self, actual: Cell, expected: Cell, gaps: Mapping[str, float] | None = None) -> Phrase:
        """Return a value as text, and what is unusual about it; of a date, `gaps` are the days since others."""
        if actual is None:
            share = self._missing_share
            alike = expected is None
            notes = self._notes_on(share, alike=alike) if share else (self._texts.never,)
            if not self._is_told:
                return self._texts.missing, notes or (self._texts.together,)
            return self._texts.missing, notes if alike or not share else (*notes, self._expected(expected))
        return self._dated_phrase(actual, expected, gaps) if gaps else self._phrase(actual, expected)

    def _dated_phrase(self, actual: Any, expected: Cell, gaps: Mapping[str, float]) -> Phrase:
        """Return the phrase for a value that is there, beside other dates of the row."""
        return self._phrase(actual, expected)

    def blames(self, gaps: Mapping[str, float]) -> bool:
        """Return True if the days since other dates are what is odd of a value."""
        return False

    def is_echo(self, actual: Cell, gaps: Mapping[str, float], blamed: Set[str]) -> bool:
        """Return True if nothing is odd of a value but the days since dates that are blamed already."""
        return False

    @abstractmethod
    def _phrase(self, actual: Any, expected: Cell) -> Phrase:
        """Return the phrase for a value that is there."""

    @abstractmethod
    def _text(self, value: Any) -> str:
        """Return a value that is there as text."""

    def _expected(self, expected: Cell) -> str:
        value = self._texts.missing if expected is None else self._text(expected)
        return self._texts.expected.format(value=value)

    def _notes_on(self, share: float | None, *, alike: bool) -> tuple[str, ...]:
        """Return that a value is rare, where it is; of the expected value there is always something to say."""
        if share is not None and share <= _RARE:
            return (self._texts.of_rows(share),)
        return (self._texts.together,) if alike else ()


@final
class NumberWords(ColumnWords):
    """Describes numbers."""

    kind = Kind.NUMERIC

    def __init__(self, facts: ColumnFacts) -> None:
        super().__init__(facts)
        self._encoding: NumericEncoding = facts.encoding
        self._form = facts.form
        self._rarity = None if facts.rarity is None else np.exp(-facts.rarity.astype(np.float64)).tolist()
        self._low, self._high = (self._encoding.encoded(end) for end in (self._encoding.low, self._encoding.high))
        quantiles = facts.summary.get("quantiles", {})
        self._usual = tuple(quantiles[share] for share in _USUAL if share in quantiles)

    def _phrase(self, actual: float, expected: Cell) -> Phrase:
        text = self._form.text(actual)
        if len(self._usual) == len(_USUAL) and not self._is_believable(expected):
            low, high = self._usual
            if low <= actual <= high:
                return text, self._notes_on(self._share(actual), alike=True)
            return text, (self._texts.usually.format(start=self._form.text(low), end=self._form.text(high)),)
        if not isinstance(expected, float):
            return text, (self._expected(expected),)
        if self._differ(actual, expected) and (other := self._form.text(expected)) != text:
            return text, (self._texts.expected.format(value=other),)
        encoding = self._encoding
        if not encoding.low <= actual <= encoding.high:
            low, high = (self._form.text(end) for end in (encoding.low, encoding.high))
            return text, (self._texts.range.format(low=low, high=high),)
        return text, self._notes_on(self._share(actual), alike=True)

    def _is_believable(self, expected: Cell) -> bool:
        """Return False for what the others do not tell, and for an end of the range that hardly any row reaches.

        At that end, what the network expects is cut off: it is far outside, as of rows that are unlike all others.
        """
        low, high = self._usual
        if isinstance(expected, float) and (
            self._encoding.low >= expected < low or self._encoding.high <= expected > high
        ):
            return False
        return self._is_told

    def _text(self, value: float) -> str:
        return self._form.text(value)

    def _differ(self, actual: float, expected: float) -> bool:
        if self._encoding.unit is None:
            return abs(actual - expected) > _NEAR * self._encoding.scale
        return abs(self._encoding.encoded(actual) - self._encoding.encoded(expected)) > _NEAR

    def _share(self, value: float) -> float | None:
        """Return the share of the fitting rows with about this value, where that is known."""
        if self._rarity is None or not self._low < self._high < math.inf:
            return None
        bins = len(self._rarity) - 2
        position = (self._encoding.encoded(value) - self._low) / (self._high - self._low)
        return float(self._rarity[1 + min(max(int(position * bins), 0), bins - 1)])


@final
class BooleanWords(ColumnWords):
    """Describes truth values."""

    kind = Kind.BOOLEAN

    def __init__(self, facts: ColumnFacts) -> None:
        super().__init__(facts)
        self._share: float = facts.encoding.share

    def _phrase(self, actual: bool, expected: Cell) -> Phrase:
        alike = actual == expected
        share = self._share if actual else 1.0 - self._share
        alike = alike or not self._is_told
        notes = self._notes_on(share, alike=alike) if share else (self._texts.never,)
        return self._text(actual), notes if alike else (*notes, self._expected(expected))

    def _text(self, value: bool) -> str:
        return self._texts.true if value else self._texts.false


@final
class CategoryWords(ColumnWords):
    """Describes categories."""

    kind = Kind.CATEGORICAL

    def __init__(self, facts: ColumnFacts) -> None:
        super().__init__(facts)
        encoding: CategoricalEncoding = facts.encoding
        counts = facts.summary.get("counts", {})
        rows = sum(counts.values()) + facts.summary.get("others", 0) + facts.summary.get("missing", 0)
        self._shares: dict[str, float] = {
            without_zero_fraction(name): count / rows for name, count in counts.items() if rows
        }
        self._shares |= dict(zip(map(without_zero_fraction, encoding.categories), encoding.shares, strict=True))
        self._levels = encoding.levels

    def _phrase(self, actual: str, expected: Cell) -> Phrase:
        text, alike = brief(actual), actual == expected or not self._is_told
        if actual not in self._levels:
            return text, (self._texts.never,)
        if (share := self._shares.get(actual)) is None:
            return text, (self._texts.rare,)
        notes = self._notes_on(share, alike=alike)
        return text, notes if alike else (*notes, self._expected(expected))

    def _text(self, value: str) -> str:
        return self._texts.rare if value == "(rare)" else brief(value)


@final
class TimeWords(ColumnWords):
    """Describes dates and times, by the part that is odd."""

    kind = Kind.DATETIME

    def __init__(self, facts: ColumnFacts) -> None:
        super().__init__(facts)
        encoding: TimestampEncoding = facts.encoding
        self._habits = TimeHabits.of(encoding, facts.summary, facts.texts, zoned=facts.zoned)
        self._tells_phase = bool(encoding.cycles) and self._habits.hours is None and self._habits.weekdays is None
        self._gaps = GapWords(encoding.gaps, facts.texts)

    def _dated_phrase(self, actual: str, expected: Cell, gaps: Mapping[str, float]) -> Phrase:
        moment = time_of(actual)
        odd = self._gaps.odd(gaps)
        if odd is None and self._habits.odd_part(moment) is None:
            odd = self._gaps.unusual(gaps)
        return self._phrase(actual, expected) if odd is None else (self._habits.text(moment), (odd,))

    def _phrase(self, actual: str, expected: Cell) -> Phrase:
        moment = time_of(actual)
        if odd := self._habits.odd_part(moment):
            return odd
        text = self._habits.text(moment)
        return text, ((self._expected(expected),) if self._tells_phase else (self._texts.together,))

    def blames(self, gaps: Mapping[str, float]) -> bool:
        """Return True if the days since other dates are what is odd of a date."""
        return self._gaps.odd(gaps) is not None

    def is_echo(self, actual: Cell, gaps: Mapping[str, float], blamed: Set[str]) -> bool:
        """Return True if nothing is odd of a date but the days since dates that are blamed already."""
        if not isinstance(actual, str) or not blamed & gaps.keys() or not self.blames(gaps):
            return False
        others = {name: days for name, days in gaps.items() if name not in blamed}
        return not self.blames(others) and self._habits.odd_part(time_of(actual)) is None

    def _text(self, value: str) -> str:
        return value


_WORDS: Final[Mapping[Kind, type[ColumnWords]]] = {
    words.kind: words for words in (NumberWords, BooleanWords, CategoryWords, TimeWords)
}


def words_of(facts: ColumnFacts) -> ColumnWords:
    """Return what describes the values of a column, by its kind."""
    encoding: Encoding = facts.encoding
    return _WORDS[encoding.kind](facts)

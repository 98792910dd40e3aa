"""The days between two dates of a row in words, where they are not the usual ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, final

from models.encoders import NumericEncoding, gap_limits
from models.reasons.texts import Texts
from models.reasons.values import brief, rounded_text
from models.schema.durations import duration_text

_DAY: Final = 86_400.0
_IN_DAYS: Final = 2.0  # from so many days on, a gap is said in days
_WHOLE_DAYS: Final = 10.0  # from so many on, without a fraction


@final
class GapWords:
    """Says how far a date is from other dates of its row, and what is usual.

    Args:
        gaps: Of one column, the usual ones from ``low`` to ``high``.
        texts: The words.
    """

    def __init__(self, gaps: Sequence[NumericEncoding], texts: Texts) -> None:
        self._gaps = gaps
        self._texts = texts

    def odd(self, days: Mapping[str, float]) -> str | None:
        """Return the oddest gap, such as ``400 days after issued, usually 14 to 45``; None where none is odd."""
        return self._said(days, [gap for gap in self._gaps if gap.name in days and _is_odd(gap, days[gap.name])])

    def unusual(self, days: Mapping[str, float]) -> str | None:
        """Return the most unusual gap, which need not be odd; None where all are usual."""
        return self._said(days, [gap for gap in self._gaps if gap.name in days and _distance(gap, days[gap.name]) > 0])

    def _said(self, days: Mapping[str, float], gaps: Sequence[NumericEncoding]) -> str | None:
        if not gaps:
            return None
        gap = max(gaps, key=lambda each: _distance(each, days[each.name]) / each.scale)
        actual = days[gap.name]
        said = self._texts.gap_after if actual >= 0 else self._texts.gap_before
        in_days = max(abs(actual), abs(gap.low), abs(gap.high)) >= _IN_DAYS
        amount = self._amount(abs(actual), in_days, unit=True)
        usual = self._texts.usually_gap.format(gap=self._usual(gap, in_days, after=actual >= 0))
        return f"{said.format(gap=amount, column=brief(gap.name))}, {usual}"

    def _usual(self, gap: NumericEncoding, in_days: bool, *, after: bool) -> str:
        """Return the usual range; its direction is said where it is not that of the gap."""
        low, high = (self._amount(abs(end), in_days) for end in (gap.low, gap.high))
        if gap.low < 0 < gap.high:
            return self._texts.both_ways.format(start=low, end=high)
        least, most = (low, high) if gap.high > 0 else (high, low)
        text = least if least == most else self._texts.up_to.format(start=least, end=most)
        if (gap.high > 0) == after:
            return text
        return (self._texts.then_before if after else self._texts.then_after).format(gap=text)

    def _amount(self, days: float, in_days: bool, *, unit: bool = False) -> str:
        if not in_days:
            return self._texts.language.number(duration_text(days * _DAY))
        rounded = float(round(days)) if days >= _WHOLE_DAYS else float(rounded_text(days, digits=2))
        number = self._texts.language.number(rounded_text(rounded))
        if not unit:
            return number
        return (self._texts.day if rounded == 1 else self._texts.days).format(count=number)


def _distance(gap: NumericEncoding, days: float) -> float:
    return max(gap.low - days, days - gap.high, 0.0)


def _is_odd(gap: NumericEncoding, days: float) -> bool:
    least, largest = gap_limits(gap)
    return not least <= days <= largest

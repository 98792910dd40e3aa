"""KINDS: the kinds of errors, each with the columns that it fits and the change that it makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from models.messages import phrase
from training.planting.columns import Columns, SeenRows

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.intp]

_NIGHT: Final = 3  # the hour
_FAR: Final = 400  # days
_NEVER_SEEN: Final = ("Atlantis", "to be clarified", "ZZ-9")
_UNITS: Final = (1_000.0, 0.001)  # kilograms in grams, metres in kilometres
_DIGITS: Final = 6
_SHORTEST: Final = 5  # characters of a text that is cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A planted error.

    Args:
        row: The row that is changed.
        values: The planted values by column.
        source: The row whose other values it has: itself, but for a row that is doubled.
        beside: Columns that contradict the planted one, and may be blamed as well.
    """

    row: int
    values: dict[str, Any]
    source: int
    beside: Columns = ()


Plant = Callable[[SeenRows, Columns, Rows, np.random.Generator], Change | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of error.

    Args:
        name: Its name in results.
        says: What is done to a row.
        fits: Returns the columns, or pairs of columns, in which it can be planted.
        plant: Takes the table's rows without errors, columns that it fits, rows that may be changed in the order in
            which they are drawn, and a generator; returns the change, None where no row fits.
        at_sight: A person who looks at the row would call it odd.
    """

    name: str
    says: str
    fits: Callable[[SeenRows], Sequence[Columns]]
    plant: Plant
    at_sight: bool = True


def _single(names: Sequence[str]) -> list[Columns]:
    return [(name,) for name in names]


def _one_value(value_of: Callable[[Any, np.random.Generator], Any], *, high: bool = True) -> Plant:
    """Return the function that changes one value of a row; with `high` of one whose number is not below the median."""

    def plant(seen: SeenRows, columns: Columns, rows: Rows, draw: np.random.Generator) -> Change | None:
        [name] = columns
        found = seen.high_rows(name, rows) if high else seen.known_rows(name, rows)
        if not len(found):
            return None
        row = int(found[0])
        return Change(row=row, values={name: value_of(seen.value(row, name), draw)}, source=row)

    return plant


def _in_another_unit(value: float, draw: np.random.Generator) -> float:
    return _times(value, _UNITS[0] if isinstance(value, int) else float(draw.choice(_UNITS)))


def _times(value: float, factor: float) -> float:
    """Return a number times a factor, without the digits that binary fractions add; a whole number stays one."""
    return value * int(factor) if isinstance(value, int) else round(value * factor, _DIGITS)


def _at_night(value: pd.Timestamp, draw: np.random.Generator) -> pd.Timestamp:
    return value.replace(hour=_NIGHT, minute=int(draw.integers(0, 60)))


def _far_off(seen: SeenRows, columns: Columns, rows: Rows, draw: np.random.Generator) -> Change | None:
    """Move a date by 400 days, to a side where the column has no dates; by as many times 400 days as that takes."""
    import pandas as pd

    [name] = columns
    dates = seen.rows[name]
    known = seen.known_rows(name, rows)
    if not len(known):
        return None
    row = int(known[0])
    step = pd.Timedelta(_FAR if draw.random() < 0.5 else -_FAR, "D")
    date = dates.iloc[row] + step
    while dates.min() <= date <= dates.max():
        date += step
    return Change(row=row, values={name: date}, source=row)


def _combination(seen: SeenRows, columns: Columns, rows: Rows, draw: np.random.Generator) -> Change | None:
    """Give a row a category that never meets the category of another column."""
    name, other = columns
    pairs = seen.never_together[columns]
    value, beside = pairs[int(draw.integers(len(pairs)))]
    found = rows[seen.rows[other].to_numpy()[rows] == beside]
    if not len(found):
        return None
    row = int(found[0])
    return Change(row=row, values={name: value}, source=row, beside=(other,))


def _swapped(seen: SeenRows, columns: Columns, rows: Rows, draw: np.random.Generator) -> Change | None:
    first, second = columns
    known = seen.known_rows(first, seen.known_rows(second, rows))
    if not len(known):
        return None
    row = int(known[0])
    values = {first: seen.value(row, second), second: seen.value(row, first)}
    return Change(row=row, values=values, source=row)


def _stuck(seen: SeenRows, columns: Columns, rows: Rows, draw: np.random.Generator) -> Change | None:
    """Repeat the number of the row before, where that is an interquartile range away or more."""
    [name] = columns
    values = seen.rows[name].to_numpy(np.float64)
    before = rows[rows > 0]
    found = before[np.abs(values[before] - values[before - 1]) >= seen.spread(name)]
    if not len(found):
        return None
    row = int(found[0])
    return Change(row=row, values={name: seen.value(row - 1, name)}, source=row)


def _doubled(seen: SeenRows, columns: Columns, rows: Rows, draw: np.random.Generator) -> Change | None:
    """Make a row a copy of another, with the number of a third, which is an interquartile range away or more."""
    [name] = columns
    values = seen.rows[name].to_numpy(np.float64)
    row, source = int(rows[0]), int(rows[1])
    others = draw.permutation(len(values))
    far = others[np.abs(values[others] - values[source]) >= seen.spread(name)]
    if not len(far):
        return None
    return Change(row=row, values={name: seen.value(int(far[0]), name)}, source=source)


def _exchanged(seen: SeenRows, columns: Columns, rows: Rows, draw: np.random.Generator) -> Change | None:
    """Exchange two numbers of one size, where they are the wider interquartile range apart or more."""
    first, second = (seen.rows[name].to_numpy(np.float64) for name in columns)
    apart = max(map(seen.spread, columns))
    return _swapped(seen, columns, rows[np.abs(first[rows] - second[rows]) >= apart], draw)


def _of_another_row(seen: SeenRows, columns: Columns, rows: Rows, draw: np.random.Generator) -> Change | None:
    """Give a row the value of another: another category, or a number or date an interquartile range away or more."""
    [name] = columns
    known = seen.known_rows(name, rows)
    if not len(known):
        return None
    row, values = int(known[0]), seen.rows[name]
    if name in seen.categories:
        far = (values != values.iloc[row]).to_numpy(np.bool_) & values.notna().to_numpy(np.bool_)
    else:
        low, high = values.quantile([0.25, 0.75])
        apart = (values - values.iloc[row]).abs()
        far = ((apart >= high - low) & (apart > 0 * apart)).to_numpy(np.bool_)
    others = np.flatnonzero(far)
    if not len(others):
        return None
    return Change(row=row, values={name: seen.value(int(draw.choice(others)), name)}, source=row)


def _never_seen(seen: SeenRows, columns: Columns, rows: Rows, draw: np.random.Generator) -> Change | None:
    [name] = columns
    values = [value for value in _NEVER_SEEN if value not in set(seen.rows[name])]
    row = int(rows[0])
    return Change(row=row, values={name: str(draw.choice(values))}, source=row)


def _cut(seen: SeenRows, columns: Columns, rows: Rows, draw: np.random.Generator) -> Change | None:
    """Keep the first half of a text, where no row has that half."""
    [name] = columns
    texts, known = seen.rows[name], set(seen.rows[name])
    for row in map(int, rows):
        text = texts.iloc[row]
        half = text[: len(text) // 2].strip() if isinstance(text, str) else ""
        if half and len(text) >= _SHORTEST and half not in known:
            return Change(row=row, values={name: half}, source=row)
    return None


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind(
            name="ten times too much",
            says=phrase("a number that is never negative, times ten"),
            fits=lambda seen: _single(seen.amounts),
            plant=_one_value(lambda value, _: _times(value, 10)),
        ),
        Kind(
            name="sign",
            says=phrase("a number that is always positive, with a minus"),
            fits=lambda seen: _single(seen.positive),
            plant=_one_value(lambda value, _: -value),
        ),
        Kind(
            name="zero for a value",
            says=phrase("0 in a column whose numbers are all above it"),
            fits=lambda seen: _single(seen.positive),
            plant=_one_value(lambda value, _: 0),
        ),
        Kind(
            name="unit changed",
            says=phrase("a number that is never negative, times or divided by a thousand"),
            fits=lambda seen: _single(seen.amounts),
            plant=_one_value(_in_another_unit),
        ),
        Kind(
            name="hour at night",
            says=phrase("a time at 3 at night, in a column that has none between 2 and 5"),
            fits=lambda seen: _single(seen.of_the_day),
            plant=_one_value(_at_night, high=False),
        ),
        Kind(
            name="date far off",
            says=phrase("a date 400 days away, out of the column's period"),
            fits=lambda seen: _single(seen.dates),
            plant=_far_off,
        ),
        Kind(
            name="category never seen",
            says=phrase("a text that no row has"),
            fits=lambda seen: _single(seen.categories),
            plant=_never_seen,
        ),
        Kind(
            name="combination never seen",
            says=phrase("a category that never meets that of another column"),
            fits=lambda seen: list(seen.never_together),
            plant=_combination,
        ),
        Kind(
            name="columns swapped",
            says=phrase("two numbers of other sizes, exchanged"),
            fits=lambda seen: seen.numbers_of_other_sizes,
            plant=_swapped,
        ),
        Kind(
            name="sensor stuck",
            says=phrase("the number of the row before, in a column that follows from another"),
            fits=lambda seen: _single(seen.following),
            plant=_stuck,
        ),
        Kind(
            name="doubled with another amount",
            says=phrase("a copy of another row with the number of a third, in a column that follows from another"),
            fits=lambda seen: _single(seen.following),
            plant=_doubled,
        ),
        Kind(
            name="text cut",
            says=phrase("the first half of a text"),
            fits=lambda seen: _single(
                [name for name in seen.categories if seen.rows[name].str.len().max() >= _SHORTEST]
            ),
            plant=_cut,
        ),
        Kind(
            name="columns of one size swapped",
            says=phrase("two numbers of one size, exchanged, where they are an interquartile range apart"),
            fits=lambda seen: seen.numbers_of_one_size,
            plant=_exchanged,
            at_sight=False,
        ),
        Kind(
            name="value of another row",
            says=phrase("a category, or a number or date an interquartile range away, of another row"),
            fits=lambda seen: _single([*seen.numbers, *seen.categories, *seen.dates]),
            plant=_of_another_row,
            at_sight=False,
        ),
    )
}
"""Kinds of errors by name."""

"""Which columns of a table errors can be planted in: numbers, numbers that follow from others, categories, times."""

from __future__ import annotations

from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Columns = tuple[str, ...]

_LEAST_NUMBERS: Final = 8  # numbers of fewer values are codes
_ROWS_OF_A_VALUE: Final = 10  # texts of fewer rows each are names of rows
_FOLLOWS: Final = 0.7  # of Spearman's rank correlation
_EXPECTED: Final = 8.0  # rows that a pair of categories has if they are independent: fewer may lack by chance


class SeenRows:
    """All rows of a table without errors, fitted and fresh ones, and what can be said of its columns.

    Args:
        rows: The rows.
        ids: Columns in which nothing is planted.
    """

    def __init__(self, rows: pd.DataFrame, ids: Columns = ()) -> None:
        self.rows = rows
        self._names = [name for name in rows.columns if name not in ids]

    @cached_property
    def numbers(self) -> list[str]:
        """Columns of numbers that are no codes."""
        from pandas.api.types import is_bool_dtype, is_numeric_dtype

        found = [name for name in self._names if is_numeric_dtype(self.rows[name])]
        return [
            name for name in found if not is_bool_dtype(self.rows[name]) and self.rows[name].nunique() >= _LEAST_NUMBERS
        ]

    @cached_property
    def positive(self) -> list[str]:
        """Numbers that are all above 0."""
        return [name for name in self.numbers if self.rows[name].min() > 0]

    @cached_property
    def amounts(self) -> list[str]:
        """Numbers that are never below 0, and mostly above."""
        return [name for name in self.numbers if self.rows[name].min() >= 0 and self.rows[name].median() > 0]

    @cached_property
    def following(self) -> list[str]:
        """Numbers that follow from another: a rank correlation of 0.7 or more."""
        if len(self.numbers) <= 1:
            return []
        correlation = self.rows[self.numbers].corr(method="spearman").abs().to_numpy(copy=True)
        np.fill_diagonal(correlation, 0.0)
        return [name for name, row in zip(self.numbers, correlation, strict=True) if np.nanmax(row) >= _FOLLOWS]

    @cached_property
    def categories(self) -> list[str]:
        """Columns of texts that many rows share."""
        from pandas.api.types import is_object_dtype, is_string_dtype

        texts = [name for name in self._names if is_string_dtype(self.rows[name]) or is_object_dtype(self.rows[name])]
        return [name for name in texts if 1 < self.rows[name].nunique() <= len(self.rows) / _ROWS_OF_A_VALUE]

    @cached_property
    def dates(self) -> list[str]:
        """Columns of dates, with a time of day or without."""
        from pandas.api.types import is_datetime64_any_dtype

        return [name for name in self._names if is_datetime64_any_dtype(self.rows[name])]

    @cached_property
    def of_the_day(self) -> list[str]:
        """Columns of dates with a time of day that is never between 2 and 5 at night."""
        hours = {name: self.rows[name].dt.hour for name in self.dates}
        return [name for name, hour in hours.items() if hour.nunique() > 1 and not hour.between(2, 4).any()]

    @cached_property
    def numbers_of_other_sizes(self) -> list[Columns]:
        """Pairs of numbers whose middle halves do not overlap."""
        quartiles = {name: self.rows[name].quantile([0.25, 0.75]).to_numpy() for name in self.numbers}
        return [
            (first, second)
            for first, second in combinations(self.numbers, 2)
            if quartiles[first][1] < quartiles[second][0] or quartiles[second][1] < quartiles[first][0]
        ]

    @cached_property
    def numbers_of_one_size(self) -> list[Columns]:
        """Pairs of numbers whose middle halves overlap."""
        others = set(self.numbers_of_other_sizes)
        return [pair for pair in combinations(self.numbers, 2) if pair not in others]

    @cached_property
    def never_together(self) -> dict[Columns, list[tuple[str, str]]]:
        """Pairs of values that never meet, by pair of categories, though as many as 8 would if they were independent.

        Each pair of categories is there in both orders.
        """
        gaps: dict[Columns, list[tuple[str, str]]] = {}
        codes = {name: self.rows[name].factorize() for name in self.categories}
        for first, second in combinations(self.categories, 2):
            (rows, values), (columns, others) = codes[first], codes[second]
            known = (rows >= 0) & (columns >= 0)
            counts = np.zeros((len(values), len(others)))
            np.add.at(counts, (rows[known], columns[known]), 1)
            expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / known.sum()
            found = [(values[i], others[j]) for i, j in np.argwhere((counts == 0) & (expected >= _EXPECTED))]
            if found:
                gaps[first, second] = found
                gaps[second, first] = [(other, value) for value, other in found]
        return gaps

    def spread(self, name: str) -> float:
        """Return the interquartile range of a column of numbers; its standard deviation where that is 0."""
        low, high = self.rows[name].quantile([0.25, 0.75])
        return float(high - low) or float(self.rows[name].std())

    def value(self, row: int, name: str) -> Any:
        """Return a cell: numbers and texts as those of Python, dates as those of pandas."""
        value = self.rows[name].iloc[row]
        return value.item() if isinstance(value, np.generic) else value

    def known_rows(self, name: str, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those of some rows whose cell is not missing."""
        return rows[self.rows[name].notna().to_numpy(np.bool_)[rows]]

    def high_rows(self, name: str, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those of some rows whose number is not below the column's median, and not 0."""
        values = self.rows[name].to_numpy(np.float64)[rows]
        high: NDArray[np.bool_] = (values >= float(self.rows[name].median())) & (values != 0)
        return rows[high]

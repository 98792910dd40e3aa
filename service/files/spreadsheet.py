"""Rows for people who open them in a spreadsheet: numbers in a few digits, and no text that it would run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.errors import ConfigError, Set
from models.reasons.values import DIGITS
from service.files.scored_rows import ScoredRows, arrow_of

_RUNS_TEXTS: Final = {"csv": True, "excel": False}
"""Formats that people open in a spreadsheet: does it run a text that begins like a formula?"""

_FORMULA: Final = r"^[=+\-@\t\r]"
_NUMBER: Final = r"^[+-]?[\d.,]*\d([eE][+-]?\d+)?$"
_APOSTROPHE: Final = "'"


def require_for_people(format_name: str, output: Path) -> None:
    """Raise `ConfigError` for a format that no spreadsheet opens."""
    if format_name not in _RUNS_TEXTS:
        raise ConfigError(
            Set("spreadsheet", True), f" is for CSV and .xlsx, and {output} is {format_name}. Leave it out."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetForm:
    """How tables are written for people.

    Args:
        given: Columns of the input, whose numbers are left as they are.
        runs_texts: A text that begins like a formula would be run.
    """

    given: frozenset[str]
    runs_texts: bool

    @classmethod
    def of(cls, format_name: str, *, given: Iterable[str]) -> SheetForm:
        """Return the form for a format."""
        return cls(given=frozenset(given), runs_texts=_RUNS_TEXTS[format_name])

    def table(self, table: pa.Table) -> pa.Table:
        """Return a table in this form."""
        columns = [
            _rounded(column) if pa.types.is_floating(column.type) and name not in self.given else column
            for name, column in zip(table.column_names, table.columns, strict=True)
        ]
        table = pa.table(columns, names=table.column_names)
        return defused(table) if self.runs_texts else table


@dataclass(frozen=True, slots=True)
class ForSpreadsheets:
    """Scored rows for people."""

    rows: ScoredRows
    form: SheetForm

    @property
    def anomaly_score(self) -> NDArray[np.float64]:
        """Their anomaly scores `(n,)`, exact."""
        return self.rows.anomaly_score

    def table(self) -> pa.Table:
        """Return the rows as a table."""
        return self.form.table(self.rows.table())

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as objects, as they are."""
        return self.rows.records()


def rounded(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers in four significant digits; those before the decimal point are all kept.

    Example:
        >>> rounded(np.array([0.00123456, 12.3456, 44100.5, 0.0, np.inf])).tolist()
        [0.001235, 12.35, 44100.0, 0.0, inf]
    """
    finite = np.isfinite(numbers) & (numbers != 0)
    result = numbers.copy()
    sizes = np.floor(np.log10(np.abs(numbers[finite]))).astype(int)
    decimals = np.maximum(DIGITS - 1 - sizes, 0).tolist()
    result[finite] = [round(number, places) for number, places in zip(numbers[finite].tolist(), decimals, strict=True)]
    return result


def _rounded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    numbers = column.cast(pa.float64()).combine_chunks()
    cells = arrow_of(rounded(np.asarray(numbers.fill_null(0.0))))
    return pa.chunked_array([pc.if_else(numbers.is_valid(), cells, pa.scalar(None, pa.float64()))])


def defused(table: pa.Table) -> pa.Table:
    """Return a table with an apostrophe before each text, and name of a column, that begins like a formula.

    Numbers written as text stay as they are, such as -5 or +49.

    Example:
        >>> defused(pa.table({"=id": ["=1+1", "-5", "a-b", None]})).to_pydict()
        {"'=id": ["'=1+1", '-5', 'a-b', None]}
    """
    columns = [_defused(column) if _is_text(column.type) else column for column in table.columns]
    names = _defused(pa.chunked_array([pa.array(table.column_names, pa.string())])).to_pylist()
    return pa.table(columns, names=names)


def _defused(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    formula = pc.and_not(pc.match_substring_regex(texts, _FORMULA), pc.match_substring_regex(texts, _NUMBER))
    if not pc.any(formula).as_py():
        return texts
    return pc.if_else(formula, pc.binary_join_element_wise(pa.scalar(_APOSTROPHE, texts.type), texts, ""), texts)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))

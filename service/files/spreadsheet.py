"""Texts that a spreadsheet would run as formulas, made texts for it: for files that people open in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from models.tables.writers import Rows

_FORMULA: Final = r"^[=+\-@\t\r]"
_NUMBER: Final = r"^[+-]?[\d.,]*\d([eE][+-]?\d+)?$"
_APOSTROPHE: Final = "'"


@dataclass(frozen=True, slots=True)
class ForSpreadsheets:
    """Rows whose texts no spreadsheet runs."""

    rows: Rows

    def table(self) -> pa.Table:
        """Return the rows as a table."""
        return defused(self.rows.table())

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as objects, as they are."""
        return self.rows.records()


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

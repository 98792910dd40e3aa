"""Column names as the readers of files give them, for the data frame that pandas reads from the same file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from models.schema import FeatureSchema
from models.tables.table import Table

_UNNAMED: Final = re.compile(r"Unnamed: (\d+)")
_AGAIN: Final = re.compile(r"(.*)\.(\d+)", re.DOTALL)


def named_as_in_file(table: Table, schema: FeatureSchema) -> Table:
    """Return a table with the names of a detector's columns where pandas spells the header line of a file otherwise.

    pandas keeps blanks around a name, calls a column without one ``Unnamed: 0`` and the second ``load`` ``load.1``, and
    numbers the columns of a file without a header line. A table with all columns, or with others, stays as it is.
    """
    if set(schema.required) <= set(table.names):
        return table
    names = _names_in_file(table.names, schema)
    if len(set(names)) < len(names) or not set(schema.required) <= set(names):
        return table
    return replace(table, data=table.data.rename_columns(names))


def _names_in_file(names: Sequence[str], schema: FeatureSchema) -> list[str]:
    if schema.header is not None and list(names) == [str(number) for number in range(len(schema.header))]:
        return list(schema.header)
    return [_name_in_file(name, names) for name in names]


def _name_in_file(name: str, names: Sequence[str]) -> str:
    if unnamed := _UNNAMED.fullmatch(name):
        return f"column_{int(unnamed[1]) + 1}"
    if (again := _AGAIN.fullmatch(name)) and again[1] in names:
        return f"{again[1].strip()}_{int(again[2]) + 1}"
    return name.strip()

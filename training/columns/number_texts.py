"""How the numbers of a table are written where they are texts, whatever format the table came in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.columns.arrow_cells import plain_cells
from models.columns.from_records import Columns
from models.errors import Set, TableError, quoted
from models.messages import phrase
from models.schema import FeatureSchema, Kind
from models.schema.cells import is_missing_text
from models.schema.numbers import (
    code_reason,
    is_address,
    power_of_ten,
    same_but_for_leading_zeros,
    same_but_for_zeros,
    with_sign_in_front,
)
from models.tables.read_options import ReadOptions, options_as_learned
from models.tables.table import Table
from models.tables.text.number_format import detect_number_format
from training.columns.infer_schema import Finding
from training.columns.roles import Roles

_EXACT_DIGITS: Final = 15  # of a whole number that float64 tells apart from its neighbours


def with_number_format(table: Table, roles: Roles, decided: FeatureSchema | None = None) -> Table:
    """Return a table that knows how its numbers are written: as its file told, else by its columns of texts.

    What these leave open is as in the schema that was `decided`.

    Raises:
        TableError: There are two readings.
    """
    if table.decimal is not None and table.thousands is not None:
        return table
    texts = _texts(table, roles)
    said = ReadOptions(decimal=table.decimal, thousands=table.thousands)
    if decided is not None:
        said = options_as_learned(decided, said)
    try:
        found = detect_number_format(texts.values(), said, names=tuple(texts))
    except TableError as error:
        others = Set("kind", f"NAME={Kind.CATEGORICAL}")
        raise TableError(error, "; for a column that holds no numbers: ", others, ".") from error
    repairs = (*table.repairs, *found.reports)
    return replace(table, decimal=found.decimal, thousands=found.thousands, repairs=repairs)


def find_notation(schema: FeatureSchema, table: Table, roles: Roles) -> tuple[Finding, ...]:
    """Return findings about codes that could be numbers, and about negative numbers as bookkeepers write them."""
    found = []
    for column in schema.columns:
        if column.name in roles.kinds or column.kind not in (Kind.NUMERIC, Kind.CATEGORICAL):
            continue
        texts = _different(table, column.name)
        if column.kind is Kind.NUMERIC:
            found += [] if column.layout else _about_numbers(column.name, texts)
        elif column.kind is Kind.CATEGORICAL and not (texts and is_address(texts[0])):
            what = code_reason(texts) or _long_numbers(table, column.name, texts)
            setting = Set("kind", f"{column.name}={Kind.NUMERIC}")
            remedy = phrase("if they are numbers: {setting}", setting=setting)
            found += [Finding(columns=(column.name,), what=what, remedy=remedy)] if what else []
            found += _codes_of_two_widths(column.name, texts)
    return tuple(found)


def _codes_of_two_widths(name: str, texts: Sequence[str]) -> list[Finding]:
    """Return the finding about codes that may have lost their zeros in some of the rows."""
    if (same := same_but_for_leading_zeros(texts)) is None:
        return []
    first, other = map(quoted, same)
    what = phrase("{first} and {other} are two categories", first=first, other=other)
    return [Finding(columns=(name,), what=what, remedy=phrase("if they are one code, write it in one way"))]


def _about_numbers(name: str, texts: Sequence[str]) -> list[Finding]:
    """Return findings about texts that are read as numbers and may be meant as something else."""
    remedy = phrase("if they are categories: {setting}", setting=Set("kind", f"{name}={Kind.CATEGORICAL}"))
    if odd := next((text for text in texts if with_sign_in_front(text) != text), None):
        read = with_sign_in_front(odd)
        what = phrase("negative numbers such as {text}, read as {number}", text=quoted(odd), number=read)
        return [Finding(columns=(name,), what=what, remedy=remedy)]
    if power := power_of_ten(texts):
        what = phrase(
            "whole numbers and powers of ten such as {text}, read as {number:g}",
            text=quoted(power),
            number=float(power),
        )
        return [Finding(columns=(name,), what=what, remedy=remedy)]
    if same := same_but_for_zeros(texts):
        first, other = map(quoted, same[:2])
        what = phrase("{first} and {other} are read as one number, and may be two versions", first=first, other=other)
        return [Finding(columns=(name,), what=what, remedy=remedy, warning=True)]
    return []


def whole_columns(schema: FeatureSchema, columns: Columns) -> tuple[str, ...]:
    """Return the numeric columns that hold whole numbers alone."""
    numbers = [column.name for column in schema.columns if column.kind is Kind.NUMERIC]
    gaps = {name: np.isnan(columns[name]) for name in numbers}
    return tuple(name for name in numbers if (gaps[name] | (columns[name] == np.floor(columns[name]))).all())


def _long_numbers(table: Table, name: str, texts: Sequence[str]) -> str | None:
    """Return what a column of whole numbers is that became categories; None for another one."""
    kind = table.data.schema.field(name).type
    whole = pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    if texts and all(map(str.isdigit, texts)):
        whole = max(map(len, texts)) > _EXACT_DIGITS
    return phrase("whole numbers that float64 does not tell apart, kept as categories") if whole else None


def _different(table: Table, name: str) -> list[str]:
    """Return the different texts of a column, without those for a missing value; none where it holds no texts."""
    cells = plain_cells(table.data.column(name))
    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    if not pa.types.is_string(kind):
        return []
    texts = pc.unique(cells.cast(pa.string())).to_pylist()
    return [text.strip() for text in texts if text is not None and not is_missing_text(text)]


def _texts(table: Table, roles: Roles) -> dict[str, Sequence[str]]:
    """Return the different texts of each column that may be numbers."""
    ruled_out = {roles.label, *roles.ids, *roles.exclude, *({roles.group} - {*roles.include})}
    wanted = [name for name in table.names if name not in ruled_out and (not roles.include or name in roles.include)]
    open_ones = [name for name in wanted if roles.kinds.get(name) in (None, Kind.NUMERIC)]
    return {name: texts for name in open_ones if (texts := _different(table, name))}

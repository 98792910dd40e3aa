"""Schema inference: of which kind each column of a table is, or why it is dropped, with findings for the user."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.columns.arrow_cells import is_duration, plain_cells
from models.columns.from_records import missing_mask
from models.columns.from_tables import RowsOfTable, read_cells
from models.errors import ConfigError, Message, Set, TableError, absent_columns, joined, quoted
from models.messages import phrase, unfilled
from models.schema import DURATION, Column, FeatureSchema, Kind
from models.schema.cells import is_missing_text, number_text
from models.schema.numbers import PERCENT
from models.schema.timestamps import clock_text, timestamp_text
from models.tables.table import Table, places_of
from training.columns.codes import differ_as_written, with_what_was_met
from training.columns.coordinates import coordinates_reason
from training.columns.infer_texts import text_column, too_many_categories
from training.columns.number_layouts import EPOCHS, OF_INSTANTS, is_time_name, layout_of_numbers
from training.columns.roles import DATE_ORDERS, EVERY_COLUMN, Roles
from training.columns.row_index import is_unnamed, row_index

_MIN_ROWS_OF_IDENTIFIER: Final = 20
_ID_NAME: Final = re.compile(r"(^|[^a-z])(id|uuid|guid|key|no|nr|number)$|[a-z](Id|ID)$", re.ASCII)
_CATEGORIES: Final = unfilled("if they are categories: {setting}")
_PLAIN_NUMBERS: Final = unfilled("if they are plain numbers: {setting}")
_LAYOUT_NOTES: Final = {
    DURATION: (phrase("durations, in seconds"), _CATEGORIES),
    "compact": (phrase("dates such as 20240226"), _PLAIN_NUMBERS),
    "time": (phrase("times of day"), unfilled("if they are durations: {setting}")),
    "period": (phrase("months, quarters or weeks, each as its first day (Mar-24 is March 2024)"), _CATEGORIES),
    **{layout: (what, _PLAIN_NUMBERS) for layout, what in EPOCHS.items()},
}  # what is noted about a column, and what else it may be
_OF_NUMBERS: Final = ("counts the rows", "each whole number", "every value is different")  # of whole numbers
_SHOWN: Final = 3  # columns in an error
_MAY_BE_USED: Final = ("identifier", "free text", "too many categories")  # the reasons that a given kind overrules


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fact about columns or rows that the user should know, and that nothing was changed for.

    Args:
        columns: Names of the columns; none where it is about rows.
        what: The fact, in words that fit behind these names and a colon.
        remedy: The setting that changes it, a `Message`; empty where nothing has to be changed.
        warning: It may spoil the detector, so it is repeated when training is done.
        drops: The columns are left out, which the user did not ask for: the estimator warns of it.
    """

    columns: tuple[str, ...] = ()
    what: str
    remedy: str = ""
    warning: bool = False
    drops: bool = False

    @property
    def message(self) -> Message:
        """The finding and its remedy in one line."""
        parts = joined([self.what, self.remedy], by="; ") if self.remedy else Message(self.what)
        if not self.columns:
            return parts
        return phrase("{columns}: {finding}", columns=", ".join(map(quoted, self.columns)), finding=parts)

    def __str__(self) -> str:
        """Return the line as the command line prints it."""
        return str(self.message)


def infer_schema(
    table: Table, roles: Roles, *, fitting: NDArray[np.bool_]
) -> tuple[FeatureSchema, tuple[Finding, ...]]:
    """Decide on every column.

    Kinds come from all rows, so that no later row contradicts them; whether a column is constant or has too many
    categories is decided on the fitting rows `(n,)` alone.

    Raises:
        ConfigError: A role names a column that is not there.
        TableError: No column is left, a cell is infinite, or only the user can say what a column is.
    """
    for setting, names in (("id", roles.ids), ("include", roles.include), ("exclude", roles.exclude)):
        if unknown := list(dict.fromkeys(name for name in names if name not in table.names)):
            raise ConfigError(Set(setting), f": {absent_columns(unknown, table.names)}")
    columns, findings = [], []
    dropped: dict[str, str] = {}
    for name in table.names:
        if name in roles.ids or name == roles.label:
            continue
        if reason := roles.reason_to_drop(name):
            dropped[name] = reason
        elif isinstance(decision := _decide(name, table, roles, fitting), Column):
            columns.append(replace(decision, optional=name in table.absent))
            findings += [*_notes(decision, roles, table), *_mixed_zones(decision), *_not_found(decision, table, roles)]
        else:
            dropped[name] = decision
    if not columns:
        shown = list(dropped.items())[:_SHOWN]
        reasons = joined([Message(f"{name}: ", reason) for name, reason in shown], by="; ")
        more = f"; and {len(dropped) - _SHOWN:,} more" if len(dropped) > _SHOWN else ""
        what = Message("No column is left to learn from (", reasons, more, "). Name what must be used: ")
        raise TableError(what, Set("include", like="COLUMN"), ".")
    schema = FeatureSchema(
        columns=tuple(columns), ids=roles.ids, label=roles.label, dropped=dropped, header=table.header
    )
    return schema, (*_dropped_unasked(dropped, roles), *findings)


def _decide(name: str, table: Table, roles: Roles, fitting: NDArray[np.bool_]) -> Column | str:
    """Return the column, or the reason to drop it; one that the user wants is dropped only if it is constant."""
    column = _column(name, table, roles)
    if not isinstance(column, Column):
        return column
    kept = roles.kept_of(name) if column.kind is Kind.CATEGORICAL else ()
    unit = PERCENT if name in table.percent and column.kind is Kind.NUMERIC and not column.layout else column.unit
    column = replace(column, missing=roles.missing_of(name, column.kind), keep_words=kept, unit=unit)
    values = _values(column, table)
    if column.kind is Kind.NUMERIC and column.unit is None and column.layout is None and name not in roles.kinds:
        layout = layout_of_numbers(name, values)
        if layout is not None:
            column = _timestamps(name, layout, missing=column.missing)
            values = _values(column, table)
        elif name not in roles.include and (count := differ_as_written(table.data.column(name), values)) is not None:
            if count >= max(len(values), _MIN_ROWS_OF_IDENTIFIER):
                return phrase("identifier (every value is different)")
            column = replace(column, kind=Kind.CATEGORICAL)
            values = _values(column, table)
    if (reason := _no_information(column, values[fitting])) is not None:
        return reason
    if name in roles.include or name in roles.kinds:
        return column
    if column.kind is Kind.NUMERIC:
        return _identifier(name, values) or row_index(name, values, table) or column
    if column.kind is Kind.CATEGORICAL:
        present = [value for value in values[fitting] if value is not None]
        reason = too_many_categories(present)
        if reason is None:
            return column
        if (coordinates := coordinates_reason(dict.fromkeys(present))) is not None:
            return coordinates
        return with_what_was_met(name, reason, set(present)) if reason.startswith(_MAY_BE_USED) else reason
    return column


def _values(column: Column, table: Table) -> NDArray[Any]:
    decimal, thousands = table.marks
    about, cells = RowsOfTable(table=table), table.data.column(column.name)
    return read_cells(column, cells, decimal=decimal, thousands=thousands, about=about)


def _column(name: str, table: Table, roles: Roles) -> Column | str:
    """Return the column by its type or its texts, or why it cannot be used."""
    cells = plain_cells(table.data.column(name))
    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    given = roles.kinds.get(name)
    if pa.types.is_null(kind):
        return phrase("empty")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        gone = frozenset(roles.missing_of(name, Kind.CATEGORICAL))
        kept = roles.kept_of(name)
        present = [text for text in pc.unique(cells).to_pylist() if text is not None]
        present = [text for text in present if text.strip() in kept or not is_missing_text(text)]
        texts = [text for text in present if text.strip() not in gone]
        if not texts:
            return phrase("empty")

        def where(text: str) -> str:
            return places_of(table, [pc.index(cells, text).as_py()])

        decimal, thousands = table.marks
        return text_column(name, texts, roles, decimal=decimal, thousands=thousands, said=table.said, where=where)
    if reason := _unsupported(kind):
        return reason
    numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if given is Kind.DATETIME and numbers:
        values = read_cells(Column(name=name, kind=Kind.NUMERIC, missing=("inf", "-inf")), cells)
        if layout := layout_of_numbers(name, values, given=True):
            return _timestamps(name, layout)
        problem = f", but its numbers are neither {', '.join(EPOCHS.values())} (in 2000 to 2100), nor dates such as "
        raise TableError(f"Column {name!r}: ", Set("kind", f"{name}=datetime"), problem, "20240226.")
    if given in (None, Kind.NUMERIC) and is_duration(table.data.column(name).type):
        return Column(name=name, kind=Kind.NUMERIC, layout=DURATION)
    if numbers or pa.types.is_boolean(kind):
        return Column(name=name, kind=given or (Kind.NUMERIC if numbers else Kind.BOOLEAN))
    if given not in (None, Kind.DATETIME):
        return Column(name=name, kind=given)
    zone = pa.types.is_timestamp(kind) and kind.tz is not None
    return Column(name=name, kind=Kind.DATETIME, layout="time" if pa.types.is_time(kind) else "iso", zone=zone)


def _timestamps(name: str, layout: str, *, missing: tuple[str, ...] = ()) -> Column:
    """Return the column of timestamps that are numbers; since 1970 means in UTC."""
    return Column(name=name, kind=Kind.DATETIME, layout=layout, missing=missing, zone=layout in OF_INSTANTS)


def _unsupported(kind: pa.DataType) -> str | None:
    """Return why values of a type cannot be used."""
    types = pa.types
    if types.is_nested(kind):
        return phrase("nested ({type}): give each part a column of its own", type=kind)
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return phrase("binary: write it as text or as numbers")
    fits = types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    if fits or types.is_timestamp(kind) or types.is_date(kind) or types.is_time(kind):
        return None
    return phrase("values of type {type} are not supported: cast them", type=kind)


def _no_information(column: Column, learned: NDArray[Any]) -> str | None:
    """Return the reason to drop a column that is empty or constant in the fitting rows; None for another one."""
    missing = missing_mask(learned)
    present = learned[~missing]
    if not len(present):
        return phrase("empty")
    if not missing.any() and (present == present[0]).all():
        return phrase("constant (always {value})", value=_text_of(column, present[0]))
    return None


def _text_of(column: Column, value: Any) -> str:
    if column.kind is Kind.CATEGORICAL:
        return quoted(value)
    if column.kind is Kind.BOOLEAN:
        return str(bool(value)).lower()
    if column.kind is Kind.DATETIME:
        return clock_text(value) if column.layout == "time" else timestamp_text(value)
    return f"{value:g}"


def _identifier(name: str, values: NDArray[Any]) -> str | None:
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) < max(len(values), _MIN_ROWS_OF_IDENTIFIER) or (distinct != np.floor(distinct)).any():
        return None
    if distinct[-1] - distinct[0] == len(distinct) - 1:
        steps = np.diff(values)
        if (steps > 0).all() or (steps < 0).all():
            if steps[0] < 0:
                return phrase("identifier (counts the rows backwards)")
            return phrase("identifier (counts the rows)")
        ends = {"first": number_text(distinct[0]), "last": number_text(distinct[-1])}
        return phrase("identifier (each whole number from {first} to {last} once)", **ends)
    return phrase("identifier (every value is different)") if _ID_NAME.search(name) else None


def _dropped_unasked(dropped: Mapping[str, str], roles: Roles) -> list[Finding]:
    """Return a finding for each reason to drop columns that is not the user's own word."""
    same: dict[str, list[str]] = {}
    for name, reason in dropped.items():
        if roles.reason_to_drop(name) is None:
            same.setdefault(reason, []).append(name)
    return [
        Finding(
            columns=tuple(names),
            what=phrase("dropped: {reason}", reason=reason),
            remedy=_use_of(reason, names),
            drops=True,
        )
        for reason, names in same.items()
    ]


def _use_of(reason: str, names: Sequence[str]) -> Message:
    """Return how to use columns that are dropped for a reason, or to leave them out by the user's own word."""
    by_name = phrase("to leave it out without this note: {setting}", setting=Set("exclude", tuple(names)))
    if not reason.startswith(_MAY_BE_USED):
        return Message() if _has_remedy(reason) else by_name
    kind = Kind.NUMERIC if any(words in reason for words in _OF_NUMBERS) else Kind.CATEGORICAL
    kinds = tuple(f"{name}={kind}" for name in names)
    use = phrase("to use it all the same: {setting}", setting=Set("kind", kinds))
    if reason.startswith("identifier"):
        carry = phrase("to carry it through to the scores: {setting}", setting=Set("id", tuple(names)))
        return joined([carry, use], by=", ")
    return joined([use, by_name], by=", ")


def _has_remedy(reason: str) -> bool:
    return isinstance(reason, Message) and any(isinstance(part, Set) for part in reason.parts)


def _notes(column: Column, roles: Roles, table: Table) -> list[Finding]:
    """Return findings about a kind that is not obvious from the values, unless the user gave it."""
    if column.name in roles.kinds:
        return []
    if column.kind is Kind.NUMERIC and is_unnamed(column.name, table) and column.name not in roles.include:
        what = phrase("has no name in the file, and is learned from")
        remedy = phrase("if it is an index: {setting}", setting=Set("exclude", column.name))
        return [Finding(columns=(column.name,), what=what, remedy=remedy)]
    if column.unit is not None:
        what, other = _of_unit(column), _CATEGORIES
    elif column.layout in DATE_ORDERS.values() and not (roles.date_orders.keys() & {column.name, EVERY_COLUMN}):
        first_day = column.layout == DATE_ORDERS["day-first"]
        what = (
            phrase("the day comes first in its dates, as some of them show")
            if first_day
            else phrase("the month comes first in its dates, as some of them show")
        )
        return [Finding(columns=(column.name,), what=what)]
    elif is_duration(table.data.column(column.name).type):
        return [Finding(columns=(column.name,), what=_LAYOUT_NOTES[DURATION][0])]  # by its type: nothing else
    elif column.layout in _LAYOUT_NOTES:
        what, other = _LAYOUT_NOTES[str(column.layout)]
        if column.layout in EPOCHS:
            if is_time_name(column.name):
                what = phrase("by its name, {what}", what=what)
            else:
                what = phrase("as it runs in one direction from row to row, {what}", what=what)
    else:
        return []
    kind = Kind.CATEGORICAL if other is _CATEGORIES else Kind.NUMERIC
    remedy = other.filled(setting=Set("kind", f"{column.name}={kind}"))
    return [Finding(columns=(column.name,), what=what, remedy=remedy)]


def _of_unit(column: Column) -> Message:
    if column.decimal is None:
        return phrase("numbers in {unit!r}", unit=column.unit)
    marks = {"unit": column.unit, "decimal": column.decimal, "thousands": column.thousands}
    if column.thousands:
        return phrase("numbers in {unit!r} (decimal mark {decimal!r}, grouped by {thousands!r})", **marks)
    return phrase("numbers in {unit!r} (decimal mark {decimal!r})", **marks)


def _mixed_zones(column: Column) -> list[Finding]:
    if column.kind is not Kind.DATETIME or column.zone is not None:
        return []
    what = phrase("some of its times have a zone and some have none; these are taken as UTC")
    remedy = phrase(
        "write a zone behind all of them, or leave the column out: {setting}", setting=Set("exclude", column.name)
    )
    return [Finding(columns=(column.name,), what=what, remedy=remedy, warning=True)]


def _not_found(column: Column, table: Table, roles: Roles) -> list[Finding]:
    """Return findings about missing values that the user named for the column and no cell has."""
    findings = []
    for text in roles.missing_values.get(column.name, ()):
        others = replace(column, missing=tuple(value for value in column.missing if value != text))
        try:
            same = np.array_equal(missing_mask(_values(others, table)), missing_mask(_values(column, table)))
        except TableError:  # a word among numbers: it is there
            continue
        if same:
            what = phrase("no value is {text!r}, which {setting} names", text=text, setting=Set("missing_values"))
            findings.append(Finding(columns=(column.name,), what=what, warning=True))
    return findings

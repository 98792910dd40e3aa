"""Facts about the rows of a table: their timestamps and groups, and which are empty or duplicates."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns, missing_mask
from models.columns.from_tables import columns_of_table
from models.errors import ConfigError, Set, TableError
from models.schema import Column, FeatureSchema, Kind
from models.tables.table import Table
from training.columns.infer_schema import infer_schema
from training.columns.roles import Roles
from training.data.split import LEAST_GROUPS

_MIN_STEPS: Final = 50  # between timestamps, from which an order is no accident
_IN_ORDER: Final = 0.99
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio of 2⁶⁴: neighbours are thrown far apart


def timestamps_of(table: Table, name: str, roles: Roles) -> NDArray[np.float64]:
    """Return the timestamp of each row `(n,)`, in seconds; or a number that grows with time.

    Raises:
        ConfigError: There is no such column, or it holds neither timestamps nor numbers.
        TableError: A row has no value.
    """
    _require(table, name, "time")
    alone = replace(roles, ids=(), label=None, group=None, include=(name,), exclude=())
    try:
        schema, _ = infer_schema(table, alone, fitting=np.ones(len(table), np.bool_))
    except TableError as error:
        raise ConfigError(Set("time", name), ": rows cannot be put in order by it: ", error) from error
    [column] = schema.columns
    if column.kind not in (Kind.DATETIME, Kind.NUMERIC):
        problem = f": rows cannot be put in order by it: it is {column.kind}. Name a column of times."
        raise ConfigError(Set("time", name), problem)
    if column.layout == "time":
        raise ConfigError(Set("time", name), ": is a time of day, without the day. Name a column that has both.")
    values: NDArray[np.float64] = columns_of_table(schema, table)[name]
    _require_values(name, np.isnan(values), "time")
    return values


def group_indices(table: Table, name: str) -> NDArray[np.intp]:
    """Return the index of the group of each row `(n,)`, from 0.

    Raises:
        ConfigError: There is no such column, or it has too few groups.
        TableError: A row has no group.
    """
    import pandas as pd  # a quarter of a second, and few tables are split by group

    _require(table, name, "group")
    schema = FeatureSchema(columns=(Column(name=name, kind=Kind.CATEGORICAL),))
    indices, groups = pd.factorize(columns_of_table(schema, table)[name])
    _require_values(name, indices < 0, "group")
    if len(groups) < LEAST_GROUPS:
        problem = f": has {len(groups)} different values; a split by group needs at least {LEAST_GROUPS}."
        raise ConfigError(Set("group", name), problem)
    return np.asarray(indices, np.intp)


def empty_rows(schema: FeatureSchema, columns: Columns) -> NDArray[np.bool_]:
    """Return which rows have no value in any feature `(n,)`."""
    missing: NDArray[np.bool_] = np.logical_and.reduce([missing_mask(columns[name]) for name in schema.names])
    return missing


def duplicate_rows(columns: Columns) -> NDArray[np.bool_]:
    """Return which rows equal an earlier row in every feature `(n,)`; two missing values are equal."""
    keys = _row_keys(columns)
    order = np.argsort(keys, kind="stable")
    shared = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    copies = np.zeros(len(keys), np.bool_)
    if len(shared):  # only these can be duplicates; their values decide, in the order of the rows
        import pandas as pd

        rows = np.unique(order[np.concatenate([shared, shared + 1])])
        copies[rows] = pd.DataFrame({name: values[rows] for name, values in columns.items()}).duplicated()
    return copies


def time_order_column(schema: FeatureSchema, columns: Columns) -> str | None:
    """Return the datetime column by which nearly all rows are in order; None where there is none."""
    for column in schema.columns:
        if column.kind is Kind.DATETIME:
            values = columns[column.name]
            steps = np.diff(values[~np.isnan(values)])
            if (steps > 0).sum() >= _MIN_STEPS and (steps >= 0).mean() >= _IN_ORDER:
                return column.name
    return None


def _row_keys(columns: Columns) -> NDArray[np.uint64]:
    """Return a hash of each row `(n,)`, the same for rows that are equal."""
    keys = np.zeros(len(next(iter(columns.values()))), np.uint64)
    for values in columns.values():
        if values.dtype == object:
            bits = np.fromiter(map(hash, values.tolist()), np.int64, len(values)).view(np.uint64)
        else:  # one NaN, one zero
            bits = np.where(np.isnan(values), np.nan, values + 0.0).astype(np.float64).view(np.uint64)
        keys = (keys ^ bits) * _ODD
        keys ^= keys >> np.uint64(32)
    return keys


def _require(table: Table, name: str, setting: str) -> None:
    if name not in table.names:
        raise ConfigError(Set(setting), f": there is no column {name!r}. The columns are: {', '.join(table.names)}.")


def _require_values(name: str, missing: NDArray[np.bool_], what: str) -> None:
    if missing.any():
        row = int(np.flatnonzero(missing)[0]) + 1
        raise TableError(
            f"Column {name!r}, row {row}: the {what} is missing, in {int(missing.sum()):,} rows in all. Give each row "
            f"its {what}, or leave these rows out."
        )

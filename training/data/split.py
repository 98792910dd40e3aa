"""The split of the rows in disjoint parts for fitting, early stopping, calibration and evaluation; facts about rows.

There are three policies: at random, by a seeded hash of the row's index; in time, each part later than the one before;
or by group, rows that belong together in one part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration import THRESHOLD_METHODS
from models.columns.from_records import Columns, missing_mask
from models.columns.from_tables import columns_of_table
from models.errors import ConfigError, Set, TableError, absent_columns
from models.messages import phrase, plural
from models.schema import Column, FeatureSchema, Kind
from models.tables.table import Table, places_of
from training.columns.infer_schema import Finding, infer_schema
from training.columns.roles import Roles
from training.settings.config import TrainConfig

Mask = NDArray[np.bool_]

LEAST_GROUPS: Final = 4
"""Fewest groups of a split by group: one for each part."""

SHARES: Final = {"fitting": 0.60, "validation": 0.10, "calibration": 0.15, "test": 0.15}
"""Share of the rows in each part."""

SMALL_TABLE: Final = 100
"""Rows below which parts drawn row by row may have fewer than each needs."""

_MIN_STEPS: Final = 50  # between timestamps, from which an order is no accident
_IN_ORDER: Final = 0.99
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio of 2⁶⁴: neighbours are thrown far apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Four disjoint masks over the n rows.

    Args:
        fitting: Rows that encoders and weights are learned from.
        validation: Rows for early stopping.
        calibration: Rows for threshold and p-values.
        test: Rows for evaluation alone.
    """

    fitting: Mask
    validation: Mask
    calibration: Mask
    test: Mask

    def without(self, rows: Mask) -> Split:
        """Return the split without some rows `(n,)`; they are in no part then."""
        return Split(**{part: getattr(self, part) & ~rows for part in SHARES})


def split_table(table: Table, config: TrainConfig, roles: Roles, *, is_anomaly: Mask | None) -> Split:
    """Split the rows by the policy of the settings; where only normal rows are fitted, anomalies `(n,)` are test rows.

    Raises:
        ConfigError, TableError: The column of times or groups is not there, or has missing or other values.
    """
    only_test = is_anomaly if config.fit_on == "normal" else None
    if config.time is not None:
        split = split_in_time(timestamps_of(table, config.time, roles), only_test=only_test)
    elif config.group is not None:
        split = split_by_group(group_indices(table, config.group), seed=config.seed, only_test=only_test)
    elif len(table) < SMALL_TABLE:
        split = split_by_group(np.arange(len(table)), seed=config.seed, only_test=only_test)
    else:
        split = split_rows(len(table), seed=config.seed, only_test=only_test)
    if only_test is not None and THRESHOLD_METHODS[config.threshold_method].needs_labels:
        split = spread_anomalies(split, only_test, seed=config.seed)
    return split


def used_rows(
    split: Split, schema: FeatureSchema, columns: Columns, config: TrainConfig
) -> tuple[Split, dict[str, int], list[Finding]]:
    """Leave out empty rows, and duplicates where these are not wanted; return findings about the others."""
    left_out: dict[str, int] = {}
    findings: list[Finding] = []
    empty = empty_rows(schema, columns)
    if empty.any():
        split = split.without(empty)
        left_out[phrase("no value in any column that is used")] = int(empty.sum())
    copies = duplicate_rows(columns) & ~empty
    if copies.any() and config.duplicates == "drop":
        split = split.without(copies)
        left_out[phrase("equal to an earlier row ({setting})", setting=Set("duplicates", "drop"))] = int(copies.sum())
    elif copies.any():
        count = int(copies.sum())
        what = plural(
            "{count:,} of {rows:,} rows equals an earlier one in every feature",
            "{count:,} of {rows:,} rows equal an earlier one in every feature",
            count=count,
            rows=len(copies),
        )
        remedy = phrase("to take each once: {setting}", setting=Set("duplicates", "drop"))
        findings.append(Finding(what=what, remedy=remedy))
    if config.time is None and config.group is None and (name := time_order_column(schema, columns)):
        what = phrase(
            "the rows are in its order; those held out at random have neighbours that were fitted, and may seem easier "
            "than future ones"
        )
        remedy = phrase("to hold out the newest: {setting}", setting=Set("time", name))
        findings.append(Finding(columns=(name,), what=what, remedy=remedy))
    return split, left_out, findings


def split_rows(n: int, *, seed: int, only_test: Mask | None = None) -> Split:
    """Split n rows at random; a row's part depends on its index and the seed alone, not on n.

    Rows of `only_test` `(n,)`, such as known anomalies, are test rows: nothing may be learned from them.
    """
    return _split(np.searchsorted(_BOUNDS, _unit_hash(n, seed), side="right"), only_test)


def split_in_time(timestamps: NDArray[np.float64], *, only_test: Mask | None = None) -> Split:
    """Split rows by timestamps `(n,)`: the oldest for fitting, the newest for evaluation; equal ones stay together.

    Rows of `only_test` `(n,)` are test rows; the shares are those of the others.
    """
    learned = timestamps if only_test is None else timestamps[~only_test]
    if not len(learned):
        return _split(np.zeros(len(timestamps), np.intp), only_test)
    ordered = np.sort(learned)
    first = np.minimum(np.ceil(_BOUNDS * len(ordered)).astype(np.intp), len(ordered) - 1)  # row that opens a part
    return _split(np.searchsorted(ordered[first], timestamps, side="right"), only_test)


def split_by_group(groups: NDArray[np.intp], *, seed: int, only_test: Mask | None = None) -> Split:
    """Split rows by the index of their group `(n,)`, from 0, so that all rows of a group are in one part.

    The groups come in a seeded order; each goes to the part that lacks most of its share. So every part has a group if
    there are at least `LEAST_GROUPS`. Rows of `only_test` `(n,)` are test rows, whatever their group.
    """
    learned = groups if only_test is None else groups[~only_test]
    sizes = np.bincount(learned, minlength=int(groups.max(initial=-1)) + 1)
    wanted = np.array(list(SHARES.values())) * len(learned)
    filled = np.zeros(len(SHARES))
    part_of = np.zeros(len(sizes), np.intp)
    for group in np.argsort(_unit_hash(len(sizes), seed), kind="stable").tolist():
        if sizes[group]:
            part_of[group] = np.argmin(filled / wanted)
            filled[part_of[group]] += sizes[group]
    return _split(part_of[groups], only_test)


_BOUNDS: Final = np.cumsum(list(SHARES.values()))[:-1]


def _split(part: NDArray[np.intp], only_test: Mask | None) -> Split:
    if only_test is not None:
        part = np.where(only_test, len(SHARES) - 1, part)
    return Split(**{name: part == i for i, name in enumerate(SHARES)})


def spread_anomalies(split: Split, anomalies: Mask, *, seed: int) -> Split:
    """Move half of the known anomalies `(n,)` of a split from the test rows to the calibration rows."""
    calibrated = anomalies & (_unit_hash(len(anomalies), seed) < 0.5)
    return replace(split, calibration=split.calibration | calibrated, test=split.test & ~calibrated)


def _unit_hash(n: int, seed: int) -> NDArray[np.float64]:
    """Return a hash in [0, 1) of each index below n (SplitMix64; Steele, Lea and Flood, OOPSLA 2014)."""
    indices = np.arange(n, dtype=np.uint64)
    start = np.uint64(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    with np.errstate(over="ignore"):
        x = indices * np.uint64(0x9E3779B97F4A7C15) + start
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) / 2.0**53


def timestamps_of(table: Table, name: str, roles: Roles) -> NDArray[np.float64]:
    """Return the timestamp of each row `(n,)`, in seconds; or a number that grows with time.

    Raises:
        ConfigError: There is no such column, or it holds neither timestamps nor numbers.
        TableError: A row has no value.
    """
    _require(table, name, "time")
    only = replace(table, data=table.data.select([name]))
    alone = replace(roles, ids=(), label=None, group=None, include=(name,), exclude=())
    try:
        schema, _ = infer_schema(only, alone, fitting=np.ones(len(table), np.bool_))
    except TableError as error:
        raise ConfigError(Set("time", name), ": rows cannot be put in order by it: ", error) from error
    [column] = schema.columns
    if column.kind not in (Kind.DATETIME, Kind.NUMERIC):
        problem = f": rows cannot be put in order by it: it is {column.kind}. Name a column of times."
        raise ConfigError(Set("time", name), problem)
    if column.layout == "time":
        raise ConfigError(Set("time", name), ": is a time of day, without the day. Name a column that has both.")
    values: NDArray[np.float64] = columns_of_table(schema, only)[name]
    _require_values(table, name, np.isnan(values), "time")
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
    _require_values(table, name, indices < 0, "group")
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
        raise ConfigError(Set(setting), f": {absent_columns([name], table.names)}")


def _require_values(table: Table, name: str, missing: NDArray[np.bool_], what: str) -> None:
    if missing.any():
        place = places_of(table, np.flatnonzero(missing)[:1])
        raise TableError(
            f"Column {name!r}, {place}: the {what} is missing, in {int(missing.sum()):,} rows in all. Give each row "
            f"its {what}, or leave these rows out."
        )

"""Errors are planted into copies of held-out rows: each differs from its source in the named columns alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from models.tables.table import Table
from training.data.prepare import Prepared, prepare
from training.planting.held_out import ROWS_OF_A_KIND, PlantedRows, planted_rows
from training.planting.kinds import KINDS
from training.settings.config import TrainConfig

ROWS = 400
NUMBERS = {"ten times too much", "sign", "zero for a value", "unit changed"}


def cells(seed: int) -> dict[str, Any]:
    """Return columns of every kind: numbers of two sizes that follow from one another, categories, a time."""
    draw = np.random.default_rng(seed)
    load = draw.uniform(1, 50, ROWS)
    site = draw.integers(0, 3, ROWS)
    begin = datetime(2025, 1, 1, 8, tzinfo=UTC)
    return {
        "load": load,
        "double": 2 * load + draw.normal(0, 0.1, ROWS),
        "count": (100 * load).astype(int) + 5_000,
        "other": draw.uniform(1, 50, ROWS),
        "level": draw.normal(0, 1, ROWS),
        "site": [("north", "south", "middle")[i] for i in site],
        "city": [("Hamburg", "Passau", "Kassel")[i] for i in site],
        "is new": draw.random(ROWS) < 0.5,
        "read": [begin + timedelta(days=i, hours=int(draw.integers(0, 9))) for i in range(ROWS)],
    }


@cache
def prepared_table(seed: int = 0, *names: str) -> Prepared:
    columns = {name: values for name, values in cells(seed).items() if not names or name in names}
    return prepare(Table(data=pa.table(columns)), TrainConfig())


def held_out(prepared: Prepared) -> np.ndarray[Any, np.dtype[np.intp]]:
    return np.flatnonzero(prepared.split.calibration | prepared.split.test)


def is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def changed_columns(prepared: Prepared, planted: PlantedRows, i: int) -> set[str]:
    row = planted.sources[i]
    return {name for name, values in planted.columns.items() if values[i] != prepared.columns[name][row]}


@pytest.mark.parametrize("seed", [0, 1])
def test_a_planted_row_differs_from_a_held_out_row_in_the_named_columns_alone(seed: int) -> None:
    prepared = prepared_table()
    before = {name: values.copy() for name, values in prepared.columns.items()}
    planted = planted_rows(prepared, held_out(prepared), seed=seed)
    assert set(planted.kinds) == set(KINDS)
    for i in range(len(planted)):
        assert changed_columns(prepared, planted, i) == set(planted.changed[i])
    assert np.isin(planted.sources, held_out(prepared)).all()
    assert max(map(planted.kinds.count, KINDS)) <= ROWS_OF_A_KIND
    assert all(np.array_equal(values, before[name]) for name, values in prepared.columns.items())


def test_the_same_seed_plants_the_same_and_another_seed_others() -> None:
    prepared = prepared_table()
    first, again, other = (planted_rows(prepared, held_out(prepared), seed=seed) for seed in (0, 0, 1))
    assert first.changed == again.changed
    assert all(np.array_equal(values, again.columns[name]) for name, values in first.columns.items())
    assert first.sources.tolist() != other.sources.tolist()


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        (("load",), {*NUMBERS, "value of another row"}),
        (("level",), {"value of another row"}),
        (("load", "double"), {*NUMBERS, "sensor stuck", "doubled with another amount", "value of another row"}),
        (("level", "count"), {*NUMBERS, "columns swapped", "value of another row"}),
        (("site", "level"), {"category never seen", "text cut", "value of another row"}),
        (
            ("site", "city"),
            {"category never seen", "combination never seen", "text cut", "value of another row"},
        ),
        (("read", "level"), {"hour at night", "date far off", "value of another row"}),
        (("is new", "level"), {"value of another row"}),
    ],
    ids=lambda value: "-".join(sorted(value)),
)
def test_only_kinds_that_the_columns_allow_are_planted(names: tuple[str, ...], kinds: set[str]) -> None:
    prepared = prepared_table(0, *names)
    found = set(planted_rows(prepared, held_out(prepared), seed=0).kinds) - {"columns of one size swapped"}
    assert found == kinds


def test_where_no_kind_fits_nothing_is_planted() -> None:
    draw = np.random.default_rng(0)
    prepared = prepare(Table(data=pa.table({"a": draw.random(200) < 0.5, "b": draw.random(200) < 0.3})), TrainConfig())
    assert len(planted_rows(prepared, held_out(prepared), seed=0)) == 0


def test_columns_take_turns() -> None:
    prepared = prepared_table()
    planted = planted_rows(prepared, held_out(prepared), seed=0)
    columns = [planted.changed[i] for i, kind in enumerate(planted.kinds) if kind == "ten times too much"]
    amounts = ("load", "double", "count", "other")
    assert {name: columns.count((name,)) for name in amounts} == dict.fromkeys(amounts, ROWS_OF_A_KIND // 4)


def test_numbers_of_one_size_are_exchanged_only_where_they_differ() -> None:
    prepared = prepared_table(0, "load", "other")
    planted = planted_rows(prepared, held_out(prepared), seed=0)
    for i, kind in enumerate(planted.kinds):
        if kind == "columns of one size swapped":
            load, other = (prepared.columns[name][planted.sources[i]] for name in ("load", "other"))
            assert (planted.columns["load"][i], planted.columns["other"][i]) == (other, load)
            assert abs(load - other) > 10


def test_a_value_of_another_row_is_one_that_the_column_has_and_lies_far_from_the_true_one() -> None:
    prepared = prepared_table()
    planted = planted_rows(prepared, held_out(prepared), seed=3)
    checked = set()
    for i, kind in enumerate(planted.kinds):
        if kind == "value of another row":
            [name] = planted.changed[i]
            values, value = prepared.columns[name], planted.columns[name][i]
            assert value in set(values.tolist())
            if name in ("load", "double", "count", "other", "level", "read"):
                low, high = np.quantile(values, [0.25, 0.75])
                assert abs(value - values[planted.sources[i]]) >= 0.9 * (high - low)
            checked.add(name)
    assert checked == set(prepared.schema.names) - {"is new"}


def test_missing_cells_are_passed_over() -> None:
    columns = cells(0)
    columns["load"] = [None if i % 3 else value for i, value in enumerate(columns["load"])]
    columns["read"] = [None if i % 3 == 1 else value for i, value in enumerate(columns["read"])]
    columns["site"] = [None if i % 3 == 2 else value for i, value in enumerate(columns["site"])]
    prepared = prepare(Table(data=pa.table(columns)), TrainConfig())
    planted = planted_rows(prepared, held_out(prepared), seed=0)
    for i, names in enumerate(planted.changed):
        for name in names:
            value, true = planted.columns[name][i], prepared.columns[name][planted.sources[i]]
            assert not is_missing(value), (planted.kinds[i], name)
            assert name == "site" or not is_missing(true), (planted.kinds[i], name)  # a text may stand where none was

"""Errors are planted by rule: each changes its own cells of one row, and the truth says which."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.planted.kinds import KINDS
from benchmarks.planted.planting import MOST, PARTS, Error, is_beyond, plant, planted_parts
from benchmarks.planted.tables.customers import customers
from benchmarks.planted.tables.invoices import invoices
from benchmarks.planted.tables.machines import machines
from benchmarks.planted.tables.table import FITTED, FRESH, TABLES, parts_of
from models.errors import ConfigError, TableError
from training.planting.columns import SeenRows

MADE = ("invoices", "machines", "customers")

cached_parts = cache(planted_parts)


@cache
def clean_rows(table: str, seed: int) -> dict[str, pd.DataFrame]:
    return dict(zip(PARTS, parts_of(TABLES[table], seed=seed, folder=None), strict=True))


@cache
def seen_rows(table: str, seed: int) -> SeenRows:
    return SeenRows(pd.concat(clean_rows(table, seed).values(), ignore_index=True), TABLES[table].ids)


@pytest.mark.parametrize("name", MADE)
def test_a_made_table_has_numbers_categories_dates_and_ids(name: str) -> None:
    fitted, fresh = parts_of(TABLES[name], seed=0, folder=None)
    assert (len(fitted), len(fresh)) == (FITTED, FRESH)
    for column in TABLES[name].ids:
        assert pd.concat([fitted[column], fresh[column]]).is_unique
    seen = SeenRows(fitted, TABLES[name].ids)
    assert min(len(seen.numbers), len(seen.categories), len(seen.following)) >= 5
    assert seen.dates
    assert seen.of_the_day
    assert all(kind.fits(seen) for kind in KINDS.values())


@pytest.mark.parametrize("name", MADE)
def test_a_made_table_is_the_same_for_the_same_seed_only(name: str) -> None:
    first, again, other = (parts_of(TABLES[name], seed=seed, folder=None)[0] for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_an_invoice_keeps_its_sums_its_terms_and_the_hours_of_the_office() -> None:
    rows = invoices(400, 0)
    assert np.allclose(rows["net"], rows["items"] * rows["unit price"], atol=0.006)
    assert np.allclose(rows["tax"], rows["net"] * rows["tax rate"] / 100, atol=0.006)
    assert np.allclose(rows["total"], rows["net"] + rows["tax"], atol=0.006)
    assert rows["entered"].dt.hour.between(8, 17).all()
    assert (
        rows.groupby("supplier")["due"].apply(lambda due: (due - rows.loc[due.index, "issued"]).nunique()) == 1
    ).all()
    assert rows.groupby("country")["tax rate"].nunique().eq(1).all()


def test_a_machine_keeps_its_power_its_hall_and_its_two_shifts() -> None:
    rows = machines(400, 0)
    assert np.allclose(rows["power kW"], rows["speed rpm"] * rows["torque Nm"] / 9_549, rtol=0.1)
    assert rows.groupby("machine")[["model", "hall", "last service"]].nunique().eq(1).all(axis=None)
    assert rows.groupby("material")["coolant"].nunique().eq(1).all()
    assert rows["time"].dt.hour.between(6, 21).all()


def test_a_customer_keeps_fee_country_and_renewal() -> None:
    rows = customers(400, 0)
    fee = rows["plan"].map({"starter": 9.0, "team": 15.0, "business": 22.0})
    assert np.allclose(rows["monthly fee"], rows["seats"] * fee * (1 - rows["discount %"] / 100), atol=0.006)
    assert rows.groupby("city")[["country", "language", "currency"]].nunique().eq(1).all(axis=None)
    assert ((rows["renewal"] - rows["signed up"].dt.normalize()).dt.days % 365 == 0).all()


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", MADE)
def test_each_error_changes_its_own_cells_of_one_row_and_nothing_else(name: str, seed: int) -> None:
    clean, everything = clean_rows(name, seed), seen_rows(name, seed).rows
    for part, planted in cached_parts(name, seed=seed).items():
        assert [error.kind for error in planted.errors] == list(KINDS)
        assert planted.is_planted.sum() == MOST
        for column in clean[part]:
            untouched = planted.rows[column][~planted.is_planted]
            pd.testing.assert_series_equal(untouched, clean[part][column][~planted.is_planted], check_dtype=False)
        for error in planted.errors:
            is_, was = planted.rows.iloc[error.row], clean[part].iloc[error.row]
            if error.kind == "doubled with another amount":  # the other cells are those of another row
                id_ = TABLES[name].ids[0]
                [source] = everything.index[everything[id_] == is_[id_]]
                was = everything.iloc[source]
                assert (planted.rows[id_] == is_[id_]).sum() == 2
            changed = [column for column in was.index if is_[column] != was[column]]
            assert changed == [column for column in was.index if column in error.columns]
            assert {column: is_[column] for column in error.columns} == dict(error.planted)
            assert {column: was[column] for column in error.columns} == dict(error.true)
            assert len(error.columns) == (2 if error.kind == "columns swapped" else 1)


def the_error(kind: str, *, table: str = "invoices", seed: int = 0) -> tuple[Error, SeenRows]:
    """Return an error among the fitted rows, and all rows of its table."""
    [error] = [error for error in cached_parts(table, seed=seed)["fitted"].errors if error.kind == kind]
    return error, seen_rows(table, seed)


@pytest.mark.parametrize("seed", [0, 1])
def test_numbers_are_changed_as_their_kind_says(seed: int) -> None:
    factors = {"ten times too much": (10,), "sign": (-1,), "zero for a value": (0,), "unit changed": (1_000, 0.001)}
    for kind, allowed in factors.items():
        error, seen = the_error(kind, seed=seed)
        [(column, value)] = error.planted.items()
        assert any(value == pytest.approx(error.true[column] * factor) for factor in allowed)
        assert error.true[column] >= seen.rows[column].median()


@pytest.mark.parametrize("seed", [0, 1])
def test_dates_are_at_night_or_out_of_their_period(seed: int) -> None:
    error, seen = the_error("hour at night", seed=seed)
    [(column, night)] = error.planted.items()
    assert night.hour == 3
    assert night.date() == error.true[column].date()
    assert not seen.rows[column].dt.hour.between(2, 4).any()
    error, seen = the_error("date far off", seed=seed)
    [(column, date)] = error.planted.items()
    assert not seen.rows[column].min() <= date <= seen.rows[column].max()
    assert (date - error.true[column]).days % 400 == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_texts_and_combinations_were_never_seen(seed: int) -> None:
    for kind in ("category never seen", "text cut"):
        error, seen = the_error(kind, seed=seed)
        [(column, text)] = error.planted.items()
        assert text not in set(seen.rows[column])
    assert error.true[column].startswith(text)
    error, seen = the_error("combination never seen", seed=seed)
    [(column, value)] = error.planted.items()
    [other] = error.beside
    same = seen.rows[other] == seen.rows[other].iloc[error.row]  # fitted rows are the first
    assert value in set(seen.rows[column])
    assert value not in set(seen.rows[column][same])


@pytest.mark.parametrize("seed", [0, 1])
def test_numbers_of_other_rows_contradict_their_row(seed: int) -> None:
    for kind in ("sensor stuck", "doubled with another amount"):
        error, seen = the_error(kind, table="machines", seed=seed)
        [(column, value)] = error.planted.items()
        assert column in seen.following
        assert value in set(seen.rows[column])
        assert abs(value - error.true[column]) >= seen.spread(column)


def test_fewer_errors_are_of_fewer_kinds_in_different_columns() -> None:
    for errors in (1, 5):
        for part in planted_parts("customers", seed=3, errors=errors).values():
            columns = [column for error in part.errors for column in error.columns]
            assert len(part.errors) == len({error.kind for error in part.errors}) == errors
            assert len(columns) == len(set(columns))


def test_what_is_beyond_lies_half_a_range_or_more_outside() -> None:
    numbers = pd.Series([0.0, 5.0, 10.0])
    assert [is_beyond(value, numbers) for value in (-5.1, -5, -4.9, 10, 14.9, 15, 99)] == [1, 1, 0, 0, 0, 1, 1]
    days = pd.Series(pd.to_datetime(["2025-01-01", "2025-01-11"]))
    assert is_beyond(pd.Timestamp("2025-01-16"), days)
    assert not is_beyond(pd.Timestamp("2025-01-15"), days)


def test_a_kind_that_does_not_fit_a_table_is_not_planted() -> None:
    rows = pd.DataFrame({"load": np.linspace(1, 50, 60), "mode": ["eco", "full", "rest"] * 20})
    seen = SeenRows(rows)
    assert [kind.name for kind in KINDS.values() if kind.fits(seen)] == [
        *("ten times too much", "sign", "zero for a value", "unit changed", "category never seen")
    ]


def test_a_whole_number_stays_one_and_missing_cells_are_passed_over() -> None:
    rows = pd.DataFrame({"count": np.arange(1, 41), "size": [np.nan] * 20 + [0.1] * 10 + [0.7] * 10})
    rows["size"] += np.arange(40) / 1_000
    seen = SeenRows(rows)
    change = KINDS["ten times too much"].plant(seen, ("size",), np.arange(40), np.random.default_rng(0))
    assert change is not None
    assert change.row >= 30
    assert change.values == {"size": round(float(rows["size"][change.row]) * 10, 6)}
    change = KINDS["unit changed"].plant(seen, ("count",), np.arange(40), np.random.default_rng(0))
    assert change is not None
    part = plant(rows, seen, {"unit changed": change})
    assert part.rows["count"].dtype == rows["count"].dtype
    assert part.rows["count"][change.row] == 1_000 * rows["count"][change.row]


def test_real_tables_need_their_folder() -> None:
    with pytest.raises(ConfigError, match=r"--data DIR is missing: the table bank is the file uci_bank"):
        planted_parts("bank", seed=0)
    with pytest.raises(TableError, match=r"uci_bank_additional\.csv is not there; the table bank needs it"):
        planted_parts("bank", seed=0, folder=Path("nowhere"))


@pytest.mark.parametrize(("name", "kinds"), [("bank", 10), ("ai4i2020", 8), ("income", 8)])
def test_real_tables_take_the_kinds_that_fit_them(shared: Path, name: str, kinds: int) -> None:
    parts = planted_parts(name, seed=0, folder=shared / "data" / "real")
    assert [len(part.rows) for part in parts.values()] == [FITTED, FRESH]
    assert [len(part.errors) for part in parts.values()] == [kinds, kinds]

"""The unit of a column changes nothing: the same rows in ampere and in picoampere have the same features and scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.schema import Column, FeatureSchema, Kind
from models.tables.files import read_table
from models.tables.table import Table
from training.columns.inspect_columns import find_sentinels
from training.columns.learn_columns import learn_preprocessor

POWERS = (-300, -200, -100, -30, -15, -12, -9, -6, -3, -1, 1, 3, 6, 9, 12, 30, 100, 200)
N = 400
SCHEMA = FeatureSchema(columns=(Column(name="c", kind=Kind.NUMERIC),))


def as_in_files(seed):
    """Return columns as instruments and accounts write them, by what they are like, each with a strange last row."""
    rng = np.random.default_rng(seed)
    columns = {
        "of about one size": rng.normal(5, 0.75, N).round(2),
        "around zero": rng.normal(0, 1, N).round(3),
        "far from zero": rng.normal(101_325, 12, N).round(1),
        "far from zero, and fine": 1e6 + rng.normal(0, 1e-3, N).round(4),
        "skewed": rng.lognormal(0, 2, N).round(3),
        "a heavy tail": np.where(rng.random(N) < 0.01, 1e6, rng.normal(100, 1, N)).round(1),
        "mostly zero": np.where(rng.random(N) < 0.8, 0.0, rng.exponential(3, N)).round(2),
        "counts": rng.poisson(3, N).astype(float),
        "two values": np.where(np.arange(N) % 150 == 7, 4.0, 1.0),
        "some missing": np.where(rng.random(N) < 0.1, np.nan, rng.normal(20, 5, N).round(1)),
    }
    for values in columns.values():
        values[-1] = np.nanmax(values) * 1.5 + 1.0
    return columns


def features(values, *, fitted=slice(None, -1)):
    """Return what is learned of all rows but the last one, and the features of all."""
    preprocessor = learn_preprocessor(SCHEMA, {"c": values[fitted]})
    return preprocessor, preprocessor.transform({"c": values})


@pytest.mark.parametrize("power", POWERS)
def test_a_column_in_another_unit_has_the_same_features(power):
    for name, values in as_in_files(seed=abs(power)).items():
        (preprocessor, encoded), (other, in_other_unit) = features(values), features(values * 10.0**power)
        np.testing.assert_allclose(in_other_unit.Z, encoded.Z, rtol=1e-6, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(other.limits, preprocessor.limits, rtol=1e-6, atol=1e-6, err_msg=name)
        assert (in_other_unit.missing is None) == (encoded.missing is None)
        assert abs(encoded.Z[:-1, 0].std() - 1) < 0.2 or name == "two values"  # it is scaled in both


@given(st.integers(-290, 290), st.floats(-1e3, 1e3), st.floats(1e-9, 1e3), st.integers(0, 99))
def test_whatever_center_spread_and_unit_the_features_are_the_same(power, center, spread, seed):
    values = center + spread * np.random.default_rng(seed).normal(size=50)
    Z, in_other_unit = features(values)[1].Z, features(values * 10.0**power)[1].Z
    # What ten to that power rounds off is a part of the values, which may be many deviations from zero.
    np.testing.assert_allclose(in_other_unit, Z, rtol=1e-6, atol=1e-6 + 1e-15 * abs(center) / spread)


@pytest.mark.parametrize("power", (0, *POWERS))
def test_a_constant_is_divided_by_one_in_every_unit_and_with_the_rounding_of_float64(power):
    value = 14.62 * 10.0**power
    rounded = value + np.spacing(value) * np.random.default_rng(1).integers(-2, 3, N)
    for values in (np.full(N, value), rounded, -rounded, np.where(np.arange(N) < 40, np.nan, rounded)):
        [encoding] = learn_preprocessor(SCHEMA, {"c": values}).encodings
        assert encoding.scale == 1.0


@pytest.mark.parametrize("power", POWERS)
def test_numbers_that_float64_tells_apart_are_no_constant(power):
    values = (1e15 + np.arange(N)) * 10.0**power
    [encoding] = learn_preprocessor(SCHEMA, {"c": values}).encodings
    assert encoding.scale / 10.0**power == pytest.approx(np.arange(N).std(), rel=1e-2)


def test_numbers_too_small_for_their_spread_to_be_written_are_finite():
    values = np.array([0.0, 5e-324] * 25)
    assert np.isfinite(features(values)[1].Z).all()


@pytest.mark.parametrize("power", [-30, -12, -3, 3, 12, 35])
def test_a_number_that_may_stand_for_a_missing_one_is_found_in_every_unit(power):
    rng = np.random.default_rng(2)
    usual = rng.normal(20, 5, N)
    stands = {"x": np.where(rng.random(N) < 0.05, -77.0, usual), "y": np.where(rng.random(N) < 0.05, 1e30, usual)}
    for values in (*stands.values(), usual, rng.choice([1.0, 2.0, 5.0], N)):
        found, other = (find_sentinels({"x": column}).get("x", ()) for column in (values, values * 10.0**power))
        assert [replace(s, value=0.0, nearest=0.0, gap=0.0) for s in found] == [
            replace(s, value=0.0, nearest=0.0, gap=0.0) for s in other
        ]


@pytest.mark.parametrize("power", [-200, -12, 200])
def test_the_columns_of_real_files_have_the_same_features_in_every_unit(shared, power):
    looked_at = 0
    for file in sorted((shared / "data" / "real").glob("*.csv")):
        frame = pd.read_csv(file, sep=None, engine="python", nrows=1000, encoding_errors="replace")
        for name in frame.select_dtypes("number"):
            values = frame[name].to_numpy(float)
            if np.isfinite(values).any():
                Z, other = (features(column, fitted=slice(None))[1].Z for column in (values, values * 10.0**power))
                np.testing.assert_allclose(other, Z, rtol=1e-6, atol=1e-6, err_msg=f"{file.name} {name}")
                looked_at += 1
    assert looked_at > 50


@pytest.fixture(scope="module")
def in_two_units(tmp_path_factory):
    """Return verdicts on the same rows by detectors of ampere and of picoampere; three have a strange current."""
    from conftest import train

    rng = np.random.default_rng(4)
    voltage = rng.normal(5, 0.1, N).round(3)
    current = (rng.normal(0.5, 0.07, N) * voltage / 5).round(4)
    label = pa.array(rng.choice(["a", "b"], N).tolist())
    strange = {5: 8.0, 17: 20.0, 31: 5.0}
    verdicts = []
    for unit in (1.0, 1e-12):
        table = Table(data=pa.table({"voltage": voltage, "current": current * unit, "line": label}))
        folder = tmp_path_factory.mktemp("units") / "1"
        detector = train(table, folder, preset="fast", epochs=15, hidden_units=(6,), latent_units=2).detector
        scored = current.copy()
        scored[list(strange)] = list(strange.values())
        data = table.data.set_column(1, "current", pa.array(scored * unit))
        verdicts.append(detector.score_table(replace(table, data=data)))
    return verdicts, list(strange)


def test_a_detector_gives_the_same_verdicts_and_scores_in_another_unit(in_two_units):
    (picoampere, ampere), strange = in_two_units
    np.testing.assert_allclose(ampere.anomaly_score, picoampere.anomaly_score, rtol=1e-6)
    np.testing.assert_array_equal(ampere.is_anomaly, picoampere.is_anomaly)
    np.testing.assert_allclose(ampere.p_value, picoampere.p_value, rtol=1e-6)
    for verdicts in (picoampere, ampere):
        assert verdicts.is_anomaly[strange].all()
        assert {verdicts.contributions(row, top=1)[0].feature for row in strange} == {"current"}


@pytest.mark.slow
def test_currents_in_ampere_are_seen_like_those_in_picoampere(shared, tmp_path):
    from conftest import train

    folder = shared / "cases" / "second" / "01-tiny-scale"
    if not folder.is_dir():
        pytest.skip("the second collection of cases is not there")
    scores = []
    for unit, column in {"ampere": "leak_A", "picoampere": "leak_pA"}.items():
        detector = train(read_table([folder / f"train_{unit}.csv"]), tmp_path / unit, preset="fast").detector
        verdicts = detector.score_table(read_table([folder / f"score_{unit}.csv"]))
        assert verdicts.is_anomaly[[5, 17, 31]].all()
        assert {verdicts.contributions(row, top=1)[0].feature for row in (5, 17, 31)} == {column}
        scores.append(verdicts.anomaly_score)
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-6)

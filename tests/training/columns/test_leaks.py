from __future__ import annotations

import numpy as np
import pytest

from models.schema import Column, FeatureSchema, Kind
from training.columns.leaks import find_labels, find_leaks

N = 2000
RNG = np.random.default_rng(3)
ANOMALY = np.arange(N) % 25 == 0


def leaks(values, kind=Kind.NUMERIC, is_anomaly=ANOMALY):
    schema = FeatureSchema(columns=(Column(name="x", kind=kind),), label="failure")
    array = np.array(values, object if kind is Kind.CATEGORICAL else float)
    return [str(finding) for finding in find_leaks(schema, {"x": array}, is_anomaly)]


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_that_alone_separate_the_anomalies_leak_the_label(sign):
    [line] = leaks(sign * (RNG.normal(size=N) + 20 * ANOMALY))
    assert "'x': alone separates the anomalies (ROC AUC 1.000): it leaks the label 'failure'" in line
    assert line.endswith("--exclude x")


def test_categories_that_alone_separate_the_anomalies_leak_the_label():
    assert leaks(np.where(ANOMALY, "broken", RNG.choice(["a", "b"], N)), Kind.CATEGORICAL)


def test_a_flag_that_only_anomalies_have_leaks_the_label():
    some = ANOMALY & (RNG.random(N) < 0.3)
    [line] = leaks(some)
    assert f"{some.sum()} of the {some.sum()} rows with 1 are anomalies" in line
    assert leaks(np.where(some, "yes", "no"), Kind.CATEGORICAL)


def test_a_value_that_only_anomalies_have_or_lack_leaks_the_label():
    [line] = leaks(np.where(ANOMALY, RNG.normal(size=N), np.nan))
    assert "80 of the 80 rows with a value are anomalies" in line


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (RNG.normal(size=N) + 2 * ANOMALY, Kind.NUMERIC),
        (RNG.normal(size=N), Kind.NUMERIC),
        (RNG.random(N) < 0.1, Kind.BOOLEAN),
        (ANOMALY & (np.arange(N) < 100), Kind.BOOLEAN),  # four rows: chance
        (RNG.choice(["a", "b", "c"], N), Kind.CATEGORICAL),
        ([f"m-{i}" for i in range(N)], Kind.CATEGORICAL),
        ([None] * N, Kind.CATEGORICAL),
    ],
)
def test_a_column_that_only_helps_gives_nothing_away(values, kind):
    assert leaks(values, kind) == []


def test_labels_of_one_kind_are_not_leaked():
    assert leaks(RNG.normal(size=N), is_anomaly=np.zeros(N, bool)) == []


def test_the_failure_modes_of_a_machine_are_named_and_cardiograms_are_not(shared):
    from models.tables.files import read_table
    from training.data.prepare import prepare
    from training.settings.config import TrainConfig

    real = shared / "data" / "real"
    ai4i = prepare(read_table([real / "ai4i2020.csv"]), TrainConfig(label="Machine failure"))
    [remedy] = {finding.remedy for finding in ai4i.findings if "label" in finding.what}
    assert remedy.endswith("--exclude TWF HDF PWF OSF")
    cardio = prepare(read_table([real / "pyod_cardio.csv"]), TrainConfig(label="label"))
    assert not any("label" in finding.what for finding in cardio.findings)


@pytest.mark.parametrize("name", ["label", "Machine failure", "anomaly", "is_fraud", "y", "Class"])
def test_two_values_that_are_called_like_a_label_are_noted_where_no_label_was_named(name):
    schema = FeatureSchema(columns=(Column(name=name, kind=Kind.NUMERIC), Column(name="yield", kind=Kind.NUMERIC)))
    flags = (RNG.random(N) < 0.1).astype(float)
    [finding] = find_labels(schema, {name: flags, "yield": flags})
    assert "--label" in finding.remedy
    assert find_labels(schema, {name: RNG.normal(size=N), "yield": flags}) == ()

"""Tables of mixed columns are split without a row on both sides, and encoded as their users would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality.experiments.mixed import MIXED, plan, work
from benchmarks.quality.jobs import Choice, Job
from benchmarks.quality.methods import method_of
from benchmarks.quality.page import write_page
from benchmarks.quality.splits import CAP
from benchmarks.quality.tables import MOST_ANOMALIES, TABLES, Table, encoder_of, split_table
from models.errors import ConfigError, TableError

PUMPS = Table(name="pumps", file="pumps.csv", label="state", anomaly="fault", exclude=("id",), separator=";")


@pytest.fixture
def pumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table whose last 30 of 200 rows are anomalies."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "id": range(200),
            "load": np.where(np.arange(200) < 170, draw.normal(50, 5, 200), 99.0),
            "mode": draw.choice(["eco", "full"], 200),
            "state": np.where(np.arange(200) < 170, "fine", "fault"),
        }
    )
    frame.loc[::7, "load"] = np.nan
    frame.to_csv(tmp_path / "pumps.csv", sep=";", index=False)
    monkeypatch.setitem(TABLES, "pumps", PUMPS)
    return tmp_path


def test_novelty_is_fitted_on_half_of_the_normal_rows_without_label_and_excluded_columns(pumps: Path) -> None:
    split = split_table(PUMPS, pumps, protocol="S", seed=0)
    assert list(split.fitting.columns) == ["load", "mode"]
    assert (len(split.fitting), len(split.test), split.is_anomaly.sum()) == (85, 85 + 30, 30)
    assert split.fitting["load"].max() < 99
    assert (split.test["load"][split.is_anomaly].dropna() == 99).all()


def test_unlabelled_rows_hold_no_more_anomalies_than_anomalies_may_be(pumps: Path) -> None:
    split = split_table(PUMPS, pumps, protocol="U", seed=0)
    assert split.fitting is split.test
    assert split.is_anomaly.sum() == int(170 * MOST_ANOMALIES / (1 - MOST_ANOMALIES))
    assert (~split.is_anomaly).sum() == 170


def test_peers_get_medians_standard_scores_and_a_column_for_each_category() -> None:
    fitting = pd.DataFrame({"load": [1.0, np.nan, 3.0, 2.0], "mode": ["eco", "full", None, "eco"]})
    encode = encoder_of(fitting)
    Z = encode(fitting)
    assert Z.shape == (4, 1 + 3)
    assert Z[:, 0].mean() == pytest.approx(0, abs=1e-6)
    assert Z[1, 0] == pytest.approx(0, abs=1e-6)
    assert Z[:, 1:].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert encode(pd.DataFrame({"load": [2.0], "mode": ["new"]}))[0, 1:].tolist() == [0, 0, 0]


def test_peers_get_the_days_the_hour_and_the_day_of_the_week_of_a_date() -> None:
    fitting = pd.DataFrame({"at": pd.to_datetime(["2025-01-06 08:00", "2025-01-07 12:00", "2025-01-08 10:00"])})
    Z = encoder_of(fitting)(fitting)
    assert Z.shape == (3, 3)
    assert Z[:, 1] == pytest.approx(np.array([-1, 1, 0]) * 1.5**0.5, abs=1e-6)  # 8, 12 and 10 o'clock
    assert Z[:, 2] == pytest.approx(np.array([-1, 0, 1]) * 1.5**0.5, abs=1e-6)  # Monday to Wednesday
    assert (np.diff(Z[:, 0]) > 0).all()


def test_a_missing_file_and_an_unknown_table_are_refused_in_one_line(pumps: Path) -> None:
    with pytest.raises(TableError, match=r"pumps\.csv is not there; the table pumps needs it"):
        plan(Choice(data=pumps / "nowhere", methods=[], protocols=["S"], seeds=[0], sets=["pumps"]))
    with pytest.raises(ConfigError, match=r"there is no table pump; there are .*pumps"):
        plan(Choice(data=pumps, methods=[], protocols=["S"], seeds=[0], sets=["pump"]))


@pytest.mark.filterwarnings("ignore::training.estimator.errors.DetectorWarning")  # one epoch is few
@pytest.mark.slow  # starts workers
def test_ours_gets_the_table_and_peers_get_numbers(pumps: Path) -> None:
    methods = [method_of("made_up_sets:distance"), method_of("ours:epochs=1")]
    jobs = plan(Choice(data=pumps, methods=methods, protocols=["S", "U"], seeds=[0], sets=["pumps"]))
    results = MIXED.results(pumps / "out")
    for job in jobs:
        results.append(work(Job.from_json(job.to_json())))
    assert [row["method"] for row in results.read()] == ["made_up_sets:distance", "ours:epochs=1"] * 2
    assert min(float(row["roc_auc"]) for row in results.read()) > 0.5
    write_page(pumps / "out")
    assert "Means over the sets, mixed tables, protocol U" in (pumps / "out" / "tables.md").read_text()


@pytest.mark.parametrize("name", ["NSL-KDD", "ai4i2020", "bank", "income", "SKAB"])
def test_real_tables_have_labels_and_no_column_that_gives_them_away(shared: Path, name: str) -> None:
    for protocol in "SU":
        split = split_table(TABLES[name], shared / "data" / "real", protocol=protocol, seed=0)
        assert 100 < len(split.fitting) <= CAP
        assert len(split.test) == len(split.is_anomaly) <= CAP
        assert 0.02 < split.is_anomaly.mean() < (MOST_ANOMALIES + 0.01 if protocol == "U" else 0.9)
        assert list(split.fitting.columns) == list(split.test.columns)
        given_away = {TABLES[name].label, *TABLES[name].exclude}
        assert not given_away & set(split.fitting.columns)

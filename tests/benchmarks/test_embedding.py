"""What embeddings are worth as features: the figures mean what the page says, and the whole program runs."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from made_up_sets import write_set

from benchmarks.embedding import __main__ as program
from benchmarks.embedding import measure
from benchmarks.embedding.__main__ import FILE, main
from benchmarks.embedding.example import _shares
from benchmarks.embedding.features import PEERS, Peer
from benchmarks.embedding.measure import FOLDS, Job, fold_of
from benchmarks.embedding.probes import PROBES, Probe
from benchmarks.embedding.tables import by_set, duels, methods_of, overview, sparsity, values_of


def job(path: Path, **changes: object) -> Job:
    usual = {"name": path.stem, "path": path, "fold": 0, "rows": 2000, "k": 2, "preset": "fast"}
    return Job(**(usual | {"training_rows": "clean"} | changes))  # type: ignore[arg-type]


def test_the_folds_of_a_set_test_every_row_once_and_share_the_anomalies(tmp_path: Path) -> None:
    path = write_set(tmp_path / "1_set.npz", anomalies=20)
    folds = [fold_of(job(path, fold=number)) for number in range(FOLDS)]
    tested = np.concatenate([fold.fresh for fold in folds])
    assert sorted(map(tuple, tested)) == sorted(map(tuple, np.load(path)["X"]))
    assert [int(fold.truth.sum()) for fold in folds] == [4] * FOLDS
    for fold in folds:
        assert not {*map(tuple, fold.known)} & {*map(tuple, fold.fresh)}


def test_a_large_set_is_drawn_down_with_its_share_of_anomalies(tmp_path: Path) -> None:
    fold = fold_of(job(write_set(tmp_path / "1_set.npz", rows=400, anomalies=40), rows=100))
    assert (len(fold.known), int(fold.is_anomaly.sum())) == (80, 8)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_probe_finds_what_the_features_show_and_nothing_else(probe: Probe) -> None:
    draw = np.random.default_rng(0)
    truth = np.arange(200) % 10 == 0
    shown = np.column_stack([truth + draw.normal(0, 0.1, 200), draw.normal(size=200)])
    nothing = np.zeros((200, 2))
    assert probe.average_precision(shown[:100], truth[:100], shown[100:], truth[100:]) == pytest.approx(1)
    assert probe.average_precision(nothing[:100], truth[:100], nothing[100:], truth[100:]) == pytest.approx(0.1)


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.at_hand], ids=lambda peer: peer.name)
def test_a_peer_gives_k_features_of_rows_that_it_has_not_seen(peer: Peer) -> None:
    Z = np.random.default_rng(0).normal(size=(60, 5))
    features = peer.learn(Z[:40], 3, 0)(Z[40:])
    assert features.shape == (20, 5 if "columns" in peer.name else 3)


def test_the_shares_of_an_example_are_those_of_a_weighted_sum() -> None:
    draw = np.random.default_rng(0)
    anomalies, normal = draw.normal([1.0, 2.0, 0.0], size=(50, 3)), draw.normal(size=(80, 3))
    shares = _shares(anomalies, normal, lambda rows: rows @ [2.0, -3.0, 5.0])
    gap = anomalies.mean(axis=0) - normal.mean(axis=0)
    weighted = gap * [2.0, -3.0, 5.0]
    assert sum(shares) == pytest.approx(1)
    np.testing.assert_allclose(shares, weighted / weighted.sum(), atol=0.1)


def rows_of(figures: dict[str, tuple[float, float]]) -> list[dict[str, str]]:
    """Two sets, and what each method has on them."""
    others = dict.fromkeys(measure.FIGURES, "8")
    return [
        others | {"set": name, "fold": "0", "method": method, "zeros": "0.5"} | {p.name: str(value) for p in PROBES}
        for number, name in enumerate(("one", "two"))
        for method, values in figures.items()
        for value in [values[number]]
    ]


FIGURES = {"columns": (0.9, 0.5), "PCA": (0.8, 0.4), **dict.fromkeys(measure.ACTIVATIONS, (0.85, 0.3))}


def test_the_tables_show_the_means_and_who_wins() -> None:
    rows = rows_of(FIGURES)
    assert methods_of(rows) == list(FIGURES)
    assert values_of(rows, "logistic")[:, :2].tolist() == [[0.9, 0.8], [0.5, 0.4]]
    assert "| columns | **70.0** | **1.0** |" in overview(rows)
    assert "| PCA | 60.0 |" in overview(rows)
    assert "| relu | 1 / 0 / 1 | -2.5 |" in duels(rows, against="PCA")
    assert "| relu | 0 / 0 / 2 | -12.5 |" in duels(rows, against="columns")
    assert "| two | **50.0** | 40.0 | 30.0 |" in by_set(rows, "logistic")
    assert "| one | 50% | 8.0 of 8 | 4.0 |" in sparsity(rows)


def test_the_program_measures_every_kind_of_features_and_prints_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_set(tmp_path / "1_near.npz", rows=150, columns=3, anomalies=20)
    monkeypatch.setattr(measure, "FOLDS", 2)
    monkeypatch.setattr(program, "FOLDS", 2)
    monkeypatch.setattr(measure, "ACTIVATIONS", ("relu", "tanh"))
    monkeypatch.setattr("benchmarks.embedding.tables.ACTIVATIONS", ("relu", "tanh"))
    assert main(["--data", str(tmp_path), "--sets", "1_near", "--latent-units", "2", "--out", str(tmp_path)]) == 0
    with (tmp_path / FILE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    methods = {peer.name for peer in PEERS if peer.at_hand} | {"relu", "tanh"}
    assert {(row["fold"], row["method"]) for row in rows} == {(fold, name) for fold in "01" for name in methods}
    assert {row["units"] for row in rows if row["method"] in ("relu", "PCA")} == {"2"}
    printed = capsys.readouterr().out
    assert "| tanh |" in printed
    assert "| column | share of the difference |" in printed


def test_a_set_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path / "1_near.npz")
    assert main(["--data", str(tmp_path), "--sets", "2_far"]) == 2
    assert capsys.readouterr().err.startswith("error: --sets:")

"""Planted errors are counted as found, flagged and blamed; results are kept, compared and printed with the truth."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import made_up_sets
import numpy as np
import pandas as pd
import pytest

from benchmarks.planted.__main__ import main
from benchmarks.planted.against import comparison_of
from benchmarks.planted.experiment import COLUMNS, UNPLANTED, rows_of, work
from benchmarks.planted.kinds import KINDS
from benchmarks.planted.measures import MEASURES, Found, found_of, kinds_found, spread_of
from benchmarks.planted.page import write_page
from benchmarks.planted.planting import Error, Part, planted_parts
from benchmarks.planted.text import kinds_table, means_table, plain_of, tables_of
from benchmarks.planted.verdicts import Reason, Scored, verdicts_of
from benchmarks.quality.jobs import Job
from benchmarks.quality.methods import method_of
from models.errors import ConfigError

REPOSITORY = Path(__file__).resolve().parents[2]
KEY = {"table": "pumps", "method": "ours", "seed": "0", "errors": "3"}
ERRORS = (
    Error(kind="sign", row=0, planted={"load": -9.0}, true={"load": 9.0}, beyond=True, spread=2.0),
    Error(kind="zero for a value", row=1, planted={"load": 0.0}, true={"load": 8.0}, spread=2.0),
    Error(kind="combination never seen", row=2, planted={"mode": "eco"}, true={"mode": "full"}, beside=("site",)),
)
REASONS = (
    Reason(blamed="load", expected={"load": 8.0, "mode": "full"}),
    Reason(blamed="mode", expected={"load": 3.0, "mode": "full"}),
    Reason(blamed="site", expected={"load": 5.0, "mode": "eco"}),
)


def found(*, scores: dict[int, float], flagged: set[int], reasons: tuple[Reason, ...] = REASONS, **key: str) -> Found:
    """Return what a fit says of 200 rows, the first three with errors; all other scores are from 0 to 1."""
    all_scores = np.linspace(0, 1, 200)
    all_scores[list(scores)] = list(scores.values())
    flags = np.isin(np.arange(200), list(flagged))
    part = Part(rows=pd.DataFrame({"load": np.zeros(200)}), errors=ERRORS)
    scored = Scored(scores=all_scores, flagged=flags, reasons=reasons)
    rows = [{**dict.fromkeys(COLUMNS, ""), **KEY, **key, **row} for row in rows_of("fitted", part, scored, seconds=2.0)]
    [one] = found_of(rows)
    return one


def values_of(one: Found) -> dict[str, float | None]:
    return {name: measure.of(one) for name, measure in MEASURES.items()}


def test_recall_flags_blame_and_expected_values_are_those_of_the_rows() -> None:
    one = found(scores={0: 9.0, 1: 0.99, 2: 0.2}, flagged={0, 199, 198})
    assert values_of(one) == pytest.approx(
        {
            "recall_top_k": 1 / 3,
            "recall_top_2_percent": 2 / 3,
            "flagged": 1 / 3,
            "false_alarms": 2 / 197,
            "blamed": 2 / 3,  # "site" contradicts "mode", and may be blamed
            "beyond_flagged": 1.0,
            "beyond_blamed": 1.0,
            "nearer": 1 / 2,  # 8 is nearer to 9 than to −9; 3 is nearer to 0 than to 8
            "distance": (1 / 2 + 5 / 2) / 2,
        }
    )


def test_equal_scores_have_the_last_of_their_ranks() -> None:
    one = found(scores={0: 1.0, 1: 1.0, 2: 1.0}, flagged=set())
    assert [error["rank"] for error in one.errors] == ["4"] * 3  # a row without an error has 1, too
    assert values_of(one)["recall_top_k"] == 0


def test_a_method_without_reasons_has_no_blame_and_no_expected_values() -> None:
    values = values_of(found(scores={0: 9.0}, flagged={0}, reasons=()))
    assert [name for name, value in values.items() if value is None] == [
        *("blamed", "beyond_blamed", "nearer", "distance")
    ]


def test_seeds_are_put_together_with_their_spread() -> None:
    fits = [found(scores={0: 9.0}, flagged={0}), found(scores={0: 9.0, 1: 8.0, 2: 7.0}, flagged={0, 1}, seed="1")]
    spread = spread_of(MEASURES["recall_top_k"], fits)
    assert spread is not None
    assert (spread.mean, spread.low, spread.high) == pytest.approx((2 / 3, 1 / 3, 1))
    assert kinds_found(fits, "zero for a value") == (2, 1, 1)
    assert kinds_found(fits, "text cut") == (0, 0, 0)
    text = tables_of(fits)
    assert "Errors in fitted rows, 2 seeds" in text
    assert "66.7 (33.3–100)" in text
    assert "| zero for a value | 1 / 1 of 2 |" in kinds_table(fits, "ours")
    assert "| text cut | – |" in kinds_table(fits, "ours")


def test_the_best_method_of_a_measure_is_bold_and_false_alarms_are_not_a_race() -> None:
    fits = [found(scores={0: 9.0}, flagged={0}), found(scores={0: 9.0, 1: 8.0}, flagged={0}, method="KNN", reasons=())]
    assert means_table(fits, "fitted").splitlines()[2:] == [
        "| ours | 33.3 | 33.3 | 33.3 | 0 |",
        "| KNN | **66.7** | **66.7** | 33.3 | 0 |",
    ]


def test_a_second_run_is_compared_by_measure_and_by_error() -> None:
    before, after = found(scores={0: 9.0}, flagged={0}), found(scores={0: 9.0, 1: 8.0}, flagged={0, 1})
    text = comparison_of([before], [after])
    assert "| pumps | ours | fitted | 33.3 → 66.7 |" in text
    assert "| pumps | ours | 0 | fitted | zero for a value | load | missed, not blamed | flagged, not blamed |" in text
    assert "| sign |" not in text
    assert comparison_of([before], [before]).endswith("No verdict on an error changed.")
    with pytest.raises(ConfigError, match="have no table, method, seed and number of errors in common"):
        comparison_of([found(scores={}, flagged=set(), seed="9")], [after])


def test_other_errors_are_not_compared() -> None:
    one = found(scores={}, flagged=set())
    other = Found(**{name: getattr(one, name) for name in Found.__slots__ if name != "errors"}, errors=one.errors[::-1])
    with pytest.raises(ConfigError, match="'combination never seen' is planted in row 2 and was in row 0"):
        comparison_of([one], [other])


def test_plain_data_has_the_truth_beside_the_verdicts_of_all_methods() -> None:
    fits = [found(scores={0: 9.0}, flagged={0}), found(scores={}, flagged=set(), method="KNN", reasons=())]
    plain = json.loads(json.dumps(plain_of(fits)))
    assert [(item["method"], item["measures"]["nearer"] is None) for item in plain["summary"]] == [
        ("ours", False),
        ("KNN", True),
    ]
    first, *others = plain["planted"]
    assert len(others) == 2
    assert {name: first[name] for name in ("kind", "part", "row", "columns", "true", "planted", "beyond")} == {
        **{"kind": "sign", "part": "fitted", "row": 0, "columns": ["load"]},
        **{"true": ["9.0"], "planted": ["-9.0"], "beyond": True},
    }
    assert first["verdicts"]["ours"] == {
        **{"rank": 1, "flagged": True, "blamed": "load", "expected": "8.0", "in_top_2_percent": True}
    }
    assert first["verdicts"]["KNN"]["blamed"] is None


def test_the_page_has_its_figures_from_the_results_and_a_picture_of_the_kinds(tmp_path: Path) -> None:
    fits = [
        found(scores={0: 9.0, 1: 0.99}, flagged={0}, table="invoices"),
        found(scores={0: 9.0}, flagged={0}, table="invoices", method="KNN", reasons=()),
    ]
    page, figure = write_page(fits, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "> **2 of 3** errors" in text
    assert "Together 2 of 3 errors in 1 table are in the top 2 %, and 1 are flagged (1 seed)." in text
    assert "1 of 1 in fitted rows and 0 of 0 in fresh rows are flagged" in text
    assert "Fewer than half are in the top 2 % of: combination never seen." in text
    assert "Not measured here: fast, best, AutoEncoder, IForest, ECOD, LOF." in text
    assert f"](../{figure.relative_to(tmp_path)})" in text
    assert "<svg" in figure.read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="there are no results"):
        write_page([], tmp_path)


def test_tables_with_errors_are_written_as_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tables", "invoices", "--methods", "ours", "--write-tables", str(tmp_path)]) == 0
    capsys.readouterr()
    for name, part in planted_parts("invoices", seed=0).items():
        rows = pd.read_csv(tmp_path / f"invoices-0-{name}.csv", parse_dates=["issued", "due", "entered"])
        pd.testing.assert_frame_equal(rows, part.rows, check_dtype=False)


def test_peers_get_numbers_without_ids_and_flag_a_tenth_of_the_fitted_rows() -> None:
    parts = planted_parts("machines", seed=0)
    fitted = verdicts_of(method_of("made_up_sets:distance"), parts, ids=("reading",), seed=0)
    assert fitted.parts["fitted"].flagged.mean() == pytest.approx(0.1)
    assert fitted.parts["fitted"].reasons == ()
    gross = next(error for error in parts["fitted"].errors if error.kind == "unit changed")
    assert fitted.parts["fitted"].rank(gross.row) <= len(parts["fitted"].errors)


@pytest.mark.filterwarnings("ignore::training.estimator.errors.DetectorWarning")  # one epoch is few
@pytest.mark.slow  # trains
def test_ours_gets_the_table_as_it_is_and_gives_reasons() -> None:
    key = {"table": "machines", "method": "ours:preset=fast,epochs=1", "seed": "0", "errors": "4"}
    rows = [{**dict.fromkeys(COLUMNS, ""), **row} for row in work(Job(experiment="", key=key, data=""))]
    assert [row["kind"] for row in rows].count(UNPLANTED) == 2
    assert all(set(row) == set(COLUMNS) for row in rows)
    for one in found_of(rows):
        assert len(one.errors) == 4
        assert all(error["blamed"] and error["blamed"] != "reading" for error in one.errors)
        assert 0 <= one.false_alarms <= one.unplanted


@pytest.mark.slow  # starts workers
def test_the_program_keeps_results_goes_on_and_prints_tables_json_and_what_another_run_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = (REPOSITORY, Path(made_up_sets.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))

    def run(*arguments: str) -> Any:
        code = main(["--tables", "machines", "--methods", "made_up_sets:distance", *arguments])
        return code, *capsys.readouterr()

    code, printed, said = run("--out", str(tmp_path / "a"), "--seeds", "0,1")
    assert code == 0
    assert "2 of 2 done, 2 of them now" in " ".join(said.split())
    assert "| machines | made_up_sets:distance |" in printed
    assert all(f"| {kind} |" in printed for kind in KINDS)
    code, printed, said = run("--out", str(tmp_path / "a"), "--json")
    assert "1 of 1 done, 0 of them now" in " ".join(said.split())
    assert len(json.loads(printed)["planted"]) == 2 * len(KINDS)
    code, printed, _ = run("--out", str(tmp_path / "b"), "--against", str(tmp_path / "a"))
    assert code == 0
    assert "No verdict on an error changed." in printed
    code, _, said = run("--out", str(tmp_path / "b"), "--against", str(tmp_path / "c"))
    assert code == 2
    assert "measure first" in " ".join(said.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--tables", "bills"),
            "--tables must be some of invoices, machines, customers, bank, ai4i2020, income, got 'bills'",
        ),
        (("--tables", "bank"), "--data DIR is missing: the table bank is the file"),
        (("--methods", "without:robust"), "without:robust gives scores but no verdict"),
        (("--seeds", "many"), "--seeds must be whole numbers with commas"),
    ],
)
def test_a_wrong_flag_is_answered_in_one_line(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in " ".join(capsys.readouterr().err.split())

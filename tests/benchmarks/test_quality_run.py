"""The whole program on made-up sets, with methods that need no extra."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import made_up_sets
import pytest
from made_up_sets import write_set

from benchmarks.quality.__main__ import main

REPOSITORY = Path(__file__).resolve().parents[2]
METHODS = "made_up_sets:distance,made_up_sets:forest"
Program = Callable[..., int]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The command line, over two sets and into a folder."""
    folders = (REPOSITORY, Path(made_up_sets.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))
    write_set(tmp_path / "data" / "1_near.npz", anomalies=20)
    write_set(tmp_path / "data" / "2_far.npz", seed=1, rows=90)

    def run(*arguments: str) -> int:
        return main([*arguments, "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")])

    return run


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "out" / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_every_set_protocol_method_and_seed_is_a_row_and_the_page_shows_them(program: Program, tmp_path: Path) -> None:
    assert program("--methods", METHODS, "--seeds", "0,1", "--jobs", "2") == 0
    rows = rows_of(tmp_path)
    assert list(rows[0]) == [
        *("set", "protocol", "method", "seed"),
        *("roc_auc", "average_precision", "fit_seconds", "score_seconds", "peak_mb"),
    ]
    assert len({tuple(row.values())[:4] for row in rows}) == len(rows) == 2 * 2 * 2 * 2
    assert all(0.7 < float(row["roc_auc"]) <= 1 for row in rows)
    assert all(float(row["fit_seconds"]) < 5 for row in rows)
    page = (tmp_path / "out" / "index.html").read_text()
    for text in ("1_near", "2_far", "made_up_sets:forest", "--jobs 2", "critical difference", "threads each"):
        assert text in page
    tables = (tmp_path / "out" / "tables.md").read_text()
    assert re.search(r"^\| made_up_sets:distance \| \*{0,2}\d+\.\d", tables, flags=re.MULTILINE)


@pytest.mark.slow  # starts workers
def test_what_is_there_is_not_run_again_and_a_cut_line_is(program: Program, tmp_path: Path) -> None:
    assert program("--methods", "made_up_sets:distance", "--protocols", "S") == 0
    path = tmp_path / "out" / "results.csv"
    first, second = path.read_text().splitlines()[1:]
    path.write_text("\n".join([path.read_text().splitlines()[0], first.replace(",0.", ",0.12"), second[:-9]]))
    assert program("--methods", "made_up_sets:distance") == 0
    rows = rows_of(tmp_path)
    assert [(row["set"], row["protocol"]) for row in rows].count(("2_far", "S")) == 1
    assert len(rows) == 4
    assert path.read_text().splitlines()[1] == first.replace(",0.", ",0.12")


@pytest.mark.slow  # starts workers
def test_a_method_that_fails_is_a_row_without_figures_and_the_others_go_on(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = ",".join(f"made_up_sets:{name}" for name in ("raises", "dies", "sleeps", "nothing", "distance"))
    assert program("--methods", odd, "--protocols", "S", "--sets", "1_near", "--timeout", "8") == 1
    empty = {row["method"].partition(":")[2] for row in rows_of(tmp_path) if not row["roc_auc"] + row["peak_mb"]}
    assert empty == {"raises", "dies", "sleeps", "nothing"}
    printed = " ".join(capsys.readouterr().err.split())
    assert "1_near S made_up_sets:raises 0: ValueError: these rows are" in printed
    assert "1_near S made_up_sets:dies 0: its process was ended by SIGABRT" in printed
    assert "1_near S made_up_sets:sleeps 0: took more than 8 s" in printed
    assert "70 rows were scored, 70 scores came, 70 not finite" in printed
    assert program("--methods", "made_up_sets:raises", "--protocols", "S", "--sets", "1_near") == 0
    assert program("--methods", "made_up_sets:raises", "--protocols", "S", "--sets", "1_near", "--again") == 1


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks can be forgotten on Linux only")
@pytest.mark.slow  # starts workers
def test_the_peak_is_that_of_the_fit_alone(program: Program, tmp_path: Path) -> None:
    methods = "made_up_sets:memory,made_up_sets:distance"
    assert program("--methods", methods, "--protocols", "S", "--sets", "1_near") == 0
    peaks = {row["method"]: float(row["peak_mb"]) for row in rows_of(tmp_path)}
    assert 90 < peaks["made_up_sets:memory"] < 120
    assert peaks["made_up_sets:distance"] < 20


@pytest.mark.slow  # starts workers
def test_ctrl_c_leaves_what_is_done_and_no_process_behind(tmp_path: Path, program: Program) -> None:
    command = [sys.executable, "-m", "benchmarks.quality", "--data", str(tmp_path / "data"), "--out"]
    methods = "made_up_sets:distance,made_up_sets:sleeps"
    command += [str(tmp_path / "out"), "--protocols", "S", "--sets", "1_near", "--methods", methods]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        csv_file = tmp_path / "out" / "results.csv"
        end = time.monotonic() + 60
        while not (csv_file.exists() and "distance" in csv_file.read_text()) and time.monotonic() < end:
            time.sleep(0.1)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        workers = children.read_text().split() if children.exists() else []
        process.send_signal(signal.SIGINT)
        _, printed = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on" in printed
    assert [row["method"] for row in rows_of(tmp_path)] == ["made_up_sets:distance"]
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_the_page_is_made_anew_from_the_csv_alone(program: Program, tmp_path: Path) -> None:
    assert program("--methods", METHODS, "--protocols", "U") == 0
    made = {name: (tmp_path / "out" / name).read_text() for name in ("index.html", "tables.md")}
    for name in made:
        (tmp_path / "out" / name).unlink()
    assert main(["page", "--out", str(tmp_path / "out")]) == 0
    assert {name: (tmp_path / "out" / name).read_text() for name in made} == made


@pytest.mark.slow  # starts workers
def test_a_check_names_the_method_whose_rows_differ(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("--methods", METHODS, "--protocols", "U") == 0
    rows = [dict(row) for row in rows_of(tmp_path)]
    against = tmp_path / "theirs.csv"

    def write() -> None:
        with against.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    write()
    arguments = ["check", "--out", str(tmp_path / "out"), "--against", str(against)]
    assert main(arguments) == 0
    rows[-1]["average_precision"] = "0.12345"
    write()
    assert main(arguments) == 1
    assert re.search(rf"\| {rows[-1]['method']} \| 2 \| 1 \| 0\.\d+ \| {rows[-1]['set']} U", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--protocols", "T"], "--protocols must be some of S, U, got 'T'"),
        (["--seeds", "0;1"], "--seeds must be whole numbers with commas"),
        (["--sets", "3_none"], "has no 3_none; it has 1_near, 2_far"),
        (["--methods", "KNM"], "there is no 'KNM'"),
    ],
)
def test_a_wrong_flag_is_one_line(
    program: Program, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program(*arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert complaint in line

"""The CSV of a run can be gone on with after any end."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.quality.results import Results
from models.errors import TableError

ROWS = [
    {"set": "a", "method": "ours:dropout=0.1,depth=1", "rate": "0.1", "alerts": "0.09"},
    {"set": "a", "method": "ours:dropout=0.1,depth=1", "rate": "0.05", "alerts": "0.04"},
    {"set": "a", "method": "KNN", "rate": "0.1", "alerts": "0.2"},
    {"set": "a", "method": "KNN", "rate": "0.05", "alerts": "0.1"},
]


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(path=tmp_path / "out" / "r.csv", columns=("set", "method", "rate", "alerts"), key=("set", "method"))


def test_rows_are_read_as_they_were_written(results: Results) -> None:
    assert results.read() == []
    results.append(ROWS[:2])
    results.append(ROWS[2:])
    assert results.read() == ROWS
    assert results.done() == {("a", "ours:dropout=0.1,depth=1"), ("a", "KNN")}


def test_wherever_a_file_is_cut_only_whole_jobs_are_left(results: Results) -> None:
    results.append(ROWS[:2])
    first = results.path.stat().st_size
    results.append(ROWS[2:])
    content = results.path.read_bytes()
    for cut in range(len(content)):
        results.path.write_bytes(content[:cut])
        whole_before = content[:cut].endswith(b"\n") or not cut
        assert results.mend() is not whole_before
        rows = results.read()
        at_line_end = [row for row in ROWS if row in rows]
        assert rows == at_line_end
        if not whole_before:
            assert rows in ([], ROWS[:2]), f"cut at {cut}: half a job is left"
            assert (rows == ROWS[:2]) <= (cut > first)


def test_after_mending_the_rest_is_appended_as_if_nothing_had_happened(results: Results) -> None:
    results.append(ROWS[:2])
    results.append(ROWS[2:])
    content = results.path.read_bytes()
    results.path.write_bytes(content[:-4])
    assert results.mend()
    assert results.done() == {("a", "ours:dropout=0.1,depth=1")}
    results.append(ROWS[2:])
    assert results.path.read_bytes() == content


def test_a_job_that_failed_is_done_unless_it_is_wanted_again(results: Results) -> None:
    failed = {"set": "a", "method": "KNN"}
    results.append(ROWS[:2])
    results.append([failed])
    assert results.failed(results.read()[-1])
    assert ("a", "KNN") in results.done()
    assert results.done(again=True) == {("a", "ours:dropout=0.1,depth=1")}
    results.append([failed])
    assert len(results.read()) == 3
    results.append(ROWS[2:])
    assert results.read() == ROWS


def test_a_file_of_another_kind_is_refused(results: Results) -> None:
    results.path.parent.mkdir()
    results.path.write_text("set,method\na,KNN\n")
    with pytest.raises(TableError, match=r"its columns are set, method, not set, method, rate, alerts; name another"):
        results.read()
    results.path.write_text("set,method,rate,alerts\na,KNN\n")
    with pytest.raises(TableError, match=r"line 2: 2 cells, not 4"):
        results.read()

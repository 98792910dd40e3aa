"""The benchmark of the service: real servers in processes of their own, and ratios of the same round."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.serving.__main__ import main
from benchmarks.serving.batches import ARROW, COLUMNS_AND_ROWS, SIZES, of_ours
from benchmarks.serving.contenders import COLUMNS, Contender, contenders, made_up_rows
from benchmarks.serving.in_process import InProcess
from benchmarks.serving.load import Load
from benchmarks.serving.open_loop import OpenLoad
from benchmarks.serving.page import page_of
from benchmarks.serving.request import Request
from benchmarks.serving.server import family, free_port, started
from benchmarks.serving.table import OWN, Figures, Found, Round, Turn, figures_by_name

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def load(rate: float, *, p99: float = 2.0) -> Load:
    return Load(requests=round(rate), seconds=1.0, p50=1.0, p99=p99, p999=3.0)


def round_of(rate: float) -> Round:
    return Round(load=load(rate), cpu_seconds=1e-4)


def opened(p99: float, *, behind: float = 0.01) -> OpenLoad:
    return OpenLoad(load=load(100, p99=p99), offered=100.0, behind=behind)


def figures(*rates: float, start: float = 1.0, memory: float = 100.0) -> Figures:
    turns = (Turn(start_seconds=start, resident_mb=memory, closed={64: round_of(rate)}) for rate in rates)
    return Figures(says="made up", turns=tuple(turns))


SINGLE = Found(
    servers={
        "empty": figures(100, 800, 150),  # 2 is the median of the ratios, 4 the ratio of the medians
        "ours": figures(200, 1600, 600),
        "ours_balanced": figures(100, 800, 300),
        "predict": figures(1, 8, 2, start=10.0, memory=800.0),
    }
)


def full() -> Found:
    """Return one round of all that is measured."""
    batches = {(form, rows): round_of(10) for form in of_ours(COLUMNS) for rows in SIZES}
    ours = Turn(
        start_seconds=1.0,
        resident_mb=100.0,
        open={OWN: opened(2.0), "mlserver": opened(1.0)},
        batches={**batches, (COLUMNS_AND_ROWS, 1_000): round_of(40), (ARROW, 10_000): round_of(100)},
    )
    forms = {("json", 1_000): round_of(10), ("binary", 1_000): round_of(20)}
    theirs = replace(
        ours,
        open={OWN: opened(10.0, behind=5.0)},
        batches={**forms, ("json", 10_000): round_of(5), ("binary", 10_000): round_of(4)},
    )
    return Found(
        servers={"ours": Figures(says="ours", turns=(ours,)), "mlserver": Figures(says="theirs", turns=(theirs,))},
        in_process=(InProcess(peak=16_896e6, engine=5e5, products=4e6, network=2e6),),
        left_out={"ray": "it is not installed"},
    )


def test_figures_are_medians_of_the_ratios_of_the_same_rounds() -> None:
    assert figures_by_name(SINGLE) == {
        "single_over_empty": 2.0,
        "single_over_predict": 200.0,
        "default_over_fast": 0.5,
        "start_over_tensorflow": 0.1,
        "memory_over_tensorflow": 0.125,
    }


def test_the_other_figures_are_beside_the_best_that_mlserver_does_and_beside_the_peak() -> None:
    assert figures_by_name(full()) == {
        "p99_over_mlserver": pytest.approx(0.2),
        "p99_over_mlserver_same_load": pytest.approx(0.1),
        "batch_over_mlserver": 2.0,
        "batch_10k_over_mlserver": 2.0,
        "batch_best_over_mlserver": 2.0,
        "batch_10k_best_over_mlserver": 20.0,
        "arrow_over_numpy": 0.25,
        "engine_share_of_peak": 0.5,
    }


def test_the_share_of_the_peak_is_of_the_highest_that_any_round_saw() -> None:
    found = full()
    [one] = found.in_process
    disturbed = replace(one, peak=one.peak / 10)
    assert figures_by_name(replace(found, in_process=(one, disturbed, disturbed)))["engine_share_of_peak"] == 0.5


@pytest.mark.parametrize("left", [["empty"], ["empty", "predict"], ["ours"], []])
def test_what_was_not_measured_has_no_figure(left: list[str]) -> None:
    found = Found(servers={name: SINGLE.servers[name] for name in left})
    assert figures_by_name(found) == {}
    page_of(found, about="made up")


def test_the_page_has_every_server_beside_the_empty_one_with_the_ends_of_its_ratios() -> None:
    page = page_of(SINGLE, about="a machine")
    assert page.startswith("a machine\n")
    assert "| ours | made up | 2.00 (2.00–4.00) | 600 | 1.00 | 2.00 | 3.00 | 100 |" in page
    assert "| predict | 10.00 (10.00–10.00) | 800 (800–800) |" in page


def test_the_page_has_a_section_for_each_table_and_says_what_is_left_out() -> None:
    page = page_of(full(), about="a machine")
    titles = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert titles == ["At 70 % load", "Many rows a request", "Without HTTP", "Start and memory", "Figures"]
    assert "Left out: ray: it is not installed" in page
    assert "The generator did not keep up beside mlserver" in page
    assert "| ours | that of mlserver | 100 |" in page
    assert f"| ours | {COLUMNS_AND_ROWS} | 1,000 | 40,000 | 2.00 (2.00–2.00) | 0.10 |" in page
    assert "| our engine | 0.50 | 50.00 (50.00–50.00) |" in page
    assert "| batch_over_mlserver | 2 |" in page


def test_every_format_of_a_batch_holds_the_same_rows() -> None:
    X = made_up_rows(3)
    made = {form: build(X) for form, build in of_ours(COLUMNS).items()}
    columns_and_rows = json.loads(made[COLUMNS_AND_ROWS].body)
    np.testing.assert_array_equal(columns_and_rows["rows"], X)
    records = json.loads(made["JSON, records"].body)
    assert [list(record.values()) for record in records] == X.tolist()
    assert [json.loads(line) for line in made["JSON lines"].body.splitlines()] == records
    assert pa.ipc.open_stream(made[ARROW].body).read_all().to_pylist() == records
    assert pa.parquet.read_table(pa.BufferReader(made["Parquet"].body)).to_pylist() == records
    assert pa.csv.read_csv(pa.BufferReader(made["CSV"].body)).to_pylist() == records


def own(name: str) -> Contender:
    bundles = dict.fromkeys(("fast", "balanced", "narrow", "mixed"), Path("nowhere"))
    return next(one for one in contenders(bundles) if one.name == name)


@on_linux
@pytest.mark.parametrize("name", ["floor", "empty"])
def test_a_server_answers_and_says_what_it_takes(name: str) -> None:
    one = own(name)
    port, cpu = free_port(), min(os.sched_getaffinity(0))
    with started(one.command(port), port, request=one.request, cpu=cpu) as server:
        assert os.sched_getaffinity(server.pid) == {cpu}
        assert 0 < server.start_seconds < 120
        assert json.loads(server.answer) == {"status": "ok"}
        assert server.cpu_seconds() > 0
        assert server.resident_mb() > 5
    assert not Path(f"/proc/{server.pid}").exists()


@on_linux
def test_what_a_server_started_counts_and_ends_with_it(tmp_path: Path) -> None:
    program = tmp_path / "two.py"
    program.write_text(
        "import http.server, subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; kept = bytes(64 << 20); time.sleep(600)'])\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_POST(self):\n"
        "        self.send_response(200); self.end_headers()\n"
        "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n"
    )
    port, cpu = free_port(), min(os.sched_getaffinity(0))
    with started((sys.executable, str(program), str(port)), port, request=Request(body=b"{}"), cpu=cpu) as server:
        first, second = family(server.pid)
        assert first == server.pid
        assert server.resident_mb() > 5
    assert not Path(f"/proc/{first}").exists()
    assert second not in family(os.getpid())
    end = time.monotonic() + 30
    while state_of(second) not in ("", "Z"):  # it is ended, which may take it a moment
        assert time.monotonic() < end
        time.sleep(0.05)


def state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


@on_linux
def test_a_server_that_ends_is_an_error_with_its_output() -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such thing')")
    port, cpu = free_port(), min(os.sched_getaffinity(0))
    with (
        pytest.raises(RuntimeError, match="no such thing"),
        started(command, port, request=Request(body=b"{}"), cpu=cpu),
    ):
        pass


@pytest.mark.parametrize(("flag", "given"), [("--only", "nobody"), ("--sections", "engine,nothing")])
@on_linux
def test_an_unknown_name_is_refused_with_those_there_are(
    flag: str, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([flag, given]) == 2
    assert "there are" in capsys.readouterr().err

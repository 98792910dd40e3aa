"""Trains on real files, scores each by batch and over HTTP, checks that the scores agree, and makes two tables.

Over HTTP each file is sent twice: as it is, by its content type, and as JSON columns and rows.

    python -m benchmarks.real_files --data DIR [--output table.md] [--only NAME …]

Every step is a command line as a user would type it, in processes of their own; a run is a row of `RUNS`.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from models.bundle import load_detector
from models.detector import Detector
from models.schema import Kind
from models.schema.cells import parser_of
from models.tables.files import read_table
from models.tables.read_options import ReadOptions
from models.tables.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One real file, and the flags that the program's own messages propose for it.

    Args:
        name: Its description.
        train: Files to train on.
        flags: Flags of training; the name of a file in the folder is replaced by its path.
        score: The file to score; the first training file by default.
        refused: Whether training refuses it; the table shows the error.
    """

    name: str
    train: tuple[str, ...]
    flags: tuple[str, ...] = ()
    score: str | None = None
    refused: bool = False


_NSL_KDD = (
    *("--column-names", "nslkdd_field_names.csv", "label", "difficulty"),
    *("--exclude", "difficulty", "--label", "label"),
)
RUNS = (
    Run(
        name="NSL-KDD (fitted on normal rows, tested on test21)",
        train=("nslkdd_train20.txt",),
        flags=(*_NSL_KDD, "--fit-on", "normal", "--test-data", "nslkdd_test21.txt"),
        score="nslkdd_test21.txt",
    ),
    Run(
        name="SKAB (fitted on the anomaly-free file, tested on valve1)",
        train=("skab_anomaly_free.csv",),
        flags=("--label", "anomaly", "--test-data", "skab_valve1_0.csv"),
        score="skab_valve1_0.csv",
    ),
    Run(name="census income", train=("pycaret_income.csv",), flags=("--label", "income >50K")),
    Run(
        name="bank marketing",
        train=("uci_bank_additional.csv",),
        flags=("--label", "y", "--missing-values", "pdays=999"),
    ),
    Run(
        name="ai4i 2020 (without the failure modes that make up its label)",
        train=("ai4i2020.csv",),
        flags=("--label", "Machine failure", "--exclude", "TWF", "HDF", "PWF", "OSF", "RNF"),
    ),
    Run(name="titanic", train=("pycaret_titanic.csv",), flags=("--label", "Survived", "--id", "PassengerId")),
    Run(
        name="cardio (fitted on normal rows)",
        train=("pyod_cardio.csv",),
        flags=("--label", "label", "--fit-on", "normal"),
    ),
    Run(name="NAB machine temperature", train=("nab_machine_temperature.csv",)),
    Run(name="air quality, as published", train=("AirQualityUCI.csv",), flags=("--missing-values", "-200")),
    Run(name="air quality, of pycaret", train=("pycaret_airquality.csv",), flags=("--missing-values", "-200")),
    Run(name="every type of Parquet", train=("alltypes_tiny_pages.parquet",)),
    Run(name="every type of Parquet, 8 rows", train=("alltypes_plain.parquet",), refused=True),
)

_REQUEST_ROWS = 5_000
_FIGURES = (
    "| file | rows | columns used | fit and save, s | alert rate promised / realised | ROC AUC | average precision "
    "| batch, rows/s | HTTP and batch |\n|---|---|---|---|---|---|---|---|---|\n"
)
_DECISIONS = "| file | detected, repaired | noticed | dropped |\n|---|---|---|---|\n"
_MEDIA = {".parquet": "application/vnd.apache.parquet"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files")
    parser.add_argument("--output", type=Path, help="write the table there as well")
    parser.add_argument("--only", nargs="+", default=[], help="only the runs whose name contains one of these")
    arguments = parser.parse_args(argv)
    rows = [
        _rows(run, arguments.data)
        for run in RUNS
        if not arguments.only or any(part.lower() in run.name.lower() for part in arguments.only)
    ]
    figures, decisions = zip(*rows, strict=True)
    table = _FIGURES + "".join(figures) + "\n" + _DECISIONS + "".join(decisions)
    print(table)
    if arguments.output:
        arguments.output.write_text(table)
    return 0


def _rows(run: Run, data: Path) -> tuple[str, str]:
    """Train, score and compare; return the file's line in each table."""
    print(f"{run.name} …", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        bundle, scores = Path(folder) / "bundle", Path(folder) / "scores.parquet"
        flags = [str(data / flag) if (data / flag).is_file() else flag for flag in run.flags]
        arguments = [*(str(data / name) for name in run.train), *flags, "--output", str(bundle)]
        if run.refused:
            complaint = _refusal(arguments)
            return _line(run.name, *"–" * 8), _line(run.name, complaint, "–", "–")
        report = _train(arguments)
        scored = data / (run.score or run.train[0])
        started = time.perf_counter()
        _python("service.batch", str(bundle), str(scored), "--output", str(scores), "--quiet")
        in_batch = pq.read_table(scores)
        rows_per_second = in_batch.num_rows / (time.perf_counter() - started)
        with _service(bundle) as address:
            over_http = {"JSON": _as_json(address, bundle, scored), "the file": _as_it_is(address, scored)}
    batch_scores = in_batch["anomaly_score"].to_numpy()
    for form, http_scores in over_http.items():
        if not np.array_equal(http_scores, batch_scores):
            apart = np.abs(http_scores - batch_scores).max() if len(http_scores) == len(batch_scores) else np.inf
            raise SystemExit(f"{run.name}: HTTP ({form}) and batch differ by up to {apart:.1e}")
    metrics = report.get("metrics", {})
    figures = _line(
        run.name,
        f"{report['rows']:,}",
        str(len(report["columns_used"])),
        f"{report['seconds']:.0f}",
        f"{report['promised_alert_rate']:.1%} / {report['realised_alert_rate']:.1%}",
        *(
            f"{metrics[name]:.3f}" if metrics.get(name) is not None else "–"
            for name in ("roc_auc", "average_precision")
        ),
        f"{rows_per_second:,.0f}",
        "equal",
    )
    dropped = [f"{name} ({reason.split(' (')[0]})" for name, reason in report["columns_dropped"].items()]
    return figures, _line(run.name, *map(_listed, (report["repairs"], report["findings"], dropped)))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _listed(items: Sequence[str]) -> str:
    return "; ".join(items) or "–"


def _refusal(arguments: list[str]) -> str:
    command = [sys.executable, "-m", "training.train", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 2 or done.stderr.count("\n") != 1:
        raise SystemExit(f"{' '.join(command)}: was not refused in one line: {done.stderr}")
    return done.stderr.strip()


def _train(arguments: list[str]) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(_python("training.train", *arguments, "--json", "--quiet"))
    return report


def _python(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def _as_it_is(address: str, file: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Send a file as it is and return the scores."""
    headers = {"Content-Type": _MEDIA.get(file.suffix, "text/csv"), "Accept": "application/vnd.apache.parquet"}
    request = urllib.request.Request(f"{address}/score", file.read_bytes(), headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        scores: np.ndarray[Any, np.dtype[np.float64]] = pq.read_table(io.BytesIO(answer.read()))[
            "anomaly_score"
        ].to_numpy()
    return scores


def _as_json(address: str, bundle: Path, file: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Send a file's records as columns and rows, with cells as JSON would have them, and return the scores."""
    detector = load_detector(bundle)
    table = read_table([file], ReadOptions(header=detector.schema.header))
    columns = [_json_cells(detector, name, table) for name in detector.schema.names]
    rows = list(zip(*columns, strict=True))
    scores: list[float] = []
    for start in range(0, len(rows), _REQUEST_ROWS):
        body = {"columns": detector.schema.names, "rows": rows[start : start + _REQUEST_ROWS]}
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{address}/score", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            scores += [result["anomaly_score"] for result in json.load(answer)["results"]]
    return np.array(scores)


def _json_cells(detector: Detector, name: str, table: Table) -> list[Any]:
    column = next(column for column in detector.schema.columns if column.name == name)
    cells = table.data.column(name).to_pylist()
    if column.kind is Kind.DATETIME:
        return [cell.isoformat() if hasattr(cell, "isoformat") else cell for cell in cells]
    parse = parser_of(column, decimal=table.decimal, thousands=table.thousands)
    return [None if cell is None else parse(cell) for cell in cells]


@contextmanager
def _service(bundle: Path) -> Iterator[str]:
    """Start the service on a free port, and stop it."""
    command = [sys.executable, "-m", "service", "--detector", str(bundle), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if "running on" in line:
                    yield line.split("running on ")[1].split(" ")[0]
                    break
            else:
                raise SystemExit("the service did not start")
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())

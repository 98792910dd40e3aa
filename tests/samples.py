"""What tests are made of: generated rows, and small parts in the place of trained ones."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
from numpy.typing import NDArray

from models.calibration import Calibration
from models.detector import Detector
from models.encoders import BooleanEncoding, CategoricalEncoding, Encoding, NumericEncoding, TimestampEncoding
from models.encoders.preprocessor import Preprocessor
from models.schema import Column, FeatureSchema, Kind
from models.scoring import Scorer

if TYPE_CHECKING:
    from training.data.prepare import Prepared

FIRST_DAY = datetime(2024, 1, 1)
RARE_MODES = ("flush", "purge", "self test")
Records = list[dict[str, Any]]


def machine_records(rows: int, *, seed: int) -> Records:
    """Make records up: three correlated numbers (one with gaps), a category with rare levels, a flag, a timestamp."""
    rng = np.random.default_rng(seed)
    pressure = rng.normal(50, 5, rows)
    flow = 2 * pressure + rng.normal(0, 2, rows)
    heat = 120 - pressure + rng.normal(0, 2, rows)
    modes = rng.choice(["run", "idle", "boost", *RARE_MODES], rows, p=[0.5, 0.3, 0.17, 0.01, 0.01, 0.01])
    seconds = rng.integers(0, 60 * 86_400, rows)
    gap = rng.random(rows) < 0.05
    valve = rng.random(rows) < 0.3
    return [
        {
            "serial": f"m-{row:05d}",
            "pressure": round(float(pressure[row]), 3),
            "flow": None if gap[row] else round(float(flow[row]), 3),
            "heat": round(float(heat[row]), 3),
            "mode": str(modes[row]),
            "valve_open": bool(valve[row]),
            "at": (FIRST_DAY + timedelta(seconds=int(seconds[row]))).isoformat(),
            "site": "north",
        }
        for row in range(rows)
    ]


def with_anomalies(records: Records, *, every: int) -> Records:
    """Break the relation of pressure and flow in every so-manieth record, and say so in the column `state`."""
    labelled = []
    for number, record in enumerate(records):
        broken = number % every == every - 1
        change = {"flow": round(record["pressure"] * 2 - 60, 3)} if broken else {}
        labelled.append(record | change | {"state": "fault" if broken else "normal"})
    return labelled


def of_two_sites(records: Records) -> Records:
    """Give each record one of two sites, in the second of which pressure and flow do not go together so well."""
    spread = np.random.default_rng(len(records)).normal(0, 12, len(records))
    return [
        record | ({"site": "south", "pressure": round(record["pressure"] + spread[row], 3)} if row % 2 else {})
        for row, record in enumerate(records)
    ]


def arrow_table(records: Sequence[Mapping[str, Any]]) -> pa.Table:
    names = dict.fromkeys(name for record in records for name in record)
    return pa.table({name: pa.array([record.get(name) for record in records]) for name in names})


def write_csv(path: Path, records: Sequence[Mapping[str, Any]], *, delimiter: str = ",") -> Path:
    names = list(dict.fromkeys(name for record in records for name in record))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(names)
        for record in records:
            writer.writerow([_csv_cell(record.get(name)) for name in names])
    return path


def write_jsonl(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def write_parquet(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    pa.parquet.write_table(arrow_table(records), path)
    return path


def write_arrow(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    pa.feather.write_feather(arrow_table(records), str(path), compression="uncompressed")
    return path


def write_excel(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    names = list(dict.fromkeys(name for record in records for name in record))
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    sheet.append(names)
    for record in records:
        sheet.append([record.get(name) for name in names])
    with path.open("wb") as file:  # a name of any ending
        book.save(file)
    return path


WRITERS: dict[str, tuple[str, Callable[[Path, Sequence[Mapping[str, Any]]], Path]]] = {
    "csv": ("rows.csv", write_csv),
    "parquet": ("rows.parquet", write_parquet),
    "arrow": ("rows.arrow", write_arrow),
    "jsonl": ("rows.jsonl", write_jsonl),
    "excel": ("rows.xlsx", write_excel),
}
"""For each of FORMATS: a file's name and how it is written."""


class FakeEngine:
    """A function in the place of a network."""

    def __init__(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        self._function = function

    def reconstruct(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        result = np.asarray(self._function(Z), np.float32)
        return result if result.ndim == 3 else result[None]  # one member

    def embed(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        return np.asarray(Z[:, :1], np.float32)


def sample_encodings(*, missing_share: float = 0.0) -> tuple[Encoding, ...]:
    """One encoder of each kind, as if learned from rows of which a share lacked a value."""
    day = 86_400.0
    return (
        NumericEncoding(name="number", center=50.0, scale=5.0, missing_share=missing_share, novelty_penalty=9.0),
        NumericEncoding(
            name="amount",
            center=0.2,
            scale=1.5,
            origin=10.0,
            unit=4.0,
            missing_share=missing_share,
            novelty_penalty=9.0,
        ),
        BooleanEncoding(name="flag", share=0.3, missing_share=missing_share, novelty_penalty=9.0),
        CategoricalEncoding(
            name="mode",
            categories=("run", "idle"),
            shares=(0.6 - missing_share, 0.3),
            rare_share=0.1,
            rare=("flush", "purge"),
            missing_share=missing_share,
            novelty_penalty=9.0,
        ),
        TimestampEncoding(
            name="at",
            start=1_704_067_200.0,
            scale=17 * day,
            cycles=("day", "week"),
            missing_share=missing_share,
            novelty_penalty=9.0,
        ),
    )


def sample_schema() -> FeatureSchema:
    kinds = {
        "number": Kind.NUMERIC,
        "amount": Kind.NUMERIC,
        "flag": Kind.BOOLEAN,
        "mode": Kind.CATEGORICAL,
        "at": Kind.DATETIME,
    }
    columns = (
        Column(name=name, kind=kind, layout="iso" if kind is Kind.DATETIME else None) for name, kind in kinds.items()
    )
    return FeatureSchema(columns=tuple(columns), ids=("serial",), dropped={"site": "constant (always 'north')"})


def sample_preprocessor(*, missing_share: float = 0.0, limit: float = 3.0) -> Preprocessor:
    encoders = sample_encodings(missing_share=missing_share)
    width = sum(len(encoder.features) for encoder in encoders)
    return Preprocessor(encodings=encoders, limits=np.array([[-limit] * width, [limit] * width], np.float32))


def half_of(Z: NDArray[Any]) -> NDArray[Any]:
    return 0.5 * Z


def sample_detector(
    *, missing_share: float = 0.0, reconstruct: Callable[[NDArray[Any]], NDArray[Any]] = half_of
) -> Detector:
    """A detector whose network answers half of what it is given, or as it is told."""
    engine = FakeEngine(reconstruct)
    scorer = Scorer(preprocessor=sample_preprocessor(missing_share=missing_share), engine=engine)
    calibration = Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05)
    return Detector(name="sample", version="1", schema=sample_schema(), scorer=scorer, calibration=calibration)


def sample_record(**changes: Any) -> dict[str, Any]:
    usual = {"number": 51.5, "amount": 12.0, "flag": True, "mode": "run", "at": "2024-01-20T06:30:00"}
    return usual | changes


def numbers_preprocessor(*scales: float, limit: float = 2.0) -> Preprocessor:
    """Numeric columns a, b, … with mean 0 and the given deviations."""
    encoders = tuple(NumericEncoding(name=chr(97 + i), center=0.0, scale=scale) for i, scale in enumerate(scales))
    d = len(scales)
    return Preprocessor(encodings=encoders, limits=np.array([[-limit] * d, [limit] * d], np.float32))


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def untrained_detector(name: str, ready: Prepared) -> Detector:
    """Return a detector of prepared rows whose network expects half of each value, for tests of reading alone."""
    return Detector(
        name=name,
        version="1",
        schema=ready.schema,
        scorer=Scorer(preprocessor=ready.preprocessor, engine=FakeEngine(lambda Z: 0.5 * Z)),
        calibration=Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05),
    )

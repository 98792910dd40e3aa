"""Units, sentinels and dates as people write them: the schema decides, and training, batch and HTTP obey it."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from samples import write_csv

from models.bundle import load_detector
from models.schema import Column, Kind
from models.tables.files import read_table
from service.batch import main as batch
from training.train import main as train

QUICK = ("--epochs", "2", "--alert-rate", "0.1", "--hidden-units", "8", "--preset", "fast", "--quiet")
SAID = ("--id", "nr", "--date-order", "day=day-first", "--missing-values", "level=-999", "mode=n/k")


def odd_records(rows, seed):
    rng = np.random.default_rng(seed)
    heat = rng.normal(20, 5, rows)
    gone = rng.random(rows) < 0.1
    return [
        {
            "nr": f"m-{row:04d}",
            "heat": f"{heat[row]:.1f} °C",
            "price": f"${1000 * heat[row] + 20_000:,.2f}",
            "level": "-999" if gone[row] else f"{2 * heat[row]:.2f}",
            "took": f"{rng.integers(0, 3)}h {rng.integers(0, 60)}m",
            "day": f"{rng.integers(1, 13):02d}.{rng.integers(1, 13):02d}.2024 {rng.integers(0, 24):02d}.30.00",
            "clock": f"{rng.integers(0, 24)}:{rng.integers(0, 60):02d}",
            "ready": str(rng.choice(["on", "Off"])),
            "mode": str(rng.choice(["caf\u00e9", "cafe\u0301", "東京", "n/k"])),
        }
        for row in range(rows)
    ]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A file, the bundle that was trained on it, and the schema file."""
    folder = tmp_path_factory.mktemp("odd")
    data = write_csv(folder / "odd.csv", odd_records(300, seed=1), delimiter=";")
    schema = folder / "schema.toml"
    flags = (*SAID, *QUICK, "--output", folder / "bundle", "--schema-out", schema)
    assert train([str(argument) for argument in (data, *flags)]) == 0
    return data, folder / "bundle", schema


def test_the_bundle_keeps_how_every_column_is_written(odd):
    columns = {column.name: column for column in load_detector(odd[1]).schema.columns}
    assert columns == {
        "heat": Column(name="heat", kind=Kind.NUMERIC, unit="°C", decimal="."),
        "price": Column(name="price", kind=Kind.NUMERIC, unit="$", decimal=".", thousands=","),
        "level": Column(name="level", kind=Kind.NUMERIC, missing=("-999",)),
        "took": Column(name="took", kind=Kind.NUMERIC, layout="duration"),
        "day": Column(name="day", kind=Kind.DATETIME, layout="day_first", zone=False),
        "clock": Column(name="clock", kind=Kind.DATETIME, layout="time", zone=False),
        "ready": Column(name="ready", kind=Kind.BOOLEAN),
        "mode": Column(name="mode", kind=Kind.CATEGORICAL, missing=("n/k",)),
    }


def test_the_schema_file_makes_the_equal_detector(odd, tmp_path):
    data, bundle, schema = odd
    assert train([str(argument) for argument in (data, "--schema-in", schema, *QUICK, "--output", tmp_path / "b")]) == 0
    again = load_detector(tmp_path / "b")
    assert again.schema == load_detector(bundle).schema
    np.testing.assert_array_equal(again.calibration.pooled.scores, load_detector(bundle).calibration.pooled.scores)


def test_flags_that_the_schema_file_decides_are_refused_beside_it(odd, capsys):
    data, _, schema = odd
    flags = ("--exclude", "heat", "--infinite", "missing")
    assert train([str(argument) for argument in (data, "--schema-in", schema, *flags)]) != 0
    assert "say in the file what --exclude, --infinite would say" in capsys.readouterr().err


def test_texts_numbers_and_files_get_the_same_scores(odd, start, tmp_path):
    """The same rows as a file in batch, as texts over HTTP, and with their numbers as numbers."""
    _, bundle, _ = odd
    records = odd_records(60, seed=2)
    data, output = write_csv(tmp_path / "new.csv", records, delimiter=";"), tmp_path / "scores.parquet"
    assert batch([str(argument) for argument in (bundle, data, "--output", output, "--quiet")]) == 0
    scores = pq.read_table(output)["anomaly_score"].to_pylist()
    plain = [
        record
        | {
            "heat": float(record["heat"].removesuffix(" °C")),
            "price": float(record["price"].replace("$", "").replace(",", "")),
            "level": None if record["level"] == "-999" else float(record["level"]),
            "ready": record["ready"] == "on",
            "mode": None if record["mode"] == "n/k" else record["mode"],
        }
        for record in records
    ]
    with start(bundle) as service:
        for sent in (records, plain):
            answer = service.client.post("/score", json=sent).json()
            assert [result["anomaly_score"] for result in answer["results"]] == scores
        wrong = service.client.post("/score", json=records[0] | {"heat": "70 °F"})
        shown = {column["name"]: column for column in service.client.get("/detector").json()["columns"]}
        example = service.client.get("/detector").json()["example"]
        assert service.client.post("/score", json=example).status_code == 200
    assert wrong.status_code == 422
    assert "'heat'" in wrong.text
    assert "a number in °C" in json.loads(wrong.text)["errors"][0]["remedy"]
    assert (shown["heat"]["unit"], shown["level"]["missing_values"]) == ("°C", ["-999"])
    verdicts = load_detector(bundle).score_table(read_table([data]))
    assert verdicts.anomaly_score.tolist() == pytest.approx(scores, rel=1e-6)
    with data.open(newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 61

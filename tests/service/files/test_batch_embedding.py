"""`service.batch --write`: embeddings and expected values, the same as those of the estimator and the service."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from samples import arrow_table, machine_records, sample_record, with_anomalies, write_parquet

from models.bundle import load_detector
from models.errors import ConfigError
from service.batch import main
from service.files.score_files import prepare, score_files
from training.estimator import AutoencoderDetector

ROWS = with_anomalies(machine_records(60, seed=7), every=20)
PARQUET = {"Content-Type": "application/vnd.apache.parquet"}
READ: dict[str, Any] = {
    "parquet": pq.read_table,
    "csv": pa.csv.read_csv,
    "csv.gz": pa.csv.read_csv,
    "feather": lambda path: pa.feather.read_table(path, memory_map=False),
    "jsonl": lambda path: pa.Table.from_pylist([json.loads(line) for line in path.read_text().splitlines()]),
}


def embedding_of(table: pa.Table) -> np.ndarray[Any, Any]:
    names = [name for name in table.column_names if name.startswith("embedding_")]
    assert names == [f"embedding_{number}" for number in range(1, len(names) + 1)]
    return np.column_stack([table[name].to_numpy().astype(np.float32) for name in names])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_parquet(tmp_path / "in.parquet", ROWS)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Rows for the bundle that was made without training: one column of each kind."""
    rng = np.random.default_rng(0)
    rows = [sample_record(serial=f"{row:03d}", number=float(rng.normal())) for row in range(50)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "sample.parquet")
    return tmp_path / "sample.parquet"


@pytest.mark.parametrize("suffix", READ)
def test_the_estimator_the_service_and_the_program_give_the_same_embedding(
    bundle_path: Path, client: httpx.Client, source: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    output = source.with_name(f"out.{suffix}")
    assert main([str(bundle_path), str(source), "--output", str(output), "--write", "embedding", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    table = READ[suffix](output)
    ours = embedding_of(table)
    assert [str(serial) for serial in table["serial"].to_pylist()] == [row["serial"] for row in ROWS]
    answer = client.post("/embed", content=source.read_bytes(), headers=PARQUET)
    np.testing.assert_array_equal(ours, AutoencoderDetector.load(bundle_path).transform(arrow_table(ROWS)))
    np.testing.assert_array_equal(ours, np.array(answer.json()["embeddings"], np.float32))


def test_expected_values_are_those_of_the_service(bundle_path: Path, client: httpx.Client, source: Path) -> None:
    output = source.with_name("out.parquet")
    assert main([str(bundle_path), str(source), "--output", str(output), "--quiet", "--write", "expected"]) == 0
    expected = client.post("/reconstruct", content=source.read_bytes(), headers=PARQUET).json()["reconstructions"]
    table = pq.read_table(output)
    assert table.column_names == ["serial", *(f"expected_{name}" for name in expected[0])]
    for name in expected[0]:
        assert table[f"expected_{name}"].to_pylist() == [row[name] for row in expected]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_all_that_can_be_written_stands_side_by_side(made: Path, sample: Path, suffix: str) -> None:
    whole, parts = sample.with_name(f"whole.{suffix}"), []
    for write in ("scores", "embedding", "expected"):
        output = sample.with_name(f"{write}.{suffix}")
        assert main([str(made), str(sample), "--output", str(output), "--quiet", "--write", write]) == 0
        parts.append(READ[suffix](output))
    command = [str(made), str(sample), "--output", str(whole), "--quiet", "--write", "scores,embedding,expected"]
    assert main(command) == 0
    together = READ[suffix](whole)
    assert together.column_names == list(dict.fromkeys(name for part in parts for name in part.column_names))
    for part in parts:
        assert together.select(part.column_names).equals(part)


def test_with_json_it_says_what_was_written_and_nothing_else_on_stdout(
    made: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = sample.with_name("out.csv")
    assert main([str(made), str(sample), "--output", str(output), "--json", "--write", "embedding,expected"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert (report["rows"], report["flagged"], report["output"]) == (50, None, str(output))
    assert output.read_text().splitlines()[0].split(",") == report["written"]
    said = r"50 rows embedded in \d+ units?, reconstructed, [\d,]+ rows/s, by .* version .*: .*out\.csv\n"
    assert re.search(said, err)


@pytest.mark.parametrize("name", ["embedding_1", "expected_mode"])
def test_an_id_called_like_a_column_of_the_output_is_refused(made: Path, sample: Path, name: str) -> None:
    from dataclasses import replace

    detector = load_detector(made)
    detector = replace(detector, schema=replace(detector.schema, ids=(name,)))
    table = pq.read_table(sample).append_column(name, pa.array(["x"] * 50))
    pq.write_table(table, sample)
    with pytest.raises(ConfigError, match=f"'{name}' has the name of a column of the output"):
        prepare(detector, [sample], sample.with_name("out.csv"), write=("embedding", "expected"))


@pytest.mark.parametrize("write", ["embedding", "expected"])
def test_an_input_without_rows_gives_an_output_without_rows(made: Path, sample: Path, write: str) -> None:
    pq.write_table(pq.read_table(sample).slice(0, 0), sample)
    output, detector = sample.with_name("out.parquet"), load_detector(made)
    job = prepare(detector, [sample], output, write=(write,))
    assert score_files(detector, job, output, format_name="parquet") == (0, 0, 0)
    assert pq.read_table(output).schema.names == job.schema.names


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--write", "embeddings"), "must be one or more of scores, reason, embedding, expected, got 'embeddings'"),
        (("--write", "embedding", "--explain", "2"), "--explain is about a score: add scores to --write"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    made: Path, sample: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(made), str(sample), "--output", "out.csv", *flags])
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


def test_it_needs_no_tensorflow_no_scikit_learn_and_no_web_framework(made: Path, sample: Path) -> None:
    code = (
        "import sys; from service.batch import main; assert main(sys.argv[1:]) == 0;"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    output = sample.with_name("out.csv")
    command = [sys.executable, "-c", code, made, sample, "--output", output, "--write", "embedding,expected"]
    loaded = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout.split()
    assert {"tensorflow", "keras", "onnx", "sklearn", "scipy", "h5py", "training", "fastapi"} & set(loaded) == set()

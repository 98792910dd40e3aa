"""`python -m training.embed`: the same numbers as the estimator and the service, in files of any size and format."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import arrow_table, machine_records, sample_record, with_anomalies, write_csv, write_parquet

from models.bundle import load_detector
from models.errors import ConfigError, TableError
from models.programs.inputs import look_at
from models.tables.table import Table
from training.embed import main
from training.estimator import AutoencoderDetector
from training.programs.embedding import Layout, embed_files

ROWS = with_anomalies(machine_records(60, seed=7), every=20)
PARQUET = "application/vnd.apache.parquet"
READ = {
    "parquet": pq.read_table,
    "csv": pa.csv.read_csv,
    "csv.gz": pa.csv.read_csv,
    "feather": lambda path: pa.feather.read_table(path, memory_map=False),
    "jsonl": lambda path: pa.Table.from_pylist([json.loads(line) for line in path.read_text().splitlines()]),
}


def latent(table):
    names = [name for name in table.column_names if name.startswith("embedding_")]
    assert names == [f"embedding_{number}" for number in range(1, len(names) + 1)]
    return np.column_stack([table[name].to_numpy().astype(np.float32) for name in names])


@pytest.fixture(scope="session")
def made_detector(made):
    return load_detector(made)


def of_the_sample(rows):
    """Rows for the bundle that was made without training: one column of each kind."""
    rng = np.random.default_rng(0)
    return pa.Table.from_pylist([sample_record(serial=f"{row:03d}", number=float(rng.normal())) for row in range(rows)])


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.parquet"
    pq.write_table(of_the_sample(50), path)
    return path


@pytest.fixture
def run_here(made, source, monkeypatch, capsys):
    """Run the program in the folder of the source; return its exit code and what it said."""
    monkeypatch.chdir(source.parent)

    def run(*arguments):
        try:
            code = main([str(made), *arguments])
        except SystemExit as exit_:
            code = exit_.code
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize("suffix", READ)
def test_the_estimator_the_service_and_the_program_give_the_same_embedding(
    bundle_path, client, tmp_path, capsys, suffix
):
    source = write_parquet(tmp_path / "in.parquet", ROWS)
    output = tmp_path / f"out.{suffix}"
    assert main([str(bundle_path), str(source), "--output", str(output), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    table = READ[suffix](output)
    ours = latent(table)
    assert [str(serial) for serial in table["serial"].to_pylist()] == [row["serial"] for row in ROWS]

    frame = arrow_table(ROWS)
    estimator = AutoencoderDetector.load(bundle_path).transform(frame)
    answer = client.post("/embed", content=source.read_bytes(), headers={"Content-Type": PARQUET})
    assert ours.shape == (60, estimator.shape[1])
    np.testing.assert_array_equal(ours, estimator)
    np.testing.assert_array_equal(ours, np.array(answer.json()["embeddings"], np.float32))


def test_expected_values_are_those_of_the_service(bundle_path, client, tmp_path):
    source = write_parquet(tmp_path / "in.parquet", ROWS)
    output = tmp_path / "out.parquet"
    assert main([str(bundle_path), str(source), "--output", str(output), "--quiet", "--reconstruction"]) == 0
    answer = client.post("/reconstruct", content=source.read_bytes(), headers={"Content-Type": PARQUET})
    expected = answer.json()["reconstructions"]
    table = pq.read_table(output)
    assert table.column_names[-len(expected[0]) :] == [f"expected_{name}" for name in expected[0]]
    for name in expected[0]:
        assert table[f"expected_{name}"].to_pylist() == [row[name] for row in expected]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 30), min_size=1, max_size=3), chunk_rows=st.integers(1, 40))
def test_each_row_is_embedded_once_and_in_order_over_files_and_chunks(made_detector, tmp_path, sizes, chunk_rows):
    data = of_the_sample(100).slice(0, sum(sizes))
    starts = np.cumsum([0, *sizes])
    paths = []
    for number, size in enumerate(sizes):
        paths.append(tmp_path / f"{number}.parquet")
        pq.write_table(data.slice(int(starts[number]), size), paths[-1])
    inputs = look_at(made_detector.schema, paths)
    layout = Layout.of(made_detector, inputs, reconstruction=False)
    output, counted = tmp_path / "out.parquet", []
    rows = embed_files(
        made_detector,
        inputs,
        output,
        layout=layout,
        format_name="parquet",
        chunk_rows=chunk_rows,
        on_rows=counted.append,
    )
    assert rows == sum(counted) == sum(sizes)
    table = pq.read_table(output)
    whole = made_detector.embed(columns(made_detector, data))
    np.testing.assert_allclose(latent(table), whole, rtol=1e-5, atol=1e-6)


def columns(detector, data):
    from models.columns.from_tables import columns_of_table

    return columns_of_table(detector.schema, Table(data=data))


def test_with_json_it_says_what_was_written_and_nothing_else_on_stdout(made, source, tmp_path, capsys):
    output = tmp_path / "out.csv"
    assert main([str(made), str(source), "--output", str(output), "--json", "--reconstruction"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    header = output.read_text().splitlines()[0].split(",")
    assert report["rows"] == 50
    assert report["output"] == str(output)
    assert header == [
        *report["ids"],
        *(f"embedding_{number}" for number in range(1, report["latent_units"] + 1)),
        *report["expected"],
    ]
    assert re.search(r"50 rows embedded in \d+ units?, [\d,]+ rows/s, by .* version .*: .*out\.csv\n", err)


def test_a_file_that_is_there_is_replaced_only_with_overwrite(made, source, tmp_path, capsys):
    output = tmp_path / "out.csv"
    output.write_text("old")
    command = [str(made), str(source), "--output", str(output), "--quiet"]
    assert main(command) == 2
    assert re.fullmatch(r"error: .*out\.csv: is there\. Say --overwrite .*\n", capsys.readouterr().err)
    assert output.read_text() == "old"
    assert main([*command, "--overwrite"]) == 0
    assert len(output.read_text().splitlines()) == 51


def test_a_failure_in_a_later_chunk_leaves_the_old_output_and_nothing_else(made, tmp_path, capsys):
    data = of_the_sample(40)
    texts = [str(value) for value in data["number"].to_pylist()]
    texts[33] = "hot"
    source, output = tmp_path / "in.parquet", tmp_path / "out.csv"
    pq.write_table(data.drop_columns("number").append_column("number", pa.array(texts)), source)
    output.write_text("old")
    detector = load_detector(made)
    inputs = look_at(detector.schema, [source])
    layout = Layout.of(detector, inputs, reconstruction=False)
    with pytest.raises(TableError, match=r"in\.parquet: Column .* row 34: .*'hot'"):
        embed_files(detector, inputs, output, layout=layout, format_name="csv", chunk_rows=7)
    assert output.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted([source, output])


@pytest.mark.parametrize("name", ["embedding_1", "expected_mode"])
def test_an_id_called_like_a_column_of_the_output_is_refused(made_detector, source, name):
    inputs = replace(look_at(made_detector.schema, [source]), ids={name: pa.string()})
    with pytest.raises(ConfigError, match=f"'{name}' is called like a column of the output"):
        Layout.of(made_detector, inputs, reconstruction=True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("in.parquet", "--output", "out.xlsx"), "does not say which format is wanted. End it in .csv, "),
        (("in.parquet", "--output", "none/out.csv"), "there is no folder"),
        (("in.parquet", "--output", "in.parquet", "--overwrite"), "is one of the files to be read"),
        (("in.parquet", "--output", ".", "--overwrite"), "is no file"),
        (("gone.csv", "--output", "out.csv"), "there is no such file"),
        (("in.parquet",), "--output"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(run_here, source, arguments, complaint):
    code, said = run_here(*arguments)
    assert code == 2
    assert said.startswith("error: ")
    assert complaint in said
    assert said.count("\n") == 1
    assert list(source.parent.iterdir()) == [source]


def test_debug_shows_the_traceback(made, tmp_path):
    with pytest.raises(TableError, match="no such file"):
        main([str(made), str(tmp_path / "gone.csv"), "--output", str(tmp_path / "out.csv"), "--debug"])


def test_unknown_columns_are_ignored_and_named(made, tmp_path, capsys):
    data = of_the_sample(5).append_column("note", pa.array(["x"] * 5))
    pq.write_table(data, tmp_path / "in.parquet")
    assert main([str(made), str(tmp_path / "in.parquet"), "--output", str(tmp_path / "out.csv"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["notes"] == ["ignored: 'note', which the detector does not know"] == err.splitlines()[:1]


RUN_AND_TELL = """
import runpy, sys
try:
    runpy.run_module("training.embed", run_name="__main__", alter_sys=True)
except SystemExit as exit:
    assert exit.code == 0, exit.code
print(*sorted({name.partition(".")[0] for name, module in sys.modules.items() if module is not None}))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def run_and_tell(*arguments):
    """Run the program in a process of its own; return the packages it has loaded and its peak memory in kB."""
    command = [sys.executable, "-c", RUN_AND_TELL, *map(str, arguments)]
    loaded, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return set(loaded.split()), int(peak)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_needs_no_tensorflow_no_scikit_learn_and_no_service(made, source, tmp_path):
    loaded, _ = run_and_tell(made, source, "--output", tmp_path / "out.csv", "--reconstruction")
    assert loaded & {"tensorflow", "keras", "onnx", "sklearn", "scipy", "h5py", "service", "fastapi"} == set()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_file(bundle_path, tmp_path):
    peaks = []
    for copies in (20, 100):
        source = write_csv(tmp_path / f"{copies}.csv", machine_records(1_000, seed=3) * copies)
        _, peak = run_and_tell(bundle_path, source, "--output", tmp_path / f"{copies}.parquet")
        peaks.append(peak)
    assert pq.read_metadata(tmp_path / "100.parquet").num_rows == 100_000
    assert peaks[1] < 1.4 * peaks[0]

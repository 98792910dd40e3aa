"""`-` is standard input and standard output, in every format, with the scores of the same file."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from samples import machine_records, write_csv

from models.tables import standard_streams
from models.tables.files import read_table
from service.batch import main


class Piped:
    """Standard input with some bytes on it, or a terminal."""

    closed = False

    def __init__(self, content: bytes | None) -> None:
        self.buffer = io.BytesIO(content or b"")
        self.is_terminal = content is None

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.fixture
def sent(monkeypatch):
    """Put bytes on standard input; None is a terminal."""

    def send(content: bytes | None) -> None:
        standard_streams._spooled.cache_clear()
        monkeypatch.setattr(sys, "stdin", Piped(content))

    yield send
    standard_streams._spooled.cache_clear()


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("rows") / "rows.csv", machine_records(20, seed=4))


def as_lines(path):
    return "".join(json.dumps(row, default=str) + "\n" for row in read_table([path]).data.to_pylist()).encode()


@pytest.mark.parametrize("format_name", ["csv", "jsonl", "parquet", "arrow"])
def test_standard_output_holds_what_the_file_would(format_name, rows, bundle_path, sent, capfdbinary):
    file = rows.with_name(f"scores.{format_name}")
    assert main([str(bundle_path), str(rows), "--output", str(file), "--format", format_name, "--quiet"]) == 0
    sent(rows.read_bytes())
    assert main([str(bundle_path), "-", "--output", "-", "--format", format_name]) == 0
    out, err = capfdbinary.readouterr()
    assert out == file.read_bytes()
    assert b"20 rows scored" in err
    assert err.endswith(b": standard output\n")


def test_the_format_of_standard_input_is_detected_and_csv_is_written(rows, bundle_path, sent, capfdbinary):
    outputs = []
    for content in (rows.read_bytes(), as_lines(rows)):
        sent(content)
        assert main([str(bundle_path), "-", "--output", "-", "--quiet"]) == 0
        outputs.append(capfdbinary.readouterr().out)
    assert outputs[0] == outputs[1]
    assert outputs[0].startswith(b"serial,anomaly_score,p_value,is_anomaly\n")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a,b\n1,2\n", "standard input: The table has another shape"),
        (b"", "standard input: the file is empty"),
        (None, "standard input: is no table but a terminal"),
    ],
)
def test_errors_about_standard_input_name_it(content, complaint, bundle_path, sent, capsys):
    sent(content)
    assert main([str(bundle_path), "-", "--output", "-"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert complaint in err


def test_rows_and_report_do_not_share_standard_output(bundle_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(bundle_path), "-", "--output", "-", "--json"])
    assert stopped.value.code == 2
    assert "--json prints a report on standard output, where --output - writes rows" in capsys.readouterr().err


def test_a_reader_that_leaves_ends_the_program_without_a_complaint(rows, bundle_path):
    many = rows.read_bytes() + b"".join(rows.read_bytes().partition(b"\n")[2] for _ in range(3000))
    command = [sys.executable, "-m", "service.batch", str(bundle_path), "-", "--output", "-", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        program.stdout.close()
        program.stdin.write(many)
        program.stdin.close()
        assert program.stderr.read() == b""
        assert program.wait() == 141

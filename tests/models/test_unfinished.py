"""Outputs keep the permissions of what they replace, and nothing that a killed program left stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from models.bundle import new_bundle
from models.errors import ConfigError
from models.programs.inputs import check_output
from models.tables.writers import PlainRows, new_file
from models.unfinished import real_path, unfinished
from training.report.kit.file import GENERATOR, write_report

ROWS = pa.table({"a": [1]})
KILLED = """
import os, signal, sys
from pathlib import Path
from models.unfinished import unfinished
with unfinished(Path(sys.argv[1]), getattr(Path, sys.argv[2])) as path:
    if path.is_dir():
        (path / "part").touch()
    os.kill(os.getpid(), getattr(signal, sys.argv[3]))
"""


def write(path: Path) -> None:
    with new_file(path, ROWS.schema, format_name="csv") as writer:
        writer.ready(PlainRows(ROWS))()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_an_output_keeps_the_permissions_of_the_file_that_it_replaces(mode, tmp_path):
    table, page = tmp_path / "out.csv", tmp_path / "page.html"
    table.write_text("old")
    page.write_text(GENERATOR)
    for path in (table, page):
        path.chmod(mode)
    write(table)
    write_report(page, GENERATOR + "new")
    assert [path.stat().st_mode & 0o777 for path in (table, page)] == [mode, mode]
    assert table.read_text() == "a\n1\n"


def test_an_output_is_as_private_while_it_is_written(tmp_path):
    output = tmp_path / "out.csv"
    output.write_text("old")
    output.chmod(0o600)
    with new_file(output, ROWS.schema, format_name="csv"):
        assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600, 0o600]


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGHUP"])
@pytest.mark.parametrize("make", ["touch", "mkdir"])
def test_what_a_killed_program_left_is_removed_by_the_next_one(make, signal, tmp_path, run_python):
    target = tmp_path / "out[1].csv"
    assert run_python("-c", KILLED, target, make, signal).returncode < 0
    (tmp_path / ".out[1].csv.mine").touch()
    (tmp_path / ".out1.csv.01234567").touch()
    assert len(list(tmp_path.iterdir())) == 3
    write(target)
    assert {path.name for path in tmp_path.iterdir()} == {"out[1].csv", ".out[1].csv.mine", ".out1.csv.01234567"}


def test_what_a_running_program_writes_is_left_alone(tmp_path):
    target = tmp_path / "out.csv"
    with unfinished(target, Path.touch) as other:
        write(target)
        assert other.exists()


def test_a_training_that_was_killed_leaves_nothing_for_the_next_one(tmp_path, run_python):
    assert run_python("-c", KILLED, tmp_path / "1", "mkdir", "SIGKILL").returncode < 0
    with new_bundle(tmp_path / "1"):
        assert len(list(tmp_path.iterdir())) == 1


def test_a_link_to_itself_is_one_clear_error(tmp_path):
    link, other = tmp_path / "out.csv", tmp_path / "other.csv"
    link.symlink_to(other)
    other.symlink_to(link)
    with pytest.raises(ConfigError, match=r"out\.csv: is a link to itself\. Remove it"):
        check_output(link, [])
    with pytest.raises(ConfigError, match="is a link to itself"):
        write_report(link, GENERATOR)
    with pytest.raises(ConfigError, match="is a link to itself"), new_bundle(link):
        pass
    assert real_path(tmp_path / "new" / "file") == (tmp_path / "new" / "file").resolve()


def test_sighup_cleans_up_and_ends_with_129_unless_it_is_ignored(tmp_path, run_python):
    program = (
        "import os, signal, sys, time\n"
        "from models.programs.cli import clean_up_at_signals\n"
        "clean_up_at_signals()\n"
        "try:\n    os.kill(os.getpid(), signal.SIGHUP)\n    time.sleep(0)\n    print('goes on')\n"
        "finally:\n    print('clean')\n"
    )
    run = run_python("-c", program)
    assert (run.returncode, run.stdout) == (129, "clean\n")
    ignored = [sys.executable, "-c", f"import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n{program}"]
    run = subprocess.run(ignored, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "goes on\nclean\n")

"""The contract of `python -m training.train`: what other programs and people rely on."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from samples import machine_records, with_anomalies, write_csv

from models.bundle import load_detector
from models.tables import standard_streams
from models.tables.files import read_table
from service.batch import main as batch_main
from training.programs.terminal import waiting
from training.train import main

QUICK = ("--epochs", "3", "--alert-rate", "0.1", "--hidden-units", "8", "--preset", "fast")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    records = with_anomalies(machine_records(300, seed=2), every=10)
    return write_csv(tmp_path_factory.mktemp("data") / "machines.csv", records)


def complaint_of(capsys, *arguments):
    """Run the program in this process; return its exit code and the only line on stderr."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        code = stopped.code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert "Traceback" not in err
    return code, err


# --- what it prints -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory, run_python):
    output = tmp_path_factory.mktemp("out") / "new" / "7"
    arguments = ("-m", "training.train", data, "--output", output, "--seed", 3, "--json", "--label", "state", *QUICK)
    return run_python(*arguments, "--id", "serial", "--preset", "balanced"), output


def test_with_json_the_only_output_is_one_object(finished):
    run, output = finished
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("\n") == 1
    report = json.loads(run.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert report["bundle"] == str(output)
    assert report["rows"] == 300
    assert report["columns_used"] == ["pressure", "flow", "heat", "mode", "valve_open", "at"]
    assert report["columns_dropped"] == {"site": "constant (always 'north')"}
    assert (report["activation"], report["epochs"]) == ("relu", 3)
    assert 1 <= report["best_epoch"] <= 3
    assert report["seconds"] > 0
    assert report["promised_alert_rate"] == 0.1
    assert 0 <= report["realised_alert_rate"] <= 1
    metrics = report["metrics"]
    assert {"roc_auc", "average_precision", "precision", "recall", "false_positive_rate"} <= set(metrics)
    assert all(0 <= metrics[name] <= 1 for name in ("roc_auc", "average_precision", "recall", "false_positive_rate"))


def test_everything_else_is_on_stderr(finished):
    run, _ = finished
    for text in ("pressure", "constant (always 'north')", "python -m service --detector", "fitting"):
        assert text in run.stderr
    assert "Traceback" not in run.stderr


def test_the_progress_line_and_the_summary_count_the_same_epochs(finished):
    run, _ = finished
    done, planned = re.findall(r"fitting .* (\d+)/(\d+) +epochs", run.stderr)[-1]
    total, first, second = re.search(
        r"epochs +(\d+): ([\d +]+) without the rows held out, then ([\d +]+) with them", run.stderr
    ).groups()
    assert done == planned == total
    assert sum(int(count) for runs in (first, second) for count in runs.split("+")) == int(total)


def test_the_next_command_names_the_file_that_was_used_and_how_it_is_written(data, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd = tmp_path / "my file.csv"
    odd.write_text(data.read_text().replace(",", ";"))
    assert main(["my file.csv", "--delimiter", ";", "--output", "1", "--exclude", "state", *QUICK]) == 0
    out = capsys.readouterr().out
    assert "python -m service.batch 1 'my file.csv' --delimiter ';' --output scores.csv\n" in out
    words = shlex.split(re.search(r"python -m service.batch (.*)", out)[1])
    assert batch_main([*words, "--quiet"]) == 0
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 301


def test_rows_are_learned_from_standard_input(data, tmp_path, monkeypatch, capsys):
    standard_streams._spooled.cache_clear()
    with data.open() as rows:
        monkeypatch.setattr("sys.stdin", rows)
        assert main(["-", "--dry-run", "--json", "--exclude", "state"]) == 0
    standard_streams._spooled.cache_clear()
    assert json.loads(capsys.readouterr().out)["rows"] == 300


def test_a_word_stands_on_a_terminal_while_tensorflow_is_loaded():
    class Screen(io.StringIO):
        def isatty(self):
            return True

    screen = Screen()
    with waiting(Console(file=screen), "loading TensorFlow"):
        pass
    assert "loading TensorFlow …" in screen.getvalue()
    log = io.StringIO()
    for console in (
        Console(file=log),
        Console(file=log, force_terminal=True),
        Console(file=screen, force_terminal=True, quiet=True),
    ):
        screen.truncate(0)
        with waiting(console, "loading TensorFlow"):
            pass
        assert log.getvalue() == screen.getvalue() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize(("on_terminal", "colours"), [("err", {}), ("out", {}), ("", {"FORCE_COLOR": "1"})])
def test_words_of_waiting_are_on_a_terminal_of_stderr_alone_and_json_is_on_stdout(data, on_terminal, colours):
    import pty  # not on Windows

    screen, end = pty.openpty()
    streams = {"stdout": end if on_terminal == "out" else subprocess.PIPE}
    streams["stderr"] = end if on_terminal == "err" else subprocess.PIPE
    command = [sys.executable, "-m", "training.train", str(data), "--dry-run", "--json"]
    run = subprocess.Popen(command, env=os.environ | colours, text=True, **streams)
    os.close(end)
    shown = b""
    with suppress(OSError):  # as Linux says that the other end is closed
        while chunk := os.read(screen, 65_536):
            shown += chunk
    os.close(screen)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0
    written = {"out": out, "err": err} | ({on_terminal: shown.decode()} if on_terminal else {})
    assert ("reading …" in written["err"]) == (on_terminal == "err")
    assert json.loads(written["out"])["rows"] == 300


def test_the_bundle_is_the_detector_that_was_reported(finished):
    run, output = finished
    report, detector = json.loads(run.stdout), load_detector(output)
    assert (detector.name, detector.version) == ("machines", "7")
    assert detector.calibration.threshold == report["threshold"]
    assert list(detector.schema.names) == report["columns_used"]


def test_without_json_the_same_is_on_stdout_for_people(data, tmp_path, capsys):
    assert main([str(data), "--output", str(tmp_path / "1"), "--exclude", "state", *QUICK]) == 0
    out = capsys.readouterr().out
    for text in ("pressure", "dropped", "threshold", "alert rate", "python -m service.batch"):
        assert text in out


def test_quiet_says_nothing(data, tmp_path, capsys):
    assert main([str(data), "--output", str(tmp_path / "1"), "--quiet", "--exclude", "state", *QUICK]) == 0
    assert capsys.readouterr() == ("", "")


def test_without_an_output_the_next_version_is_made(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("training.programs.train.ARTIFACTS", tmp_path)
    for version in ("1", "2"):
        assert main([str(data), "--quiet", "--json", "--exclude", "state", *QUICK]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["bundle"] == str(tmp_path / "machines" / version)
        assert report["version"] == version


def test_a_dry_run_shows_every_decision_and_writes_nothing(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("training.programs.train.ARTIFACTS", tmp_path)
    assert main([str(data), "--dry-run", "--json", "--id", "serial", "--label", "state"]) == 0
    out, err = capsys.readouterr()
    plan = json.loads(out)
    assert plan["columns_dropped"] == {"site": "constant (always 'north')"}
    assert [column["name"] for column in plan["columns"]] == ["pressure", "flow", "heat", "mode", "valve_open", "at"]
    assert (plan["ids"], plan["label"]["column"], plan["anomalies"]) == (["serial"], "state", 30)
    assert sum(plan["parts"].values()) == plan["rows"] == 300
    assert plan["settings"]["fit_on"] == "all"
    assert "nothing was trained" in err
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_needs_no_tensorflow(data, run_python):
    code = (
        "import sys, training.train; training.train.main([sys.argv[1], '--dry-run', '--quiet']); "
        "print(sorted({'tensorflow', 'keras'} & sys.modules.keys()))"
    )
    run = run_python("-c", code, data)
    assert (run.returncode, run.stdout) == (0, "[]\n"), run.stderr


def test_flags_can_stand_in_a_file_and_the_resolved_ones_are_in_the_bundle(data, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(f'data = "{data}"\nlabel = "state"\nepochs = 5\nalert-rate = 0.1\nhidden_units = [8]\n')
    output = tmp_path / "1"
    assert main(["--config", str(config), "--output", str(output), "--epochs", "2", "--quiet"]) == 0
    settings = load_detector(output).card["settings"]
    assert (settings["epochs"], settings["label"], settings["hidden_units"]) == (2, "state", [8])


# --- how it is stopped ----------------------------------------------------------------------------------

SIGNALLED = """
import os, signal, sys
from contextlib import nullcontext
from training import train
from training.programs import terminal

def on_epoch(epoch):
    if epoch.number == 3:
        for name in sys.argv[1].split(","):
            os.kill(os.getpid(), getattr(signal, name))

terminal.epoch_bar = lambda console, *, epochs: nullcontext(on_epoch)
sys.exit(train.main(sys.argv[2:]))
"""


@pytest.fixture
def signalled(data, tmp_path, run_python):
    """Train in a process of its own, and send it signals in its third epoch."""

    def run(signals):
        return run_python(
            "-c", SIGNALLED, signals, data, "--output", tmp_path / "1", "--json", *QUICK, "--epochs", "50"
        )

    return run


def test_ctrl_c_keeps_the_best_epoch_so_far_and_the_bundle_says_so(signalled, tmp_path):
    run = signalled("SIGINT")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert (report["epochs"], report["interrupted"]) == (3, True)
    assert any("interrupted after 3 epochs" in warning for warning in report["warnings"])
    card = load_detector(tmp_path / "1").card
    assert (card["epochs"], card["interrupted"]) == (3, True)
    assert "Ctrl-C: stopping after this epoch" in run.stderr


@pytest.mark.parametrize(("signals", "code"), [("SIGINT,SIGINT", 130), ("SIGTERM", 143)])
def test_ctrl_c_twice_or_sigterm_leaves_nothing_behind(signals, code, signalled, tmp_path):
    run = signalled(signals)
    assert run.returncode == code, run.stderr
    assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []


# --- how it complains -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ("--epochs", "0", "--dropout", "2"),
            r"dropout must be in \[0, 1\), got 2.0. epochs must be at least 1, got 0.",
        ),
        (("--epochs", "many"), "invalid int value: 'many'"),
        (("--activation", "rellu"), "invalid choice: 'rellu'"),
        (("--no-such-flag",), "no-such-flag"),
        (("--label", "nothing"), "--label: there is no column 'nothing'"),
        (("--id", "nothing"), "no column 'nothing'"),
        (("--alert-rate", "0.0001"), "needs at least 9,999 calibration rows"),
        (("--threshold-method", "fixed"), "say --threshold SCORE"),
        (("--test-data", "none.csv", "--label", "state"), "none.csv: there is no such file"),
        (("--delimiter", "::"), "delimiter must be one ASCII character"),
        (("--learning-rate", "1e30", "--quiet"), "loss of epoch"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_exit_code_2_and_one_line_and_nothing_is_left_behind(arguments, complaint, data, tmp_path, capsys):
    code, err = complaint_of(capsys, data, "--output", tmp_path / "a" / "1", *arguments)
    assert code == 2
    assert re.search(complaint, err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "the file is empty"),
        ("a,b\n1,2,3\n", "row 1 (line 2) has 3 cells, 2 are expected"),
        ("1,2\n3,4\n", "no header line"),
    ],
)
def test_a_file_that_cannot_be_used_is_exit_code_2_and_one_line(content, complaint, tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text(content)
    code, err = complaint_of(capsys, path, "--output", tmp_path / "1")
    assert code == 2
    assert complaint in err


def test_in_a_process_of_its_own_a_late_mistake_is_one_line_too(tmp_path, run_python):
    data = write_csv(tmp_path / "few.csv", machine_records(12, seed=1))
    run = run_python("-m", "training.train", data, "--output", tmp_path / "1")
    assert run.returncode == 2
    assert run.stderr.startswith("error: Too few rows")
    assert run.stderr.count("\n") == 1


def test_debug_shows_where_an_error_comes_from(data, tmp_path):
    from models.errors import ConfigError

    with pytest.raises(ConfigError, match="epochs"):
        main([str(data), "--output", str(tmp_path / "1"), "--epochs", "0", "--debug"])


def test_a_place_that_cannot_be_written_is_found_out_before_the_first_epoch(data, tmp_path, capsys, monkeypatch):
    """Case 13: the parent of the output is a regular file."""
    monkeypatch.setattr("training.network.epochs.run_epochs", lambda *_, **__: pytest.fail("an epoch was run"))
    monkeypatch.setattr("training.network.learning.run_epochs", lambda *_, **__: pytest.fail("an epoch was run"))
    (tmp_path / "file").write_text("x")
    output = tmp_path / "file" / "bundle"
    code, err = complaint_of(capsys, data, "--output", output, *QUICK)
    assert code == 2
    assert str(output) in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize("kind", ["file", "folder with other things"])
def test_an_output_that_is_something_else_is_never_replaced(kind, data, tmp_path, capsys):
    output = tmp_path / "thesis"
    if kind == "file":
        output.write_text("years of work")
    else:
        output.mkdir()
        (output / "thesis.tex").write_text("years of work")
    code, err = complaint_of(capsys, data, "--output", output, "--overwrite", *QUICK)
    assert code == 2
    assert str(output) in err


AS_ANOTHER_USER = """
import os, sys
from pathlib import Path
from models.bundle import new_bundle
from models.errors import BundleError
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
try:
    new_bundle(Path(sys.argv[1])).__enter__()
except BundleError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="this system has no users to change to")
def test_a_folder_without_write_permission_is_found_out_before_the_first_epoch(run_python):
    """Case 13: as a user who is not root."""
    with tempfile.TemporaryDirectory() as folder:
        locked = Path(folder)
        locked.chmod(0o555)
        try:
            run = run_python("-c", AS_ANOTHER_USER, locked / "a" / "1")
        finally:
            locked.chmod(0o755)
        assert run.stderr == ""
        assert f"{locked / 'a' / '1'}: a bundle cannot be saved there (Permission denied" in run.stdout
        assert list(locked.iterdir()) == []


# --- the same again -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_same_seed_gives_the_same_scores_in_another_process_and_another_seed_others(cases, tmp_path, run_python):
    """Case 15: with different `PYTHONHASHSEED`."""
    score = read_table([cases / "base_score.csv"])
    detectors = []
    for number, (seed, hash_seed) in enumerate([(5, "1"), (5, "2"), (6, "1")]):
        output = tmp_path / str(number)
        arguments = ("--output", output, "--seed", seed, "--epochs", 10, "--quiet")
        run = run_python("-m", "training.train", cases / "base_train.csv", *arguments, PYTHONHASHSEED=hash_seed)
        assert run.returncode == 0, run.stderr
        detectors.append(load_detector(output))
    first, same, other = (detector.score_table(score).anomaly_score for detector in detectors)
    np.testing.assert_array_equal(first, same)
    assert detectors[0].calibration.threshold == detectors[1].calibration.threshold
    assert not np.isclose(first, other).any()
    assert detectors[0].calibration.threshold != detectors[2].calibration.threshold


def test_a_bundle_is_replaced_only_with_overwrite(data, tmp_path, capsys, bundle_path):
    output = shutil.copytree(bundle_path, tmp_path / "1")
    code, err = complaint_of(capsys, data, "--output", output, *QUICK)
    assert code == 2
    assert "say --overwrite" in err
    assert main([str(data), "--output", str(output), "--overwrite", "--quiet", "--exclude", "state", *QUICK]) == 0
    assert load_detector(output).card["rows"] == 300


def test_data_that_a_flag_with_many_values_swallowed_is_not_replaced_by_the_embedded_set(capsys, data):
    code, err = complaint_of(capsys, "--missing-values", "-200", data)
    assert code == 2
    assert err == "error: --missing-values and --schema-in need DATA: write it before the flags.\n"


def test_rows_for_evaluation_are_read_in_the_notation_of_the_training_rows(tmp_path, capsys):
    rows = [f"1.{i}.500;{i % 7};{'fault' if i % 9 == 0 else 'normal'}" for i in range(100, 400)]
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("\n".join(["x;y;state", *rows]))
    test.write_text("x;y;state\n734.221;1.5;normal\n335.627;2.5;fault\n")
    code, err = complaint_of(capsys, train, "--label", "state", "--test-data", test, "--dry-run")
    assert code == 2
    assert "column 'x': '734.221' could be 734221 or 734.221; say which: --thousands . or --decimal ." in err

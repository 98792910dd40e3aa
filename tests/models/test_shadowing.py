"""Programs run in folders with packages of others that are called like ours; each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def python_in(folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(params=["models/__init__.py", "models.py"])
def hiding(request, tmp_path):
    """Return a folder with a package `models` of the user's own, and its file."""
    file = tmp_path / request.param
    file.parent.mkdir(exist_ok=True)
    file.write_text("")
    return tmp_path, file


@pytest.mark.parametrize("command", ["training.train", "training.calibrate", "service", "service.batch"])
def test_a_command_says_in_one_line_which_package_hides_ours_and_what_to_do(hiding, command):
    folder, file = hiding
    run = python_in(folder, "-m", command, "--help")
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {file} hides the package 'models' of relu-anomaly-detector. Rename it, or ")
    assert run.stderr.count("\n") == 1


def test_an_import_says_it_in_an_import_error(hiding):
    folder, file = hiding
    run = python_in(folder, "-c", "from training.estimator import AutoencoderDetector")
    assert run.stderr.splitlines()[-1].startswith(f"ImportError: {file} hides the package 'models'")


def test_what_the_line_advises_works(hiding):
    folder, _ = hiding
    assert python_in(folder, "-P", "-m", "training.train", "--help").returncode == 0
    script = folder / "bin" / "relu-anomaly"
    script.parent.mkdir()
    script.write_text("import sys; from models.programs.console import main; sys.exit(main())")
    run = python_in(folder, script, "train", "--help")
    assert run.stdout.startswith("usage: relu-anomaly train "), run.stderr


@pytest.mark.parametrize("name", ["models", "training", "service"])
def test_a_module_in_a_folder_that_ours_hides_is_named(name, tmp_path):
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine.py").write_text("")
    run = python_in(tmp_path, "-c", f"import models, {name}, {name}.mine")
    assert run.stderr.splitlines()[-1] == (
        f"ModuleNotFoundError: {name}.mine is in {tmp_path / name}, which the package {name!r} of "
        f"relu-anomaly-detector hides ({REPOSITORY / name}). Rename the folder."
    )


def test_a_folder_of_bundles_hides_nothing(tmp_path):
    (tmp_path / "models" / "artifacts").mkdir(parents=True)
    assert python_in(tmp_path, "-m", "training.train", "--help").returncode == 0
    run = python_in(tmp_path, "-c", "import models.nowhere")
    assert run.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'models.nowhere'"

from __future__ import annotations

import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from models.programs.cli import MODULES
from models.programs.console import main

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def called_by_the_script(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/relu-anomaly"])


def test_the_project_installs_the_script():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["relu-anomaly"].partition(":")
    assert getattr(import_module(module), function) is main


@pytest.mark.parametrize("command", MODULES)
def test_each_command_is_the_program_under_the_name_of_the_script(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    page = capsys.readouterr().out
    assert page.startswith(f"usage: relu-anomaly {command} ")
    assert f"python -m {MODULES[command][0]} " not in page


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == main([]) == 0
    page = capsys.readouterr().out
    assert all(f"  relu-anomaly {command} " in page for command in MODULES)


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("relu-anomaly ")


def test_a_word_that_is_no_command_is_one_line_and_exit_code_2(capsys):
    assert main(["trian"]) == 2
    assert capsys.readouterr().err.startswith("error: 'trian' is no command of train, compare, calibrate, serve, score")
    main(["trian"])
    assert "Did you mean train? (see relu-anomaly --help)" in capsys.readouterr().err


def test_the_exit_code_and_the_complaint_are_those_of_the_program(capsys, tmp_path):
    assert main(["bundle", "verify", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "error: 1 of 1 bundles cannot be used.\n"
    with pytest.raises(SystemExit) as stopped:
        main(["score"])
    assert stopped.value.code == 2
    assert "(see relu-anomaly score --help)" in capsys.readouterr().err


def test_the_page_of_commands_names_each_with_its_module():
    page = (REPOSITORY / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    for name, (module, _) in MODULES.items():
        assert f"| `relu-anomaly {name}` | `python -m {module}` |" in page

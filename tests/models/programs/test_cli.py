from __future__ import annotations

import pytest

from models.errors import ConfigError
from models.programs.cli import OneLineParser, run_command


def test_a_parser_complains_in_one_line_and_exits_with_2(capsys):
    parser = OneLineParser(prog="python -m this")
    parser.add_argument("--n", type=int)
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args(["--n", "many"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "error: argument --n: invalid int value: 'many' (see python -m this --help)\n"


def failing(error):
    def work():
        raise error

    return work


def test_a_command_that_succeeds_has_exit_code_0(capsys):
    assert run_command(lambda: None, debug=False) == 0
    assert capsys.readouterr() == ("", "")


def test_an_error_of_ours_is_one_line_and_exit_code_2(capsys):
    assert run_command(failing(ConfigError("first\nsecond")), debug=False) == 2
    assert capsys.readouterr().err == "error: first second\n"


def test_an_error_of_ours_is_raised_for_debugging():
    with pytest.raises(ConfigError, match="first"):
        run_command(failing(ConfigError("first")), debug=True)


def test_an_interruption_is_one_line_and_exit_code_130(capsys):
    assert run_command(failing(KeyboardInterrupt()), debug=False) == 130
    assert capsys.readouterr().err == "error: interrupted, nothing was written\n"


def test_an_error_that_was_not_foreseen_is_one_line_too(capsys):
    assert run_command(lambda: 1 / 0, debug=False) == 2
    assert capsys.readouterr().err == "error: unexpected ZeroDivisionError: division by zero (--debug says where)\n"


def test_a_missing_package_is_named_with_what_installs_it(capsys):
    assert run_command(failing(ModuleNotFoundError("no", name="onnx")), debug=False) == 2
    assert "'onnx' is missing: pip install" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new"), [("embed", "service.batch DETECTOR DATA"), ("describe", "models.bundle describe")]
)
def test_a_command_that_moved_says_where_it_went(old, new, run_python) -> None:
    run = run_python("-m", f"training.{old}", "bundle")
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: python -m training.{old} is gone; say: python -m {new}")
    assert run.stderr.count("\n") == 1

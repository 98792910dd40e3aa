from __future__ import annotations

import pytest

from models.bundle.__main__ import main as bundle_main
from models.errors import ConfigError
from models.programs.cli import MODULES, OneLineParser, program_version, run_command
from service.__main__ import main as serve_main
from service.admin import main as admin_main
from service.batch import main as batch_main
from training.__main__ import main as list_main
from training.calibrate import main as calibrate_main
from training.compare import main as compare_main
from training.train import main as train_main


def test_a_parser_complains_in_one_line_and_exits_with_2(capsys):
    parser = OneLineParser(prog="python -m this")
    parser.add_argument("--n", type=int)
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args(["--n", "many"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "error: argument --n: invalid int value: 'many' (see python -m this --help)\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--lable", "x"], "unrecognized arguments: --lable x. Did you mean --label?"),
        (["--label", "x", "--Seed=3"], "unrecognized arguments: --Seed=3. Did you mean --seed?"),
        (["--activation", "rleu"], "argument --activation: invalid choice: 'rleu'"),
        (["--zzz"], "unrecognized arguments: --zzz (see"),
    ],
)
def test_a_mistyped_flag_or_choice_is_answered_with_the_nearest(words, complaint, capsys):
    parser = OneLineParser(prog="python -m this")
    parser.add_argument("--label")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--activation", choices=["relu", "gelu"])
    with pytest.raises(SystemExit):
        parser.parse_args(words)
    line = capsys.readouterr().err
    assert complaint in line
    assert line.count("Did you mean") == (words != ["--zzz"])
    assert line.count("\n") == 1


def test_a_mistyped_flag_that_is_required_is_answered_too(capsys):
    parser = OneLineParser(prog="python -m this")
    parser.add_argument("--output", required=True)
    with pytest.raises(SystemExit):
        parser.parse_args(["--ouput", "x"])
    assert "are required: --output. Did you mean --output? (see" in capsys.readouterr().err


def test_a_flag_of_a_subcommand_is_known_to_the_whole(capsys):
    with pytest.raises(SystemExit):
        bundle_main(["verify", "x", "--jsno"])
    assert "Did you mean --json?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "main", [train_main, compare_main, calibrate_main, serve_main, batch_main, bundle_main, admin_main]
)
def test_every_command_knows_its_version(main, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"relu-anomaly {program_version()}\n"


def test_python_m_training_lists_every_command(capsys):
    assert list_main([]) == 0
    page = capsys.readouterr().out
    assert all(f"  python -m {module} " in page and summary in page for module, summary in MODULES.values())
    with pytest.raises(SystemExit) as stopped:
        list_main(["trian"])
    assert stopped.value.code == 2
    assert "'trian' is no command. Did you mean python -m training.train?" in capsys.readouterr().err


def test_the_help_of_the_service_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        serve_main(["--help"])
    assert all(f"  python -m {module} " in page for page in [capsys.readouterr().out] for module, _ in MODULES.values())


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

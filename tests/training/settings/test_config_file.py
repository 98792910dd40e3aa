from __future__ import annotations

import pytest

from models.errors import ConfigError
from models.programs.cli import OneLineParser
from training.settings.flags import parse_with_config


@pytest.fixture
def parse(tmp_path):
    parser = OneLineParser(prog="program")
    parser.add_argument("data", nargs="*")
    parser.add_argument("--config")
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--exclude", nargs="+", default=())
    parser.add_argument("--activation", choices=["relu", "elu"])
    parser.add_argument("--dry-run", action="store_true")

    def run(content, *argv):
        path = tmp_path / "config.toml"
        path.write_text(content)
        return parse_with_config(parser, [*argv, "--config", str(path)])

    return run


def test_a_key_is_a_flag_with_dashes_or_underscores(parse):
    for key in ("learning-rate", "learning_rate"):
        assert parse(f"{key} = 0.5").learning_rate == 0.5


def test_what_neither_says_is_the_default(parse):
    arguments = parse("learning_rate = 1e-3")
    assert (arguments.epochs, arguments.data, arguments.dry_run) == (7, [], False)


def test_the_command_line_wins_over_the_file(parse):
    content = 'data = ["a.csv", "b.csv"]\nepochs = 3\nexclude = ["x", "y"]\ndry_run = true'
    arguments = parse(content)
    assert (arguments.data, arguments.epochs, arguments.exclude) == (["a.csv", "b.csv"], 3, ["x", "y"])
    assert arguments.dry_run
    arguments = parse(content, "c.csv", "--epochs", "7", "--exclude", "z")  # 7 is the default, and was said
    assert (arguments.data, arguments.epochs, arguments.exclude) == (["c.csv"], 7, ["z"])


def test_a_switch_can_be_off_in_the_file(parse):
    assert not parse("dry-run = false").dry_run
    assert parse("dry-run = false", "--dry-run").dry_run


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("epoch = 3", r"config.toml: there is no flag for the key 'epoch'\. Did you mean epochs\?"),
        ("config = 'x'", "there is no flag for the key 'config'"),
        ("dry_run = 1", "dry_run is a switch: give true or false, got 1"),
        ("epochs = true", "epochs takes a text or a number"),
        ("epochs = [1, 2]", r"epochs takes one value, got \[1, 2\]"),
        ("[network]\nepochs = 1", "there is no flag for the key 'network'"),
        ("epochs = ", "is not TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_error_that_names_it_and_the_key(parse, content, complaint):
    with pytest.raises(ConfigError, match=complaint):
        parse(content)


def test_a_file_that_is_not_there_is_named():
    parser = OneLineParser()
    parser.add_argument("--config")
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read"):
        parse_with_config(parser, ["--config", "nowhere.toml"])


@pytest.mark.parametrize("content", ["epochs = 'many'", "activation = 'rellu'"])
def test_a_value_that_the_flag_would_refuse_is_refused_with_the_name_of_the_file(parse, content, capsys):
    with pytest.raises(SystemExit):
        parse(content)
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "config.toml: " in error
    assert error.count("\n") == 1

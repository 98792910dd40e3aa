from __future__ import annotations

import argparse

import pytest

from models.errors import TableError
from models.programs.reading_flags import add_reading_flags, read_options_of
from models.tables.read_options import ReadOptions


def options_of(*arguments):
    parser = argparse.ArgumentParser()
    add_reading_flags(parser)
    return read_options_of(parser.parse_args(arguments))


def test_without_flags_everything_is_detected():
    assert options_of() == ReadOptions()


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("--delimiter", ";"), ReadOptions(delimiter=";")),
        (("--delimiter", "tab"), ReadOptions(delimiter="\t")),
        (("--delimiter", "\\t"), ReadOptions(delimiter="\t")),
        (("--decimal", ","), ReadOptions(decimal=",")),
        (("--encoding", "latin-1"), ReadOptions(encoding="latin-1")),
        (("--delimiter", "space"), ReadOptions(delimiter=" ")),
        (("--thousands", "space"), ReadOptions(thousands=" ")),
        (("--thousands", "'"), ReadOptions(thousands="'")),
        (("--thousands", "none"), ReadOptions(thousands="")),
        (("--quote", "'"), ReadOptions(quote="'")),
        (("--quote", "none"), ReadOptions(quote="")),
        (("--comment", "//"), ReadOptions(comment="//")),
        (("--comment", "none"), ReadOptions(comment="")),
        (("--header",), ReadOptions(has_header=True)),
        (("--no-header",), ReadOptions(has_header=False)),
        (("--skip-lines", "3"), ReadOptions(skip_lines=3)),
        (("--skip-rows", "1", "200-205"), ReadOptions(skip_rows=((1, 1), (200, 205)))),
        (("--skip-rows", "header"), ReadOptions(skip_header=True)),
        (("--ragged-rows", "fill"), ReadOptions(ragged_rows="fill")),
        (("--sheet", "May"), ReadOptions(sheet="May")),
        (("--column-names", "a", "b"), ReadOptions(header=("a", "b"))),
        (("--column-names", "a, b", "c"), ReadOptions(header=("a", "b", "c"))),
    ],
)
def test_a_flag_is_an_option(arguments, options):
    assert options_of(*arguments) == options


def test_a_file_of_names_gives_the_first_cell_of_each_line(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("\ufeffa,seconds\n\nb , watts\n", encoding="utf-8")
    assert options_of("--column-names", str(path), "c").header == ("a", "b", "c")


def test_a_name_that_is_given_twice_is_refused():
    with pytest.raises(TableError, match="--column-names: 'a' is given twice"):
        options_of("--column-names", "a,b", "a")


@pytest.mark.parametrize("lines", ["-1", "x", "1.5"])
def test_lines_to_skip_are_a_whole_number(lines, capsys):
    with pytest.raises(SystemExit):
        options_of(f"--skip-lines={lines}")
    assert "must be a whole number of at least 0" in capsys.readouterr().err


@pytest.mark.parametrize("rows", ["0", "x", "7-3", "-1"])
def test_rows_to_skip_are_numbers_from_1_on(rows, capsys):
    with pytest.raises(SystemExit):
        options_of(f"--skip-rows={rows}")
    assert "must be" in capsys.readouterr().err

"""Messages are one line of a few hundred printable characters, whatever is quoted in them."""

from __future__ import annotations

import pytest
from rich.console import Console

from models.errors import TableError
from models.printable import MOST_CHARACTERS, first_unprintable, one_line, printable
from models.programs.cli import run_command
from models.programs.rich_text import escaped


@pytest.mark.parametrize("text", ["São Paulo", "東京", "a\u00a0b", "👨\u200d👩", "[bold] {x} %s <b> \\"])
def test_texts_of_any_language_are_printed_as_they_are(text):
    assert printable(text) == text
    assert first_unprintable(text) is None


@pytest.mark.parametrize("letter", ["\n", "\r", "\x1b", "\x00", "\x9b", "\u2028", "\u202e", "\ud800"])
def test_what_a_terminal_would_obey_is_written_as_python_writes_it(letter, capsys):
    shown = printable(f"a{letter}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert first_unprintable(f"a{letter}b") == letter
    Console(highlight=False, force_terminal=True, color_system="truecolor").print(f"[red]{escaped(letter)}[/red]")
    assert letter not in capsys.readouterr().out.removeprefix("\x1b[31m").removesuffix("\x1b[0m\n")


def test_a_very_long_message_keeps_its_beginning_and_what_it_says_to_do(capsys):
    def work():
        raise TableError(f"x.csv: has {'9' * 1_000_000}\n\x1b[2J. ", "Say --what.")

    assert run_command(work, debug=False) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: x.csv: has 999")
    assert error.endswith("9 \\x1b[2J. Say --what.\n")
    assert len(error) < MOST_CHARACTERS + 20
    assert one_line("a  b\nc") == "a b c"

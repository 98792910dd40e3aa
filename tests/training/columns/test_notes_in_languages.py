"""What is noted of odd files and columns: no text of it stays in English where another language is asked for."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from said import WORD, english_in, in_language, unmarked_words

from models.tables.files import read_table
from training.data.prepare import Prepared, prepare
from training.programs.terminal import show_prepared
from training.settings.config import TrainConfig

CATALOGUE = Path(__file__).resolve().parents[3] / "models" / "languages" / "pt.po"
ROWS = 240
START = datetime(2024, 3, 1)


def odd_columns() -> dict[str, list[object]]:
    rng = np.random.default_rng(0)
    numbers = rng.normal(50, 10, ROWS).round(2)
    return {
        "": list(range(ROWS)),
        "key": [f"k{7 * i % 241}" for i in range(ROWS)],
        "constant": ["same"] * ROWS,
        "empty": [""] * ROWS,
        "remark": [f"the {i}th of many texts in words" for i in range(ROWS)],
        "weight": [f"{value} kg" for value in numbers],
        "took": [f"{1 + i % 3}h {i % 60}m" for i in range(ROWS)],
        "short year": [f"{1 + i % 28:02d}.03.{24 + i % 3}" for i in range(ROWS)],
        "plant": [f"{i % 7:04d}" for i in range(ROWS)],
        "sensor": [-999 if i % 20 == 0 else value for i, value in enumerate(numbers)],
        "again": [-999 if i % 20 == 0 else value for i, value in enumerate(numbers)],
        "step": list(range(1000, 1000 + 3 * ROWS, 3)),
        "mode": [("idle", "normal", "N/A")[i % 3] for i in range(ROWS)],
        "is_fraud": [int(i % 9 == 0) for i in range(ROWS)],
        "seen": [1_700_000_000 + 60 * i for i in range(ROWS)],
        "day": [f"{1 + i % 28}/3/2024" for i in range(ROWS)],
        "at": [str(START + timedelta(hours=i)) for i in range(ROWS)],
        "owed": [f"({i}.50)" if i % 4 else f"{i}.25" for i in range(ROWS)],
        "mixed": [f"{i}.5" if i % 50 else "n.n." for i in range(ROWS)],
        "money": [f"{i} $" if i % 2 else f"{i} €" for i in range(ROWS)],
        "rare": [f"w{i // 2}" if i % 2 else "usual" for i in range(ROWS)],
    }


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    columns = odd_columns()
    lines = [";".join(columns), *(";".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    lines[40:40] = ["", ""]
    path = tmp_path_factory.mktemp("odd") / "odd.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join([*lines, lines[-1]]).encode())
    config = TrainConfig(alert_rate=0.2, missing_values=("plant=nothing",), exclude=("constant",))
    return prepare(read_table([path]), config)


def printed(prepared: Prepared) -> str:
    console = Console(file=io.StringIO(), width=2000, highlight=False)
    show_prepared(console, prepared, TrainConfig(alert_rate=0.2))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_note_is_in_the_catalogues(prepared: Prepared) -> None:
    assert len(prepared.findings) >= 15
    assert len(prepared.table.repairs) >= 4
    known = {*WORD.findall(" ".join(odd_columns())), "column"}  # of column_1
    assert set(unmarked_words(lambda: printed(prepared))) - known == set()


def test_in_portuguese_no_note_has_an_english_text(prepared: Prepared) -> None:
    text = in_language("pt", lambda: printed(prepared))
    assert "leitura: as células são separadas por ';'" in text
    assert english_in(text, CATALOGUE) == []
    assert str(prepared.table.repairs[0]) == "byte-order mark removed (utf-8)"

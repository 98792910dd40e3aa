"""What `service.batch` says in another language; what it writes for programs stays as it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from said import english_in
from samples import machine_records, write_csv

from service.batch import main

CATALOGUE = Path(__file__).resolve().parents[3] / "models" / "languages" / "pt.po"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    records = [record | {"extra": 1} for record in machine_records(30, seed=3)]
    return write_csv(tmp_path_factory.mktemp("rows") / "rows.csv", records)


def test_the_terminal_is_in_the_language_and_numbers_for_programs_are_not(
    bundle_path: Path, rows: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, written, reports = {}, {}, {}
    for code in ("en", "pt"):
        output = tmp_path / f"{code}.csv"
        monkeypatch.setenv("DETECTOR_LANG", code)
        assert main([str(bundle_path), str(rows), "--output", str(output), "--json"]) == 0
        out, said[code] = capsys.readouterr()
        written[code], reports[code] = output.read_text(), json.loads(out)
    assert re.search(r"30 linhas: pontuadas, \d+ sinalizadas \(\d+,\d\d%\), [\d.]+ linhas/s, por machines", said["pt"])
    assert "ignorado: 'extra', que o detector não conhece" in said["pt"]
    assert english_in(said["pt"], CATALOGUE) == []
    assert written["pt"] == written["en"]
    assert reports["pt"]["notes"] == reports["en"]["notes"] != []


def test_the_flag_wins_over_the_variable(
    bundle_path: Path, rows: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETECTOR_LANG", "pt")
    assert main([str(bundle_path), str(rows), "--output", str(tmp_path / "out.csv"), "--lang", "en"]) == 0
    assert "30 rows scored" in capsys.readouterr().err


def test_a_variable_with_another_language_is_one_line(
    bundle_path: Path, rows: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETECTOR_LANG", "fr")
    assert main([str(bundle_path), str(rows), "--output", str(tmp_path / "out.csv")]) == 2
    complaint = "error: There is no language 'fr'. There are: en (English), pt (Português (Brasil)).\n"
    assert capsys.readouterr().err == complaint

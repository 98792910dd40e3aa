from __future__ import annotations

import json

import pytest

from models.bundle.__main__ import main
from models.bundle.card import typical_values


def test_every_column_is_described_with_its_typical_values(bundle_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    assert main(["describe", str(bundle_path)]) == 0
    out = capsys.readouterr().out
    for text in (
        "standardised",
        "90 % from",
        "run 5",
        "from 2024-01-0",
        "constant (always 'north')",
        "serial",
        "state",
    ):
        assert text in out


def test_with_json_it_is_what_the_service_says_of_its_columns(bundle_path, client, capsys):
    assert main(["describe", str(bundle_path), "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described["columns"] == client.get("/detector").json()["columns"]
    assert described["dropped"] == {"site": "constant (always 'north')"}
    assert described["columns"][0]["quantiles"].keys() >= {"0", "0.5", "1"}


@pytest.mark.parametrize(
    ("card", "phrase"),
    [
        (
            {"quantiles": {"0": 1.0, "0.05": 2.0, "0.5": 3.0, "0.95": 4.0, "1": 5.0}},
            "3 (90 % from 2 to 4, all from 1 to 5)",
        ),
        ({"counts": {"true": 1, "false": 3}}, "false 75.0%, true 25.0%"),
        ({"counts": {"a": 2, "b": 1}, "others": 1}, "a 50.0%, b 25.0%"),
        ({"counts": dict.fromkeys("abcdefgh", 1)}, "a 12.5%, b 12.5%, c 12.5%, d 12.5%, e 12.5%, …"),
        ({"first": "2024-01-01", "last": "2024-02-01"}, "from 2024-01-01 to 2024-02-01"),
        ({}, ""),
    ],
)
def test_typical_values_are_said_in_a_phrase(card, phrase):
    assert typical_values(card) == phrase


def test_what_is_no_bundle_is_one_line(tmp_path, capsys):
    assert main(["describe", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)

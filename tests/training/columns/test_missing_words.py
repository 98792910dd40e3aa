"""NA is Namibia: what was taken for a missing value is counted by spelling, and a word can be kept."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from forging import forge
from in_process import in_process
from samples import sample_detector, sample_record

from models.bundle import load_detector
from models.columns.from_records import columns_of_records
from models.schema import Column, FeatureSchema, Kind
from models.tables.files import read_table
from models.tables.source import Source
from training.columns.schema_file import read_schema_file, write_schema_file
from training.data.prepare import prepare
from training.settings.config import TrainConfig


def table(*, rows=120, words=("ZA", "NA", "BW", "-")):
    rng = np.random.default_rng(1)
    lines = [f"{t:.2f},{2 * t:.2f},{words[row % len(words)]}" for row, t in enumerate(rng.normal(50, 5, rows))]
    lines[7] = f"NAN,n/a,{words[7 % len(words)]}"
    return read_table([Source(name="x", content="\n".join(["temp,load,country", *lines]).encode())], format="csv")


def prepared(**settings):
    return prepare(table(), TrainConfig(**settings))


def noted(found, word):
    return [str(finding) for finding in found.findings if word in str(finding)]


def test_words_that_were_taken_for_missing_values_are_counted_by_spelling():
    """Case 19 of the second collection."""
    found = prepared()
    assert noted(found, "country") == [
        "'country': 'NA' in 30 rows, '-' in 30 rows: read as missing; where a word is a category: --keep-words "
        "country=NA country=-"
    ]
    assert noted(found, "temp") == ["'temp', 'load': 'NAN' in 1 row, 'n/a' in 1 row: read as missing"]


def test_a_word_that_is_kept_is_a_category_in_every_door(tmp_path):
    found = prepared(keep_words=("country=NA",))
    assert [column.keep_words for column in found.schema.columns] == [(), (), ("NA",)]
    assert found.columns["country"][:4].tolist() == ["ZA", "NA", "BW", None]
    assert found.preprocessor.encodings[2].categories == ("BW", "NA", "ZA")
    assert noted(found, "'country'") == [
        "'country': '-' in 30 rows: read as missing; where a word is a category: --keep-words country=-"
    ]
    assert FeatureSchema.from_json(json.loads(json.dumps(found.schema.to_json()))) == found.schema
    write_schema_file(tmp_path / "schema.toml", found.schema)
    assert read_schema_file(tmp_path / "schema.toml") == found.schema
    sent = [{"temp": 1, "load": 2, "country": word} for word in ("NA", " NA ", "na", None, "", "ZA")]
    assert columns_of_records(found.schema, sent)["country"].tolist() == ["NA", "NA", None, None, None, "ZA"]


def test_a_word_for_all_columns_is_kept_in_categories_alone():
    found = prepared(keep_words=("NA", "NAN"))
    assert [str(column.kind) for column in found.schema.columns] == ["numeric", "numeric", "categorical"]
    assert np.isnan(found.columns["temp"][7])
    assert found.columns["country"][1] == "NA"


def test_a_word_that_no_cell_has_is_noted():
    assert noted(prepared(keep_words=("country=none",)), "none") == [
        "'country': no cell is 'none', which --keep-words names"
    ]


def test_a_kept_word_has_another_score_than_a_missing_value_over_http():
    detector = sample_detector(missing_share=0.1)
    columns = [replace(c, keep_words=("none",)) if c.name == "mode" else c for c in detector.schema.columns]
    kept = replace(detector, schema=replace(detector.schema, columns=tuple(columns)))
    sent = [sample_record(mode=word) for word in ("none", None, "NONE", "heat")]
    with in_process(kept) as client:
        items = client.post(json.dumps(sent), "/score?explain=5").json()["results"]
    scores = [item["anomaly_score"] for item in items]
    assert scores[1] == scores[2]
    assert scores[0] == scores[3] != scores[1]
    assert "none" in [part["actual"] for part in items[0]["contributions"]]


def test_a_json_column_of_texts_and_numbers_keeps_its_words():
    lines = [json.dumps({"code": value, "x": n}) for n, value in enumerate([1, "NA", "b", None])]
    found = read_table([Source(name="x.jsonl", content="\n".join(lines).encode())], format="jsonl")
    assert found.data["code"].to_pylist() == ["1", "NA", "b", None]


def test_words_are_kept_for_categories_only():
    with pytest.raises(ValueError, match="keep_words are for categorical columns"):
        Column(name="x", kind=Kind.NUMERIC, keep_words=("NA",))


def test_a_bundle_that_learned_a_word_as_a_category_keeps_it(copied):
    plain = json.loads((copied / "preprocessor.json").read_text())
    forge(copied, "preprocessor.json", json.dumps(plain).replace('"idle"', '"NONE"').encode())
    plain = json.loads((copied / "probe.json").read_text())
    forge(copied, "probe.json", json.dumps(plain).replace('"idle"', '"NONE"').encode())
    columns = {column.name: column for column in load_detector(copied).schema.columns}
    assert columns["mode"].keep_words == ("NONE",)

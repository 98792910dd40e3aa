"""Texts that could be numbers and are more: codes with an e among digits, and versions whose zeros count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from samples import write_csv

from models.schema import Kind
from models.tables.files import read_table
from models.tables.table import Table, table_of
from training.columns.infer_schema import Finding
from training.data.prepare import Prepared, prepare
from training.settings.config import TrainConfig

LOADS = np.random.default_rng(3).normal(50, 5, 120).round(2).tolist()
CODES = ["10023", "10024", "10999", "123E5", "1E10"]
VERSIONS = ["1.9", "2.0", "2.1", "2.10", "2.11"]


def from_csv(texts: Sequence[str], folder: Path) -> Table:
    records = [{"load": load, "code": texts[row % len(texts)]} for row, load in enumerate(LOADS)]
    return read_table([write_csv(folder / "x.csv", records)])


def from_frame(texts: Sequence[str], folder: Path) -> Table:
    return table_of(pd.DataFrame({"load": LOADS, "code": [texts[row % len(texts)] for row in range(len(LOADS))]}))


DOORS = {"csv": from_csv, "frame": from_frame}


def about(prepared: Prepared) -> list[Finding]:
    return [finding for finding in prepared.findings if finding.columns == ("code",)]


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize(
    ("texts", "kind", "note"),
    [
        (CODES, Kind.CATEGORICAL, "codes such as '123E5', beside whole numbers that are all of one length"),
        (["1000", "2000", "5000", "1e4"], Kind.NUMERIC, "whole numbers and powers of ten such as '1e4', read as 10000"),
        (["1e3", "1e4", "1e5"], Kind.NUMERIC, "whole numbers and powers of ten such as '1e3', read as 1000"),
        (["100", "1e+03", "205"], Kind.NUMERIC, None),
        (["0.5", "1e3", "205"], Kind.NUMERIC, None),
        (VERSIONS, Kind.NUMERIC, "'2.1' and '2.10' are read as one number, and may be two versions"),
        (["2.50", "2.05", "2.5"], Kind.NUMERIC, None),  # no version has a zero before its last number
        (["2.10", "2.15", "3.20"], Kind.NUMERIC, None),
        (["2", "2.0", "3"], Kind.NUMERIC, None),
    ],
)
def test_texts_that_may_be_codes_are_said(
    door: Callable[..., Table], texts: list[str], kind: Kind, note: str | None, tmp_path: Path
) -> None:
    prepared = prepare(door(texts, tmp_path), TrainConfig())
    assert {column.name: column.kind for column in prepared.schema.columns}["code"] is kind
    found = [finding.what for finding in about(prepared)]
    assert found == ([] if note is None else [note])


def test_codes_with_and_without_their_zeros_are_noted(tmp_path: Path) -> None:
    found = about(prepare(from_csv(["01067", "1067", "99084"], tmp_path), TrainConfig()))
    assert [str(finding) for finding in found] == [
        "'code': codes such as '01067', with zeros before whole numbers; if they are numbers: --kind code=numeric",
        "'code': '1067' and '01067' are two categories; if they are one code, write it in one way",
    ]
    assert len(about(prepare(from_csv(["01067", "99084"], tmp_path), TrainConfig()))) == 1


def test_versions_are_a_warning_and_the_flag_keeps_them_apart(tmp_path: Path) -> None:
    [found] = about(prepare(from_csv(VERSIONS, tmp_path), TrainConfig()))
    assert found.warning
    assert str(found).endswith("if they are categories: --kind code=categorical")
    kept = prepare(from_csv(VERSIONS, tmp_path), TrainConfig(kind=("code=categorical",)))
    assert set(kept.columns["code"]) == {"1.9", "2", "2.1", "2.10", "2.11"}
    assert about(kept) == []

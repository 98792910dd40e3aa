"""Codes without their zeros, and columns of which training had no value: read as they are meant, or said by name."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bodies import WRITTEN
from in_process import in_process
from samples import untrained_detector, write_csv
from wire import wired

from models.calibration import Calibration, CalibrationRows
from models.calibration.rows import segments_of
from models.columns.from_records import columns_of_records
from models.detector import Detector
from models.schema.codes import KnownCategories
from models.tables.files import read_table
from models.tables.table import table_of
from service.client import DetectorClient
from service.files.row_notes import RowNotes
from service.files.score_files import prepare as prepare_files
from service.files.score_files import score_files
from service.formats.formats import FORMATS
from training.data.prepare import prepare
from training.estimator import AutoencoderDetector, DetectorWarning
from training.settings.config import TrainConfig

ZIPS = ("01067", "04109", "10115", "80331", "99084")
RECORDS: list[dict[str, Any]] = [
    {
        "load": round(float(load), 2),
        "zip": ZIPS[row % 5],
        "article": ("7", "07", "0012")[row % 3],  # of several widths: 7 may be either
        "ready": ("ja", "nein")[row % 2],
    }
    for row, load in enumerate(np.random.default_rng(2).normal(50, 5, 120))
]
NUMBERED = [record | {"zip": int(record["zip"])} for record in RECORDS]
FLOATS = [record | {"zip": float(record["zip"])} for record in RECORDS]
OF_ZIPS = "'zip': 1067 is read as '01067': leading zeros were lost; read the column as text"
OF_READY = "no value of 'ready' was seen in training, which had 'ja', 'nein'; here is 'true'"
OTHERS = [record | {"ready": record["ready"] == "ja"} for record in RECORDS]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    path = write_csv(tmp_path_factory.mktemp("codes") / "train.csv", RECORDS)
    ready = prepare(read_table([path]), TrainConfig(kind=("article=categorical",)))
    return untrained_detector("codes", ready)


@pytest.fixture(scope="module")
def scores(detector: Detector) -> list[float]:
    return list(detector.score_records(RECORDS).anomaly_score)


@pytest.fixture(scope="module")
def estimator(detector: Detector) -> AutoencoderDetector:
    fitted = AutoencoderDetector()
    fitted._take(detector, tuple(RECORDS[0]), named=True, texts=True)
    return fitted


def batch_notes(detector: Detector, path: Path, folder: Path, **given: Any) -> tuple[list[float], list[str]]:
    notes = RowNotes(detector)
    output = folder / "out.csv"
    score_files(detector, prepare_files(detector, [path], output), output, format_name="csv", notes=notes, **given)
    with output.open(newline="") as file:
        found = [float(row["anomaly_score"]) for row in csv.DictReader(file)]
    return found, list(notes.lines())


@pytest.mark.parametrize("records", [NUMBERED, FLOATS], ids=["whole numbers", "floats"])
def test_codes_of_one_width_are_read_with_the_zeros_that_they_lost(
    records: list[dict[str, Any]], detector: Detector, scores: list[float], tmp_path: Path
) -> None:
    assert list(detector.score_table(table_of(pd.DataFrame(records))).anomaly_score) == scores
    verdicts = detector.score_records(records)
    assert list(verdicts.anomaly_score) == scores
    assert {c.actual for c in verdicts.contributions(0, top=4) if c.feature == "zip"} == {"01067"}
    path = write_csv(tmp_path / "in.csv", records)
    assert batch_notes(detector, path, tmp_path, chunk_rows=7) == (scores, [f"noted: {OF_ZIPS}"])


@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize("form", FORMATS)
def test_every_body_is_answered_with_the_note(
    form: str, fast_path: bool, detector: Detector, scores: list[float], tmp_path: Path
) -> None:
    with in_process(detector, fast_path=fast_path) as client:
        kind = FORMATS[form].types[0]
        for sent, note in ((NUMBERED, OF_ZIPS), (OTHERS, OF_READY)):
            answer = client.post(WRITTEN[form](sent, tmp_path), content_type=kind, accept="application/json")
            assert answer.json()["notes"] == json.loads(answer.headers["detector-notes"]) == [note]
        few = client.post(WRITTEN[form](NUMBERED[:2], tmp_path), content_type=kind, accept="application/json").json()
        assert few["notes"] == [OF_ZIPS]
        assert [item["anomaly_score"] for item in few["results"]] == scores[:2]
        named = {"columns": list(RECORDS[0]), "rows": [list(record.values()) for record in NUMBERED]}
        assert client.post(json.dumps(named)).json()["notes"] == [OF_ZIPS]
        plain = client.post(WRITTEN[form](RECORDS, tmp_path), content_type=kind, accept="application/json").json()
        assert "notes" not in plain


@pytest.mark.parametrize("form", ["jsonl", "arrow"])
def test_streams_note_it_of_their_first_rows(form: str, detector: Detector, tmp_path: Path) -> None:
    with in_process(detector) as client:
        body = WRITTEN[form](NUMBERED, tmp_path)
        answer = client.post(body, "/score/stream", content_type=FORMATS[form].types[0])
        assert json.loads(answer.headers["detector-notes"]) == [OF_ZIPS]


def test_the_client_gives_the_notes(detector: Detector) -> None:
    with wired(detector) as wire, DetectorClient(f"http://127.0.0.1:{wire.port}") as client:
        assert client.score(NUMBERED).notes == (OF_ZIPS,)
        assert client.score(pd.DataFrame(NUMBERED)).notes == (OF_ZIPS,)
        assert client.score(RECORDS).notes == ()
        with pytest.warns(UserWarning, match="01067"):
            client.score_frame(pd.DataFrame(NUMBERED))
        with pytest.warns(UserWarning, match="01067"):
            client.embed(NUMBERED[:1])


def calls(estimator: AutoencoderDetector) -> Iterator[Callable[[pd.DataFrame], object]]:
    yield from (estimator.predict, estimator.transform, estimator.score, estimator.explain)


def test_the_estimator_warns_of_both(estimator: AutoencoderDetector, scores: list[float]) -> None:
    for call in calls(estimator):
        with pytest.warns(DetectorWarning, match="1067 is read as '01067'"):
            call(pd.DataFrame(NUMBERED))
    with pytest.warns(DetectorWarning, match="no value of 'ready'"):
        estimator.predict(pd.DataFrame(OTHERS))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(estimator.anomaly_score(pd.DataFrame(RECORDS))) == scores


@pytest.mark.parametrize(
    ("name", "values", "note"),
    [
        ("article", ["12"] * 3, "'article': some values were not seen in training: leading zeros were lost (12 for"),
        ("article", ["12"] * 20, "no value of 'article' was seen in training: leading zeros were lost (12 for '0012')"),
        ("zip", ["00000"] * 20, "no value of 'zip' was seen in training, which had '"),
        ("ready", ["1"] * 20, "no value of 'ready' was seen in training, which had 'ja', 'nein'; here is '1'"),
        ("ready", [None] * 30, None),
        ("ready", ["1"] * 19, None),
        ("ready", [*["1"] * 40, "ja"], None),
        ("article", ["7", "07", "0012", "13"], None),
    ],
)
def test_what_training_had_not_is_said_with_examples_of_both_sides(
    name: str, values: list[str | None], note: str | None, detector: Detector, tmp_path: Path
) -> None:
    records = [record | {name: value or ""} for record, value in zip(RECORDS, values, strict=False)]
    if name == "article":
        seen = [] if len(values) == 20 else [RECORDS[0]]
        records = [*seen, *records]
    _, notes = batch_notes(detector, write_csv(tmp_path / "in.csv", records), tmp_path, chunk_rows=11)
    assert [line.startswith(f"noted: {note}") for line in notes] == ([] if note is None else [True]), notes


def test_codes_that_training_had_without_zeros_are_not_guessed() -> None:
    known = KnownCategories(("1067", "4109", "10115"))
    found = known.look(["01067"] * 20)
    assert known.shortened == {}
    assert known.note("zip", found) == (
        "no value of 'zip' was seen in training: leading zeros differ (01067 for '1067'); read the column as text"
    )


def test_a_note_shows_the_beginning_of_long_values_and_names_what_looks_like_a_space() -> None:
    known = KnownCategories(("no 7",))
    note = known.note("mode", known.look(["no\u00a07"] * 20))
    assert note == "no value of 'mode' was seen in training, which had 'no 7'; here is 'no 7' (with a no-break space)"
    assert len(known.note("mode", known.look(["x" * 10**6] * 20)) or "") < 200
    assert (
        len(KnownCategories(("07", "1")).note("code", KnownCategories(("07", "1")).look(["0" * 10**6 + "7"])) or "")
        < 200
    )


def test_codes_that_were_read_as_numbers_are_noted() -> None:
    known = KnownCategories(("10023", "10024", "123E5"))
    assert known.note("code", known.look(["10023", "12300000"])) == (
        "'code': some values were not seen in training: codes were read as numbers (12300000 for '123E5'); read the "
        "column as text"
    )
    assert known.note("code", known.look(["10023", "123E5", "1230"])) is None
    versions = KnownCategories(("2.9", "2.10", "2.20"))
    assert versions.note("version", versions.look(["2.9", "2.1"])) == (
        "'version': some values were not seen in training: codes were read as numbers (2.1 for '2.10'); read the "
        "column as text"
    )
    assert KnownCategories(("10023", "1E4", "10000")).note("code", known.look(["10000"])) is None  # a category itself


def test_thresholds_by_a_code_are_those_of_the_code(detector: Detector) -> None:
    segments = np.array([ZIPS[row % 2] for row in range(400)], object)
    rows = CalibrationRows.of(np.where(segments == "01067", 1.0, 3.0) + np.linspace(0, 1, 400), segment=segments)
    by_zip = Detector(
        name="by zip",
        version="1",
        schema=replace(detector.schema, threshold_by="zip"),
        scorer=detector.scorer,
        calibration=Calibration.on(rows, detector.calibration.spec),
    )
    expected, found = by_zip.score_records(RECORDS), by_zip.score_records(NUMBERED)
    assert found.threshold.tolist() == expected.threshold.tolist()
    assert found.segments is not None
    assert found.segments[0] == "01067"


def test_segments_of_new_calibration_rows_are_named_by_the_codes(detector: Detector) -> None:
    schema = replace(detector.schema, threshold_by="zip")
    columns = columns_of_records(schema, NUMBERED)
    segments = segments_of(schema, columns, known=detector.known_categories["zip"])
    assert segments is not None
    assert set(segments) == set(ZIPS)

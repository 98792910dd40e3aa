"""A column's name may hold any character: every operation serves it, in every format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bodies import READ, WRITTEN
from in_process import InProcess, in_process
from samples import FakeEngine

from models.calibration import Calibration
from models.detector import Detector
from models.encoders import NumericEncoding
from models.encoders.preprocessor import Preprocessor
from models.schema import Column, FeatureSchema, Kind
from models.scoring import Scorer
from service.formats.formats import FORMATS

NAMES = (
    *('width "in"', "back\\slash", "tab\tstop", "two\nlines", "\x1b[31mred", "\x01", "\x7f", "a,b", "a.b", "=1+1"),
    *("<b>x</b>", "{x}", "[bold]", "%s", "$1", "class", "é😀", "a\u2028b", "cell_0", "columns", "x" * 3000),
)
RECORDS = [{name: float(row + index) for index, name in enumerate(NAMES)} for row in range(3)]


def named(*names: str) -> Detector:
    """Return a detector of numeric columns of these names."""
    encodings = tuple(NumericEncoding(name=name, center=1.0, scale=2.0, low=-9.0, high=99.0) for name in names)
    limits = np.array([[-3.0] * len(names), [3.0] * len(names)], np.float32)
    scorer = Scorer(preprocessor=Preprocessor(encodings=encodings, limits=limits), engine=FakeEngine(lambda Z: Z * 0.5))
    return Detector(
        name="sample",
        version="1",
        schema=FeatureSchema(columns=tuple(Column(name=name, kind=Kind.NUMERIC) for name in names)),
        scorer=scorer,
        calibration=Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05),
    )


@pytest.fixture(scope="module")
def service() -> Iterator[InProcess]:
    with in_process(named(*NAMES)) as running:
        yield running


@pytest.mark.parametrize("form", FORMATS)
def test_records_with_names_of_any_characters_are_scored_in_every_format(
    service: InProcess, form: str, tmp_path: Path
) -> None:
    accept = FORMATS[form].types[0]
    body = WRITTEN[form](RECORDS, tmp_path)  # type: ignore[arg-type]
    read = READ[form] if form != "json" else lambda content: json.loads(content)["results"]
    for path in ("/score?explain=9", "/embed", "/reconstruct"):
        answer = service.post(body, path, content_type=accept, accept=accept)
        assert answer.status_code == 200, answer.text
        if path.startswith("/score"):
            assert all(item["feature"] in NAMES for row in read(answer.content) for item in row["contributions"])


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_characters_alone_gets_the_same_score_as_a_plain_one(name: str) -> None:
    scores = []
    for column in (name, "plain"):
        with in_process(named(column)) as one:
            bodies = ([{column: 5.0}], {column: 5.0}, {"columns": [column], "rows": [[5.0]]})
            scores += [one.post(json.dumps(body), "/score").json()["results"] for body in bodies]
    assert all(score == scores[0] for score in scores)


def test_the_pages_that_tell_columns_tell_names_of_any_characters(service: InProcess) -> None:
    assert [column["name"] for column in service.request("GET", "/detector").json()["columns"]] == list(NAMES)
    assert service.request("GET", "/openapi.json").status_code == 200
    problem = service.post(json.dumps([{}]), "/score").json()
    assert [error["field"] for error in problem["errors"]] == list(NAMES)

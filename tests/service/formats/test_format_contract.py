"""What each row of `FORMATS` has to do, whatever it is: a new row is tested by being there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from in_process import InProcess, in_process, problem, strict
from samples import FakeEngine, numbers_preprocessor

from models.calibration import Calibration
from models.detector import Detector
from models.schema import Column, FeatureSchema, Kind
from models.scoring import Scorer
from models.tables.read_options import CHUNK_ROWS
from service.formats.formats import FORMATS, STREAMED
from service.operations import OPERATIONS

NAMES = ("a", "b", "c")
ROWS = CHUNK_ROWS + 100


def numbers_detector() -> Detector:
    """A detector whose expected values are rows that it can score."""
    columns = tuple(Column(name=name, kind=Kind.NUMERIC) for name in NAMES)
    scorer = Scorer(preprocessor=numbers_preprocessor(1.0, 2.0, 4.0), engine=FakeEngine(lambda Z: 0.5 * Z))
    calibration = Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05)
    return Detector(
        name="numbers", version="1", schema=FeatureSchema(columns=columns), scorer=scorer, calibration=calibration
    )


@pytest.fixture(scope="module")
def service() -> Iterator[InProcess]:
    with in_process(numbers_detector(), max_rows=2 * ROWS) as service:
        yield service


@pytest.fixture(scope="module")
def rows(service: InProcess) -> bytes:
    """Rows that are written the same in every format."""
    cells = np.random.default_rng(0).normal(0, 2, (ROWS, 3)).tolist()
    answer = service.post(json.dumps({"columns": NAMES, "rows": cells}), "/reconstruct")
    return json.dumps(strict(answer)["reconstructions"]).encode()


def body_in(service: InProcess, rows: bytes, name: str) -> bytes:
    """Return rows as a body: half of what is answered to twice the rows."""
    if name == "json":
        return rows
    twice = [{name: 2 * value for name, value in row.items()} for row in json.loads(rows)]
    return service.post(json.dumps(twice), "/reconstruct", accept=FORMATS[name].types[0]).content


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_answered_in_a_format_is_read_in_it(service: InProcess, rows: bytes, name: str) -> None:
    wanted = strict(service.post(rows))["results"]
    answer = service.post(body_in(service, rows, name), content_type=FORMATS[name].types[0])
    assert strict(answer)["results"] == wanted


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_named_by_its_answer(service: InProcess, rows: bytes, name: str) -> None:
    for path in (operation.path for operation in OPERATIONS.values()):
        answer = service.post(rows, path, accept=FORMATS[name].types[0])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == FORMATS[name].types[0] + FORMATS[name].parameters


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_of_no_format_are_a_problem(service: InProcess, name: str) -> None:
    answer = service.post(b"\xfe\xff\x00", content_type=FORMATS[name].types[0])
    assert problem(answer, answer.status_code)["status"] in (400, 422)


@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_in_a_format_is_answered_as_the_whole_body(service: InProcess, rows: bytes, name: str) -> None:
    body, kind = body_in(service, rows, name), FORMATS[name].types[0]
    whole = service.post(body, content_type=kind, accept=kind)
    assert service.post(body, "/score/stream", content_type=kind, accept=kind).content == whole.content

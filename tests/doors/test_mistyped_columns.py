"""A column whose name is a little wrong is asked about, in the same words at every door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from bodies import WRITTEN
from in_process import InProcess, in_process
from samples import WRITERS, sample_detector, sample_record, sample_schema

from models.errors import DetectorError, TableError, mistyped
from models.programs.inputs import check_inputs
from models.tables.files import read_table
from models.tables.table import table_of
from service.formats.formats import FORMATS

RECORDS = [sample_record(serial="m-1"), sample_record(serial="m-2")]
QUESTION = "Did you mean 'amount' by 'Amounts'?"


def renamed(old: str, new: str) -> list[dict[str, object]]:
    return [{new if name == old else name: value for name, value in record.items()} for record in RECORDS]


@pytest.fixture(scope="module")
def service() -> Iterator[InProcess]:
    with in_process(sample_detector()) as client:
        yield client


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_to_score(name: str, tmp_path: Path) -> None:
    file, write = WRITERS[name]
    with pytest.raises(TableError, match="Missing: 'amount'") as caught:
        check_inputs(sample_schema(), [write(tmp_path / file, renamed("amount", "Amounts"))])
    assert QUESTION in str(caught.value)


def test_a_file_whose_id_is_mistyped(tmp_path: Path) -> None:
    path = WRITERS["csv"][1](tmp_path / "rows.csv", renamed("serial", "serials"))
    with pytest.raises(
        TableError, match=r"lacks the id column 'serial', which the output has\. Did you mean 'serial' by"
    ):
        check_inputs(sample_schema(), [path])


def test_the_second_of_two_files(tmp_path: Path) -> None:
    write = WRITERS["csv"][1]
    paths = [write(tmp_path / "a.csv", RECORDS), write(tmp_path / "b.csv", renamed("amount", "Amounts"))]
    with pytest.raises(TableError, match="other columns than the first file") as caught:
        read_table(paths)
    assert QUESTION in str(caught.value)


def test_a_data_frame() -> None:
    with pytest.raises(DetectorError, match="Missing: 'amount'") as caught:
        sample_detector().score_table(table_of(pd.DataFrame(renamed("amount", "Amounts"))))
    assert QUESTION in str(caught.value)


@pytest.mark.parametrize("form", FORMATS)
def test_a_body(form: str, service: InProcess, tmp_path: Path) -> None:
    body = WRITTEN[form](renamed("amount", "Amounts"), tmp_path)
    answer = service.post(body, content_type=FORMATS[form].types[0])
    assert answer.status_code == 422
    assert QUESTION in answer.json()["detail"]


def test_a_body_of_columns_and_rows(service: InProcess) -> None:
    answer = service.post('{"columns": ["Amounts", "number", "flag", "mode", "at"], "rows": [[1, 2, true, "a", null]]}')
    assert QUESTION in answer.json()["errors"][0]["remedy"]


def test_each_other_name_is_meant_once_and_the_same_letters_go_first() -> None:
    assert mistyped(["temp_1", "temp_2"], ["temp_2 "]) == " Did you mean 'temp_2' by 'temp_2 '?"
    assert (
        mistyped(["unit_price", "unit_prize"], ["Unit Prize", "note"]) == " Did you mean 'unit_prize' by 'Unit Prize'?"
    )
    assert mistyped([f"a{n}" for n in range(9)], [f"A{n}" for n in range(9)]).count("Did you mean") == 3
    assert mistyped(["x"], []) == mistyped(["load"], ["weight"]) == mistyped(["load"], ["lo" * 1000]) == ""


def test_no_break_spaces_in_names_are_shown_in_words(service: InProcess, tmp_path: Path) -> None:
    odd = "a\u00a0mount"
    question = "Did you mean 'amount' by 'a mount' (with a no-break space)?"
    with pytest.raises(TableError, match="not known to the detector: 'a mount' \\(with a no-break space\\)") as caught:
        check_inputs(sample_schema(), [WRITERS["csv"][1](tmp_path / "rows.csv", renamed("amount", odd))])
    assert question in str(caught.value)
    answer = service.post(WRITTEN["json"](renamed("amount", odd), tmp_path))
    assert question in answer.json()["detail"]
    extra = [record | {odd: 1} for record in RECORDS]
    notes = service.post(WRITTEN["json"](extra[:1] + RECORDS[1:], tmp_path)).json()["notes"]
    assert notes == ["ignored: 'a mount' (with a no-break space) (1 record), which the detector does not know"]

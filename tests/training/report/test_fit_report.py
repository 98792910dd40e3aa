"""The report of a training: results, rows with the highest scores and their reasons, learning; also of odd tables."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_reader import Page, complaints_about
from samples import arrow_table, machine_records, with_anomalies, write_csv

from models.tables.table import Table
from training.data.prepare import prepare
from training.fit import fit
from training.report.fit import write_fit_report
from training.settings.config import TrainConfig
from training.train import main

HOSTILE = {
    "pressure": '<script>alert("1")</script>',
    "flow": "a\"b' onload=alert(1) $x^2$ _{y}",
    "heat": "</style></svg>&amp; #d04050 @picture@",
    "mode": "\u6e29\u5ea6 {braces} %s \\n" + "long " * 30,
    "valve_open": '"><img src=https://example.org/x>',
    "serial": "url(#a) id=\"b\" 'c'",
}


def written(trained: Any, folder: Path, **changes: Any) -> Page:
    path = folder / "report.html"
    write_fit_report(path, trained.result, trained.prepared, trained.config, **changes)
    assert path.stat().st_size < 5_000_000
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return written(trained, tmp_path_factory.mktemp("report"))


def test_the_page_is_complete_accessible_and_self_contained(page: Page) -> None:
    assert complaints_about(page) == []


def test_every_plot_has_an_alternative_text(page: Page, trained: Any) -> None:
    texts = page.pictures
    calibration = trained.result.detector.calibration
    above = int((calibration.pooled.scores > calibration.threshold).sum())
    assert any(f"{above} lie above the threshold of {calibration.threshold:.4g}" in text for text in texts)
    for start in (
        *("Histogram of the scores of test rows by label", "Heat map of the shares of columns", "Mean error by column"),
        *(
            "Plane of the bottleneck by score",
            "Plane of the bottleneck by label",
            "Losses of relu",
            "Gradients of relu",
        ),
        *("relu and its slope", "Heat map of dead units of relu"),
    ):
        assert any(text.startswith(start) for text in texts), start


def test_the_rows_with_the_highest_scores_have_their_ids_labels_and_reasons(page: Page, trained: Any) -> None:
    verdicts = trained.result.detector.score(trained.prepared.columns)  # as every door scores them
    worst = int(verdicts.anomaly_score.argmax())
    [reason] = verdicts.contributions(worst, top=1)
    serial = trained.table.data.column("serial")[worst].as_py()
    share = f"{reason.contribution / verdicts.anomaly_score[worst]:.0%}"
    rows = page.html.split('<section id="rows"')[1].split("</section>")[0]
    card = rows.split('<ul class="cards">')[1].split("</ul>")[0]
    assert f"<h3>{serial} <" in card
    assert f"row {worst + 1}</p>" in card
    assert "labelled anomaly" in card
    assert f"<strong>{reason.feature}</strong>" in card
    assert f"<span>{share}</span>" in card
    first = rows.split("<tbody>")[1].split("</tr>")[0]
    assert f'<th scope="row">{serial}</th>' in first
    assert f"{reason.feature} ({share}): " in first
    assert "anomaly" in first
    assert any("Heat map of the shares" in text and f"{serial} " in text for text in page.pictures)


def test_the_first_screen_is_the_verdict_and_the_strangest_rows(page: Page, trained: Any) -> None:
    verdicts = trained.result.detector.score(trained.prepared.columns)
    [verdict] = re.findall(r'<p class="loud">(.*?)</p>', page.html)
    assert verdict.startswith(f"{verdicts.is_anomaly.sum()} of {len(verdicts.anomaly_score)} rows ")
    assert (
        page.html.index(verdict)
        < page.html.index('<ul class="cards">')
        < page.html.index("<h2", 1 + page.html.index("<h2"))
    )
    assert page.html.index('class="loud"') < page.html.index("<nav")


def test_rows_without_an_id_go_by_their_number_and_rows_with_the_same_id_by_both(trained: Any) -> None:
    from training.report.fit_rows import strangest_scored
    from training.report.highest_rows import highest_rows_section, verdict_on

    rows = strangest_scored(trained.result, trained.prepared, None)
    number = f"row\N{NO-BREAK SPACE}{rows.numbers[int(rows.scores.argmax())]}"
    n = len(rows.scores)
    for ids, name in (({}, number), ({"a": [None] * n}, number), ({"a": ["x"] * n, "b": [1] * n}, f"x · 1 ({number})")):
        cards = highest_rows_section(replace(rows, ids=ids)).parts[0].cards
        assert cards[0].name == name
        assert len({card.name for card in cards}) == len(cards)
    assert f"The strangest is {number}: " in verdict_on(replace(rows, ids={}))


def test_the_figures_of_an_ensemble_are_of_networks_that_had_not_seen_the_rows(page: Page, trained: Any) -> None:
    assert trained.result.learned.config.members > 1
    assert trained.result.evaluated.scorer is not trained.result.detector.scorer
    assert "networks that had not seen the rows" in page.html


def test_rows_of_a_test_table_are_scored_where_there_is_one(trained: Any, tmp_path: Path) -> None:
    table = Table(data=arrow_table(with_anomalies(machine_records(40, seed=9), every=8)))
    page = written(trained, tmp_path, test_table=table)
    assert "of 40 rows of --test-data" in page.html
    assert complaints_about(page) == []


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Of a single network of a tanh, without labels, from columns whose names are meant to break a page."""
    records = [{HOSTILE.get(name, name): value for name, value in row.items()} for row in machine_records(150, seed=3)]
    config = TrainConfig(preset="fast", activation="tanh", epochs=2, alert_rate=0.1, id=(HOSTILE["serial"],))
    prepared = prepare(Table(data=arrow_table(records)), config)
    result = fit(prepared, config, name="<b>odd</b>", version="1")
    path = tmp_path_factory.mktemp("hostile") / "report.html"
    write_fit_report(path, result, prepared, config)
    return Page(path.read_text(encoding="utf-8"))


def test_names_of_columns_are_nothing_but_text(hostile: Page) -> None:
    assert complaints_about(hostile) == []
    assert "script" not in hostile.tags
    assert "img" not in hostile.tags
    assert "b" not in hostile.tags
    assert "&lt;script&gt;alert(" in hostile.html


def test_without_labels_there_are_no_plots_by_label_and_saturated_units_are_drawn(hostile: Page) -> None:
    assert not any("by label" in text for text in hostile.pictures)
    assert any(text.startswith("Heat map of saturated units of tanh") for text in hostile.pictures)


def test_an_embedding_of_one_unit_and_rows_that_are_all_flagged_are_drawn(trained: Any, tmp_path: Path) -> None:
    from training.report.fit_rows import columns_section, embedding_section, held_out_rows

    rows = held_out_rows(trained.result, trained.prepared, None)
    everything = replace(rows, verdicts=replace(rows.verdicts, is_anomaly=np.ones(len(rows.scores), np.bool_)))

    class OneUnit:
        def embed(self, columns: Any) -> np.ndarray[Any, Any]:
            return np.ones((len(rows.scores), 1), np.float32)

    section = embedding_section(OneUnit(), everything)  # type: ignore[arg-type]
    assert "All rows are flagged rows" in section.parts[0].plots[0].alt
    assert columns_section(everything).parts


QUICK = ("--epochs", "2", "--preset", "fast", "--alert-rate", "0.1", "--hidden-units", "8")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("data") / "machines.csv", machine_records(200, seed=2))


def test_the_flag_writes_the_page_and_says_where(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new" / "fit.html"
    command = [str(data), "--output", str(tmp_path / "1"), *QUICK, "--json", "--report", str(page)]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["report"] == str(page)
    assert f"report: {page}" in err
    assert complaints_about(Page(page.read_text(encoding="utf-8"))) == []


def test_a_file_that_is_no_report_is_refused_before_the_first_epoch(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.network.learning.run_epochs", lambda *_, **__: pytest.fail("an epoch was run"))
    before = data.read_bytes()
    command = [str(data), "--output", str(tmp_path / "1"), *QUICK, "--quiet", "--report", str(data)]
    assert main(command) == 2
    assert "is there already and is no report" in capsys.readouterr().err
    assert data.read_bytes() == before
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_refused_before_the_first_epoch(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.network.learning.run_epochs", lambda *_, **__: pytest.fail("an epoch was run"))
    command = [str(data), "--output", str(tmp_path / "1"), *QUICK, "--quiet", "--report", str(data / "page.html")]
    assert main(command) == 2
    assert "a report cannot be written there" in capsys.readouterr().err

"""The report of a comparison: the recommendation first, alternative texts, nothing loaded from outside."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from made_up import outcome
from page_reader import Page, complaints_about
from rich.console import Console
from said import WORD, english_in, in_language, texts_of, unmarked_words
from samples import arrow_table, machine_records

from models.tables.table import Table
from training.comparison.outcomes import Failure, Outcome, TrialResult
from training.comparison.recommendation import recommend
from training.comparison.summary import best_settings, summaries_of
from training.comparison.terminal import show_comparison
from training.comparison.trials import Setting, Trial
from training.data.prepare import Prepared, prepare
from training.network.diagnostics import LayerHealth
from training.planting.kinds import KINDS
from training.report.comparison import write_comparison_report
from training.settings.config import TrainConfig

SHALLOW, DEEP = (Setting(hidden_units=shape, learning_rate=1e-3) for shape in ((8,), (8, 8, 8)))
SLOW, QUICK = (Setting(hidden_units=(8,), learning_rate=rate) for rate in (1e-3, 1e-1))
ERRORS = {"relu": (1.0, 1.1, 0.9), "prelu": (0.5, 0.56, 0.44), "tanh": (1.5, 1.66, 1.36)}
PLANTED = {"relu": 0.8, "prelu": 0.9, "tanh": 0.7}
CONFIG = TrainConfig(alert_rate=0.2)


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare(Table(data=arrow_table(machine_records(120, seed=1))), CONFIG)


def with_dead(share: float) -> dict[str, object]:
    """Return what differs where a share of the eight units of a layer is dead."""
    layer = LayerHealth(layer="encoder_1", units=8, dead=round(8 * share), nearly_dead=0, saturated=0, zeros=0.5)
    return {"units": (layer,), "dead_by_epoch": {"encoder_1": (0.0, share / 2, share)}}


def found(setting: Setting = SHALLOW, *, factor: float = 1.0, seeds: int = 3, dead: float = 0.25) -> list[Outcome]:
    return [
        outcome(
            name,
            seed,
            factor * error,
            setting=setting,
            found={kind: PLANTED[name] + 0.01 * (k + seed % 2) for k, kind in enumerate(list(KINDS)[:4])},
            **(with_dead(dead) if name == "relu" else {}),
            **({"slopes": {"encoder_1": (-0.1, 0.05, 0.3)}} if name == "prelu" else {}),
        )
        for name, errors in ERRORS.items()
        for seed, error in enumerate(errors[:seeds])
    ]


def written(found: Sequence[TrialResult], prepared: Prepared, folder: Path) -> Page:
    summaries = summaries_of(found)
    recommendation = recommend(best_settings(summaries))
    path = folder / "report.html"
    write_comparison_report(
        path, summaries, recommendation, name="machines", prepared=prepared, config=CONFIG, margin=0.01
    )
    assert path.stat().st_size < 5_000_000
    page = Page(path.read_text(encoding="utf-8"))
    assert complaints_about(page) == []
    return page


def test_the_recommendation_comes_first_in_plain_words(prepared: Prepared, tmp_path: Path) -> None:
    page = written(found(), prepared, tmp_path)
    assert re.findall(r'<section id="([^"]+)"', page.html)[0] == "recommendation"
    first = page.html.split('<section id="recommendation"')[1].split("</section>")[0]
    assert '<p class="loud">Take prelu: it finds more planted errors than relu, by 10.0 points' in page.html
    assert first.count("ore seeds would change nothing") == 1, "only once"
    assert "surely worse" in first
    assert "surely more" in first
    assert "a number that is never negative, times ten" in first


def test_terminal_and_report_have_the_same_words(prepared: Prepared, tmp_path: Path) -> None:
    results = found()
    recommendation = recommend(best_settings(summaries_of(results)))
    page, printed = written(results, prepared, tmp_path), io.StringIO()
    show_comparison(Console(file=printed, width=120), best_settings(summaries_of(results)), recommendation)
    assert recommendation.reason.startswith(recommendation.verdict)
    assert recommendation.reason in printed.getvalue()
    assert str(recommendation.reason) in page.html


def test_every_activation_has_its_plots_and_each_has_an_alternative_text(prepared: Prepared, tmp_path: Path) -> None:
    texts = written(found(), prepared, tmp_path).pictures
    for name in ERRORS:
        assert any(
            text.startswith(f"Losses of {name} over 3 epochs: on the validation rows from 3.5 to") for text in texts
        )
        assert any(text.startswith(f"{name} and its slope from −4 to 4: at −2 it is") for text in texts)
        assert any(
            text.startswith(f"Gradients of {name} by layer: at the first step 0.5 at encoder_1") for text in texts
        )
    assert any("relu × 2.00, surely worse, tanh × 3.02, reference" in text for text in texts)
    assert any("prelu has the lowest error, 0.498, at 1 ms" in text for text in texts)
    assert any("prelu 0.44 to 0.56, relu 0.9 to 1.1" in text for text in texts)
    assert any("Learned slopes of prelu: encoder_1 -0.10 to 0.30, mean 0.05" in text for text in texts)


def test_dead_units_are_drawn_where_units_can_die(prepared: Prepared, tmp_path: Path) -> None:
    page = written(found(), prepared, tmp_path)
    maps = [text for text in page.pictures if text.startswith("Heat map")]
    assert maps == [
        "Heat map of dead units of relu by layer and epoch: dead after the last epoch: 25% of encoder_1 (after the "
        "first 0%)."
    ]
    assert "No unit of prelu, tanh is dead in any epoch" in page.html


def test_depth_has_a_section_where_several_were_compared(prepared: Prepared, tmp_path: Path) -> None:
    page = written([*found(SHALLOW), *found(DEEP, factor=3.0)], prepared, tmp_path)
    assert "From 1 to 3 hidden layers the held-out error of relu becomes 3 times as high" in page.html
    assert 'id="learning-rate"' not in page.html
    assert any(text.startswith("Held-out error over depth: relu 0.997 at 1, 2.99 at 3") for text in page.pictures)
    assert any(text.startswith("First layer’s gradient over the last one’s over depth") for text in page.pictures)


def test_the_effect_of_the_learning_rate_on_dead_units_is_reported_in_numbers(
    prepared: Prepared, tmp_path: Path
) -> None:
    page = written([*found(SLOW), *found(QUICK, dead=0.75)], prepared, tmp_path)
    assert (
        "From a learning rate of 0.001 to one of 0.1, the dead units of relu rise from 25.0% to 75.0% of all"
        in page.html
    )
    assert "prelu and tanh have none at either" in page.html
    assert 'id="depth"' not in page.html


def test_from_one_seed_nothing_is_recommended_and_all_is_drawn_without_intervals(
    prepared: Prepared, tmp_path: Path
) -> None:
    page = written(found(seeds=1), prepared, tmp_path)
    assert "Nothing is recommended" in page.html
    assert len(page.pictures) > 9


def test_an_activation_without_any_result_is_left_out(prepared: Prepared, tmp_path: Path) -> None:
    failures = [
        Failure(trial=Trial(activation="elu", setting=SHALLOW, seed=seed), complaint="not a number")
        for seed in range(3)
    ]
    page = written([*found(), *failures], prepared, tmp_path)
    assert not any(text.startswith("elu") for text in page.pictures)
    assert "Nothing is recommended" in written(failures, prepared, tmp_path).html


def test_losses_that_are_zero_or_of_other_lengths_are_drawn(prepared: Prepared, tmp_path: Path) -> None:
    odd = [
        outcome("relu", seed, 0.0001, losses=(1.0, 0.0, *([0.0] * seed)), validation_losses=(0.0, 0.0, *([0.0] * seed)))
        for seed in range(2)
    ]
    same = [outcome("elu", seed, 0.0001) for seed in range(2)]
    written([*odd, *same], prepared, tmp_path)


CATALOGUE = Path(__file__).resolve().parents[3] / "models" / "languages" / "pt.po"
MANY = [*found(SHALLOW), *found(DEEP, factor=1.3, dead=0.5), *found(QUICK, factor=1.1)]
NAMES = {*ERRORS, "fpr", "max", "out", "exp", "otherwise", "Holm"}  # in formulas and on axes, too


def printed() -> str:
    """Return what the terminal shows."""
    best = best_settings(summaries_of(MANY))
    console = Console(file=io.StringIO(), width=500, highlight=False)
    show_comparison(console, best, recommend(best))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_text_of_the_report_is_in_the_catalogues(prepared: Prepared, tmp_path: Path) -> None:
    left = unmarked_words(lambda: texts_of(written(MANY, prepared, tmp_path).html).replace("_", " "))
    data = [*prepared.table.names, *CONFIG.__dataclass_fields__, *map(str, prepared.rows), "encoder output"]
    data += [str(getattr(CONFIG, name)) for name in CONFIG.__dataclass_fields__] + ["machines"]
    known = {*NAMES, *WORD.findall(" ".join(data).replace("_", " "))}
    assert set(left) - known == set()


def test_every_text_of_the_terminal_is_in_the_catalogues() -> None:
    assert set(unmarked_words(printed)) - NAMES - {"activation"} == set()  # the flag


def test_in_portuguese_there_is_no_english_text(prepared: Prepared, tmp_path: Path) -> None:
    page = in_language("pt", lambda: written(MANY, prepared, tmp_path)).html
    assert "Use prelu: encontra mais erros plantados que relu" in page
    assert english_in(texts_of(page), CATALOGUE) == []
    text = in_language("pt", printed)
    assert "Use prelu: encontra mais erros plantados que relu" in text
    assert english_in(text, CATALOGUE) == []

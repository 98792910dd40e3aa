"""The report of a comparison: the recommendation first, then the figures behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from training.comparison.outcomes import Outcome
from training.comparison.recommendation import Recommendation
from training.comparison.summary import Mean, Summary, labels_of
from training.data.prepare import Prepared
from training.report.comparison_learning import learning_sections
from training.report.comparison_recommendation import recommendation_section
from training.report.comparison_settings import settings_sections
from training.report.kit.file import write_report
from training.report.kit.page import Cell, Grid, Section, Text, page_of
from training.report.subject import columns_grid, rows_grid, settings_grid
from training.settings.config import TrainConfig

_Figure = tuple[str, Callable[[Outcome], float], str, float]

_MEASURES: Final = {"roc_auc": "ROC AUC", "average_precision": "average precision"}
_TIMES: Final[tuple[_Figure, ...]] = (
    ("best epoch", lambda outcome: outcome.best_epoch, ".0f", 1),
    ("seconds to it", lambda outcome: outcome.seconds_to_best, ".2f", 1),
    ("seconds of all epochs", lambda outcome: outcome.seconds, ".2f", 1),
    ("ms a step", lambda outcome: outcome.step_seconds, ".2f", 1e3),
    ("µs to score a row", lambda outcome: outcome.scoring_seconds, ".2f", 1e6),
)
_UNITS: Final[tuple[_Figure, ...]] = (
    ("dead, %", lambda outcome: outcome.share("dead"), ".1f", 100),
    ("nearly dead, %", lambda outcome: outcome.share("nearly_dead"), ".1f", 100),
    ("saturated, %", lambda outcome: outcome.share("saturated"), ".1f", 100),
    ("outputs that are zero, %", lambda outcome: outcome.zeros, ".1f", 100),
    ("first over last gradient", lambda outcome: outcome.gradient_ratio, ".3g", 1),
)


def write_comparison_report(
    path: Path,
    summaries: Sequence[Summary],
    best: Sequence[Summary],
    recommendation: Recommendation,
    *,
    name: str,
    prepared: Prepared,
    config: TrainConfig,
    margin: float,
) -> None:
    """Write the report of a comparison.

    Args:
        path: The file.
        summaries: Every activation under every setting.
        best: One for each activation, under its best setting.
        recommendation: The recommendation.
        name: Name of the comparison.
        prepared: The table.
        config: The settings that all networks share.
        margin: Relative difference of errors that does not matter.

    Raises:
        ConfigError: The file cannot be written, or exists and is no report.
    """
    sections = [recommendation_section(best, recommendation, margin=margin)]
    if summaries:
        sections += [
            _figures_section(summaries, best, recommendation),
            *settings_sections(summaries),
            *learning_sections(summaries, best, config),
        ]
    sections.append(_subject_section(summaries, prepared, config))
    write_report(
        path,
        page_of(sections, title=f"Activations compared on {name}", introduction=_introduction(summaries, prepared)),
    )


def _introduction(summaries: Sequence[Summary], prepared: Prepared) -> str:
    activations = dict.fromkeys(summary.activation for summary in summaries)
    settings = dict.fromkeys(summary.setting for summary in summaries)
    networks = sum(len(summary.outcomes) for summary in summaries)
    under = "" if len(settings) == 1 else f" under {len(settings)} settings"
    return (
        f"{networks} networks: {len(activations)} activations{under}, each with the same seeds, fitted on the same "
        f"{prepared.rows['fitting']:,} rows and measured on rows that none of them has seen."
    )


def _subject_section(summaries: Sequence[Summary], prepared: Prepared, config: TrainConfig) -> Section:
    settings = dict.fromkeys(str(summary.setting) for summary in summaries)
    seeds = sorted({outcome.trial.seed for summary in summaries for outcome in summary.outcomes})
    compared = f"Compared under: {'; '.join(settings)}. Seeds: {', '.join(map(str, seeds))}."
    return Section(
        anchor="subject",
        title="Settings, rows and columns",
        parts=[
            *([Text(text=compared)] if summaries else []),
            rows_grid(prepared, config),
            *columns_grid(prepared),
            settings_grid(
                config, without=("activation", "preset", "depth", "hidden_units", "learning_rate", "patience")
            ),
        ],
    )


def _figures_section(summaries: Sequence[Summary], best: Sequence[Summary], recommendation: Recommendation) -> Section:
    ranked = recommendation.ranked(summaries)
    rows = list(zip(labels_of(ranked), ranked, strict=True))
    chosen = [name for name, item in rows if item in best and item.activation == recommendation.activation]
    explanation = "Means over the seeds, in brackets their 95 % intervals (Student’s)."
    if len(summaries) > len(best):
        explanation += " The recommendation compares each activation under the setting with its lowest error."
    return Section(
        anchor="figures",
        title="Figures",
        parts=[
            Text(text=explanation),
            _quality(rows, chosen),
            _grid(
                "Time",
                rows,
                _TIMES,
                chosen,
                extra=("epochs to the level of relu", _epochs_to_relu_level),
                note="The time of a step leaves out the first epoch, in which TensorFlow compiles. The level of relu "
                "is its lowest validation loss with the same seed.",
            ),
            _grid(
                "Units and gradients",
                rows,
                _UNITS,
                chosen,
                extra=("seeds with a layer more than half dead", _seeds_with_dead_layer),
                note="Of the hidden layers, with the weights that were kept. Dead: zero on every validation row. "
                "Nearly dead: zero on 99 % of them. Saturated: at an end of the activation on all of them. The "
                "gradients are those of the first step: a first layer whose gradient is far below that of the last one "
                "hardly learns.",
            ),
        ],
    )


def _quality(rows: Sequence[tuple[str, Summary]], chosen: Sequence[str]) -> Grid:
    measures = [name for name in _MEASURES if getattr(rows[0][1].outcomes[0], name) is not None]
    lowest = min(summary.error.mean for _, summary in rows)
    highest = {name: max(_measured(summary, name).mean for _, summary in rows) for name in measures}
    return Grid(
        title="Quality",
        header=(
            "activation",
            "held-out error",
            *(_MEASURES[name] for name in measures),
            "agreement of the seeds",
            "seeds",
            "failed seeds",
            "weights",
        ),
        rows=[
            (
                name,
                Cell(text=_with_interval(summary.error, form=".4g"), best=summary.error.mean == lowest),
                *(
                    Cell(text=_with_interval(mean, form=".3f"), best=mean.mean == highest[measure])
                    for measure in measures
                    for mean in [_measured(summary, measure)]
                ),
                "–" if summary.rank_stability is None else f"{summary.rank_stability:.3f}",
                str(len(summary.outcomes)),
                str(len(summary.failures)),
                f"{summary.outcomes[0].parameters:,}",
            )
            for name, summary in rows
        ],
        note="The held-out error is the loss that the networks minimise, on rows that nothing was learned or chosen "
        "on: lower is better. Agreement of the seeds is Spearman’s correlation between the scores of two seeds, the "
        "mean over all pairs. The best of a column is bold.",
        marked=chosen,
    )


def _measured(summary: Summary, name: str) -> Mean:
    return summary.mean(lambda outcome: float(getattr(outcome, name)))


def _grid(
    title: str,
    rows: Sequence[tuple[str, Summary]],
    figures: Sequence[_Figure],
    chosen: Sequence[str],
    *,
    extra: tuple[str, Callable[[Summary], str]],
    note: str,
) -> Grid:
    return Grid(
        title=title,
        header=("activation", *(name for name, *_ in figures), extra[0]),
        rows=[
            (
                name,
                *(_with_interval(summary.mean(figure), form=form, scale=scale) for _, figure, form, scale in figures),
                extra[1](summary),
            )
            for name, summary in rows
        ],
        note=note,
        marked=chosen,
    )


def _epochs_to_relu_level(summary: Summary) -> str:
    reached = [pair[0] for pair in summary.reached if pair is not None]
    if not reached:
        return "–"
    never = len(summary.reached) - len(reached)
    return _with_interval(Mean.of(reached), form=".0f") + (f", {never} never" if never else "")


def _seeds_with_dead_layer(summary: Summary) -> str:
    return f"{summary.seeds_with_dead_layer} of {len(summary.outcomes)}"


def _with_interval(mean: Mean, *, form: str, scale: float = 1.0) -> str:
    """Format a mean with both ends of its interval, where they differ; `scale` multiplies each number."""
    text = format(scale * mean.mean, form)
    if mean.low is None or mean.high is None:
        return text
    low, high = (format(scale * end, form) for end in (mean.low, mean.high))
    return text if low == high else f"{text} ({low} to {high})"

"""The report of a comparison: the recommendation first, then the figures behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from models.languages import spoken
from models.messages import joined, phrase, plural
from training.comparison.outcomes import Outcome
from training.comparison.recommendation import Recommendation
from training.comparison.summary import Mean, Summary, best_settings, labels_of
from training.data.prepare import Prepared
from training.report.comparison_learning import learning_sections
from training.report.comparison_recommendation import recommendation_section
from training.report.comparison_settings import settings_sections
from training.report.kit.file import write_report
from training.report.kit.page import Cell, Grid, Section, Text, page_of
from training.report.subject import subject_tables
from training.settings.config import TrainConfig

_MEASURES: Final = {"roc_auc": phrase("ROC AUC"), "average_precision": phrase("average precision")}


def write_comparison_report(
    path: Path,
    summaries: Sequence[Summary],
    recommendation: Recommendation,
    *,
    name: str,
    prepared: Prepared,
    config: TrainConfig,
    margin: float,
) -> None:
    """Write the report of a comparison: of every activation under every setting, with what all networks share.

    Raises:
        ConfigError: The file cannot be written, or exists and is no report.
    """
    best = best_settings(summaries)
    sections = [recommendation_section(best, recommendation, margin=margin)]
    if summaries:
        sections += [
            _figures_section(summaries, best, recommendation),
            *settings_sections(summaries),
            *learning_sections(summaries, best, config),
        ]
    sections.append(_subject_section(summaries, prepared, config))
    settings = len({summary.setting for summary in summaries})
    introduction = plural(
        "{networks} networks: {activations} activations, each with the same seeds, fitted on the same {rows:,} rows "
        "and measured on rows that none of them has seen.",
        "{networks} networks: {activations} activations under {count} settings, each with the same seeds, fitted on "
        "the same {rows:,} rows and measured on rows that none of them has seen.",
        count=max(1, settings),
        networks=sum(len(summary.outcomes) for summary in summaries),
        activations=len(best),
        rows=prepared.rows["fitting"],
    )
    page = page_of(
        sections,
        title=phrase("Activations compared on {name}", name=name),
        verdict=recommendation.verdict,
        introduction=introduction,
    )
    write_report(path, page)


def _subject_section(summaries: Sequence[Summary], prepared: Prepared, config: TrainConfig) -> Section:
    settings = [setting.in_words for setting in dict.fromkeys(summary.setting for summary in summaries)]
    seeds = sorted({outcome.trial.seed for summary in summaries for outcome in summary.outcomes})
    compared = phrase(
        "Compared under: {settings}. Seeds: {seeds}.",
        settings=joined(settings, by="; "),
        seeds=", ".join(map(str, seeds)),
    )
    parts = [Text(text=compared)] if summaries else []
    compared_settings = ("activation", "preset", "depth", "hidden_units", "learning_rate", "patience")
    tables = subject_tables(prepared, config, without=compared_settings)
    return Section(anchor="subject", title=phrase("Settings, rows and columns"), parts=[*parts, *tables])


def _figures_section(summaries: Sequence[Summary], best: Sequence[Summary], recommendation: Recommendation) -> Section:
    ranked = recommendation.ranked(summaries)
    rows = list(zip(labels_of(ranked), ranked, strict=True))
    chosen = [name for name, item in rows if item in best and item.activation == recommendation.activation]
    explanation = phrase(
        "Means over the seeds, in brackets their 95 % intervals (Student’s). Errors, times and gradients are compared "
        "as ratios: their means are geometric, and so are the intervals."
    )
    if len(summaries) > len(best):
        under = phrase("The recommendation compares each activation under the setting with which it finds most.")
        explanation = joined([explanation, under])
    tables = [
        Grid(
            title=title,
            header=(phrase("activation"), *columns),
            rows=[(name, *(column(summary) for column in columns.values())) for name, summary in rows],
            note=note,
            marked=chosen,
        )
        for title, columns, note in _TABLES
    ]
    return Section(
        anchor="figures", title=phrase("Figures"), parts=[Text(text=explanation), _quality(rows, chosen), *tables]
    )


def _quality(rows: Sequence[tuple[str, Summary]], chosen: Sequence[str]) -> Grid:
    measures = [name for name in _MEASURES if getattr(rows[0][1].outcomes[0], name) is not None]
    lowest = min(summary.error.mean for _, summary in rows)
    highest = {name: max(_measured(summary, name).mean for _, summary in rows) for name in measures}
    labelled = [_MEASURES[name] for name in measures]
    return Grid(
        title=phrase("Quality"),
        header=(
            phrase("activation"),
            phrase("held-out error"),
            *labelled,
            phrase("agreement of the seeds"),
            phrase("seeds"),
            phrase("failed seeds"),
            phrase("weights"),
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
                "–" if summary.rank_stability is None else phrase("{value:.3f}", value=summary.rank_stability),
                str(len(summary.outcomes)),
                str(len(summary.failures)),
                phrase("{weights:,}", weights=summary.outcomes[0].parameters),
            )
            for name, summary in rows
        ],
        note=phrase(
            "The held-out error is the loss that the networks minimise, on rows that nothing was learned or chosen on: "
            "lower is better. Agreement of the seeds is Spearman’s correlation between the scores of two seeds, the "
            "mean over all pairs. The best of a column is bold."
        ),
        marked=chosen,
    )


def _measured(summary: Summary, name: str) -> Mean:
    return summary.share(lambda outcome: float(getattr(outcome, name)))


def _figure(figure: Callable[[Outcome], float], form: str, *, scale: float = 1.0) -> Callable[[Summary], str]:
    return lambda summary: _with_interval(summary.mean(figure), form=form, scale=scale)


def _percent(share: Callable[[Outcome], float]) -> Callable[[Summary], str]:
    return lambda summary: _with_interval(summary.share(share), form=".1f", scale=100)


def _epochs_to_relu_level(summary: Summary) -> str:
    reached = [pair[0] for pair in summary.reached if pair is not None]
    if not reached:
        return "–"
    never = len(summary.reached) - len(reached)
    epochs = _with_interval(Mean.of(reached), form=".0f")
    return phrase("{epochs}, {never} never", epochs=epochs, never=never) if never else epochs


def _seeds_with_dead_layer(summary: Summary) -> str:
    return phrase("{some} of {all}", some=summary.seeds_with_dead_layer, all=len(summary.outcomes))


def _with_interval(mean: Mean, *, form: str, scale: float = 1.0) -> str:
    """Format a mean with both ends of its interval, where they differ."""
    ends = [scale * each for each in (mean.mean, mean.low, mean.high)]
    middle, low, high = (spoken().formatted(each, form) for each in ends)
    return middle if low == high else phrase("{middle} ({low} to {high})", middle=middle, low=low, high=high)


_TABLES: Final[tuple[tuple[str, dict[str, Callable[[Summary], str]], str], ...]] = (
    (
        phrase("Time"),
        {
            phrase("best epoch"): _figure(lambda outcome: outcome.best_epoch, ".0f"),
            phrase("seconds to it"): _figure(lambda outcome: outcome.seconds_to_best, ".2f"),
            phrase("seconds of all epochs"): _figure(lambda outcome: outcome.seconds, ".2f"),
            phrase("ms a step"): _figure(lambda outcome: outcome.step_seconds, ".2f", scale=1e3),
            phrase("µs to score a row"): _figure(lambda outcome: outcome.scoring_seconds, ".2f", scale=1e6),
            phrase("epochs to the level of relu"): _epochs_to_relu_level,
        },
        phrase(
            "The time of a step leaves out the first epoch, in which TensorFlow compiles. The level of relu is its "
            "lowest validation loss with the same seed."
        ),
    ),
    (
        phrase("Units and gradients"),
        {
            phrase("dead, %"): _percent(lambda outcome: outcome.share("dead")),
            phrase("nearly dead, %"): _percent(lambda outcome: outcome.share("nearly_dead")),
            phrase("saturated, %"): _percent(lambda outcome: outcome.share("saturated")),
            phrase("outputs that are zero, %"): _percent(lambda outcome: outcome.zeros),
            phrase("first over last gradient"): _figure(lambda outcome: outcome.gradient_ratio, ".3g"),
            phrase("seeds with a layer more than half dead"): _seeds_with_dead_layer,
        },
        phrase(
            "Of the hidden layers, with the weights that were kept. Dead: zero on every validation row. Nearly dead: "
            "zero on 99 % of them. Saturated: at an end of the activation on all of them. The gradients are those of "
            "the first step: a first layer whose gradient is far below that of the last one hardly learns."
        ),
    ),
)

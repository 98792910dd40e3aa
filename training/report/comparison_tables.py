"""The figures of a comparison as tables: quality, time, units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from training.comparison.results import Outcome
from training.comparison.summary import Mean, Summary
from training.comparison.verdict import Verdict
from training.report.comparison_verdict import ranked
from training.report.kit.parts import Cell, Grid, Section, Text
from training.report.kit.words import with_interval

_Figure = tuple[str, Callable[[Outcome], float], str, float]

_MEASURES: Final = {"roc_auc": "ROC AUC", "average_precision": "average precision"}
_TIMES: Final[tuple[_Figure, ...]] = (
    ("best epoch", lambda one: one.best_epoch, ".0f", 1),
    ("seconds to it", lambda one: one.seconds_to_best, ".2f", 1),
    ("seconds of all epochs", lambda one: one.seconds, ".2f", 1),
    ("ms a step", lambda one: one.step_seconds, ".2f", 1e3),
    ("µs to score a row", lambda one: one.scoring_seconds, ".2f", 1e6),
)
_UNITS: Final[tuple[_Figure, ...]] = (
    ("dead, %", lambda one: one.share("dead"), ".1f", 100),
    ("nearly dead, %", lambda one: one.share("nearly_dead"), ".1f", 100),
    ("saturated, %", lambda one: one.share("saturated"), ".1f", 100),
    ("outputs that are zero, %", lambda one: one.zeros, ".1f", 100),
    ("first over last gradient", lambda one: one.gradient_ratio, ".3g", 1),
)


def figures_section(summaries: Sequence[Summary], best: Sequence[Summary], verdict: Verdict) -> Section:
    """Return all figures.

    Args:
        summaries: Every activation under every setting.
        best: One for each activation, under the setting that suits it best.
        verdict: On those.
    """
    names = labels_of(summaries)
    chosen = [
        names[number] for number, one in enumerate(summaries) if one in best and one.activation == verdict.activation
    ]
    order = {id(one): place for place, one in enumerate(ranked(summaries, verdict))}
    rows = sorted(zip(names, summaries, strict=True), key=lambda pair: order[id(pair[1])])
    several = len(summaries) > len(best)
    said = "Means over the seeds, in brackets their 95 % intervals (Student’s)."
    if several:
        said += " The verdict compares each activation under the setting in which its error is lowest."
    return Section(
        anchor="figures",
        title="Figures",
        parts=[
            Text(text=said),
            _quality(rows, chosen),
            _grid(
                "Time",
                rows,
                _TIMES,
                chosen,
                extra=("epochs to the level of relu", _to_relu),
                note="The first epoch, in which TensorFlow compiles, does not count in the time of a step. The level "
                "of relu is the lowest validation loss that relu has with the same seed.",
            ),
            _grid(
                "Units and gradients",
                rows,
                _UNITS,
                chosen,
                extra=("seeds with a layer more than half dead", _dead),
                note="Of the hidden layers, with the weights that were kept. Dead is a unit that gives zero on every "
                "validation row, nearly dead one that does so on 99 % of them, saturated one that is at an end of its "
                "activation on all of them. The gradients are those of the first step: where the first layer’s is far "
                "smaller than the last one’s, it hardly learns.",
            ),
        ],
    )


def labels_of(summaries: Sequence[Summary]) -> list[str]:
    """Return a name for each summary: its activation, and what of its setting is not the same for all."""
    depths = {len(summary.setting.hidden_units) for summary in summaries}
    rates = {summary.setting.learning_rate for summary in summaries}
    labels = []
    for summary in summaries:
        layers = len(summary.setting.hidden_units)
        depth = f", {layers} layer{'s' if layers > 1 else ''}" if len(depths) > 1 else ""
        rate = f", rate {summary.setting.learning_rate:g}" if len(rates) > 1 else ""
        labels.append(f"{summary.activation}{depth}{rate}")
    return labels


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
                Cell(text=with_interval(summary.error, form=".4g"), best=summary.error.mean == lowest),
                *(
                    Cell(text=with_interval(mean, form=".3f"), best=mean.mean == highest[measure])
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
        note="The held-out error is what the networks minimise, on rows that nothing was learned or chosen on: lower "
        "is better. The seeds agree where they rank rows alike (Spearman’s correlation of the scores, the mean over "
        "all pairs). The best of a column is bold.",
        marked=chosen,
    )


def _measured(summary: Summary, name: str) -> Mean:
    return summary.mean(lambda one: float(getattr(one, name)))


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
                *(with_interval(summary.mean(figure), form=form, scale=scale) for _, figure, form, scale in figures),
                extra[1](summary),
            )
            for name, summary in rows
        ],
        note=note,
        marked=chosen,
    )


def _to_relu(summary: Summary) -> str:
    reached = [pair[0] for pair in summary.reached if pair is not None]
    if not reached:
        return "–"
    never = len(summary.reached) - len(reached)
    return with_interval(Mean.of(reached), form=".0f") + (f", {never} never" if never else "")


def _dead(summary: Summary) -> str:
    return f"{summary.seeds_with_dead_layer} of {len(summary.outcomes)}"

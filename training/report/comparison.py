"""The report of a comparison: the verdict first, then everything that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.comparison.summary import Summary
from training.comparison.verdict import Verdict
from training.data.prepare import Prepared
from training.report.comparison_learning import learning_sections
from training.report.comparison_settings import settings_sections
from training.report.comparison_tables import figures_section
from training.report.comparison_verdict import verdict_section
from training.report.kit.file import write_report
from training.report.kit.page import page_of
from training.report.kit.parts import Section, Text
from training.report.subject import columns_grid, rows_grid, settings_grid
from training.settings.config import TrainConfig


def write_comparison_report(
    path: Path,
    summaries: Sequence[Summary],
    best: Sequence[Summary],
    verdict: Verdict,
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
        best: One for each activation, under the setting that suits it best.
        verdict: On those.
        name: What was compared on.
        prepared: The table.
        config: What all networks have in common.
        margin: Share by which errors may differ without mattering.

    Raises:
        ConfigError: The file cannot be written, or is something else.
    """
    sections = [verdict_section(best, verdict, margin=margin)]
    if summaries:
        sections += [
            figures_section(summaries, best, verdict),
            *settings_sections(summaries),
            *learning_sections(summaries, best, config),
        ]
    sections.append(_subject(summaries, prepared, config))
    write_report(path, page_of(sections, title=f"Activations compared on {name}", says=_says(summaries, prepared)))


def _says(summaries: Sequence[Summary], prepared: Prepared) -> str:
    activations = dict.fromkeys(summary.activation for summary in summaries)
    settings = dict.fromkeys(summary.setting for summary in summaries)
    networks = sum(len(summary.outcomes) for summary in summaries)
    under = "" if len(settings) == 1 else f" under {len(settings)} settings"
    return (
        f"{networks} networks: {len(activations)} activations{under}, each with the same seeds, fitted on the same "
        f"{prepared.rows['fitting']:,} rows and measured on rows that none of them has seen."
    )


def _subject(summaries: Sequence[Summary], prepared: Prepared, config: TrainConfig) -> Section:
    settings = dict.fromkeys(str(summary.setting) for summary in summaries)
    seeds = sorted({outcome.trial.seed for summary in summaries for outcome in summary.outcomes})
    said = f"Compared under: {'; '.join(settings)}. Seeds: {', '.join(map(str, seeds))}."
    return Section(
        anchor="subject",
        title="What was compared, and on what",
        parts=[
            *([Text(text=said)] if summaries else []),
            rows_grid(prepared, config),
            *columns_grid(prepared),
            settings_grid(
                config, without=("activation", "preset", "depth", "hidden_units", "learning_rate", "patience")
            ),
        ],
    )

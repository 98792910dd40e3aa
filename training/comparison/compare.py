"""One comparison: from input files to a recommendation, a report and, if asked for, a detector."""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console

from models.bundle import new_bundle
from models.errors import ConfigError
from models.programs.reading_flags import read_options_of
from models.repository import ARTIFACTS, next_version, version_of
from models.tables.files import expand, read_table
from models.tables.table import Table
from training.comparison.outcomes import COMPARISONS, TrialFile, TrialResult
from training.comparison.processes import run_trials
from training.comparison.recommendation import LEAST_SEEDS, Recommendation, recommend
from training.comparison.summary import Summary, summaries_of
from training.comparison.terminal import TrialBar, show_comparison
from training.comparison.trials import Trial, settings_of, trials_of
from training.data.prepare import Prepared, prepare
from training.data.split import SHARES
from training.programs.terminal import fit_with_bar, show_prepared, show_result
from training.settings.config import TrainConfig
from training.settings.flags import config_of

if TYPE_CHECKING:
    from training.fit import FitResult

RESULTS: Final = "trials.jsonl"
REPORT: Final = "report.html"
_INTERRUPTED: Final = 130
_CARD_KEYS: Final = ("recommendation", "ties", "reason", "settled", "differences", "activations")
_SHARED_SETTINGS: Final = (
    *("training_rows", "negative_slope", "alpha", "latent_units", "dropout", "input_noise"),
    *("epochs", "batch_size", "weight_decay"),
)


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fit every activation with every seed and recommend one; return the report that ``--json`` prints."""
    console = Console(stderr=arguments.json, quiet=arguments.quiet, highlight=False)
    progress = Console(stderr=True, quiet=arguments.quiet)
    _check(arguments)
    config, name, table = _inputs(arguments, console)
    trials = _trials(arguments, config)
    prepared = prepare(table, config)
    show_prepared(console, prepared, config)
    folder = arguments.output or COMPARISONS / name
    if arguments.overwrite:
        for file in (RESULTS, REPORT):  # other files stay
            (folder / file).unlink(missing_ok=True)
    results = TrialFile(folder / RESULTS, _subject(prepared, config, arguments.seconds))
    bundle = next_version(ARTIFACTS / name) if arguments.save_best else None
    with ExitStack() as stack:
        unfinished = None if bundle is None else stack.enter_context(new_bundle(bundle))  # refused before the work
        stack.enter_context(_told_if_interrupted(trials, results, progress))
        _run(trials, results, prepared=prepared, config=config, arguments=arguments, progress=progress)
        summaries = summaries_of(results.of(trials))
        best = best_settings(summaries)
        recommendation = recommend(best, margin=arguments.margin)
        show_comparison(console, best, recommendation)
        from training.report.comparison import write_comparison_report  # Matplotlib takes a second

        write_comparison_report(
            folder / REPORT,
            summaries,
            best,
            recommendation,
            name=name,
            prepared=prepared,
            config=config,
            margin=arguments.margin,
        )
        console.print(f"report: {folder / REPORT}", markup=False, soft_wrap=True)
        report = _report(best, summaries, recommendation, folder)
        if bundle is None or unfinished is None:
            return report
        started = time.perf_counter()
        wanted = _best_config(config, best, recommendation, swept=bool(arguments.depths or arguments.learning_rates))
        result = fit_with_bar(progress, prepared, wanted, name=name, version=version_of(bundle))
        _save(result, unfinished, comparison=report)
        show_result(console, result, bundle=bundle, seconds=time.perf_counter() - started)
    return report | {"bundle": str(bundle)}


def _trials(arguments: argparse.Namespace, config: TrainConfig) -> list[Trial]:
    settings = settings_of(
        replace(config, preset="fast"), depths=arguments.depths, learning_rates=arguments.learning_rates
    )
    seeds = range(config.seed, config.seed + arguments.seeds)
    return trials_of(list(dict.fromkeys(arguments.activations)), settings, seeds)


def _run(
    trials: Sequence[Trial],
    results: TrialFile,
    *,
    prepared: Prepared,
    config: TrainConfig,
    arguments: argparse.Namespace,
    progress: Console,
) -> None:
    """Run the trials without a result, and keep each result at once."""
    missing = results.missing(trials)
    with TrialBar(progress, done=len(trials) - len(missing), total=len(trials)) as bar:

        def on_result(result: TrialResult) -> None:
            results.append(result)
            bar(result)

        run_trials(prepared, config, missing, jobs=arguments.jobs, seconds=arguments.seconds, on_result=on_result)


@contextmanager
def _told_if_interrupted(trials: Sequence[Trial], results: TrialFile, progress: Console) -> Iterator[None]:
    """Print at Ctrl-C which results are kept.

    Raises:
        SystemExit: Ctrl-C was pressed.
    """
    try:
        yield
    except KeyboardInterrupt:
        kept = len(results.of(trials))
        progress.print(f"interrupted: {kept} of {len(trials)} networks are kept, the same command goes on from there")
        raise SystemExit(_INTERRUPTED) from None


def _best_config(
    config: TrainConfig, best: Sequence[Summary], recommendation: Recommendation, *, swept: bool
) -> TrainConfig:
    """Return the settings of the recommended detector; of depth and learning rate only where they were compared."""
    chosen = next((summary for summary in best if summary.activation == recommendation.activation), None)
    if chosen is None:
        raise ConfigError(f"--save-best: {recommendation.reason}")
    config = replace(config, activation=chosen.activation)
    if not swept:
        return config
    return replace(config, hidden_units=chosen.setting.hidden_units, learning_rate=chosen.setting.learning_rate)


def _save(result: FitResult, folder: Path, *, comparison: Mapping[str, Any]) -> None:
    """Write the detector with the comparison in its card."""
    from training.save import write_result

    card = {**result.detector.card, "comparison": {key: comparison[key] for key in _CARD_KEYS}}
    write_result(replace(result, detector=replace(result.detector, card=card)), folder)


def best_settings(summaries: Sequence[Summary]) -> list[Summary]:
    """Return, for each activation, the summary under the setting with its lowest held-out error."""
    best: dict[str, Summary] = {}
    for summary in summaries:
        rival = best.get(summary.activation)
        if rival is None or (len(summary.failures), summary.error.mean) < (len(rival.failures), rival.error.mean):
            best[summary.activation] = summary
    return list(best.values())


def _check(arguments: argparse.Namespace) -> None:
    limits = [
        (arguments.seeds >= 1, f"--seeds must be at least 1, got {arguments.seeds}."),
        (
            arguments.seeds >= LEAST_SEEDS or not arguments.save_best,
            f"--save-best needs a recommendation: --seeds {LEAST_SEEDS} at least.",
        ),
        (arguments.jobs >= 1, f"--jobs must be at least 1, got {arguments.jobs}."),
        (arguments.margin >= 0, f"--margin must be at least 0, got {arguments.margin}."),
        (arguments.seconds is None or arguments.seconds > 0, f"--seconds must be above 0, got {arguments.seconds}."),
        (arguments.seconds is None or arguments.epochs is None, "--seconds and --epochs exclude one another."),
        (all(1 <= depth <= 32 for depth in arguments.depths), f"--depth must be in [1, 32], got {arguments.depths}."),
        (not (arguments.depths and arguments.hidden_units), "--depth and --hidden-units exclude one another."),
        (all(rate > 0 for rate in arguments.learning_rates), "--learning-rates must be above 0."),
    ]
    if complaints := [sentence for holds, sentence in limits if not holds]:
        raise ConfigError(" ".join(complaints))


def _inputs(arguments: argparse.Namespace, console: Console) -> tuple[TrainConfig, str, Table]:
    if arguments.data:
        name = arguments.name or expand(arguments.data)[0].name.split(".")[0]
        return config_of(arguments), name, read_table(arguments.data, read_options_of(arguments))
    from training.data import demo_data

    if arguments.label:
        raise ConfigError("--label needs DATA: the embedded data set has its own label.")
    console.print(demo_data.DESCRIPTION)
    config = config_of(arguments, label=demo_data.LABEL, fit_on="normal")
    return config, arguments.name or demo_data.NAME, demo_data.embedded_table()


def _subject(prepared: Prepared, config: TrainConfig, seconds: float | None) -> dict[str, Any]:
    """Return what all trials share; a comparison resumes only where it is the same."""
    digest = hashlib.sha256()
    for part in SHARES:
        rows = getattr(prepared.split, part)
        digest.update(np.packbits(rows).tobytes())
        digest.update(prepared.preprocessor.transform(prepared.part(rows)).Z.tobytes())
    settings = {name: getattr(config, name) for name in _SHARED_SETTINGS}
    return {"rows and columns": digest.hexdigest(), **settings, "fit_on": config.fit_on, "seconds": seconds}


def _report(
    best: Sequence[Summary], summaries: Sequence[Summary], recommendation: Recommendation, folder: Path
) -> dict[str, Any]:
    """Return the report that ``--json`` prints; its keys are an interface."""
    return {
        "activations": {summary.activation: summary.to_json() for summary in recommendation.ranked(best)},
        "recommendation": recommendation.activation,
        "ties": list(recommendation.ties),
        "reason": recommendation.reason,
        "settled": recommendation.settled,
        "differences": {
            one.activation: {"ratio": one.ratio, "interval": [one.low, one.high], "p": one.p, "verdict": one.verdict}
            for one in recommendation.differences
        },
        "sweep": [{"activation": summary.activation, **summary.to_json()} for summary in summaries],
        "folder": str(folder),
        "report": str(folder / REPORT),
    }

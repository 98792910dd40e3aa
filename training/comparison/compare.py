"""One comparison, from files to a recommendation and to what is said of it."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console

from models.bundle import new_bundle
from models.errors import ConfigError
from models.network.activations import ACTIVATION_PARAMETERS
from models.programs.reading_flags import read_options_of
from models.repository import ARTIFACTS, next_version
from models.tables.files import expand, read_table
from models.tables.table import Table
from training.comparison.results import COMPARISONS, Failure, Outcome, Results
from training.comparison.run import run_trials
from training.comparison.summary import Summary, summaries_of
from training.comparison.terminal import TrialBar, show_comparison
from training.comparison.trials import Trial, settings_of, trials_of
from training.comparison.verdict import LEAST_SEEDS, Verdict, verdict_on
from training.comparison.winner import save_winner
from training.data.prepare import Prepared, prepare
from training.data.split import SHARES
from training.programs.terminal import show_prepared
from training.settings.config import TrainConfig
from training.settings.flags import config_of

RESULTS: Final = "trials.jsonl"
REPORT: Final = "report.html"
_INTERRUPTED: Final = 130
_IN_COMMON: Final = (
    *("training_rows", *ACTIVATION_PARAMETERS, "latent_units", "dropout", "input_noise"),
    *("epochs", "batch_size", "weight_decay"),
)


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read, fit every activation with every seed, and say which to take; return the report for programs."""
    console = Console(stderr=arguments.json, quiet=arguments.quiet, highlight=False)
    progress = Console(stderr=True, quiet=arguments.quiet)
    _check(arguments)
    config, name, table = _inputs(arguments, console)
    settings = settings_of(
        replace(config, preset="fast"), depths=arguments.depths, learning_rates=arguments.learning_rates
    )
    seeds = range(config.seed, config.seed + arguments.seeds)
    trials = trials_of(list(dict.fromkeys(arguments.activations)), settings, seeds)
    prepared = prepare(table, config)
    show_prepared(console, prepared, config)
    folder = arguments.output or COMPARISONS / name
    if arguments.overwrite:
        for kept in (RESULTS, REPORT):  # and nothing else that may lie there
            (folder / kept).unlink(missing_ok=True)
    results = Results(folder / RESULTS, _subject(prepared, config, arguments.seconds))
    bundle = next_version(ARTIFACTS / name) if arguments.save_best else None
    with ExitStack() as stack:
        unfinished = None if bundle is None else stack.enter_context(new_bundle(bundle))  # refused before all the work
        stack.enter_context(_kept_if_interrupted(trials, results, progress))
        _run(trials, results, prepared=prepared, config=config, arguments=arguments, progress=progress)
        summaries = summaries_of(results.of(trials))
        best = best_settings(summaries)
        verdict = verdict_on(best, margin=arguments.margin)
        show_comparison(console, best, verdict)
        from training.report.comparison import write_comparison_report  # Matplotlib takes a second

        write_comparison_report(
            folder / REPORT,
            summaries,
            best,
            verdict,
            name=name,
            prepared=prepared,
            config=config,
            margin=arguments.margin,
        )
        console.print(f"report: {folder / REPORT}", markup=False, soft_wrap=True)
        report = _report(best, summaries, verdict, folder)
        if bundle is not None and unfinished is not None:
            chosen = next((summary for summary in best if summary.activation == verdict.activation), None)
            if chosen is None:
                raise ConfigError(f"--save-best: {verdict.reason}")
            save_winner(
                prepared,
                config,
                chosen,
                comparison=report,
                swept=bool(arguments.depths or arguments.learning_rates),
                name=name,
                bundle=bundle,
                unfinished=unfinished,
                console=console,
                progress=progress,
            )
    return report if bundle is None else report | {"bundle": str(bundle)}


def _run(
    trials: Sequence[Trial],
    results: Results,
    *,
    prepared: Prepared,
    config: TrainConfig,
    arguments: argparse.Namespace,
    progress: Console,
) -> None:
    """Run the trials that are missing; what is found is kept at once."""
    missing = [trial for trial in trials if trial not in {found.trial for found in results.found}]
    with TrialBar(progress, done=len(trials) - len(missing), total=len(trials)) as bar:

        def on_found(found: Outcome | Failure) -> None:
            results.append(found)
            bar(found)

        run_trials(prepared, config, missing, jobs=arguments.jobs, seconds=arguments.seconds, on_found=on_found)


@contextmanager
def _kept_if_interrupted(trials: Sequence[Trial], results: Results, progress: Console) -> Iterator[None]:
    """Say at Ctrl-C what is kept, whatever is being done.

    Raises:
        SystemExit: Ctrl-C was pressed.
    """
    try:
        yield
    except KeyboardInterrupt:
        kept = len(results.of(trials))
        progress.print(f"interrupted: {kept} of {len(trials)} networks are kept, the same command goes on from there")
        raise SystemExit(_INTERRUPTED) from None


def best_settings(summaries: Sequence[Summary]) -> list[Summary]:
    """Return, for each activation, its summary under the setting in which its held-out error is lowest."""
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
    from training.data import demo_data as embedded

    if arguments.label:
        raise ConfigError("--label needs DATA: the embedded data set has its own label.")
    console.print(embedded.DESCRIPTION)
    config = config_of(arguments, label=embedded.LABEL, fit_on="normal")
    return config, arguments.name or embedded.NAME, embedded.embedded_table()


def _subject(prepared: Prepared, config: TrainConfig, seconds: float | None) -> dict[str, Any]:
    """Return what all trials have in common; a comparison goes on only where it is the same."""
    digest = hashlib.sha256()
    for part in SHARES:
        rows = getattr(prepared.split, part)
        digest.update(np.packbits(rows).tobytes())
        digest.update(prepared.preprocessor.transform(prepared.part(rows)).Z.tobytes())
    settings = {name: getattr(config, name) for name in _IN_COMMON}
    return {"rows and columns": digest.hexdigest(), **settings, "fit_on": config.fit_on, "seconds": seconds}


def _report(best: Sequence[Summary], summaries: Sequence[Summary], verdict: Verdict, folder: Path) -> dict[str, Any]:
    """Return the report that ``--json`` prints; other programs rely on its names."""
    order = {one.activation: place for place, one in enumerate(verdict.differences)}
    ranked = sorted(best, key=lambda one: order.get(one.activation, len(order)))
    return {
        "activations": {summary.activation: summary.to_json() for summary in ranked},
        "recommendation": verdict.activation,
        "ties": list(verdict.ties),
        "reason": verdict.reason,
        "settled": verdict.settled,
        "differences": {
            one.activation: {"ratio": one.ratio, "interval": [one.low, one.high], "p": one.p, "verdict": one.verdict}
            for one in verdict.differences
        },
        "sweep": [{"activation": summary.activation, **summary.to_json()} for summary in summaries],
        "folder": str(folder),
        "report": str(folder / REPORT),
    }

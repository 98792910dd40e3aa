"""One comparison, from files to a recommendation and to what is said of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console

from models.bundle import new_bundle
from models.errors import ConfigError, Message, Set, joined
from models.limits import Interval, complaints_about
from models.repository import ARTIFACTS, next_version
from training.comparison.results import COMPARISONS, Failure, Outcome, Results
from training.comparison.run import run_trials
from training.comparison.summary import Summary, summaries_of
from training.comparison.terminal import TrialBar, show_comparison
from training.comparison.trials import Trial, settings_of, trials_of
from training.comparison.verdict import LEAST_SEEDS, Verdict, verdict_on
from training.comparison.winner import save_winner
from training.data.demo_data import DESCRIPTION, TrainingData
from training.data.prepare import Prepared, prepare
from training.data.split import SHARES
from training.programs.terminal import show_prepared
from training.settings.config import TrainConfig

RESULTS: Final = "trials.jsonl"
REPORT: Final = "report.html"
_INTERRUPTED: Final = 130
_LIMITS: Final = {
    "seeds": Interval(1),
    "depths": Interval(1, 32),
    "learning_rates": Interval(0, ends="(]"),
    "seconds": Interval(0, ends="(]"),
    "margin": Interval(0),
    "jobs": Interval(1),
}
_IN_COMMON: Final = (
    *("training_rows", "negative_slope", "alpha", "latent_units", "dropout", "input_noise"),
    *("epochs", "batch_size", "weight_decay"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareCommand:
    """What one comparison is asked to do.

    Args:
        data: The rows to learn from.
        config: What all networks have in common; its seed is the first one.
        activations: Keys of `ACTIVATIONS`.
        seeds: Number of networks of each activation.
        depths: Numbers of hidden layers to compare with; none for that of the preset.
        learning_rates: Largest step sizes to compare with; none for that of training.
        seconds: How long each fit takes; None for as many epochs as training takes.
        margin: Share by which errors may differ without mattering.
        output: The folder of the results; None for the one of the data's name in `COMPARISONS`.
        overwrite: Begin anew.
        save_best: Train a detector with what is recommended.
        jobs: Networks fitted at once.
        to_stderr: What people read goes to stderr, because stdout is for a program.
        quiet: Print nothing for people.

    Raises:
        ConfigError: A value is outside its limits; the error names all that are.
    """

    data: TrainingData
    config: TrainConfig
    activations: tuple[str, ...]
    seeds: int
    depths: tuple[int, ...] = ()
    learning_rates: tuple[float, ...] = ()
    seconds: float | None = None
    margin: float
    output: Path | None = None
    overwrite: bool = False
    save_best: bool = False
    jobs: int
    to_stderr: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        complaints = list(complaints_about(self, _LIMITS))
        if self.save_best and self.seeds < LEAST_SEEDS:
            complaints.append(Message("--save-best needs a recommendation: ", Set("seeds", LEAST_SEEDS), " at least."))
        if self.seconds is not None and self.config.epochs is not None:
            complaints.append("--seconds and --epochs exclude one another.")
        if self.depths and self.config.hidden_units is not None:
            complaints.append("--depth and --hidden-units exclude one another.")
        if complaints:
            raise ConfigError(joined(complaints))


def compare(command: CompareCommand) -> dict[str, Any]:
    """Read, fit every activation with every seed, and say which to take; return the report for programs."""
    console = Console(stderr=command.to_stderr, quiet=command.quiet, highlight=False)
    progress = Console(stderr=True, quiet=command.quiet)
    if not command.data.files:
        console.print(DESCRIPTION)
    config, name, table = command.config, command.data.title, command.data.table()
    settings = settings_of(replace(config, preset="fast"), depths=command.depths, learning_rates=command.learning_rates)
    seeds = range(config.seed, config.seed + command.seeds)
    trials = trials_of(command.activations, settings, seeds)
    prepared = prepare(table, config)
    show_prepared(console, prepared, config)
    folder = command.output or COMPARISONS / name
    if command.overwrite:
        for kept in (RESULTS, REPORT):  # and nothing else that may lie there
            (folder / kept).unlink(missing_ok=True)
    results = Results(folder / RESULTS, _subject(prepared, config, command.seconds))
    bundle = next_version(ARTIFACTS / name) if command.save_best else None
    with ExitStack() as stack:
        unfinished = None if bundle is None else stack.enter_context(new_bundle(bundle))  # refused before all the work
        stack.enter_context(_kept_if_interrupted(trials, results, progress))
        _run(trials, results, prepared=prepared, config=config, command=command, progress=progress)
        summaries = summaries_of(results.of(trials))
        best = best_settings(summaries)
        verdict = verdict_on(best, margin=command.margin)
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
            margin=command.margin,
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
                swept=bool(command.depths or command.learning_rates),
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
    command: CompareCommand,
    progress: Console,
) -> None:
    """Run the trials that are missing; what is found is kept at once."""
    missing = [trial for trial in trials if trial not in {found.trial for found in results.found}]
    with TrialBar(progress, done=len(trials) - len(missing), total=len(trials)) as bar:

        def on_found(found: Outcome | Failure) -> None:
            results.append(found)
            bar(found)

        run_trials(prepared, config, missing, jobs=command.jobs, seconds=command.seconds, on_found=on_found)


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

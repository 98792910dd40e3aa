"""One comparison: from input files to a recommendation, a report and, if asked for, a detector."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console

from models.bundle import new_bundle
from models.errors import ConfigError, Message, Set, joined
from models.limits import Interval, complaints_about
from models.messages import phrase
from models.network.activations import ACTIVATION_PARAMETERS
from models.programs.rich_text import escaped
from models.repository import ARTIFACTS, next_version, version_of
from training.comparison.gains import Gain
from training.comparison.outcomes import COMPARISONS, TrialFile, TrialResult
from training.comparison.processes import run_trials
from training.comparison.recommendation import LEAST_SEEDS, Recommendation, recommend
from training.comparison.summary import Summary, best_settings, summaries_of
from training.comparison.terminal import show_comparison, trial_bar
from training.comparison.trials import Trial, settings_of, trials_of
from training.data.demo_data import DESCRIPTION, TrainingData
from training.data.prepare import Prepared, prepare
from training.data.split import SHARES
from training.programs.strangest import show_strangest
from training.programs.terminal import fit_with_bar, show_prepared, show_result, waiting
from training.settings.config import TrainConfig

if TYPE_CHECKING:
    from training.fit import FitResult
    from training.training_scores import StrangeRow

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
_CARD_KEYS: Final = (
    *("recommendation", "verdict", "judged_by", "ties", "reason", "settled", "gains", "label_gains"),
    *("differences", "activations"),
)
_SHARED_SETTINGS: Final = (
    *("preset", "training_rows", *ACTIVATION_PARAMETERS, "latent_units", "dropout", "input_noise"),
    *("epochs", "batch_size", "weight_decay"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareCommand:
    """The settings of one comparison.

    Args:
        config: The settings that all networks share; its seed is the first one.
        seeds: Number of networks of each activation.
        depths: Numbers of hidden layers to compare; empty for that of the preset.
        learning_rates: Largest step sizes to compare; empty for that of training.
        seconds: Time limit of each fit; None for the epochs of training.
        margin: Difference that does not matter: 0.01 is a point of ROC AUC, and 1 % of an error.
        output: The folder of the results; None for the one of the data's name in `COMPARISONS`.

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
    """Fit every activation with every seed and recommend one; return the report that ``--json`` prints."""
    console = Console(quiet=command.quiet, highlight=False)
    progress = Console(stderr=True, quiet=command.quiet)
    if not command.data.files:
        console.print(escaped(DESCRIPTION))
    config, name = command.config, command.data.title
    with waiting(progress, phrase("reading")):
        table = command.data.table()
    trials = _trials(command, config)
    prepared = prepare(table, config)
    show_prepared(console, prepared, config)
    folder = command.output or COMPARISONS / name
    if command.overwrite:
        for file in (RESULTS, REPORT):  # other files stay
            (folder / file).unlink(missing_ok=True)
    results = TrialFile(folder / RESULTS, _subject(prepared, config, command.seconds))
    bundle = next_version(ARTIFACTS / name) if command.save_best else None
    with ExitStack() as stack:
        unfinished = None if bundle is None else stack.enter_context(new_bundle(bundle))  # refused before the work
        stack.enter_context(_told_if_interrupted(trials, results, progress))
        _run(trials, results, prepared=prepared, config=config, command=command, progress=progress)
        summaries = summaries_of(results.of(trials))
        best = best_settings(summaries)
        recommendation = recommend(best, margin=command.margin)
        show_comparison(console, best, recommendation)
        from training.report.comparison import write_comparison_report  # Matplotlib takes a second

        write_comparison_report(
            folder / REPORT,
            summaries,
            recommendation,
            name=name,
            prepared=prepared,
            config=config,
            margin=command.margin,
        )
        console.print(escaped(phrase("report: {path}", path=folder / REPORT)), soft_wrap=True)
        report = _report(best, summaries, recommendation, folder)
        if bundle is None or unfinished is None:
            return report
        config = _best_config(config, best, recommendation, swept=bool(command.depths or command.learning_rates))
        started = time.perf_counter()
        result = fit_with_bar(progress, prepared, config, name=name, version=version_of(bundle))
        strangest = _save(result, prepared, unfinished, comparison=report)
        show_strangest(console, strangest, rows=len(prepared.table))
        show_result(console, result, bundle=bundle, seconds=time.perf_counter() - started)
    return report | {"bundle": str(bundle)}


def _trials(command: CompareCommand, config: TrainConfig) -> list[Trial]:
    settings = settings_of(config, depths=command.depths, learning_rates=command.learning_rates)
    seeds = range(config.seed, config.seed + command.seeds)
    return trials_of(command.activations, settings, seeds)


def _run(
    trials: Sequence[Trial],
    results: TrialFile,
    *,
    prepared: Prepared,
    config: TrainConfig,
    command: CompareCommand,
    progress: Console,
) -> None:
    """Run the trials without a result, and keep each result at once."""
    missing = results.missing(trials)
    with trial_bar(progress, done=len(trials) - len(missing), total=len(trials)) as bar:

        def on_result(result: TrialResult) -> None:
            results.append(result)
            bar(result)

        run_trials(prepared, config, missing, jobs=command.jobs, seconds=command.seconds, on_result=on_result)


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
        told = phrase(
            "interrupted: {kept} of {all} networks are kept, the same command goes on from there",
            kept=kept,
            all=len(trials),
        )
        progress.print(escaped(told))
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


def _save(result: FitResult, prepared: Prepared, folder: Path, *, comparison: Mapping[str, Any]) -> list[StrangeRow]:
    """Write the detector with the comparison in its card, and the scores of the rows; return the strangest rows."""
    from training.fit import write_result
    from training.training_scores import score_training_rows, strangest_rows, write_training_scores

    scores = score_training_rows(result, prepared)
    write_training_scores(folder, scores, prepared)
    card = {**result.detector.card, "comparison": {key: comparison[key] for key in _CARD_KEYS}}
    write_result(replace(result, detector=replace(result.detector, card=card)), folder)
    return strangest_rows(scores, result, prepared)


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
        "verdict": recommendation.verdict,
        "judged_by": recommendation.judged_by,
        "ties": list(recommendation.ties),
        "reason": recommendation.reason,
        "settled": recommendation.settled,
        "gains": _gains(recommendation.gains),
        "label_gains": _gains(recommendation.label_gains),
        "differences": {
            item.activation: {
                "ratio": item.ratio,
                "interval": [item.low, item.high],
                "p": item.p,
                "verdict": item.verdict,
            }
            for item in recommendation.differences
        },
        "sweep": [{"activation": summary.activation, **summary.to_json()} for summary in summaries],
        "folder": str(folder),
        "report": str(folder / REPORT),
    }


def _gains(gains: Sequence[Gain]) -> dict[str, Any]:
    return {
        item.activation: {"gain": item.gain, "interval": [item.low, item.high], "p": item.p, "verdict": item.verdict}
        for item in gains
    }

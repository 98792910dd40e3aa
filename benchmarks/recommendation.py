"""Whether the advice of `training.compare` finds more anomalies than always relu, over labelled sets.

    python -m benchmarks.recommendation --data DIR [--sets A,B…] [--seeds 3] [--preset fast] [--out DIR] [--jobs N]

On each set activations are compared as `python -m training.compare` does for records without labels: by planted errors.
Then the labels, which the advice has not seen, say what it is worth: ROC AUC of what is advised less that of relu, over
the same networks. A set is an npz file with X (rows × columns) and y (1 = anomaly); the networks are fitted on normal
rows. Beside it stand two other ways to choose: the lowest held-out error, and whatever finds the most planted errors,
however little more. A run that was stopped goes on with the same command. Prints Markdown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from benchmarks.activations.work import prepared_set
from benchmarks.quality.splits import sets_by_name
from benchmarks.training.tables import row_of, table_head
from models.errors import DetectorError
from models.threads import allowed_threads
from training.comparison.outcomes import Outcome, TrialFile, TrialResult
from training.comparison.processes import run_trials
from training.comparison.recommendation import recommend
from training.comparison.summary import REFERENCE, Summary, summaries_of
from training.comparison.terminal import trial_bar
from training.comparison.trials import DEFAULT_ACTIVATIONS, settings_of, trials_of
from training.settings.presets import PRESETS

_LARGE: Final = ("17_InternetAds", "8_celeba", "5_campaign", "11_donors", "16_http", "33_skin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What ways to choose take on one set, and ROC AUC by the labels.

    Args:
        set: Its name.
        kinds: Number of kinds of errors that fit its columns.
        taken: The activation that each way takes, by a key of `WAYS`.
        roc_auc: Of each activation, the mean over the seeds.
    """

    set: str
    kinds: int
    taken: Mapping[str, str]
    roc_auc: Mapping[str, float]

    def gain(self, way: str) -> float:
        """Return how much higher ROC AUC is than that of relu."""
        return self.roc_auc[self.taken[way]] - self.roc_auc[REFERENCE]


def _advised(summaries: Sequence[Summary]) -> str:
    return recommend(summaries).activation or REFERENCE


def _lowest_error(summaries: Sequence[Summary]) -> str:
    return min(summaries, key=lambda summary: summary.error.mean).activation


def _most_found(summaries: Sequence[Summary]) -> str:
    if not summaries[0].outcomes[0].found:
        return REFERENCE
    return max(summaries, key=lambda summary: summary.mean(lambda outcome: outcome.found_planted).mean).activation


WAYS: Final[dict[str, Callable[[Sequence[Summary]], str]]] = {
    "the advice": _advised,
    "most planted errors found": _most_found,
    "lowest held-out error": _lowest_error,
}
"""Ways to choose an activation without labels."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    try:
        names = arguments.sets.split(",") if arguments.sets else ()
        sets = sets_by_name(arguments.data, names)
        advice = []
        for name, path in sets.items():
            if name in _LARGE and not names:
                continue
            console.print(name)
            kept = arguments.out / f"{name}-{arguments.preset}.jsonl"
            results = results_on(
                path, kept, preset=arguments.preset, seeds=arguments.seeds, jobs=arguments.jobs, console=console
            )
            advice.append(advice_of(name, results))
    except DetectorError as error:
        console.print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    print(page_of(advice))
    return 0


def results_on(path: Path, kept: Path, *, preset: str, seeds: int, jobs: int, console: Console) -> list[TrialResult]:
    """Return the results of all activations on one set, those that are kept among them.

    Args:
        path: File of the set.
        kept: Where the networks' figures are kept.
        preset: The preset that is compared.
        seeds: Number of seeds.
        jobs: Networks fitted at once.
        console: The terminal for the progress bar.
    """
    prepared, config = prepared_set(path, 0.0)
    config = replace(config, preset=preset)
    results = TrialFile(kept, {"set": path.stem, "preset": preset})
    wanted = trials_of(DEFAULT_ACTIVATIONS, settings_of(config, depths=(), learning_rates=()), range(seeds))
    missing = results.missing(wanted)
    with trial_bar(console, done=len(wanted) - len(missing), total=len(wanted)) as bar:

        def keep(result: TrialResult) -> None:
            results.append(result)
            bar(result)

        run_trials(prepared, config, missing, jobs=jobs, seconds=None, on_result=keep)
    return results.of(wanted)


def advice_of(name: str, results: Sequence[TrialResult]) -> Advice:
    """Return what each way takes without the labels, and what the labels say."""
    blind = [
        replace(result, roc_auc=None, average_precision=None, anomalies=()) if isinstance(result, Outcome) else result
        for result in results
    ]
    return Advice(
        set=name,
        kinds=max(len(result.found) for result in blind if isinstance(result, Outcome)),
        taken={way: choose(summaries_of(blind)) for way, choose in WAYS.items()},
        roc_auc={
            summary.activation: float(np.mean([outcome.roc_auc for outcome in summary.outcomes]))
            for summary in summaries_of(results)
        },
    )


def page_of(advice: Sequence[Advice]) -> str:
    """Return a line for each set, then the mean gain of each way with its 95 % interval."""
    lines = [table_head("set", "kinds", "advised", "ROC AUC of relu, %", "gain of the advice", "of the best by labels")]
    for one in advice:
        relu = one.roc_auc[REFERENCE]
        gain, most = one.gain("the advice"), max(one.roc_auc.values()) - relu
        cells = (one.taken["the advice"], f"{100 * relu:.1f}", f"{100 * gain:+.1f}", f"{100 * most:+.1f}")
        lines.append(row_of(one.set, str(one.kinds), *cells))
    lines += ["", table_head("way to choose", "not relu", "mean gain, points", "95 % interval", "better", "worse")]
    for way in WAYS:
        gains = np.array([one.gain(way) for one in advice])
        low, high = interval_of(gains)
        other = sum(one.taken[way] != REFERENCE for one in advice)
        figures = (f"{100 * gains.mean():+.2f}", f"{100 * low:+.2f} to {100 * high:+.2f}")
        lines.append(row_of(way, str(other), *figures, str(int((gains > 0).sum())), str(int((gains < 0).sum()))))
    return "\n".join(lines)


def interval_of(gains: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean of gains over sets `(n,)`, by the bootstrap: most of them may be 0."""
    draws = np.random.default_rng(0).integers(0, len(gains), (10_000, len(gains)))
    low, high = np.quantile(gains[draws].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of npz sets")
    parser.add_argument("--sets", default="", metavar="A,B…", help="names of sets (default: all but the largest six)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="networks of each (default: 3)")
    parser.add_argument("--preset", choices=list(PRESETS), default="fast", help="what is compared (default: fast)")
    parser.add_argument(
        "--out", type=Path, default=Path("recommendation"), metavar="DIR", help="where results are kept"
    )
    parser.add_argument("--jobs", type=int, default=allowed_threads(), metavar="N", help="at once (default: one a CPU)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

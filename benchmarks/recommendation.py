"""Whether the recommended activation is as good with seeds that nothing was chosen on, over labelled sets.

    python -m benchmarks.recommendation --data DIR [--sets A,B…] [--seeds 5] [--out DIR] [--jobs N]

On each set, activations are compared as `python -m training.compare` does, twice: with the first seeds, which give the
recommendation, and with as many fresh ones, which test it. It is confirmed where with the fresh seeds its held-out
error is not surely above the lowest. A set is an npz file with X (rows × columns); all rows are taken, labels are not.
A run that was stopped goes on with the same command. Prints Markdown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from rich.console import Console

from benchmarks.quality.splits import read_set, sets_by_name
from models.errors import DetectorError
from models.tables.table import Table
from models.threads import allowed_threads
from training.comparison.outcomes import TrialFile, TrialResult
from training.comparison.processes import run_trials
from training.comparison.recommendation import Recommendation, recommend
from training.comparison.summary import summaries_of
from training.comparison.terminal import trial_bar
from training.comparison.trials import DEFAULT_ACTIVATIONS, settings_of, trials_of
from training.data.prepare import prepare
from training.settings.config import TrainConfig

SETS: Final = (
    *("45_wine", "39_vertebral", "18_Ionosphere", "47_yeast", "12_fault"),
    *("6_cardio", "44_Wilt", "27_PageBlocks", "28_pendigits", "22_magic.gamma"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    try:
        sets = sets_by_name(arguments.data, arguments.sets.split(","))
        rows = []
        for name, path in sets.items():
            console.print(name)
            first, fresh = recommendations(
                path, arguments.out / f"{name}.jsonl", arguments.seeds, arguments.jobs, console
            )
            rows.append((name, first, fresh))
    except DetectorError as error:
        console.print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    print(page_of(rows))
    return 0


def recommendations(
    path: Path, kept: Path, seeds: int, jobs: int, console: Console
) -> tuple[Recommendation, Recommendation]:
    """Compare on one set with some seeds, then with as many others; return both recommendations.

    Args:
        path: File of the set.
        kept: Where the fitted networks' figures are kept.
        seeds: Number of seeds, each time.
        jobs: Networks fitted at once.
        console: The terminal for the progress bar.
    """
    drawn = read_set(path).drawn(np.random.RandomState(0))
    table = Table(data=pa.table({f"x{i}": column for i, column in enumerate(drawn.X.T)}))
    config = TrainConfig(preset="fast")
    prepared = prepare(table, config)
    [setting] = settings_of(config, depths=(), learning_rates=())
    results = TrialFile(kept, {"set": path.stem})
    halves = [
        trials_of(DEFAULT_ACTIVATIONS, [setting], range(start, start + seeds))
        for start in (config.seed, config.seed + seeds)
    ]
    wanted = [trial for half in halves for trial in half]
    missing = results.missing(wanted)
    with trial_bar(console, done=len(wanted) - len(missing), total=len(wanted)) as bar:

        def keep(result: TrialResult) -> None:
            results.append(result)
            bar(result)

        run_trials(prepared, config, missing, jobs=jobs, seconds=None, on_result=keep)
    first, fresh = (recommend(summaries_of(results.of(half))) for half in halves)
    return first, fresh


def is_confirmed(first: Recommendation, fresh: Recommendation) -> bool:
    """Return whether the recommended activation cannot be told from the best with the fresh seeds."""
    return first.activation in fresh.ties


def page_of(rows: Sequence[tuple[str, Recommendation, Recommendation]]) -> str:
    """Return the table, a line for each set, and the count."""
    lines = [
        "| set | recommended | ties | with fresh seeds the lowest | error ÷ its | 95 % interval | confirmed |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, first, fresh in rows:
        difference = next((item for item in fresh.differences if item.activation == first.activation), None)
        ratio, interval = (
            ("–", "–")
            if difference is None or difference.verdict == "best"
            else (f"{1 + difference.ratio:.2f}", f"{1 + difference.low:.2f} to {1 + difference.high:.2f}")
        )
        ties, lowest = ", ".join(first.ties), fresh.differences[0].activation if fresh.differences else "–"
        confirmed = "yes" if is_confirmed(first, fresh) else "no"
        lines.append(f"| {name} | {first.activation} | {ties} | {lowest} | {ratio} | {interval} | {confirmed} |")
    count = sum(is_confirmed(first, fresh) for _, first, fresh in rows)
    return "\n".join([*lines, "", f"Confirmed on {count} of {len(rows)} sets."])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of npz sets")
    parser.add_argument("--sets", default=",".join(SETS), metavar="A,B…", help="names of sets (default: ten)")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds of each half (default: 5)")
    parser.add_argument(
        "--out", type=Path, default=Path("recommendation"), metavar="DIR", help="where results are kept"
    )
    parser.add_argument("--jobs", type=int, default=allowed_threads(), metavar="N", help="at once (default: one a CPU)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

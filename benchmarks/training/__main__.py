"""Measures the speed of training beside PyOD's AutoEncoder, plain Keras and PyTorch, as ratios, all in one run.

    python -m benchmarks.training [--rows 1000 10000] [--columns 10 30] [--presets fast balanced]
    python -m benchmarks.training --parts equal --rounds 5 --json

Parts (`--parts`):

equal    To equal error. All methods get the same standardised rows, and as many threads. A peer is fitted by its own
         defaults; its error is the mean squared error of a cell of held-out rows, without noise. Ours is
         fitted by its preset until its error is as low; if it never is, again with twice the epochs of the preset, and
         so on: the seconds are of the run that gets there. They hold building, tracing, and measuring validation rows;
         a peer's hold its whole fit. PyOD has its own network (64–32–32–64, batch norm, dropout). Plain Keras and
         PyTorch fit ours, noise on the input included: `compile(loss="mse")` and `fit` by their defaults (RMSprop,
         batches of 32) for ten epochs, which are PyOD's number, and the usual loop with Adam. Of an ensemble the first
         group of networks is fitted, and its best single member is compared.
imports  Time of imports, each in a Python process of its own.
steps    A step over the matrix products that it contains, at the preset's batch size and at 1,024 rows; tracing is
         reported separately.
growth   A whole fit from a Parquet file to a calibrated detector, for more and more rows and columns, each in a
         process of its own; how time grows with either as an exponent (1 is linear), and how far memory rises over the
         matrix in float32. `--plot FILE.svg` draws it.
shell    `python -m training.train` on a CSV of 10,000 rows of 30 columns, from the shell to the saved bundle,
         TensorFlow's import included, over PyOD's fit alone.

Ratios are medians over the rounds, with the lowest and the highest; above 1 ours is faster, unless the header says
otherwise. The default takes about twenty minutes on two CPUs; `--whole` takes 1,000 to
1,000,000 rows × 10, 30 and 200 columns, every preset and every activation, which takes days with the peers. PyOD and
PyTorch come with the extra `bench`, best into an environment of their own:

    python -m venv bench && bench/bin/pip install -e '.[train,bench]' && bench/bin/python -m benchmarks.training

Without them their columns are left out, with a note.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.training.tables import row_of, seconds_text, spread, table_head
from models.network.activations import ACTIVATIONS
from training.settings.config import TrainConfig
from training.settings.presets import PRESETS, TRAINING_ROWS

_FEW_ROUNDS_FROM: Final = 50_000  # rows: there a peer takes minutes
_STEP_ROUNDS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The grid of measurements.

    Args:
        rows: Numbers of rows.
        columns: Numbers of columns.
        presets: Presets of ours.
        activations: Activations of ours, and of the same network elsewhere.
        training_rows: Our `--training-rows`.
        rounds: Number of rounds.
        peers: The peers.
        plot: File for the plot of growth.
    """

    rows: list[int]
    columns: list[int]
    presets: list[str]
    activations: list[str]
    training_rows: str
    rounds: int
    peers: list[str]
    plot: Path | None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART")
    parser.add_argument("--rows", nargs="+", type=int, default=[1_000, 10_000], metavar="N")
    parser.add_argument("--columns", nargs="+", type=int, default=[10, 30], metavar="N")
    parser.add_argument("--presets", nargs="+", choices=list(PRESETS), default=["fast", "balanced"], metavar="NAME")
    parser.add_argument("--activations", nargs="+", choices=list(ACTIVATIONS), default=["relu"], metavar="NAME")
    parser.add_argument("--training-rows", choices=list(TRAINING_ROWS), default="clean", help="(default: clean)")
    parser.add_argument("--peers", nargs="*", default=["pyod", "keras", "torch"], choices=["pyod", "keras", "torch"])
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3; one from 50,000 rows on)")
    parser.add_argument("--whole", action="store_true", help="all rows, columns, presets and activations")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw how time grows, as SVG or PNG")
    parser.add_argument("--json", action="store_true", help="print the figures by name; tables go to stderr")
    arguments = parser.parse_args(argv)
    if arguments.whole:
        arguments.rows, arguments.columns = [1_000, 10_000, 100_000, 1_000_000], [10, 30, 200]
        arguments.presets, arguments.activations = list(PRESETS), list(ACTIVATIONS)
    grid = Grid(
        rows=arguments.rows,
        columns=arguments.columns,
        presets=arguments.presets,
        activations=arguments.activations,
        training_rows=arguments.training_rows,
        rounds=arguments.rounds,
        peers=_there(arguments.peers) if {"equal"} & set(arguments.parts) else arguments.peers,
        plot=arguments.plot,
    )
    out = sys.stderr if arguments.json else sys.stdout

    def say(line: str) -> None:
        print(line, file=out, flush=True)

    figures: dict[str, float] = {}
    for part in arguments.parts:
        say(f"\n### {part}\n")
        figures |= PARTS[part](grid, say)
    if arguments.json:
        print(json.dumps(figures, allow_nan=False, indent=1))
    return 0


def _there(names: list[str]) -> list[str]:
    from benchmarks.training.peers import missing

    complaints = {name: missing(name) for name in names}
    for complaint in filter(None, complaints.values()):
        print(complaint, file=sys.stderr)
    return [name for name, complaint in complaints.items() if complaint is None]


def equal(grid: Grid, say: Callable[[str], None]) -> dict[str, float]:
    """Measure fits to equal error."""
    from benchmarks.training.equal_error import one_round
    from benchmarks.training.made_up import standardised

    figures: dict[str, float] = {}
    heads = [head for name in grid.peers for head in (f"{name} ÷ ours", f"{name}: s, error", "ours: s")]
    say(table_head("rows × columns", "preset", "activation", "ours, whole: s, error", *heads))
    for rows in grid.rows:
        for columns in grid.columns:
            made = standardised(rows, columns)
            for preset in grid.presets:
                for activation in grid.activations:
                    config = TrainConfig(preset=preset, activation=activation, training_rows=grid.training_rows)
                    rounds = grid.rounds if rows < _FEW_ROUNDS_FROM else 1
                    if rows * columns == grid.rows[0] * grid.columns[0] and preset == grid.presets[0]:
                        one_round(made, config, names=tuple(grid.peers))  # the first fit of a process is longer
                    found = [one_round(made, config, names=tuple(grid.peers)) for _ in range(rounds)]
                    cells, by_peer = _cells(found, grid.peers)
                    say(row_of(f"{rows:,} × {columns}", preset, activation, *cells))
                    key = f"{rows}x{columns}_{preset}_{activation}"
                    figures |= {f"equal_{name}_over_ours_{key}": ratio for name, ratio in by_peer.items()}
    return figures


def _cells(found: Sequence[Any], peers: list[str]) -> tuple[list[str], dict[str, float]]:
    """Return the cells of a row, and the ratios by peer; none where ours never reached the error in a round."""
    whole = np.median([item.ours.fit_seconds for item in found])
    cells = [f"{seconds_text(float(whole))}, {np.median([item.ours.error for item in found]):.3f}"]
    by_peer = {}
    for name in peers:
        theirs = [item.peers[name] for item in found]
        own = [item.ours.seconds[name] for item in found]
        longer = max((item.ours.longer.get(name, 1) for item in found), default=1)
        said = f"{seconds_text(float(np.median([item.seconds for item in theirs])))}, {theirs[0].error:.3f}"
        reached = [seconds for seconds in own if seconds is not None]
        if len(reached) < len(own):
            cells += ["–", said, "never as good"]
            continue
        ratios = [peer.seconds / seconds for peer, seconds in zip(theirs, reached, strict=True)]
        again = "" if longer == 1 else f" (epochs × {longer})"
        cells += [spread(ratios), said, seconds_text(float(np.median(reached))) + again]
        by_peer[name] = float(np.median(ratios))
    return cells, by_peer


def imports(grid: Grid, say: Callable[[str], None]) -> dict[str, float]:
    """Measure imports."""
    from benchmarks.training.programs import IMPORTS, import_seconds

    say(table_head("imported", "s"))
    figures = {}
    for name, code in IMPORTS.items():
        times = [import_seconds(code) for _ in range(grid.rounds)]
        known = [seconds for seconds in times if seconds is not None]
        say(row_of(name, spread(known) if known else "not there"))
        if known:
            figures[f"import_{name.replace(' ', '_').replace(',', '')}_seconds"] = float(np.median(known))
    return figures


def steps(grid: Grid, say: Callable[[str], None]) -> dict[str, float]:
    """Measure steps and their products."""
    from benchmarks.training.steps import steps_of

    say(
        table_head(
            "columns", "preset", "activation", "networks × rows", "step, ms", "÷ products", "tracing, s", "first"
        )
    )
    figures = {}
    for columns in grid.columns:
        for preset in grid.presets:
            for activation in grid.activations:
                for batch in (None, 1024):
                    config = TrainConfig(
                        preset=preset, activation=activation, training_rows=grid.training_rows, batch_size=batch
                    )
                    found = steps_of(config, columns=columns, rounds=_STEP_ROUNDS)
                    say(
                        row_of(
                            str(columns),
                            preset,
                            activation,
                            f"{found.members} × {found.batch}",
                            f"{1e3 * float(np.median(found.step)):.2f}",
                            spread(found.ratios),
                            f"{found.tracing:.2f}",
                            f"{found.first_call:.2f}",
                        )
                    )
                    key = f"{columns}_{preset}_{activation}_batch{found.batch}"
                    figures[f"step_over_products_{key}"] = float(np.median(found.ratios))
    return figures


def growth(grid: Grid, say: Callable[[str], None]) -> dict[str, float]:
    """Measure whole fits in processes of their own, and the growth of their time."""
    from benchmarks.training.growth import growth_of

    return growth_of(
        rows=sorted({*grid.rows, 100_000, 1_000_000}),
        columns=sorted(grid.columns),
        presets=grid.presets,
        activation=grid.activations[0],
        say=say,
        plot=grid.plot,
    )


def shell(grid: Grid, say: Callable[[str], None]) -> dict[str, float]:
    """Measure the program from the shell to the bundle."""
    from benchmarks.training.programs import shell_to_bundle

    found = shell_to_bundle(10_000, 30, presets=grid.presets, rounds=grid.rounds)
    say(table_head("", "s", "÷ PyOD's fit alone"))
    figures = {}
    pyod = found.get("pyod")
    for name, seconds in found.items():
        ratios = None if pyod is None else [a / b for a, b in zip(seconds, pyod, strict=True)]
        say(row_of(name, spread(seconds), "PyOD is not there" if ratios is None else spread(ratios)))
        if ratios is not None and name != "pyod":
            figures[f"shell_to_bundle_over_pyod_{name}"] = float(np.median(ratios))
    return figures


PARTS: Final[dict[str, Callable[[Grid, Callable[[str], None]], dict[str, float]]]] = {
    "shell": shell,
    "imports": imports,
    "steps": steps,
    "equal": equal,
    "growth": growth,
}
"""The parts of the benchmark, in the order in which they are measured."""


if __name__ == "__main__":
    sys.exit(main())

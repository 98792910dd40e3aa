"""Whether dead units of relu cost anything that is found: pruned, avoided by other settings, over labelled sets.

    python -m benchmarks.dead_units --data DIR [--sets A,B…] [--seeds 2] [--preset balanced]

Detectors are fitted on a share of the rows without any labels, as training does for a table of that size, and score all
rows. Dead units are counted twice: on the validation rows, as training does, and on the fitting rows, too. Outgoing
weights of the latter are set to zero, and all rows are scored again. Beside it stand what the program once proposed
against dead units, leaky ReLU and a third of the learning rate, and two other initialisers: how much higher ROC AUC is,
by the labels and on planted errors. Prints Markdown, line by line; the intervals are over the fits.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.activations.work import LABEL
from benchmarks.quality.splits import read_set, sets_by_name
from benchmarks.recommendation import interval_of
from benchmarks.training.tables import row_of, table_head
from models.errors import DetectorError
from models.network.activations import ACTIVATIONS
from models.network.architecture import NETWORKS, kind_of
from models.network.engine import ENGINES
from models.scoring import Scorer
from models.tables.table import Table
from training.data.prepare import Prepared, prepare
from training.evaluate import roc_auc
from training.network.learning import BUILDERS, Learned, learn
from training.planting.held_out import planted_rows
from training.settings.config import TrainConfig
from training.settings.presets import PRESETS

SETS: Final = (
    *("42_WBC", "21_Lymphography", "45_wine", "39_vertebral", "14_glass", "47_yeast", "37_Stamps", "20_letter"),
    *("18_Ionosphere", "46_WPBC", "43_WDBC", "6_cardio"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Settings that are compared with the default: an activation, a learning rate, an initialiser of relu."""

    activation: str = "relu"
    learning_rate: float = 2e-3
    initializer: str = "he_normal"


VARIANTS: Final = {
    "leaky_relu": Variant(activation="leaky_relu"),
    "a third of the learning rate": Variant(learning_rate=2e-3 / 3),
    "Glorot's initialiser": Variant(initializer="glorot_uniform"),
    "LeCun's initialiser": Variant(initializer="lecun_normal"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One detector.

    Args:
        dead: Share of dead units in the layer that has most of them.
        labelled: ROC AUC by the labels, over all rows.
        planted: ROC AUC of planted errors, the mean over their kinds.
    """

    dead: float
    labelled: float
    planted: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        sets = sets_by_name(arguments.data, arguments.sets.split(","))
        gains: dict[str, list[list[float]]] = {name: [] for name in ("pruned", *VARIANTS)}
        print(
            table_head(
                "set",
                "seed",
                "dead, %",
                "on fitting rows, too, %",
                "ROC AUC, %",
                "rows whose score pruning changes",
                *gains,
            ),
            flush=True,
        )
        for name, path in sets.items():
            for seed in range(arguments.seeds):
                print(_line(name, path, seed, arguments.preset, gains), flush=True)
    except DetectorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"\n{_means(gains)}")
    return 0


def _line(name: str, path: Path, seed: int, preset: str, gains: dict[str, list[list[float]]]) -> str:
    """Measure a set with one seed, add its gains, and return its line."""
    prepared, config = prepared_without_labels(path, preset=preset, seed=seed)
    learned = fitted(prepared, config, Variant())
    relu = measured(learned, learned.scorer, prepared, seed=seed)
    scorer = pruned(learned, prepared)
    rows = prepared.preprocessor.transform(prepared.columns)
    before, after = (each.score(rows).anomaly_score for each in (learned.scorer, scorer))
    changed = int((np.abs(after - before) > 1e-5 * np.maximum(1.0, before)).sum())
    others = {"pruned": measured(learned, scorer, prepared, seed=seed)}
    for variant, settings in VARIANTS.items():
        again = fitted(prepared, config, settings)
        others[variant] = measured(again, again.scorer, prepared, seed=seed)
    cells = []
    for variant, other in others.items():
        gain = [other.labelled - relu.labelled, other.planted - relu.planted]
        gains[variant].append(gain)
        cells.append(f"{100 * gain[0]:+.2f} / {100 * gain[1]:+.2f}")
    return row_of(
        *(name, str(seed), f"{100 * relu.dead:.0f}", f"{100 * share_of(dead_units(learned, prepared)):.0f}"),
        *(f"{100 * relu.labelled:.1f}", f"{changed} of {len(rows)}"),
        *cells,
    )


def _means(gains: dict[str, list[list[float]]]) -> str:
    lines = [
        table_head("instead of the default", "by labels, points", "95 % interval", "planted, points", "95 % interval")
    ]
    for name, found in gains.items():
        cells = []
        for each in np.array(found).T:
            low, high = interval_of(each)
            cells += [f"{100 * each.mean():+.2f}", f"{100 * low:+.2f} to {100 * high:+.2f}"]
        lines.append(row_of(name, *cells))
    return "\n".join(lines)


def prepared_without_labels(path: Path, *, preset: str, seed: int) -> tuple[Prepared, TrainConfig]:
    """Return a set, prepared as a table of unlabelled rows; its labels are kept for evaluation."""
    drawn = read_set(path).drawn(np.random.RandomState(0))
    columns = {f"x{i}": drawn.X[:, i] for i in range(drawn.X.shape[1])}
    labels = {LABEL: np.where(drawn.is_anomaly, "anomaly", "normal")}
    config = TrainConfig(label=LABEL, preset=preset, seed=seed, least_rows=5)
    return prepare(Table(data=pa.table(columns | labels)), config), config


def fitted(prepared: Prepared, config: TrainConfig, variant: Variant) -> Learned:
    """Fit a detector on the fitting rows."""
    config = replace(config, activation=variant.activation, learning_rate=variant.learning_rate)
    with _initialised(variant.initializer):
        return learn(
            prepared,
            config,
            rows=prepared.split.fitting,
            watched=prepared.split.validation,
            on_epoch=lambda epoch: None,
            should_stop=lambda: False,
        )


@contextmanager
def _initialised(name: str) -> Iterator[None]:
    """Let relu start from another initialiser meanwhile."""
    relu = ACTIVATIONS["relu"]
    ACTIVATIONS["relu"] = replace(relu, initializer=name)
    try:
        yield
    finally:
        ACTIVATIONS["relu"] = relu


def pruned(learned: Learned, prepared: Prepared) -> Scorer:
    """Return the scorer without the units that are dead on fitting and validation rows: nothing goes out of them."""
    weights, dead = learned.network.arrays(), dead_units(learned, prepared)
    for layer, following in pairwise(learned.network.kernels):
        weights[following] = weights[following] * ~dead[layer.removesuffix("_kernel")][:, :, None]
    kind = kind_of(learned.config)
    graph = BUILDERS[kind].export(learned.config, weights)
    return replace(learned.scorer, engine=ENGINES[NETWORKS[kind].engine](graph, learned.config))


def dead_units(learned: Learned, prepared: Prepared) -> dict[str, NDArray[np.bool_]]:
    """Return, by hidden layer, which units are zero on every fitting and validation row `(M, units)`."""
    preprocessor = learned.scorer.preprocessor
    rows = preprocessor.transform(prepared.part(prepared.split.fitting | prepared.split.validation))
    _, outputs = learned.network.forward(preprocessor.within_limits(rows.Z))
    return {layer: (np.asarray(output) == 0).all(axis=1) for layer, output in outputs.items()}


def share_of(dead: dict[str, NDArray[np.bool_]]) -> float:
    """Return the share of dead units in the layer that has most of them."""
    return max(float(units.mean()) for units in dead.values())


def measured(learned: Learned, scorer: Scorer, prepared: Prepared, *, seed: int) -> Measured:
    """Return the share of dead units, and what a scorer finds."""
    assert prepared.is_anomaly is not None
    held_out = (prepared.split.calibration | prepared.split.test) & ~prepared.is_anomaly
    scores = scorer.score(scorer.preprocessor.transform(prepared.columns)).anomaly_score
    planted = planted_rows(prepared, np.flatnonzero(held_out), seed=seed)
    of_planted = scorer.score(scorer.preprocessor.transform(planted.columns)).anomaly_score
    kinds = np.array(planted.kinds)
    areas = [
        roc_auc(
            np.r_[scores[held_out], of_planted[kinds == kind]],
            np.r_[np.zeros(int(held_out.sum()), np.bool_), np.ones(int((kinds == kind).sum()), np.bool_)],
        )
        for kind in dict.fromkeys(planted.kinds)
    ]
    return Measured(
        dead=max(layer.dead / layer.units for layer in learned.health),
        labelled=roc_auc(scores, prepared.is_anomaly) or 0.0,
        planted=float(np.mean([area for area in areas if area is not None])),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of npz sets")
    parser.add_argument(
        "--sets", default=",".join(SETS), metavar="A,B…", help="names of sets (default: twelve small ones)"
    )
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="detectors of each (default: 2)")
    parser.add_argument(
        "--preset", choices=list(PRESETS), default="balanced", help="of the detectors (default: balanced)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

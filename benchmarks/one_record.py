"""Scores one record with the serving engine and with `network.predict` of Keras, in turn.

    python -m benchmarks.one_record [--calls 100]

Trains on the demo data set for two epochs, then scores one record in alternating calls. Prints the medians, their
ratio, and whether the scores agree.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from models.bundle import PARITY
from models.encoders.preprocessor import Encoded
from models.scoring import Scorer
from training.data.demo_data import LABEL, embedded_table
from training.data.prepare import prepare
from training.fit import fit
from training.network.keras_network import keras_model
from training.settings.config import TrainConfig

LEAST_RATIO = 20.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=100, help="calls of each (default: 100)")
    calls = parser.parse_args(argv).calls
    engine, keras = scorers()
    times: dict[str, list[float]] = {"engine": [], "network.predict": []}
    for _ in range(calls):
        times["engine"].append(seconds(engine))
        times["network.predict"].append(seconds(keras))
    medians = {name: float(np.median(values)) for name, values in times.items()}
    ratio = medians["network.predict"] / medians["engine"]
    agree = abs(engine() - keras()) <= PARITY * max(1.0, keras())
    for name, median in medians.items():
        print(f"{name}: {median * 1e6:,.0f} µs a record (median of {calls} calls)")
    print(f"ratio {ratio:,.0f} (at least {LEAST_RATIO:.0f} is asked), scores agree: {agree}")
    return 0 if ratio >= LEAST_RATIO and agree else 1


def scorers() -> tuple[Callable[[], float], Callable[[], float]]:
    """Return two functions that score one and the same record, warmed up."""
    config = TrainConfig(label=LABEL, fit_on="normal", epochs=2)
    prepared = prepare(embedded_table(), config)
    result = fit(prepared, config, name="one", version="1")
    scorer = result.detector.scorer
    row = scorer.preprocessor.transform(prepared.part(prepared.split.test)).rows(0, 1)

    model = keras_model(result.learned.network)

    class Predicting:
        """An engine that calls `network.predict`."""

        def reconstruct(self, Z: Any, /) -> Any:
            return np.moveaxis(model.predict(Z, verbose=0), 1, 0)

        def embed(self, Z: Any, /) -> Any:
            raise NotImplementedError

    predicting = replace(scorer, engine=Predicting())
    functions = tuple(scoring(item, row) for item in (scorer, predicting))
    for _ in range(10):
        for function in functions:
            function()
    return functions[0], functions[1]


def scoring(scorer: Scorer, row: Encoded) -> Callable[[], float]:
    """Return a function that scores the row."""
    return lambda: float(scorer.score(row).anomaly_score[0])


def seconds(function: Callable[[], float]) -> float:
    """Return the wall time of one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())

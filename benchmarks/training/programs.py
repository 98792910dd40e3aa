"""Whole programs: what imports take, a fit from file to detector in a process of its own, and the shell to a bundle."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.training.made_up import standardised, write
from benchmarks.training.peers import fit_pyod
from training.settings.config import TrainConfig

IMPORTS: Final = {
    "the program's help": "import runpy, sys; sys.argv = ['x', '--help']; sys.stdout = open('/dev/null', 'w')\n"
    "try: runpy.run_module('training.train', run_name='__main__')\nexcept SystemExit: pass",
    "what fits, as the program imports it": "from training.network.lean_imports import without_unused\n"
    "with without_unused(): import training.fit",
    "keras and tensorflow": "import os; os.environ.update(KERAS_BACKEND='tensorflow', TF_CPP_MIN_LOG_LEVEL='3')\n"
    "import keras",
    "torch": "import torch",
    "PyOD's AutoEncoder": "from pyod.models.auto_encoder import AutoEncoder",
}
"""What is imported, in a Python of its own."""


def import_seconds(code: str) -> float | None:
    """Return the wall time of an import, without the start of Python; None where it cannot be imported."""
    timed = f"import time; started = time.perf_counter()\n{code}\nprint(time.perf_counter() - started, file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", f"import sys; {timed}"], capture_output=True, text=True, check=False)
    return float(run.stderr.splitlines()[-1]) if run.returncode == 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fit in a process of its own.

    Args:
        reading: Seconds to read the file.
        preparing: Seconds to decide on columns and rows.
        fitting: Seconds from there to a calibrated detector.
        epochs: Seconds of all that in the epochs of the network that was kept.
        peak_over_matrix: How far the memory rose above that of the imports, over the matrix in float32.
    """

    reading: float
    preparing: float
    fitting: float
    epochs: float
    peak_over_matrix: float

    @property
    def seconds(self) -> float:
        """From the file to the detector."""
        return self.reading + self.preparing + self.fitting


_FIT: Final = """
import json, sys, time
from training.network.lean_imports import without_unused
with without_unused():
    from training.fit import fit
from training.network.keras_network import DenseNetwork
from models.tables.files import read_table
from training.settings.config import TrainConfig
from training.data.prepare import prepare

def peak():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

path, preset, activation = sys.argv[1:]
config = TrainConfig(preset=preset, activation=activation, training_rows="clean")
DenseNetwork(config.architecture(features=4), seed=0)  # TensorFlow has started
base, at = peak(), [time.perf_counter()]
table = read_table([path])
at.append(time.perf_counter())
prepared = prepare(table, config)
at.append(time.perf_counter())
result = fit(prepared, config, name="x", version="1")
at.append(time.perf_counter())
spent = [b - a for a, b in zip(at, at[1:])]
print(json.dumps({"spent": spent, "epochs": result.learned.history.seconds, "risen": peak() - base}))
"""


def fit_in_a_process(rows: int, columns: int, *, preset: str, activation: str) -> Fit:
    """Write rows to a Parquet file, and fit a detector on it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write(path, rows, columns)
        command = [sys.executable, "-c", _FIT, str(path), preset, activation]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    reading, preparing, fitting = told["spent"]
    return Fit(
        reading=reading,
        preparing=preparing,
        fitting=fitting,
        epochs=told["epochs"],
        peak_over_matrix=told["risen"] / (4 * rows * columns),
    )


def shell_to_bundle(rows: int, columns: int, *, presets: list[str], rounds: int) -> dict[str, list[float]]:
    """Return the wall time of the program on a CSV file by preset, and that of PyOD's fit alone, in each round.

    PyOD is left out where it cannot be imported.
    """
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write(path, rows, columns)
        made = standardised(rows, columns)

        def program(preset: str) -> float:
            output = ["--output", str(Path(folder) / "bundle"), "--overwrite", "--quiet", "--preset", preset]
            started = time.perf_counter()
            subprocess.run([sys.executable, "-m", "training.train", str(path), *output], check=True)
            return time.perf_counter() - started

        def pyod() -> float:
            return fit_pyod(made, TrainConfig().architecture(features=columns)).seconds

        turns: dict[str, Callable[[], float]] = {preset: partial(program, preset) for preset in presets}
        if import_seconds(IMPORTS["PyOD's AutoEncoder"]) is not None:
            turns["pyod"] = pyod
        names = list(turns)
        for turn in range(rounds):
            for i in range(len(names)):
                name = names[(i + turn) % len(names)]
                seconds.setdefault(name, []).append(turns[name]())
    return seconds


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the slope of the line through the logarithms: 1 where time grows like size."""
    slope: float = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
    return float(slope)

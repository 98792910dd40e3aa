"""Tables of mixed columns with gaps: ours gets them raw, the peers in scikit-learn's usual encoding."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.quality.jobs import Choice, Experiment, Job
from benchmarks.quality.measure import FIGURES, measured
from benchmarks.quality.methods import method_of
from benchmarks.quality.results import Row
from benchmarks.quality.tables import TABLES, encoder_of, split_table
from models.errors import ConfigError


def plan(choice: Choice) -> list[Job]:
    """Return the jobs.

    Raises:
        ConfigError: There is no such table.
        TableError: One of a table's files is not in the folder.
    """
    unknown = [name for name in choice.sets if name not in TABLES]
    if unknown:
        raise ConfigError(f"--sets: there is no table {', '.join(unknown)}; there are {', '.join(TABLES)}.")
    for name in choice.sets or TABLES:
        TABLES[name].check_files(choice.data)
    return choice.jobs(MIXED.name, dict.fromkeys(choice.sets or TABLES, choice.data))


def work(job: Job) -> list[Row]:
    """Fit a method on one split of one table, and test it; encoding is not timed."""
    method, seed = method_of(job.key["method"]), int(job.key["seed"])
    split = split_table(TABLES[job.key["set"]], Path(job.data), protocol=job.key["protocol"], seed=seed)
    if method.standardised:
        encode = encoder_of(split.fitting)
        fitting = encode(split.fitting)
        test = fitting if split.test is split.fitting else encode(split.test)
        return [job.key | measured(method, fitting, test, seed=seed).figures(split.is_anomaly)]
    return [job.key | measured(method, split.fitting, split.test, seed=seed).figures(split.is_anomaly)]


MIXED: Final = Experiment(
    name="mixed",
    says=f"real tables of mixed columns: {', '.join(TABLES)}; --data is the folder with their files",
    file="mixed.csv",
    key=("set", "protocol", "method", "seed"),
    figures=FIGURES,
    plan=plan,
    work=work,
)

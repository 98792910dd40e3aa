"""Experiments and their jobs: planned in the main process, run in workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.quality.methods import Method
from benchmarks.quality.results import Results, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job for a process of its own.

    Args:
        experiment: A key of `EXPERIMENTS`, or ``MODULE:FUNCTION`` of what runs a job of another benchmark.
        key: Values of the key columns of the experiment's CSV.
        data: The file or folder to read.
        modules: Modules to import before the time is measured.
    """

    experiment: str
    key: dict[str, str]
    data: str
    modules: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        """Return a description in one line."""
        return " ".join(self.key.values())

    def to_json(self) -> str:
        """Return one line of text from which `from_json` makes an equal job."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Return the job that `to_json` wrote."""
        plain = json.loads(text)
        return cls(**{**plain, "modules": tuple(plain["modules"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The choices of the command line.

    Args:
        data: Folder with the data.
        methods: The methods to measure.
        protocols: Keys of `PROTOCOLS`.
        seeds: Seeds of the draws, the splits and the methods.
        sets: Names of the sets; empty for all of the folder.
    """

    data: Path
    methods: Sequence[Method]
    protocols: Sequence[str]
    seeds: Sequence[int]
    sets: Sequence[str]

    def jobs(self, experiment: str, data: Mapping[str, Path], **more: str) -> list[Job]:
        """Return a job for every set, seed and protocol, and every method that suits the protocol.

        Args:
            experiment: A key of `EXPERIMENTS`.
            data: The file of each set, by name.
            more: Further key columns.
        """
        return [
            Job(
                experiment=experiment,
                key={"set": name, "protocol": protocol, "method": method.name, **more, "seed": str(seed)},
                data=str(path),
                modules=method.modules,
            )
            for name, path in data.items()
            for seed in self.seeds
            for protocol in self.protocols
            for method in self.methods
            if protocol in method.protocols
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An experiment.

    Args:
        name: Its name on the command line.
        says: Its description in one line.
        file: Its CSV in the folder of the results.
        key: Columns that identify a job.
        figures: Columns of results; one job may give several rows.
        plan: Returns the jobs of a choice.
        work: Runs a job, in a worker.
        methods: Default of ``--methods``; empty for all that can be run.
    """

    name: str
    says: str
    file: str
    key: tuple[str, ...]
    figures: tuple[str, ...]
    plan: Callable[[Choice], list[Job]]
    work: Callable[[Job], list[Row]]
    methods: tuple[str, ...] = ()

    def results(self, folder: Path) -> Results:
        """Return the experiment's CSV in a folder."""
        return Results(path=folder / self.file, columns=(*self.key, *self.figures), key=self.key)

"""Experiments and their jobs: what is planned in the program, and done in a worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.quality.methods import Method
from benchmarks.quality.results import Results, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One thing to do in a process of its own.

    Args:
        experiment: A key of `EXPERIMENTS`.
        key: What is done, in the key columns of the experiment's CSV.
        data: The file or folder that it reads.
        modules: What is imported before the clock starts.
    """

    experiment: str
    key: dict[str, str]
    data: str
    modules: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        """Say it in a line."""
        return " ".join(self.key.values())

    def to_json(self) -> str:
        """Return one line of text from which `from_json` makes an equal job."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Make a job from what `to_json` gave."""
        plain = json.loads(text)
        return cls(**{**plain, "modules": tuple(plain["modules"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was asked for on the command line.

    Args:
        data: Folder with the data.
        methods: What is measured.
        protocols: Keys of `PROTOCOLS`.
        seeds: Of the draws, the splits and the methods.
        sets: Names of the sets; empty for all of the folder.
    """

    data: Path
    methods: Sequence[Method]
    protocols: Sequence[str]
    seeds: Sequence[int]
    sets: Sequence[str]

    def jobs(self, experiment: str, data: Mapping[str, Path], **more: str) -> list[Job]:
        """Return a job for every set, seed, protocol and method that says the truth there.

        Args:
            experiment: A key of `EXPERIMENTS`.
            data: What each set is read from, by its name.
            more: Further columns of the key.
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
    """Something to measure.

    Args:
        name: As the command line calls it.
        says: What it measures, in a line.
        file: Its CSV in the folder of the results.
        key: Columns that say what a job does.
        figures: Columns that it finds; one job may find several rows.
        plan: The jobs of a choice.
        work: Does a job, in a worker.
        methods: What is measured where ``--methods`` does not say; empty for all that can be run.
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

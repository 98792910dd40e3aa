"""Fixtures of the whole suite: the folder of cases, and detectors that are trained once a session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from forging import make_bundle
from samples import arrow_table, machine_records, of_two_sites, with_anomalies, write_csv

from models.bundle import load_detector, new_bundle
from models.detector import Detector
from models.languages import LANGUAGES, speak
from models.tables.files import read_table
from models.tables.table import Table

if TYPE_CHECKING:
    from training.data.prepare import Prepared
    from training.fit import FitResult
    from training.settings.config import TrainConfig

pytest_plugins = ["serving"]

REPOSITORY = Path(__file__).resolve().parents[1]

# The same examples in every run; `--hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("search", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("steady")


@dataclass(frozen=True)
class Trained:
    """A detector on disk, and everything that it was made of."""

    table: Table
    config: TrainConfig
    prepared: Prepared
    result: FitResult
    bundle: Path
    detector: Detector  # as loaded from the bundle


def train(table: Table, folder: Path, /, **settings: Any) -> Trained:
    """Train and save a detector in this process."""
    from training.data.prepare import prepare
    from training.fit import fit, write_result
    from training.settings.config import TrainConfig

    config = TrainConfig(**({"epochs": 40, "alert_rate": 0.05} | settings))
    prepared = prepare(table, config)
    with new_bundle(folder) as unfinished:
        result = fit(prepared, config, name="machines", version="1")
        write_result(result, unfinished)
    return Trained(table, config, prepared, result, folder, load_detector(folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that wait for a training, so that `make mutants` can leave them out."""
    for item in items:
        if {"trained", "base"} & set(getattr(item, "fixturenames", ())):  # with what these fixtures need themselves
            item.add_marker("trains")


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Have each test begin in English, whatever a command in this process was told before."""
    yield
    speak(LANGUAGES["en"])


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A detector that was trained on 500 generated rows, one in twenty of them broken and labelled so."""
    records = with_anomalies(machine_records(500, seed=1), every=20)
    table = Table(data=arrow_table(records))
    folder = tmp_path_factory.mktemp("bundles") / "machines" / "1"
    return train(table, folder, label="state", fit_on="normal", id=("serial",))


@pytest.fixture(scope="session")
def detector(trained: Trained) -> Detector:
    """The trained detector, as the service loads it."""
    return trained.detector


@pytest.fixture(scope="session")
def bundle_path(trained: Trained) -> Path:
    """The trained detector's bundle; not to be changed: copy it first."""
    return trained.bundle


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that was made in a moment, without training; not to be changed."""
    return make_bundle(tmp_path_factory.mktemp("made") / "1")


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def made_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of detectors, made without training, whose versions score differently; not to be changed."""
    folder = tmp_path_factory.mktemp("many")
    for seed, (name, version) in enumerate([("pumps", "2"), ("pumps", "9"), ("pumps", "10"), ("valves", "1")]):
        make_bundle(folder / name / version, seed=seed)
    return folder


@pytest.fixture
def many(made_versions: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(made_versions, tmp_path / "many"))


@pytest.fixture(scope="session")
def segmented_path(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained detector with thresholds by site, which is no feature: calibrated on rows of two sites."""
    from training.calibrate import main

    folder = tmp_path_factory.mktemp("segmented")
    rows = write_csv(folder / "rows.csv", of_two_sites(machine_records(600, seed=21)))
    command = [str(bundle_path), "--data", str(rows), "--threshold-by", "site", "--alert-rate", "0.05", "--quiet"]
    assert main([*command, "--output", str(folder / "machines" / "2")]) == 0
    return folder / "machines" / "2"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that is laid beside a checkout; what is in it is not in the repository."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: the collection of cases is kept apart from the repository")
    return folder


@pytest.fixture(scope="session")
def cases(shared: Path) -> Path:
    """The input files of the collection of cases."""
    return shared / "cases"


@pytest.fixture(scope="session")
def base(cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A detector that was trained on the cases' shared input."""
    return train(read_table([cases / "base_train.csv"]), tmp_path_factory.mktemp("base") / "1")


@pytest.fixture(scope="session")
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python ARGUMENTS` at the root of the repository."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run

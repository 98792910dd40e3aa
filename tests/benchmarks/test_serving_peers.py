"""The peers: what they are sent, what they read, and that those which are not installed are named."""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress

from benchmarks.serving.contenders import COLUMNS, Contender, made_up_rows
from benchmarks.serving.measure import Plan, measure
from benchmarks.serving.peers.install import install, installed_versions
from benchmarks.serving.peers.install import main as install_main
from benchmarks.serving.peers.packages import PACKAGES, requirements
from benchmarks.serving.peers.start import PEERS, peer_contenders, write_network
from benchmarks.serving.request import Request
from models.bundle import load_detector

APPS = Path(__file__).parents[2] / "benchmarks" / "serving" / "peers" / "apps"
X = made_up_rows(3)


def network_program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("network", APPS / "network.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_peer_has_packages_with_versions_and_a_program() -> None:
    assert list(PEERS) == list(PACKAGES)
    for name in PEERS:
        assert all("==" in package for package in requirements(name))
        assert (APPS / f"{name}_app.py").exists()


def test_programs_of_peers_import_nothing_of_ours() -> None:
    for path in APPS.glob("*.py"):
        lines = [line.split()[1] for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
        assert not {name.partition(".")[0] for name in lines} & {"models", "service", "training", "benchmarks"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from training.train import main

    folder = tmp_path_factory.mktemp("peers")
    pd.DataFrame(made_up_rows(500), columns=list(COLUMNS)).to_csv(folder / "rows.csv", index=False)
    flags = ["--preset", "fast", "--hidden-units", "8", "--latent-units", "4", "--epochs", "1", "--quiet"]
    assert main([str(folder / "rows.csv"), *flags, "--output", str(folder / "bundle")]) == 0
    return folder / "bundle"


@pytest.mark.slow
def test_what_peers_serve_scores_as_the_network_of_ours(bundle: Path, tmp_path: Path) -> None:
    write_network(bundle, tmp_path / "peer")
    found = network_program().Network(tmp_path / "peer").score(100 * made_up_rows(2_000))  # beyond the training range
    records = pd.DataFrame(100 * made_up_rows(2_000), columns=list(COLUMNS)).to_dict("records")
    ours = load_detector(bundle)
    ours = replace(ours, scorer=replace(ours.scorer, extremes=None))  # which are no part of the network
    np.testing.assert_allclose(found, ours.score_records(records).anomaly_score, rtol=1e-4)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_is_sent_the_rows_in_its_first_form(name: str) -> None:
    sent = json.loads(next(iter(PEERS[name].batches.values()))(X).body)
    rows = sent["inputs"][0]["data"] if name == "mlserver" else next(iter(sent.values()))
    np.testing.assert_array_equal(np.reshape(rows, X.shape), X)


def test_the_other_formats_hold_the_same_rows() -> None:
    [tensor] = json.loads(PEERS["mlserver"].batches["V2 tensor, float32 in base64"](X).body)["inputs"]
    floats = np.frombuffer(base64.b64decode(tensor["data"][0]), np.float32).reshape(X.shape)
    np.testing.assert_array_equal(floats, X.astype(np.float32))
    sent = PEERS["mlflow"].batches["CSV"](X)
    assert sent.headers["Content-Type"] == "text/csv"
    header, *rows = sent.body.decode().splitlines()
    assert header == ",".join(COLUMNS)
    np.testing.assert_array_equal([row.split(",") for row in rows], X.astype(str))


def test_peers_that_are_not_installed_are_named_and_not_measured(tmp_path: Path) -> None:
    found, missing = peer_contenders(tmp_path, Path("nowhere"), tmp_path, X[:1])
    assert found == []
    assert missing == list(PEERS)


@pytest.mark.slow  # makes an environment
def test_a_peer_that_cannot_be_installed_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    problem = install(tmp_path / "peer", ["no-such-package==1"])
    assert problem is not None
    assert "no-such-package" in problem
    assert not (tmp_path / "peer").exists()


def test_what_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    pins = dict(package.split("==") for package in requirements("mlflow"))
    (tmp_path / "installed.json").write_text(json.dumps(pins))
    assert install(tmp_path, requirements("mlflow")) is None
    assert installed_versions(tmp_path) == pins
    assert [path.name for path in tmp_path.iterdir()] == ["installed.json"]


def test_an_unknown_peer_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install_main([str(tmp_path), "--only", "nobody"]) == 2
    assert "mlserver" in capsys.readouterr().err


def fails(name: str, *, peer: bool) -> Contender:
    command = (sys.executable, "-c", "raise SystemExit('it does not start')")
    return Contender(name=name, says="", command=lambda port: command, request=Request(body=b"{}"), peer=peer)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_peer_that_fails_is_left_out_with_why_and_one_of_ours_ends_the_run(tmp_path: Path) -> None:
    plan: dict[str, Any] = {"connections": (1,), "rounds": 2, "seconds": 1, "server_cpu": 0, "load_cpu": 0}
    asked = Plan(sections=frozenset(["closed"]), folder=tmp_path, rows=X, score=1.0, **plan)
    with Progress(disable=True) as bar:
        found = measure([fails("ray", peer=True)], asked, bundle=tmp_path, missing={"mlflow": "no"}, bar=bar)
        assert found.servers == {}
        assert found.left_out == {"mlflow": "no", "ray": "it ended: it does not start"}
        with pytest.raises(RuntimeError, match="it does not start"):
            measure([fails("ours", peer=False)], asked, bundle=tmp_path, missing={}, bar=bar)

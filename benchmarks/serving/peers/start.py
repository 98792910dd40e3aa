"""The installed peers: start commands and requests."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.serving.batches import Rows
from benchmarks.serving.contenders import Contender
from benchmarks.serving.peers.install import installed_versions, python_of
from benchmarks.serving.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The protocol of a peer.

    Args:
        says: Its description.
        batches: Functions from rows `(n, d)` to a request, by format; the first is that of a single row, too.
        scores: Extracts the scores from the answer to that.
        prepared: Whether its program runs once with only the folder before it starts.
    """

    says: str
    batches: Mapping[str, Callable[[Rows], Request]]
    scores: Callable[[Any], list[float]]
    prepared: bool = False


def peer_contenders(environments: Path, bundle: Path, folder: Path, row: Rows) -> tuple[list[Contender], list[str]]:
    """Return the peers that are installed, and the names of those that are not.

    Args:
        environments: Folder of `benchmarks.serving.peers.install`.
        bundle: The detector whose network they serve.
        folder: Folder for their files.
        row: The row of their requests `(1, d)`.
    """
    found, missing = [], []
    for name in PEERS:
        versions = installed_versions(environments / name)
        if versions is None:
            missing.append(name)
            continue
        own = folder / f"peer_{name}"
        write_network(bundle, own)
        version = next(iter(versions.values()))
        found.append(_contender(name, environments / name, version=version, folder=own, row=row))
    return found, missing


def write_network(bundle: Path, folder: Path) -> None:
    """Write the files that peers read: the network, and the scaler as plain numbers."""
    folder.mkdir()
    shutil.copy(bundle / "network.onnx", folder)
    learned = json.loads((bundle / "preprocessor.json").read_text())
    low, high = learned["limits"]
    scaler = {name: [encoder[name] for encoder in learned["encodings"]] for name in ("center", "scale")}
    (folder / "scaler.json").write_text(json.dumps({**scaler, "low": low, "high": high}))


def _contender(name: str, environment: Path, *, version: str, folder: Path, row: Rows) -> Contender:
    peer, python = PEERS[name], python_of(environment)
    program = (python, str(_APPS / f"{name}_app.py"), str(folder))

    def command(port: int) -> Sequence[str]:
        return (*program, str(port))

    return Contender(
        name=name,
        says=f"{peer.says} {version}",
        command=command,
        request=next(iter(peer.batches.values()))(row),
        batches=peer.batches,
        scores=peer.scores,
        prepare=program if peer.prepared else (),
        environment={**_QUIET, "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"},
        peer=True,
    )


def _json(path: str, name: str) -> Callable[[Rows], Request]:
    return lambda X: Request(path=path, body=json.dumps({name: X.tolist()}, separators=(",", ":")).encode())


def _tensor(datatype: str, data: Callable[[Rows], list[Any]], **parameters: str) -> Callable[[Rows], Request]:
    """Return a function that makes a request of the Open Inference Protocol, version 2."""

    def made(X: Rows) -> Request:
        cells = data(X)
        shape = list(X.shape) if datatype != "BYTES" else [len(cells)]
        tensor = {"name": "X", "shape": shape, "datatype": datatype, "parameters": parameters, "data": cells}
        body = json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()
        return Request(path="/v2/models/network/infer", body=body)

    return made


def _base64(X: Rows) -> list[str]:
    return [base64.b64encode(X.astype(np.float32).tobytes()).decode()]


def _csv(X: Rows) -> Request:
    written = io.StringIO()
    csv.writer(written).writerows([[f"x{i}" for i in range(X.shape[1])], *X.tolist()])
    return Request(path="/invocations", body=written.getvalue().encode(), headers={"Content-Type": "text/csv"})


PEERS: Final[dict[str, Peer]] = {
    "mlserver": Peer(
        says="MLServer",
        batches={
            "V2 tensor, JSON": _tensor("FP32", lambda X: X.ravel().tolist()),
            "V2 tensor, float32 in base64": _tensor("BYTES", _base64, content_type="base64"),
        },
        scores=lambda answer: answer["outputs"][0]["data"],
    ),
    "litserve": Peer(
        says="LitServe", batches={"JSON, rows": _json("/score", "rows")}, scores=lambda answer: answer["scores"]
    ),
    "bentoml": Peer(says="BentoML", batches={"JSON, rows": _json("/score", "rows")}, scores=lambda answer: answer),
    "mlflow": Peer(
        says="MLflow's scoring server",
        batches={"JSON, rows": _json("/invocations", "inputs"), "CSV": _csv},
        scores=lambda answer: answer["predictions"],
        prepared=True,
    ),
    "ray": Peer(
        says="Ray Serve", batches={"JSON, rows": _json("/score", "rows")}, scores=lambda answer: answer["scores"]
    ),
}
"""By the name in `PACKAGES`, whose program is in ``apps``."""

_APPS: Final = Path(__file__).parent / "apps"
_QUIET: Final = {
    "BENTOML_DO_NOT_TRACK": "True",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""Variables that turn telemetry off."""

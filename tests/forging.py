"""Bundles for tests: made in a moment, without training, and damaged by someone who knows how."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from samples import sample_preprocessor, sample_schema

from models.bundle import MANIFEST, new_bundle, write_bundle
from models.bundle.layout import digest
from models.calibration import Calibration
from models.detector import Detector
from models.encoders.preprocessor import Encoded
from models.network.architecture import AutoencoderConfig, weight_shapes
from models.network.engine import OnnxEngine
from models.schema import Kind
from models.scoring import Scorer
from training.network.onnx_export import onnx_bytes


def random_weights(config: AutoencoderConfig, *, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Random weights."""
    rng = np.random.default_rng(seed)
    draw = {
        "kernel": lambda shape: rng.normal(0, 0.3, shape),
        "bias": lambda shape: rng.normal(0, 0.1, shape),
        "slope": lambda shape: rng.uniform(0, 0.5, shape),
    }
    return {
        name: draw[name.rpartition("_")[2]](shape).astype(np.float32) for name, shape in weight_shapes(config).items()
    }


def make_bundle(path: Path, *, activation: str = "prelu", missing_share: float = 0.1, seed: int = 0) -> Path:
    """A whole bundle with one column of each kind; its network has random weights."""
    preprocessor = sample_preprocessor(missing_share=missing_share)
    encoders = (replace(e, low=-1e3, high=1e3) if e.kind is Kind.NUMERIC else e for e in preprocessor.encodings)
    preprocessor = replace(preprocessor, encodings=tuple(encoders))
    config = AutoencoderConfig(
        features=len(preprocessor.features), hidden_units=(6,), latent_units=2, activation=activation
    )
    graph = onnx_bytes(config, random_weights(config, seed=seed))
    engine = OnnxEngine(graph, config)
    scorer = Scorer(preprocessor=preprocessor, engine=engine)
    Z = np.random.default_rng(seed).normal(0, 1, (199, config.features)).astype(np.float32)
    calibration = Calibration.of(scorer.score(Encoded(Z=Z)).anomaly_score, method="fpr", value=0.05)
    card: dict[str, Any] = {
        "rows": 1000,
        "columns": [{"name": e.name, "kind": str(e.kind), "enters_as": e.describe()} for e in preprocessor.encodings],
        "settings": {"activation": activation, "seed": seed},
        "promise": calibration.promise,
        "metrics": {"roc_auc": 0.75},
    }
    detector = Detector(
        name="sample",
        version="1",
        schema=sample_schema(),
        scorer=scorer,
        calibration=calibration,
        reference={"columns": {"number": {"missing": 3, "typical": 50.0}, "mode": {"counts": {"run": 600}}}},
        card=card,
    )
    with new_bundle(path) as folder:
        write_bundle(
            folder,
            detector,
            network=config,
            graph=graph,
            first_member=graph,
            write_network=lambda file: file.write_bytes(b"nothing that serving reads") and None,
            trained=engine,
            versions={"python": "3.11.0", "keras": "3.8.0", "tensorflow": "2.20.0", "numpy": "2.0.0"},
            created="2024-01-01T00:00:00+00:00",
        )
    return path


def change_manifest(folder: Path, **changes: Any) -> None:
    """Write other values into the manifest."""
    manifest = json.loads((folder / MANIFEST).read_text()) | changes
    (folder / MANIFEST).write_text(json.dumps(manifest))


def forge(folder: Path, name: str, content: bytes) -> None:
    """Change a file and write its digest into the manifest, as someone does who knows how."""
    (folder / name).write_bytes(content)
    change_manifest(folder, files=json.loads((folder / MANIFEST).read_text())["files"] | {name: digest(content)})


def forge_json(folder: Path, name: str, **changes: Any) -> None:
    """Change parts of a JSON file, and its digest."""
    forge(folder, name, json.dumps(json.loads((folder / name).read_text()) | changes).encode())

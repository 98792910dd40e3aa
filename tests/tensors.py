"""Requests and answers of the Open Inference Protocol, written and read as its clients do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import numpy as np
from in_process import InProcess
from numpy.typing import NDArray
from samples import FakeEngine, numbers_preprocessor

from models.calibration import Calibration
from models.detector import Detector
from models.schema import Column, FeatureSchema, Kind
from models.scoring import Scorer

Records = Sequence[Mapping[str, Any]]

USUAL = ("anomaly_score", "p_value", "is_anomaly")
NUMPY = {"FP64": "<f8", "FP32": "<f4", "BOOL": "?", "INT64": "<i8"}


def numbers_detector() -> Detector:
    """A detector of three numbers."""
    columns = tuple(Column(name=name, kind=Kind.NUMERIC) for name in "abc")
    scorer = Scorer(preprocessor=numbers_preprocessor(1.0, 2.0, 4.0), engine=FakeEngine(lambda Z: 0.5 * Z))
    calibration = Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05)
    return Detector(
        name="numbers", version="1", schema=FeatureSchema(columns=columns), scorer=scorer, calibration=calibration
    )


def numbers(rows: int, *, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, 3, (rows, 3))


def tensor(name: str, datatype: str, shape: Sequence[int], data: Any, **parameters: Any) -> dict[str, Any]:
    plain = {"name": name, "datatype": datatype, "shape": list(shape), "data": data}
    return plain | ({"parameters": parameters} if parameters else {})


def flat(X: NDArray[Any], datatype: str = "FP64") -> dict[str, Any]:
    return tensor("rows", datatype, X.shape, X.ravel().tolist())


def by_column(records: Records, datatypes: Mapping[str, str], *, shape: Sequence[int] = (1,)) -> list[dict[str, Any]]:
    """One tensor a column."""
    return [
        tensor(name, datatype, [len(records), *shape], [record[name] for record in records])
        for name, datatype in datatypes.items()
    ]


def asked(inputs: Sequence[Mapping[str, Any]], *outputs: str, **members: Any) -> bytes:
    named = {"outputs": [{"name": name} for name in outputs]} if outputs else {}
    return json.dumps({"inputs": list(inputs), **named, **members}).encode()


def infer(service: InProcess, body: bytes, name: str, **headers: str) -> httpx.Response:
    return service.post(body, f"/v2/models/{name}/infer", **headers)


def outputs_of(answer: httpx.Response) -> dict[str, Any]:
    """The data of each output, in JSON or behind it, in its shape."""
    assert answer.status_code == 200, answer.text
    length = int(answer.headers.get("inference-header-content-length", len(answer.content)))
    behind, found = answer.content[length:], {}
    for output in json.loads(answer.content[:length])["outputs"]:
        if "data" in output:
            values = output["data"]
        else:
            size = output["parameters"]["binary_data_size"]
            values, behind = np.frombuffer(behind[:size], NUMPY[output["datatype"]]).tolist(), behind[size:]
        found[output["name"]] = np.array(values).reshape(output["shape"]).tolist()
    assert not behind
    return found


def binary(X: NDArray[Any], datatype: str = "FP64", **members: Any) -> tuple[bytes, str]:
    """A body with all columns in raw bytes, and how long its JSON is."""
    content = X.astype(NUMPY[datatype]).tobytes()
    head = {"name": "rows", "datatype": datatype, "shape": X.shape, "parameters": {"binary_data_size": len(content)}}
    plain = json.dumps({"inputs": [head], **members}).encode()
    return plain + content, str(len(plain))

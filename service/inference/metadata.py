"""What the protocol tells of the server and of a detector: names, versions, inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from models.detector import Detector
from models.programs.cli import program_version
from models.schema import Column, Kind
from models.schema.timestamps import TIME_LAYOUTS
from service.inference.outputs import OUTPUTS

__all__ = ["PLATFORM", "input_of", "model_metadata", "server_metadata"]

PLATFORM: Final = "relu-anomaly-detector"
"""What metadata calls the server and the platform of each detector."""

_EXTENSIONS: Final = ("binary_tensor_data",)
_DATATYPES: Final = {Kind.NUMERIC: "FP64", Kind.BOOLEAN: "BOOL", Kind.CATEGORICAL: "BYTES", Kind.DATETIME: "BYTES"}


@cache
def server_metadata() -> dict[str, Any]:
    """Return what is told of the server."""
    return {"name": PLATFORM, "version": program_version(), "extensions": list(_EXTENSIONS)}


def model_metadata(detector: Detector, versions: Sequence[str]) -> dict[str, Any]:
    """Return what is told of a detector: its versions, its columns as inputs, in its order, and its outputs."""
    return {
        "name": detector.name,
        "versions": list(versions),
        "platform": PLATFORM,
        "inputs": [input_of(column) for column in detector.schema.read],
        "outputs": [
            {"name": name, "datatype": output.datatype(detector), "shape": output.shape(detector)}
            for name, output in OUTPUTS.items()
        ],
    }


def input_of(column: Column) -> dict[str, Any]:
    """Return the tensor of a column."""
    datatype = _DATATYPES[column.kind]
    if column.kind is Kind.DATETIME and TIME_LAYOUTS[column.layout or "iso"].per_second is not None:
        datatype = "FP64"  # counts of seconds or parts of them
    return {"name": column.name, "datatype": datatype, "shape": [-1, 1]}

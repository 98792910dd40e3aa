"""The messages of the protocol's gRPC service and of `grpc.health.v1`, made of their fields in a pool of their own.

No generated file: a client of Triton in the same process has messages of the same names, and two files that define one
name cannot stand in one pool. Field numbers and types are those of the public definition, `open_inference_grpc.proto`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["HEALTH", "HEALTH_SERVICE", "INFERENCE", "INFERENCE_SERVICE"]

INFERENCE_SERVICE: Final = "inference.GRPCInferenceService"
HEALTH_SERVICE: Final = "grpc.health.v1.Health"

_FIELD: Final = re.compile(r"(repeated )?(?:map<string, (\w+)>|(\w+)) (\w+) = (\d+)")
_PARAMETERS: Final = "map<string, InferParameter> parameters"
_TENSOR: Final = ("string name = 1", "string datatype = 2", "repeated int64 shape = 3", f"{_PARAMETERS} = 4")
_OF_MODEL: Final = ("string name = 1", "string version = 2")

_INFERENCE_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "ServerLiveRequest": (),
    "ServerLiveResponse": ("bool live = 1",),
    "ServerReadyRequest": (),
    "ServerReadyResponse": ("bool ready = 1",),
    "ModelReadyRequest": _OF_MODEL,
    "ModelReadyResponse": ("bool ready = 1",),
    "ServerMetadataRequest": (),
    "ServerMetadataResponse": ("string name = 1", "string version = 2", "repeated string extensions = 3"),
    "ModelMetadataRequest": _OF_MODEL,
    "TensorMetadata": ("string name = 1", "string datatype = 2", "repeated int64 shape = 3"),
    "ModelMetadataResponse": (
        *("string name = 1", "repeated string versions = 2", "string platform = 3"),
        *("repeated TensorMetadata inputs = 4", "repeated TensorMetadata outputs = 5"),
    ),
    "InferParameter": (
        *("bool bool_param = 1", "int64 int64_param = 2", "string string_param = 3"),
        *("double double_param = 4", "uint64 uint64_param = 5"),
    ),
    "InferTensorContents": (
        *("repeated bool bool_contents = 1", "repeated int32 int_contents = 2", "repeated int64 int64_contents = 3"),
        *("repeated uint32 uint_contents = 4", "repeated uint64 uint64_contents = 5"),
        *("repeated float fp32_contents = 6", "repeated double fp64_contents = 7", "repeated bytes bytes_contents = 8"),
    ),
    "InferInputTensor": (*_TENSOR, "InferTensorContents contents = 5"),
    "InferRequestedOutputTensor": ("string name = 1", f"{_PARAMETERS} = 2"),
    "ModelInferRequest": (
        *("string model_name = 1", "string model_version = 2", "string id = 3", f"{_PARAMETERS} = 4"),
        *("repeated InferInputTensor inputs = 5", "repeated InferRequestedOutputTensor outputs = 6"),
        "repeated bytes raw_input_contents = 7",
    ),
    "InferOutputTensor": (*_TENSOR, "InferTensorContents contents = 5"),
    "ModelInferResponse": (
        *("string model_name = 1", "string model_version = 2", "string id = 3", f"{_PARAMETERS} = 4"),
        *("repeated InferOutputTensor outputs = 5", "repeated bytes raw_output_contents = 6"),
    ),
}
_HEALTH_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "HealthCheckRequest": ("string service = 1",),
    "HealthCheckResponse": ("int32 status = 1",),  # of an enumeration, which is sent as this is
}


def _messages(package: str, fields_of: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return the class of each message."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in fields_of.items():
        message = file.message_type.add(name=name)
        for text in fields:
            _add_field(message, f".{package}", text)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in fields_of
    }


def _add_field(message: Any, package: str, text: str) -> None:
    """Add a field, written as in a definition; the type of a map is a message within, as protobuf has it."""
    found = _FIELD.fullmatch(text)
    if found is None:
        raise ValueError(text)
    repeated, value, kind, name, number = found.groups()
    field = message.field.add(name=name, number=int(number))
    field.label = field.LABEL_REPEATED if repeated or value else field.LABEL_OPTIONAL
    if value is not None:
        entry = message.nested_type.add(name=f"{name.title()}Entry")
        entry.options.map_entry = True
        _add_field(entry, package, "string key = 1")
        _add_field(entry, package, f"{value} value = 2")
        field.type, field.type_name = field.TYPE_MESSAGE, f"{package}.{message.name}.{entry.name}"
    elif kind[0].isupper():
        field.type, field.type_name = field.TYPE_MESSAGE, f"{package}.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")


INFERENCE: Final = _messages("inference", _INFERENCE_FIELDS)
"""The messages of `INFERENCE_SERVICE`, by name."""

HEALTH: Final = _messages("grpc.health.v1", _HEALTH_FIELDS)
"""The messages of `HEALTH_SERVICE`, by name."""

"""Requests and answers of inference, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, Field

__all__ = ["BODY_SCHEMA", "InferenceResponse", "Live", "ModelMetadata", "Ready", "ServerMetadata"]


class TensorMetadata(BaseModel):
    name: str
    datatype: str
    shape: list[int] = Field(description="−1 for a size that the request says.")


class ServerMetadata(BaseModel):
    """The server."""

    name: str
    version: str
    extensions: list[str]


class ModelMetadata(BaseModel):
    """A detector: a tensor for each column that it reads, in its order, and its outputs."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class Live(BaseModel):
    """The process answers."""

    live: bool


class Ready(BaseModel):
    """Rows can be scored."""

    ready: bool


class InputTensor(BaseModel):
    name: str = Field(description="Name of a column; any for a single tensor with all columns.")
    datatype: str
    shape: list[int] = Field(description="[rows] or [rows, 1], or [rows, columns] for all columns together.")
    parameters: dict[str, Any] | None = Field(None, description="binary_data_size: bytes of it behind the JSON.")
    data: list[Any] | None = Field(None, description="Elements row by row, flat or a list a row; null for missing.")


class OutputName(BaseModel):
    name: str
    parameters: dict[str, Any] | None = Field(None, description="binary_data: answer it as raw bytes.")


class InferenceBody(BaseModel):
    """A request for inference."""

    id: str | None = None
    parameters: dict[str, Any] | None = Field(None, description="binary_data_output: answer all as raw bytes.")
    inputs: list[InputTensor]
    outputs: list[OutputName] | None = Field(None, description="Absent for score, p-value and verdict.")


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Return a schema without references to definitions of its own, which an OpenAPI document would not find."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(part, definitions) for name, part in schema.items() if name != "$defs"}


_SCHEMA: Final = InferenceBody.model_json_schema()

BODY_SCHEMA: Final[dict[str, Any]] = _inlined(_SCHEMA, _SCHEMA["$defs"])
"""The JSON schema of a request for inference."""


class OutputTensor(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] | None = None
    data: list[Any] | None = None


class InferenceResponse(BaseModel):
    """The answer: a tensor for each output."""

    # Of the protocol, though Pydantic keeps names that begin so for itself.
    model_config = {"protected_namespaces": ()}

    model_name: str
    model_version: str
    id: str | None = None
    parameters: dict[str, Any] | None = Field(None, description="notes: what was detected or is ignored.")
    outputs: list[OutputTensor]

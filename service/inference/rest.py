"""REST: requests and answers of inference in JSON, with tensors in JSON or, by the binary extension, behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
import numpy as np
from starlette.datastructures import Headers

from models.strict_json import repeated_keys
from service.formats.bounds import require_bounded
from service.formats.json import json_error, repeated_key_error
from service.formats.json_slices import DECODE_ERRORS
from service.formats.rows import BodySpec
from service.inference.json_tensors import values_of_json
from service.inference.raw import raw_of, values_of_raw
from service.inference.tensors import (
    InferenceAnswer,
    InferenceRequest,
    RequestedOutput,
    Tensor,
    cells_in,
    require_sendable,
    tensor_error,
)
from service.web.negotiation import bare
from service.web.problems import RequestError

__all__ = ["HEADER_LENGTH", "header_length_of", "read_request", "write_answer"]

HEADER_LENGTH: Final = "Inference-Header-Content-Length"
"""The header that says how many bytes of a body are JSON, where tensors stand behind it as raw bytes."""

_TYPES: Final = ("", "application/json", "application/octet-stream")
_JSON, _BINARY = _TYPES[1:]
_TEXT_OR_NAN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|\bNaN\b', re.DOTALL)

Parameter = str | int | float | bool | None


class _Input(msgspec.Struct, kw_only=True, gc=False):
    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Parameter] | msgspec.UnsetType | None = msgspec.UNSET
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Output(msgspec.Struct, kw_only=True, gc=False):
    name: str
    parameters: dict[str, Parameter] | msgspec.UnsetType | None = msgspec.UNSET


class _Request(msgspec.Struct, kw_only=True, gc=False):
    inputs: list[_Input]
    id: str | msgspec.UnsetType | None = msgspec.UNSET
    parameters: dict[str, Parameter] | msgspec.UnsetType | None = msgspec.UNSET
    outputs: list[_Output] | msgspec.UnsetType | None = msgspec.UNSET


_REQUEST: Final = msgspec.json.Decoder(_Request)


def header_length_of(headers: Headers) -> int | None:
    """Return how many bytes of the body are JSON; None for all of them.

    Raises:
        RequestError: The header is no number, or the content type is none of JSON or bytes.
    """
    if (kind := bare(headers.get("content-type", ""))) not in _TYPES:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type {kind!r} is not read here. Send {_JSON}, or {_BINARY} with {HEADER_LENGTH}.",
            headers={"Accept": f"{_JSON}, {_BINARY}"},
        )
    text = headers.get(HEADER_LENGTH)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise RequestError(HTTPStatus.BAD_REQUEST, f"{HEADER_LENGTH} is {text[:20]!r}. Send a number of bytes.")
    return int(text)


def read_request(content: bytes, header_length: int | None, spec: BodySpec) -> InferenceRequest:
    """Read a request.

    Args:
        content: The body, decompressed.
        header_length: How many of its bytes are JSON; None for all of them.
        spec: What is known of the body.

    Raises:
        RequestError: It is no such request, or too much.
        RecordError: A tensor is not what its shape and datatype say.
    """
    if header_length is not None and header_length > len(content):
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            f"{HEADER_LENGTH} is {header_length:,}, and the body has {len(content):,} bytes. Send all of it.",
        )
    head = content if header_length is None else content[:header_length]
    require_bounded(head, spec)
    request, head = _decoded(head)
    _require_unrepeated(request, head)
    behind = memoryview(content)[len(content) if header_length is None else header_length :]
    inputs, start = [], 0
    for item in request.inputs:
        size = _binary_size(item)
        raw = None if size is None else behind[start : start + size]
        start += size or 0
        inputs.append(_tensor(item, raw, size, spec))
    if start < len(behind):
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            f"{len(behind) - start:,} bytes stand behind the tensors. Say binary_data_size in each that has some.",
        )
    return InferenceRequest(
        inputs=inputs,
        id=request.id or "",
        outputs=[
            RequestedOutput(name=output.name, binary=_flag(output.name, output.parameters, "binary_data"))
            for output in request.outputs or ()
        ],
        binary=_flag("parameters", request.parameters, "binary_data_output") or False,
        ignored=sorted(_others(request)),
    )


def write_answer(answer: InferenceAnswer) -> tuple[bytes, dict[str, str]]:
    """Return an answer as bytes, and the headers that say what they are.

    Raises:
        RequestError: It would be too large.
    """
    outputs, pieces = [], []
    for tensor in answer.outputs:
        head: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        if tensor.name in answer.binary:
            pieces.append(raw_of(tensor))
            head["parameters"] = {"binary_data_size": len(pieces[-1])}
        else:
            values = tensor.values
            head["data"] = values.tolist() if isinstance(values, np.ndarray) else values
        outputs.append(head)
    plain: dict[str, Any] = {"model_name": answer.name, "model_version": answer.version}
    if answer.id:
        plain["id"] = answer.id
    if answer.notes:
        plain["parameters"] = {"notes": "\n".join(answer.notes)}
    content = msgspec.json.encode(plain | {"outputs": outputs})
    require_sendable(len(content) + sum(map(len, pieces)))
    if not answer.binary:
        return content, {"Content-Type": _JSON}
    return b"".join([content, *pieces]), {"Content-Type": _BINARY, HEADER_LENGTH: str(len(content))}


def _decoded(content: bytes) -> tuple[_Request, bytes]:
    """Decode JSON, NaN as null: some clients send it so, though it is no JSON; return the JSON, too."""
    try:
        return _REQUEST.decode(content), content
    except DECODE_ERRORS as error:
        if b"NaN" in content:
            plain = _TEXT_OR_NAN.sub(lambda found: b"null" if found[0] == b"NaN" else found[0], content)
            if plain != content:
                return _decoded(plain)
        if isinstance(error, msgspec.ValidationError):
            detail = f"The body is no request for inference: {error}. Send inputs: name, shape, datatype and data."
            raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from error
        raise json_error(content, error) from error


def _require_unrepeated(request: _Request, content: bytes) -> None:
    """Refuse a key that comes twice in one object; a colon for each key that was decoded is the usual case."""
    objects = [request, *request.inputs, *(request.outputs or ())]
    keys = sum(getattr(item, name) is not msgspec.UNSET for item in objects for name in item.__struct_fields__)
    keys += sum(len(item.parameters or ()) for item in objects)
    texts = sum(bytes(i.data).count(b":") for i in request.inputs if i.datatype == "BYTES" and i.data)
    if content.count(b":") - texts != keys and (repeated := repeated_keys(content, msgspec.json.decode(content))):
        raise repeated_key_error(repeated)


def _binary_size(item: _Input) -> int | None:
    """Return how many bytes of a tensor stand behind the JSON; None where its data is in it."""
    size = (item.parameters or {}).get("binary_data_size")
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise tensor_error(item.name, f"has the binary_data_size {size!r}.", "Send a number of bytes.")
    if item.data is not msgspec.UNSET:
        raise tensor_error(item.name, "has both data and binary_data_size.", "Send one of them.")
    return size


def _tensor(item: _Input, raw: memoryview | None, size: int | None, spec: BodySpec) -> Tensor:
    cells = cells_in(item.name, item.shape, spec)
    if raw is not None:
        if len(raw) != size:
            problem = f"has the binary_data_size {size:,}, and {len(raw):,} bytes are there."
            raise tensor_error(item.name, problem, f"Send all of them, and {HEADER_LENGTH}.")
        values = values_of_raw(item.name, item.datatype, raw, size=cells)
    elif item.data is msgspec.UNSET:
        raise tensor_error(item.name, "has no data.", "Send data, or binary_data_size and the bytes behind the JSON.")
    else:
        values = values_of_json(item.name, item.datatype, item.shape, bytes(item.data), size=cells)
    return Tensor(name=item.name, datatype=item.datatype, shape=tuple(item.shape), values=values)


def _flag(name: str, parameters: Mapping[str, Parameter] | msgspec.UnsetType | None, flag: str) -> bool | None:
    value = (parameters or {}).get(flag)
    if value is not None and not isinstance(value, bool):
        raise tensor_error(name, f"has the {flag} {value!r}.", "Send true or false.")
    return value


def _others(request: _Request) -> set[str]:
    """Return the names of parameters that mean nothing here."""
    known = {"binary_data_output", "binary_data", "binary_data_size", "content_type"}
    objects: Sequence[Any] = [request, *request.inputs, *(request.outputs or ())]
    return {name for item in objects for name in item.parameters or ()} - known

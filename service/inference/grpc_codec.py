"""gRPC: requests and answers of inference as protobuf messages, with typed or raw contents."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

import numpy as np
from google.protobuf.message import DecodeError

from service.formats.bounds import require_few_columns
from service.formats.rows import BodySpec, most_columns
from service.inference.grpc_messages import INFERENCE
from service.inference.raw import raw_of, text_of, values_of_raw
from service.inference.tensors import (
    DATATYPES,
    InferenceAnswer,
    InferenceRequest,
    RequestedOutput,
    Tensor,
    Values,
    cells_in,
    datatype_of,
    require_sendable,
    tensor_error,
)
from service.web.problems import RequestError

__all__ = ["answer_message", "names_in", "read_message", "request_of"]

_INPUTS, _OUTPUTS = 5, 6  # numbers of fields of a request
_FIELDS_PER_COLUMN: Final = 5  # of a tensor: name, datatype, shape, contents, raw contents
_LENGTH_DELIMITED: Final = 2
_FIXED: Final = {1: 8, 5: 4}  # bytes of a field, by its wire type


def names_in(content: bytes) -> tuple[str, str | None]:
    """Return name and version of the detector that a request means, without decoding the rest; no version for none.

    Raises:
        RequestError: It is no such message.
    """
    found = {number: value for number, value in _fields(memoryview(content)) if number in (1, 2)}
    try:
        name, version = (str(found.get(number, b""), "utf-8") for number in (1, 2))
    except UnicodeDecodeError as error:
        raise _undecodable() from error
    return name, version or None


def read_message(content: bytes, spec: BodySpec) -> Any:
    """Decode a request, of which an empty tensor takes two bytes and a hundred once it is decoded.

    Raises:
        RequestError: It is no such message, or has more tensors or parameters than a record has fields.
    """
    most = _FIELDS_PER_COLUMN * most_columns(spec.schema)
    count = 0
    for number, value in _fields(memoryview(content)):
        count += 1 + (sum(1 for _ in _fields(value)) if number in (_INPUTS, _OUTPUTS) else 0)
        if count > most:
            require_few_columns(count, spec)
    try:
        return INFERENCE["ModelInferRequest"].FromString(content)
    except DecodeError as error:
        raise _undecodable() from error


def request_of(message: Any, spec: BodySpec) -> InferenceRequest:
    """Return a decoded message as a request.

    Raises:
        RecordError: A tensor is not what its shape and datatype say.
        RequestError: It says more rows or elements than a request may have.
    """
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        problem = f"has {len(raw):,} entries for {len(message.inputs):,} tensors."
        raise tensor_error("raw_input_contents", problem, "Send one for each tensor, or typed contents alone.")
    inputs = [_tensor(item, raw[index] if raw else None, spec) for index, item in enumerate(message.inputs)]
    parameters = [message.parameters, *(item.parameters for item in [*message.inputs, *message.outputs])]
    return InferenceRequest(
        inputs=inputs,
        id=message.id,
        outputs=[RequestedOutput(name=item.name) for item in message.outputs],
        binary=bool(raw),
        ignored=sorted({name for named in parameters for name in named} - {"content_type"}),
    )


def answer_message(answer: InferenceAnswer) -> Any:
    """Return an answer as a message: raw contents where the request had such, else typed ones."""
    message = INFERENCE["ModelInferResponse"](model_name=answer.name, model_version=answer.version, id=answer.id)
    if answer.notes:
        message.parameters["notes"].string_param = "\n".join(answer.notes)
    for tensor in answer.outputs:
        item = message.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        if tensor.name in answer.binary:
            message.raw_output_contents.append(raw_of(tensor))
            continue
        values = tensor.values
        plain = values.tolist() if isinstance(values, np.ndarray) else [text.encode() for text in values]
        getattr(item.contents, str(DATATYPES[tensor.datatype].contents)).extend(plain)
    require_sendable(message.ByteSize())
    return message


def _tensor(item: Any, raw: bytes | None, spec: BodySpec) -> Tensor:
    shape = tuple(item.shape)
    cells = cells_in(item.name, shape, spec)
    if raw is not None:
        if item.contents.ByteSize():  # MLServer sends empty ones
            raise tensor_error(item.name, "has both contents and raw contents.", "Send one of them.")
        values = values_of_raw(item.name, item.datatype, raw, size=cells)
    else:
        values = _contents(item, cells)
    return Tensor(name=item.name, datatype=item.datatype, shape=shape, values=values)


def _contents(item: Any, cells: int) -> Values:
    datatype = datatype_of(item.name, item.datatype)
    if datatype.contents is None:
        raise tensor_error(item.name, f"is {item.datatype}.", "Send it in raw_input_contents.")
    elements = getattr(item.contents, datatype.contents)
    if len(elements) != cells:
        problem = f"has {len(elements):,} elements in {datatype.contents}, and its shape means {cells:,}."
        raise tensor_error(item.name, problem, "Send as many as the shape says, in the field of the datatype.")
    if datatype.dtype is None:
        return [text_of(item.name, element, index) for index, element in enumerate(elements)]
    try:
        return np.array(list(elements), datatype.dtype)
    except OverflowError as error:
        problem = f"holds a number that {item.datatype} cannot hold."
        raise tensor_error(item.name, problem, "Send INT64, or FP64.") from error


def _fields(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of each field of a message that has a length; the others are passed over."""
    start = 0
    while start < len(content):
        tag, start = _varint(content, start)
        kind = tag & 7
        if kind == _LENGTH_DELIMITED:
            length, start = _varint(content, start)
            end = start + length
            if end > len(content):
                raise _undecodable()
            yield tag >> 3, content[start:end]
            start = end
        elif kind == 0:
            _, start = _varint(content, start)
        elif kind in _FIXED:
            start += _FIXED[kind]
        else:
            raise _undecodable()


def _varint(content: memoryview, start: int) -> tuple[int, int]:
    """Return a number that is written in groups of seven bits, and where it ends."""
    number = shift = 0
    while start < len(content) and shift < 64:
        byte = content[start]
        number |= (byte & 0x7F) << shift
        start, shift = start + 1, shift + 7
        if byte < 0x80:
            return number, start
    raise _undecodable()


def _undecodable() -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, "The message is no ModelInferRequest, or it is cut off. Send it anew.")

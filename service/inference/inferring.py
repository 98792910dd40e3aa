"""Scores the rows of a request for inference; what REST and gRPC have in common."""

from __future__ import annotations

from collections.abc import Sequence

from models.detector import Detector
from models.errors import DataError
from service.api.schemas import MOST_VALUES
from service.budget import BUDGET
from service.cancellation import Cancellation
from service.fast_path.micro_batching import cells_of
from service.formats.rows import BodySpec, Rows, all_problems, noted
from service.gate import SMALL_BYTES, Gate
from service.inference.inputs import is_matrix, rows_of
from service.inference.outputs import OUTPUTS, USUAL, ChunkOfRows, tensor_of_chunks
from service.inference.tensors import InferenceAnswer, InferenceRequest, RequestedOutput, Values, tensor_error
from service.web.problems import too_many_values

__all__ = ["infer", "is_quick", "may_read_on_loop", "outputs_of"]


def outputs_of(request: InferenceRequest) -> Sequence[RequestedOutput]:
    """Return the outputs of a request.

    Raises:
        RecordError: One is unknown, or comes twice.
    """
    names = [output.name for output in request.outputs]
    for index, name in enumerate(names):
        if name not in OUTPUTS:
            raise tensor_error(name[:100], "is no output.", f"Ask for some of {', '.join(OUTPUTS)}.")
        if name in names[:index]:
            raise tensor_error(name, "is asked for twice.", "Ask for it once.")
    return request.outputs or [RequestedOutput(name=name) for name in USUAL]


def may_read_on_loop(size: int, gate: Gate) -> bool:
    """Return whether a request of so many bytes may be decoded on the event loop: a small one, or when all is idle."""
    return size <= SMALL_BYTES or (size <= BUDGET.idle_bytes and gate.take_when_idle())


def is_quick(request: InferenceRequest, size: int, detector: Detector) -> bool:
    """Return whether a request that was decoded on the event loop is answered there.

    That is for nothing beyond the scores, of few cells or, when all is idle, of more that are numbers.
    """
    if not request.inputs or any(OUTPUTS[output.name].cells(detector) for output in outputs_of(request)):
        return False
    cells = cells_of(request.inputs[0].shape[0], detector, top=0)
    is_light = size > SMALL_BYTES and is_matrix(request.inputs, detector.schema)
    return cells <= (BUDGET.idle_cells if is_light else BUDGET.loop_cells_refused)


def infer(request: InferenceRequest, detector: Detector, spec: BodySpec) -> InferenceAnswer:
    """Return the answer to a request.

    Raises:
        RecordError: The tensors are not those of rows, or an output is unknown.
        RequestError: Values are not of their columns' kinds, with everything that is wrong; or the answer would be
            too large.
    """
    wanted = outputs_of(request)
    rows = noted(rows_of(request, spec), detector)
    _require_bounded(len(rows), [output.name for output in wanted], detector)
    try:
        chunks = _values_of(rows, [output.name for output in wanted], detector, spec.cancellation)
    except DataError as error:
        raise all_problems(rows, spec.schema, error, cancellation=spec.cancellation) from error
    return InferenceAnswer(
        name=detector.name,
        version=detector.version,
        id=request.id,
        outputs=[tensor_of_chunks(name, detector, values) for name, values in chunks.items()],
        binary=frozenset(
            output.name for output in wanted if (request.binary if output.binary is None else output.binary)
        ),
        notes=[*map(str, rows.notes)],
    )


def _values_of(
    rows: Rows, names: Sequence[str], detector: Detector, cancellation: Cancellation
) -> dict[str, list[Values]]:
    """Return the values of each output, chunk by chunk."""
    found: dict[str, list[Values]] = {name: [] for name in names}
    for some in cancellation.checked(rows.chunks(detector.schema)):
        chunk = ChunkOfRows(detector=detector, columns=some.columns(detector.schema), check=cancellation.check)
        for name in names:
            found[name].append(OUTPUTS[name].values(chunk))
    return found


def _require_bounded(rows: int, names: Sequence[str], detector: Detector) -> None:
    """Refuse rows whose answer would hold too many values."""
    values = rows * sum(OUTPUTS[name].cells(detector) for name in names)
    if values > MOST_VALUES:
        raise too_many_values(values, MOST_VALUES, remedy="Ask for fewer outputs, or send fewer rows a request.")

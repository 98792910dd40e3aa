"""The outputs of a request for inference: one row an output, with its datatype and what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.detector import Detector, Verdicts
from models.reasons.reasons import MOST_REASONS
from models.schema import Kind
from service.inference.tensors import Tensor, Values
from service.operations import Check, embedded, scored

__all__ = ["OUTPUTS", "USUAL", "ChunkOfRows", "Output", "tensor_of_chunks"]


@dataclass(frozen=True, kw_only=True)  # no slots: what is computed stays
class ChunkOfRows:
    """The rows of a chunk; what several outputs need is computed once.

    Args:
        check: Called before each piece of explaining, which it may end.
    """

    detector: Detector
    columns: Columns
    check: Check

    @cached_property
    def verdicts(self) -> Verdicts:
        """The verdicts on the rows."""
        return scored(self.detector, self.columns)

    @cached_property
    def embeddings(self) -> NDArray[np.float32]:
        """The bottleneck's output for the rows `(n, k)`."""
        return embedded(self.detector, self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output.

    Args:
        meaning: What it is.
        datatype: Its datatype for a detector.
        width: Its number of columns for a detector: −1 where only the answer says it; None for a tensor of one
            dimension.
        values: Its values for a chunk of n rows, `(n,)` or `(n, width)`; a list for texts.
        cells: Values of one row that are made for it and beyond the score, for a detector; 0 for what is there anyway.
        is_usual: It is answered where no output is asked for by name.
    """

    meaning: str
    datatype: Callable[[Detector], str]
    values: Callable[[ChunkOfRows], Values]
    width: Callable[[Detector], int | None] = lambda detector: None
    cells: Callable[[Detector], int] = lambda detector: 0
    is_usual: bool = False

    def shape(self, detector: Detector) -> list[int]:
        """Return its shape as metadata has it: −1 for what is not known before."""
        width = self.width(detector)
        return [-1] if width is None else [-1, width]


def tensor_of_chunks(name: str, detector: Detector, chunks: Sequence[Values]) -> Tensor:
    """Return an output from the values of each chunk of rows."""
    datatype = OUTPUTS[name].datatype(detector)
    if isinstance(chunks[0], np.ndarray):
        values = np.concatenate(chunks)
        return Tensor(name=name, datatype=datatype, shape=values.shape, values=values.reshape(-1))
    texts = [text for chunk in chunks for text in chunk]
    width = OUTPUTS[name].width(detector)
    shape = (len(texts),) if width is None else (len(texts) // width, width)
    return Tensor(name=name, datatype=datatype, shape=shape, values=texts)


def _columns(detector: Detector) -> int:
    return len(detector.schema.columns)


def _of_expected(detector: Detector) -> str:
    is_numeric = all(column.kind is Kind.NUMERIC for column in detector.schema.columns)
    return "FP64" if is_numeric else "BYTES"


def _expected(chunk: ChunkOfRows) -> Values:
    """Return the expected values as numbers, or as texts where a column holds no numbers."""
    rows = [list(chunk.verdicts.expected(row).values()) for row in range(len(chunk.verdicts))]
    if _of_expected(chunk.detector) == "FP64":
        return np.array(rows, np.float64)
    return [_text(cell) for row in rows for cell in row]


def _text(cell: Any) -> str:
    """Return a value as JSON has it, a text as it is, and nothing for a missing one."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return "" if cell is None else str(cell)


def _reasons(chunk: ChunkOfRows) -> Values:
    return [reason for _, reason in chunk.verdicts.reasoned(check=chunk.check)]


OUTPUTS: Final = {
    "anomaly_score": Output(
        meaning="The anomaly score; higher is more anomalous.",
        datatype=lambda detector: "FP64",
        values=lambda chunk: chunk.verdicts.anomaly_score,
        is_usual=True,
    ),
    "p_value": Output(
        meaning="The share of calibration rows that score at least as high.",
        datatype=lambda detector: "FP64",
        values=lambda chunk: chunk.verdicts.p_value,
        is_usual=True,
    ),
    "is_anomaly": Output(
        meaning="The score is above the threshold.",
        datatype=lambda detector: "BOOL",
        values=lambda chunk: chunk.verdicts.is_anomaly,
        is_usual=True,
    ),
    "threshold": Output(
        meaning="The score above which the row is an anomaly.",
        datatype=lambda detector: "FP64",
        values=lambda chunk: chunk.verdicts.threshold,
    ),
    "contributions": Output(
        meaning="What each column adds to the score, in the detector's order of columns.",
        datatype=lambda detector: "FP64",
        width=_columns,
        values=lambda chunk: chunk.verdicts.scores.column_errors,
        cells=_columns,
    ),
    "reason": Output(
        meaning="The columns that add most, in words.",
        datatype=lambda detector: "BYTES",
        values=_reasons,
        cells=lambda detector: MOST_REASONS,
    ),
    "embedding": Output(
        meaning="The bottleneck's output.",
        datatype=lambda detector: "FP32",
        width=lambda detector: -1,
        values=lambda chunk: chunk.embeddings,
        cells=_columns,
    ),
    "reconstruction": Output(
        meaning="What the network expected of each column; texts where a column holds no numbers.",
        datatype=_of_expected,
        width=_columns,
        values=_expected,
        cells=_columns,
    ),
}
"""The outputs by name."""

USUAL: Final = tuple(name for name, output in OUTPUTS.items() if output.is_usual)
"""The outputs that are answered where none is asked for by name."""

"""Checks the parts of a bundle that are shown, not scored with: its names, its card, the summaries of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from models.errors import BundleError
from models.repository import complaint_about_name
from models.strict_json import from_plain

_NAMES: Final = ("name", "version", "created")

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Hours = Annotated[list[_Count], msgspec.Meta(min_length=24, max_length=24)]
_Weekdays = Annotated[list[_Count], msgspec.Meta(min_length=7, max_length=7)]


class _Quantiles(msgspec.Struct, rename={"q0": "0", "q5": "0.05", "q50": "0.5", "q95": "0.95", "q100": "1"}):
    q0: float
    q5: float
    q50: float
    q95: float
    q100: float


class _Summary(msgspec.Struct, forbid_unknown_fields=True):
    """What `training.columns.learn_columns` says of the fitting rows of a column."""

    missing: int = 0
    quantiles: _Quantiles | None = None
    mean: float | None = None
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    others: int = 0
    first: str = ""
    last: str = ""
    hours: _Hours | None = None
    weekdays: _Weekdays | None = None
    typical: float | bool | str | None = None
    untold: bool = False


class _Reference(msgspec.Struct, forbid_unknown_fields=True):
    columns: dict[str, _Summary] = msgspec.field(default_factory=dict)
    anomaly_score: dict[str, float] = msgspec.field(default_factory=dict)


class _Settings(msgspec.Struct):
    activation: str = ""


class _Threshold(msgspec.Struct):
    warnings: list[str] = msgspec.field(default_factory=list)


class _Card(msgspec.Struct):
    """The parts of a card that programs read; all others are shown as they are."""

    settings: _Settings | None = None
    threshold: _Threshold | None = None
    metrics: dict[str, Any] | None = None
    parts: dict[str, Any] | None = None
    comparison: dict[str, Any] | None = None
    warnings: list[str] | None = None
    input_names: list[str] | None = None


def check_manifest(manifest: Mapping[str, Any]) -> None:
    """Check the names and the card of a manifest.

    Raises:
        ValueError: A name could not be printed, or a part of the card is of another type.
    """
    for key in _NAMES:
        if (complaint := complaint_about_name(manifest[key])) is not None:
            raise ValueError(f"its {key} {complaint}")
    from_plain(manifest["card"], _Card)


def check_reference(reference: Mapping[str, Any]) -> None:
    """Check the summaries of columns.

    Raises:
        BundleError: One is of another type.
    """
    try:
        from_plain(reference, _Reference)
    except ValueError as error:
        raise BundleError(f"reference.json is not readable ({error}). Copy the bundle again.") from error

"""The forms of a JSON body: our own, and those of other servers and of pandas where they can be read in one way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from models.columns.from_records import brief_repr
from models.errors import RecordError
from models.schema import FeatureSchema
from models.schema.names import in_one_form, one_form

Rows = tuple[Sequence[str] | None, list[Any]]
"""What the cells of a row are called (None where rows are objects), and the rows."""

_OF_RECORDS: Final = ("instances", "inputs", "dataframe_records", "records", "data")
_SPLIT: Final = "dataframe_split"
_BESIDE: Final = frozenset(["index", "signature_name", "parameters", "params", "id"])  # say nothing of the rows
_SHOWN: Final = 5
_READ: Final = (
    "Send a record, a list of records, or columns and rows; a list of records in instances or inputs and pandas' split "
    "(columns and data, also in dataframe_split), are read, too."
)


def rows_of(value: Any, schema: FeatureSchema) -> Rows:
    """Return the rows of a decoded body: a record, a list of records, ``columns`` and ``rows``, or another's form.

    Raises:
        RecordError: It is none of these.
    """
    if isinstance(value, list):
        return None, value
    if not isinstance(value, dict):
        raise RecordError(
            f"the body is {brief_repr(value)}.", record=None, field=None, remedy="Send a record or a list of records."
        )
    if value.keys() == {"columns", "rows"} and isinstance(value["columns"], (list, str, dict)):
        return _table(value["columns"], value["rows"], "rows")
    if _has_columns(value, schema) or not any(isinstance(part, (list, dict)) for part in value.values()):
        return None, [value]  # a record, though its fields may be others
    return _foreign(value)


def _has_columns(value: Mapping[str, Any], schema: FeatureSchema) -> bool:
    """Return whether a member is called like a column of the training data, or holds some in an object."""
    names = set(in_one_form(value))
    return not names.isdisjoint(schema.known) or any(name.partition(".")[0] in names for name in schema.known)


def _foreign(value: Mapping[str, Any]) -> Rows:
    """Return the rows of a body in a form that is not ours."""
    members = {name: part for name, part in value.items() if name not in _BESIDE}
    if members.keys() == {_SPLIT} and isinstance(value[_SPLIT], dict):
        members = {name: part for name, part in value[_SPLIT].items() if name not in _BESIDE}
    if members.keys() == {"columns", "data"} and isinstance(members["columns"], list):
        return _table(members["columns"], members["data"], "data")
    name, part = next(iter(members.items()), ("", None))
    if len(members) == 1 and name in _OF_RECORDS and isinstance(part, list) and all(isinstance(r, dict) for r in part):
        return None, part
    listed = ", ".join(repr(one_form(name)) for name in list(value)[:_SHOWN]) + (", …" if len(value) > _SHOWN else "")
    several = "s" if len(value) > 1 else ""
    raise RecordError(
        f"the body has the member{several} {listed}, and none is a column of the detector.",
        record=None,
        field=None,
        remedy=_READ,
    )


def _table(names: Any, rows: Any, member: str) -> Rows:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RecordError("is no list of names.", record=None, field="columns", remedy="Send the columns' names.")
    names = list(in_one_form(names))
    if len(set(names)) < len(names):
        [(repeated, _)] = Counter(names).most_common(1)
        raise RecordError(f"names {repeated!r} twice.", record=None, field="columns", remedy="Name each column once.")
    if not isinstance(rows, list):
        raise RecordError("is no list of rows.", record=None, field=member, remedy="Send a list of lists of cells.")
    return names, rows

"""Keeps of large JSON what a detector reads: a decoder makes a text of each name, and an object of all that is inside.

Names stay, as errors and notes tell them; equal ones become one. Values of other fields are forgotten, and lists and
objects where a value should be, which are refused by what they are.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, final

from models.schema import FeatureSchema
from models.schema.names import one_form
from models.schema.nesting import outer_names
from models.strict_json import fields_of, objects_in
from service.budget import BUDGET
from service.web.problems import RequestError

__all__ = ["KnownFields", "too_many_fields"]

_LARGE_BYTES: Final = 1 << 18


@final
class KnownFields:
    """Keeps the fields of a body's records that a schema knows.

    Attributes:
        forgotten: Number of fields in the lists and objects that were forgotten.
    """

    def __init__(self, schema: FeatureSchema) -> None:
        self.forgotten = 0
        self._known = schema.known
        self._outer = outer_names(tuple(schema.known))
        self._plain = frozenset(name for name in self._known - self._outer if name.isascii())
        self._names: dict[str, str] = {}
        self._most_fields = len(schema.known) + BUDGET.other_columns

    def require_few(self, item: bytes | memoryview) -> None:
        """Refuse the text of an item that has more fields, those of inner objects among them, than a record may have.

        Raises:
            RequestError: It has.
        """
        if len(item) > _LARGE_BYTES and fields_of(bytes(item)) > self._most_fields:
            raise too_many_fields(self._most_fields)

    def of_item(self, item: Any) -> Any:
        """Return what is kept of an item of a list: of a record its fields, of a row its cells.

        Raises:
            RequestError: All items together have too many different fields.
        """
        if isinstance(item, dict):
            return self._of_record(item, "")
        if isinstance(item, list) and not _INNER.isdisjoint(map(type, item)):
            return [self._of_cell(cell) for cell in item]
        return item

    def _of_record(self, record: dict[str, Any], outer: str) -> dict[str, Any]:
        if not outer and record.keys() <= self._plain and _INNER.isdisjoint(map(type, record.values())):
            return record  # the usual case: the decoder has made equal names of plain letters one
        return {self._one(name): self._of_field(one_form(outer + name), value) for name, value in record.items()}

    def _of_field(self, name: str, value: Any) -> Any:
        if name in self._outer and isinstance(value, dict):
            return self._of_record(value, name + ".")
        kept = self._of_cell(value)
        return kept if name in self._known or name in self._outer else None

    def _of_cell(self, value: Any) -> Any:
        if type(value) not in _INNER:
            return value
        self.forgotten += sum(map(len, objects_in(value)))
        if isinstance(value, dict):
            return {"": None} if value else {}
        return [None] if value else []

    def _one(self, name: str) -> str:
        found = self._names.setdefault(name, name)
        if len(self._names) > self._most_fields:
            raise _refused(
                f"The records have more than {self._most_fields:,} different fields. Send only those that the detector "
                "knows."
            )
        return found


_INNER: Final = frozenset([dict, list])


def too_many_fields(most: int) -> RequestError:
    """Return the error for a record of too many fields."""
    return _refused(f"A record has more than {most:,} fields. Send only those that the detector knows.")


def _refused(detail: str) -> RequestError:
    return RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)

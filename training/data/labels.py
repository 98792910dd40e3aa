"""Labels: which rows a label column calls anomalies."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import ConfigError, Set, TableError, absent_columns
from models.messages import phrase
from models.schema.cells import BOOLEAN_WORDS, parse_category
from models.schema.numbers import without_zero_fraction
from models.tables.table import Table, places_of

NORMAL_WORDS: Final = frozenset(
    ["normal", "benign", "ok", "good", "healthy", "regular", "legit", "legitimate", "background", "inlier"]
)
ANOMALY_WORDS: Final = frozenset(
    [
        *("anomaly", "anomalous", "abnormal", "outlier", "attack", "intrusion", "malicious", "malignant"),
        *("fraud", "fraudulent", "fault", "faulty", "failure", "defect", "defective", "bad"),
    ]
)
_POLES: Final = {"positive": True, "pos": True, "negative": False, "neg": False}  # beside `BOOLEAN_WORDS`
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRule:
    """The values of a label column that mean "anomaly".

    Args:
        values: The values that mean "anomaly", or "normal" where `inverted`.
        inverted: Everything but `values` is an anomaly.
        reason: Why these values were chosen, in words.
    """

    column: str
    values: frozenset[str]
    inverted: bool
    reason: str

    def anomalies(self, table: Table) -> NDArray[np.bool_]:
        """Return which rows are anomalies `(n,)`.

        Raises:
            TableError: There is no such column, or a row has no label.
        """
        labels = _labels(table, self.column)
        return np.array([(label in self.values) != self.inverted for label in labels])


def label_rule(
    table: Table, column: str, *, anomaly_values: tuple[str, ...] = (), also: Table | None = None
) -> LabelRule:
    """Decide which values of a label column mean "anomaly".

    The first of these that applies: the values that the user names; every value but a word for "normal"; a word for
    "anomaly"; the rarer of two values, unless it is 0, false or no beside 1, true or yes. The values of more rows with
    this label (`also`) count, too.

    Raises:
        ConfigError: A named value does not occur, or none of the rules applies.
        TableError: There is no such column, or a row has no label.
    """
    counts = Counter(_labels(table, column))
    if also is not None:
        counts += Counter(_labels(also, column))
    listed = ", ".join(f"{value!r} ({count:,})" for value, count in counts.most_common(_SHOWN))
    if anomaly_values:
        named = frozenset(map(_canonical, anomaly_values))
        if unknown := named - counts.keys():
            problem = f": no such value in {column!r}: {listed}."
            raise ConfigError(Set("anomaly_values", tuple(sorted(unknown))), problem)
        return LabelRule(
            column=column,
            values=named,
            inverted=False,
            reason=phrase("named by {setting}", setting=Set("anomaly_values")),
        )
    for words, inverted in ((NORMAL_WORDS, True), (ANOMALY_WORDS, False)):
        plain = frozenset(value for value in counts if value.lower() in words)
        if plain and (inverted or len(plain) < len(counts)):
            found = ", ".join(map(repr, sorted(plain)))
            if inverted:
                reason = phrase("{values} means 'normal', every other value is an anomaly", values=found)
            else:
                reason = phrase("{values} means 'anomaly', it is an anomaly", values=found)
            return LabelRule(column=column, values=plain, inverted=inverted, reason=reason)
    if len(counts) == 2:
        rarer = min(counts, key=lambda value: (counts[value], not _means(value)))
        (other,) = counts.keys() - {rarer}
        if _means(rarer) is False and _means(other):
            problem = f"{rarer!r} is the rarer value of {column!r} ({listed}), and mostly means normal. Say which "
            ours, theirs = Set("anomaly_values", other), Set("anomaly_values", rarer)
            raise ConfigError(problem, "values are anomalies: ", ours, " or ", theirs, ".")
        reason = phrase("{value!r} is the rarer of two values", value=rarer)
        return LabelRule(column=column, values=frozenset([rarer]), inverted=False, reason=reason)
    question = f"Which values of {column!r} are anomalies? Say it: "
    raise ConfigError(question, Set("anomaly_values", like="VALUE …"), f"; it has {listed}.")


def _labels(table: Table, column: str) -> list[str]:
    if column not in table.names:
        raise TableError(Set("label"), f": {absent_columns([column], table.names)}")
    labels = []
    for row, value in enumerate(table.data.column(column).to_pylist()):
        label = None if value is None else parse_category(value)
        if label is None:
            problem = f"Column {column!r}, {places_of(table, [row])}: the label is missing. "
            raise TableError(problem, "Label every row, or leave the row out.")
        labels.append(_canonical(label))
    return labels


def _means(label: str) -> bool | None:
    """Return the truth value that a label is a word for, None where it is none."""
    return _POLES.get(label.lower(), BOOLEAN_WORDS.get(label.lower()))


def _canonical(label: str) -> str:
    """Return the text of a label in one spelling: 1 for 1.0, true for True."""
    return label.lower() if label.lower() in ("true", "false") else without_zero_fraction(label)

"""Tables of the rows, columns and settings that a report is about."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from typing import Any

from models.messages import Message, phrase
from training.data.prepare import Prepared, split_policy
from training.data.words import PARTS, in_words
from training.report.kit.page import Grid
from training.settings.config import TrainConfig

_USES = {
    "fitting": phrase("to learn the weights"),
    "validation": phrase("to choose the best epoch of a single network"),
    "calibration": phrase("held out, for thresholds and p-values"),
    "test": phrase("held out, to measure the detector"),
}


def subject_tables(prepared: Prepared, config: TrainConfig, *, without: Collection[str] = ()) -> Iterator[Grid]:
    """Yield the parts of the split, the use of every column, notes made while reading, and settings but `without`."""
    rows: list[tuple[str, ...]] = [(PARTS[part], _count(count), _USES[part]) for part, count in prepared.rows.items()]
    rows += [(phrase("left out"), _count(count), reason) for reason, count in prepared.left_out.items()]
    rows.append((phrase("all"), _count(len(prepared.table)), phrase("split {how}", how=split_policy(config))))
    header = (phrase("part"), phrase("rows"), phrase("purpose"))
    yield Grid(title=phrase("Rows"), header=header, rows=rows, prose=True)
    schema = prepared.schema
    rows = [(encoder.name, in_words(encoder.kind), encoder.describe()) for encoder in prepared.preprocessor.encodings]
    rows += [(name, phrase("id"), phrase("carried through to every output, never a feature")) for name in schema.ids]
    if prepared.rule is not None:
        rows.append((prepared.rule.column, phrase("label"), prepared.rule.reason))
    rows += [(name, phrase("dropped"), reason) for name, reason in schema.dropped.items()]
    header = (phrase("column"), phrase("kind"), phrase("enters as"))
    yield Grid(title=phrase("Columns"), header=header, rows=rows, prose=True, folded=True)
    notes = (*prepared.table.repairs, *(finding.message for finding in prepared.findings))
    if notes:
        yield Grid(
            title=phrase("Notes made while reading"),
            header=(phrase("number"), phrase("note")),
            rows=[(str(i), note) for i, note in enumerate(notes, 1)],
            prose=True,
            folded=True,
        )
    values = {name: value for name, value in asdict(config).items() if name not in without}
    yield Grid(
        title=phrase("Settings"),
        header=(phrase("setting"), phrase("value")),
        rows=[(f"--{name.replace('_', '-')}", _text_of(value)) for name, value in values.items()],
        note=phrase("A dash: the data or the preset decide."),
        prose=True,
        folded=True,
    )


def _count(rows: int) -> Message:
    return phrase("{rows:,}", rows=rows)


def _text_of(value: Any) -> str:
    if isinstance(value, tuple | list):
        return " ".join(map(str, value)) or "–"
    return "–" if value is None else str(value)

"""The section on tables of mixed columns."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.quality.comparison import MEASURES, compare
from benchmarks.quality.measure import FIGURES
from benchmarks.quality.results import Row
from benchmarks.quality.sections.benchmark import Contest
from benchmarks.quality.splits import PROTOCOLS
from benchmarks.quality.tables import MOST_ANOMALIES
from training.report.kit.page import Grid, Section, Text


def sections(rows: Sequence[Row]) -> list[Section]:
    """Return the section."""
    parts: list[Grid | Text] = [
        Text(
            text="Ours gets the data frame as it was read, the peers get it behind scikit-learn's usual encoding "
            "(median for a missing number, standard scores, one column a category), which is not timed. In S the "
            "test file is another one where the table has two. In U anomalies are thinned down to "
            f"{MOST_ANOMALIES:.0%} of the rows where there are more."
        )
    ]
    for protocol in PROTOCOLS:
        found = compare([row for row in rows if row["protocol"] == protocol], FIGURES)
        if found is not None:
            contest = Contest(where=f"mixed tables, protocol {protocol}", comparison=found)
            parts += [contest.what(), contest.means()]
            parts += [contest.every_set(measure, label) for measure, label in MEASURES.items()]
    return [Section(anchor="mixed", title="Tables of mixed columns", parts=parts)]

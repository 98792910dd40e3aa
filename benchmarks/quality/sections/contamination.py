"""The section on anomalies among the fitting rows: a curve for each method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.quality.comparison import MEASURES, compare
from benchmarks.quality.experiments.contamination import SHARES
from benchmarks.quality.plots import OURS, curves
from benchmarks.quality.results import Row
from training.report.kit.page import Cell, Grid, Part, Plot, Section, Text


def sections(rows: Sequence[Row]) -> list[Section]:
    """Return the section."""
    return [
        Section(
            anchor="contamination", title="Anomalies among the fitting rows", parts=list(_parts(_one_row_a_fit(rows)))
        )
    ]


def _parts(rows: Sequence[Row]) -> Iterable[Part]:
    found = compare(rows, [_at(measure, share) for measure in MEASURES for share in SHARES])
    if found is None:
        yield Text(text="There is no split of which all methods have figures at every share.")
        return
    left_out = f" Not compared: {'; '.join(found.left_out)}." if found.left_out else ""
    yield Text(
        text=f"{len(found.sets)} sets that have enough anomalies ({', '.join(found.sets)}), seeds "
        f"{', '.join(found.seeds)}. The number of fitting rows is the same at each share; half of the anomalies and of "
        f"the normal rows are never fitted, and tested.{left_out}"
    )
    for measure, label in MEASURES.items():
        means = np.array([found.by_set(_at(measure, share)).mean(axis=0) for share in SHARES])  # shares × methods
        fall = means[0] - means[-1]
        order = np.argsort(-means.mean(axis=0), kind="stable")
        names = [found.methods[i] for i in order]
        yield Plot(
            title=f"Mean {label} over the share of anomalies among the fitting rows.",
            alt=f"Curves of {label}: from {SHARES[0]:.0%} to {SHARES[-1]:.0%} of anomalies, "
            + ", ".join(f"{found.methods[i]} {100 * means[0, i]:.1f} to {100 * means[-1, i]:.1f}" for i in order)
            + ".",
            svg=curves(
                [100 * share for share in SHARES],
                {found.methods[i]: (100 * means[:, i]).tolist() for i in order},
                xlabel="anomalies among the fitting rows, %",
                ylabel=f"mean {label}, %",
            ),
        )
        yield Grid(
            title=f"{label} by share of anomalies among the fitting rows, means over the sets in %",
            header=("method", *(f"{share:.0%}" for share in SHARES), "mean", "fall, points"),
            rows=[
                (
                    name,
                    *(Cell(text=f"{100 * line[i]:.1f}", best=bool(line[i] == line.max())) for line in means),
                    f"{100 * means[:, i].mean():.1f}",
                    Cell(text=f"{100 * fall[i]:.1f}", best=bool(fall[i] == fall.min())),
                )
                for name, i in zip(names, order, strict=True)
            ],
            note="In the order of the mean over the shares; the fall is from the first share to the last.",
            marked=OURS,
        )


def _one_row_a_fit(rows: Sequence[Row]) -> list[Row]:
    """Join the rows of one method and split over the shares; a missing share has empty figures."""
    columns = [_at(measure, share) for measure in MEASURES for share in SHARES]
    fits: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        fit = fits.setdefault(
            (row["set"], row["method"], row["seed"]),
            {"set": row["set"], "method": row["method"], "seed": row["seed"]} | dict.fromkeys(columns, ""),
        )
        fit.update({_at(measure, float(row["share"])): row[measure] for measure in MEASURES})
    return [
        fit if all(fit[column] for column in columns) else fit | dict.fromkeys(columns, "") for fit in fits.values()
    ]


def _at(measure: str, share: float) -> str:
    return f"{measure} at {share:g}"

"""The page of the documentation: text, tables and one figure, from the results of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.planted.experiment import DEFAULT_METHODS
from benchmarks.planted.figure import draw
from benchmarks.planted.kinds import KINDS
from benchmarks.planted.measures import MEASURES, Found, kinds_found
from benchmarks.planted.planting import PARTS
from benchmarks.planted.tables.table import FITTED, FRESH, TABLES
from benchmarks.planted.text import kinds_table, means_table, measures_table
from benchmarks.training.tables import row_of, table_head
from models.errors import ConfigError

FIGURE: Final = Path("images") / "planted-errors.svg"
"""The figure, from the folder of the pages."""

_PAGE: Final = """\
# Planted errors

> **{top} of {errors}** errors that a person would call odd, planted into {tables}, are among the 2 % of the
> rows with the highest scores (`{first}`, {seeds}); {flagged} are flagged.

People judge a detector by their own table: they know what is odd in it, and look whether it is named. Here errors are
planted by rule, one of each kind that fits a table, into {fitted:,} rows that are fitted and into {fresh:,} fresh
ones. Nothing is told: ours gets the table as it is, ids among its columns, and flags with its default threshold,
which promises at most 1 % false alarms. The peers get it as scikit-learn's users would encode it (medians, standard
scores, a column for each category; a date is its days, its hour and its day of the week), without ids, and flag by
PyOD's default rule, the highest tenth of the fitted rows.

<!-- run: no, it takes minutes -->

```bash
python -m benchmarks.planted --data DIR --seeds 0,1,2
python -m benchmarks.planted --tables invoices --seeds 0 --methods ours   # one fit
```

makes these tables from the invoices, machines and customers that the command makes itself and from the real files in
`DIR`, which may be left out. `--json` prints all figures, and which rows were planted; `--write-tables DIR` writes
the rows with the errors as CSV files; `--against DIR` compares with the results of another run, error by error;
`--write-page` writes this page. The peers need `pip install '.[train,bench]'`.

## Kinds of errors

![Each kind of error by table: how many of those planted are among the 2 % of the highest scores](../{figure})

*Errors in the top 2 %, of `{first}`, fitted and fresh rows together; – where a kind does not fit a table.*

{kinds}

The row is chosen so that the error can be seen: a number that is changed is not below the median of its column, and
one that is taken from another row is an interquartile range or more away from the true one. A cell of the table says
how many errors are in the top 2 %, and how many are flagged.

{kinds_found}

Together {top} of {errors} errors in {tables} are in the top 2 %, and {flagged} are flagged ({seeds}).
{gross}{missed}

## Beside the peers

Means over the tables, errors in fitted rows:

{means_fitted}

and in fresh rows:

{means_fresh}

{left_out}

## Every table

{measures_says}

Means over the seeds, in brackets the lowest and the highest.

### Errors in fitted rows

{fitted_table}

### Errors in fresh rows

{fresh_table}

## The tables

{tables_list}

The real tables are those of [the mixed tables](quality.md), without labels. Each is drawn down to as many rows by the
seed.
"""


def write_page(found: Sequence[Found], docs: Path) -> list[Path]:
    """Write the page and its figure; return their paths.

    Args:
        found: The results; the first method is the one whose kinds are shown.
        docs: The folder of the pages.

    Raises:
        ConfigError: There are no results.
    """
    if not found:
        raise ConfigError("--write-page: there are no results; measure first.")
    page, figure = docs / "reference" / "planted-errors.md", docs / FIGURE
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(page_of(found), encoding="utf-8")
    draw(found, found[0].method, figure)
    return [page, figure]


def page_of(found: Sequence[Found]) -> str:
    """Return the page as Markdown."""
    first = found[0].method
    names = list(dict.fromkeys(one.table for one in found))
    pairs = [(one, error) for one in found if one.method == first for error in one.errors]
    seeds = len({one.seed for one in found})
    fitted_table, fresh_table = (measures_table(found, part).partition("\n\n")[2] for part in PARTS)
    return _PAGE.format(
        top=sum(one.in_top(error) for one, error in pairs),
        flagged=sum(error["flagged"] == "1" for _, error in pairs),
        errors=len(pairs),
        tables=f"{len(names)} table{'s' * (len(names) > 1)}",
        first=first,
        seeds=f"{seeds} seed{'s' * (seeds > 1)}",
        gross=_gross([one for one in found if one.method == first]),
        missed=_missed([one for one in found if one.method == first]),
        left_out=_left_out([one.method for one in found]),
        fitted=FITTED,
        fresh=FRESH,
        figure=FIGURE,
        kinds="\n".join(
            [table_head("kind", "what is planted"), *(row_of(kind.name, kind.says) for kind in KINDS.values())]
        ),
        kinds_found=kinds_table(found, first).partition("\n\n")[2],
        means_fitted=means_table(found, PARTS[0]),
        means_fresh=means_table(found, PARTS[1]),
        measures_says="\n".join(f"- *{measure.title}*: {measure.says}" for measure in MEASURES.values()),
        fitted_table=fitted_table,
        fresh_table=fresh_table,
        tables_list="\n".join(f"- `{name}`: {TABLES[name].says}" for name in names),
    )


def _gross(found: Sequence[Found]) -> str:
    """Return how many of the gross errors are flagged, by part."""
    texts = []
    for part in PARTS:
        errors = [error for one in found if one.part == part for error in one.beyond]
        texts.append(f"{sum(error['flagged'] == '1' for error in errors)} of {len(errors)} in {part} rows")
    return (
        "Of the gross errors, those beyond everything else in their column by half its range or more, "
        f"{' and '.join(texts)} are flagged."
    )


def _missed(found: Sequence[Found]) -> str:
    """Return the kinds of which fewer than half are in the top 2 %, in a sentence; empty where there are none."""
    counts = {kind: kinds_found(found, kind) for kind in KINDS}
    missed = [kind for kind, (total, top, _) in counts.items() if total and 2 * top < total]
    return f" Fewer than half are in the top 2 % of: {', '.join(missed)}." if missed else ""


def _left_out(methods: Sequence[str]) -> str:
    """Return which methods of the default were not measured, in a sentence; empty where all were."""
    names = [name for name in DEFAULT_METHODS if name not in methods]
    return f"Not measured here: {', '.join(names)}." if names else ""

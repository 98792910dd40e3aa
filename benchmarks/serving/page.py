"""The results as Markdown, a section for each table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.serving.measure import OPEN_CONNECTIONS, OPEN_SHARE
from benchmarks.serving.table import OWN, Found, Series, best_rows, figures_by_name


def page_of(found: Found, *, about: str) -> str:
    """Return the page.

    Args:
        found: The results.
        about: A paragraph on the machine, the versions and the method.
    """
    sections = {
        "": [about, *_left_out(found)],
        "One record a request": _closed(found),
        "At 70 % load": _open(found),
        "Many rows a request": _batches(found),
        "Without HTTP": _in_process(found),
        "Start and memory": _starts(found),
        "Figures": _figures(found),
    }
    parts = []
    for title, content in sections.items():
        parts += ([f"## {title}"] if title and content else []) + content
    return "\n\n".join(parts)


def _left_out(found: Found) -> list[str]:
    return ["\n".join(f"Left out: {name}: {why}" for name, why in found.left_out.items())] if found.left_out else []


def _closed(found: Found) -> list[str]:
    """Return a table for each number of connections."""
    servers = found.servers
    parts = []
    for many in next((item.turns[0].closed for item in servers.values()), {}):
        rows = []
        for name, item in servers.items():
            rounds = [turn.closed[many] for turn in item.turns]
            rows.append(
                [
                    *(name, item.says),
                    with_ends(item.rates(many) / servers["empty"].rates(many)) if "empty" in servers else "",
                    f"{np.median(item.rates(many)):,.0f}",
                    *(f"{np.median([getattr(r.load, which) for r in rounds]):.2f}" for which in ("p50", "p99", "p999")),
                    f"{np.median([1e6 * r.cpu_seconds for r in rounds]):,.0f}",
                ]
            )
        head = ("server", "what it is", "÷ empty", "requests/s", "p50, ms", "p99, ms", "p99.9, ms", "CPU, µs a request")
        parts += [f"{many} connection{'s' * (many > 1)}, each sends when it is answered:", table(head, rows)]
    return parts


def _open(found: Found) -> list[str]:
    rows, late = [], []
    for name, item in found.servers.items():
        for load in item.turns[0].open:
            loads = [turn.open[load] for turn in item.turns if load in turn.open]
            late += [name] * (not all(item.kept_up for item in loads))
            rows.append(
                [
                    *(name, "its own" if load == OWN else f"that of {load}"),
                    f"{np.median([item.offered for item in loads]):,.0f}",
                    *(with_ends(np.array([getattr(item.load, p) for item in loads])) for p in ("p50", "p99", "p999")),
                    f"{np.median([item.behind for item in loads]):.3f}",
                ]
            )
    if not rows:
        return []
    text = (
        f"Requests arrive as a Poisson process, {100 * OPEN_SHARE:.0f} % as many a second as the server, or the one "
        f"that is named, answers in a closed loop of {OPEN_CONNECTIONS} connections. Times count from when a request "
        "was due, so waiting for a free connection is part of them. The last column is how late the generator itself "
        "was, p99."
    )
    head = ("server", "load", "requests/s", "p50, ms", "p99, ms", "p99.9, ms", "generator late, ms")
    said = (
        [f"The generator did not keep up beside {', '.join(dict.fromkeys(late))}: times are too high."] if late else []
    )
    return [text, table(head, rows), *said]


def _batches(found: Found) -> list[str]:
    base = _best_of_mlserver(found)
    rows = []
    for name, item in found.servers.items():
        for form, many in item.turns[0].batches:
            rounds = [turn.batches[form, many] for turn in item.turns]
            reached = item.rows((form, many))
            rows.append(
                [
                    *(name, form, f"{many:,}", f"{np.median(reached):,.0f}"),
                    with_ends(reached / base[many]) if many in base else "",
                    f"{np.median([1e6 * item.cpu_seconds / many for item in rounds]):.2f}",
                ]
            )
    head = ("server", "body", "rows a request", "rows/s", "÷ MLServer's best", "CPU, µs a row")
    return ["One connection; our answers have the format of the body.", table(head, rows)] if rows else []


def _best_of_mlserver(found: Found) -> dict[int, Series]:
    mlserver = found.servers.get("mlserver")
    if mlserver is None:
        return {}
    sizes = {many for _, many in mlserver.turns[0].batches}
    return {many: best_rows(mlserver, many) for many in sizes}


def _in_process(found: Found) -> list[str]:
    if not found.in_process:
        return []
    peak = max(item.peak for item in found.in_process)
    series = {
        "our engine": [item.engine for item in found.in_process],
        "NumPy, the products": [item.products for item in found.in_process],
        "NumPy, the network": [item.network for item in found.in_process],
    }
    share = found.in_process[0].share_of(peak) / found.in_process[0].engine
    rows = [
        [name, f"{np.median(item) / 1e6:.2f}", with_ends(100 * share * np.array(item))] for name, item in series.items()
    ]
    text = (
        f"100,000 rows in chunks of 1,024 on one CPU. Its peak is {peak / 1e9:,.0f} billion operations a second: the "
        "most that NumPy's BLAS reached for square matrices of 2,048 in float32. Only the products count as operations."
    )
    return [text, table(("what", "million rows/s", "% of the peak"), rows)]


def _starts(found: Found) -> list[str]:
    rows = [
        [
            name,
            with_ends(item.of(lambda turn: turn.start_seconds)),
            with_ends(item.of(lambda turn: turn.resident_mb), digits=0),
        ]
        for name, item in found.servers.items()
    ]
    text = "Memory is that of all its processes after all requests of one record; what they share counts in each."
    return [text, table(("server", "start, s", "memory, MB"), rows)] if rows else []


def _figures(found: Found) -> list[str]:
    rows = [[name, f"{figure:.3g}"] for name, figure in figures_by_name(found).items()]
    says = (
        "Of one record a request (`single`, `default`, `explained`, `mixed`): requests a second with 64 "
        "connections, or the most below. `p99`: at 70 % of what each server, or MLServer, answers. `batch`: "
        "JSON with columns and rows, or `best`, our best form, of 1,000 or 10,000 rows. `arrow_over_numpy`: "
        "an Arrow stream of 10,000 rows over HTTP ÷ the network's products in NumPy."
    )
    return [says, table(("figure", "median"), rows)] if rows else []


def with_ends(series: Series, *, digits: int = 2) -> str:
    """Return the median, and in brackets the lowest and the highest."""
    low, middle, high = (f"{item:,.{digits}f}" for item in (series.min(), np.median(series), series.max()))
    return f"{middle} ({low}–{high})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""How an estimator is shown: its text, its page in a notebook, and the progress of a fit."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from models.detector import Detector
from training.data.prepare import Prepared, epochs_of
from training.estimator.errors import in_python
from training.network.history import Epoch
from training.programs.terminal import epoch_bar
from training.settings.config import TrainConfig

_WIDTH: Final = 88
_LINES: Final = 7  # of the parameters; three more are about the fit


def text_of(parameters: str, detector: Detector | None) -> str:
    """Return at most ten lines: the estimator with its changed parameters and, as comments, what was fitted."""
    indent = " " * (parameters.find("(") + 1)
    lines = textwrap.wrap(
        " ".join(parameters.split()),
        width=_WIDTH,
        subsequent_indent=indent,
        max_lines=_LINES,
        placeholder=" ...)",
        break_on_hyphens=False,
    )
    facts = {} if detector is None else facts_of(detector)
    return "\n".join([*lines, *(f"# {name}: {value}" for name, value in facts.items())])


def html_of(diagram: str, detector: Detector | None) -> str:
    """Return scikit-learn's diagram of an estimator and, below it, what was fitted."""
    if detector is None:
        return diagram
    rows = "".join(
        f"<tr><th style='text-align: left'>{html.escape(name)}</th><td style='text-align: left'>{html.escape(value)}"
        "</td></tr>"
        for name, value in facts_of(detector).items()
    )
    return f"<div>{diagram}<table>{rows}</table></div>"


def facts_of(detector: Detector) -> dict[str, str]:
    """Return what to know of a fitted detector, by name: its columns, its threshold, and its rate of alerts."""
    schema, calibration = detector.schema, detector.calibration
    promised, realised = calibration.promised_alert_rate, detector.card.get("realised_alert_rate")
    rates = [
        *([] if promised is None else [f"{promised:.2%} promised"]),
        *([] if realised is None else [f"{realised:.2%} on test rows"]),
    ]
    return {
        "columns_": f"{len(schema.columns)} used as {len(detector.preprocessor.features)} features, "
        f"{len(schema.dropped)} dropped",
        "threshold_": f"{calibration.threshold:.6g} ({calibration.spec.method})",
        "alert rate": ", ".join(rates) or "not known",
    }


@contextmanager
def fit_progress(prepared: Prepared, config: TrainConfig, *, verbose: bool) -> Iterator[Callable[[Epoch], None]]:
    """Yield what is to be called after each epoch; where wanted, print notes on the data and a progress bar."""
    if not verbose:
        yield lambda epoch: None
        return
    console = Console()
    for repair in prepared.table.repairs:
        console.print(f"read: {in_python(repair)}", markup=False, highlight=False, soft_wrap=True)
    for finding in prepared.findings:
        console.print(f"noted: {in_python(finding.message)}", markup=False, highlight=False, soft_wrap=True)
    with epoch_bar(console, epochs=epochs_of(prepared, config)) as bar:
        yield bar

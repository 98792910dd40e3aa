"""What ``--json`` prints: the keys that each report has in the code, with their meaning."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from code_tables.commands import ROOT
from code_tables.markdown import code, plain, table

REPORTS: Final = {
    "python -m training.train --json": ("training/programs/train.py", "_report"),
    "python -m training.train --dry-run --json": ("training/data/prepare.py", "plan_of"),
    "python -m training.calibrate --json": ("training/programs/calibrate.py", "_report"),
    "python -m models.bundle describe --json": ("models/bundle/card.py", "description_of"),
    "python -m training.compare --json": ("training/comparison/compare.py", "_report"),
    "python -m service.batch --json": ("service/files/score_files.py", "_report"),
    "python -m models.bundle verify --json": ("models/bundle/__main__.py", "verify"),
    "python -m models.bundle show --json": ("models/bundle/card.py", "card_of"),
    "python -m models.bundle diff --json": ("models/bundle/__main__.py", "diff"),
    **{
        f"python -m service.admin {command} --json": ("service/administration/versions.py", "_report")
        for command in ("list", "promote", "rollback", "alias")
    },
}
"""The function that makes each report; for `show`, each of its `bundles`, for `list`, each of its `detectors`."""

MEANINGS: Final = {
    "activation": "of the hidden layers",
    "activations": (
        "by name, under the setting that suits it best: found (ROC AUC of the planted errors, at_rate, by kind), "
        "validation_error (held-out), seconds, dead_share, step_seconds, scoring_seconds and more, each with mean and "
        "interval over the seeds; gradients, dead units and slopes by layer"
    ),
    "aliases": "the version of each alias",
    "anomalies": "how many rows the label calls anomalies; null without a label",
    "batch_size": "rows of one step",
    "best_epoch": "the epoch with the lowest validation loss, whose weights are kept; the first one is 1",
    "bundle": "the folder that was written",
    "bundles": "an object for each bundle: path and whether it is ok, then its error or its name, version and size",
    "bytes": "size of the bundle",
    "calibrated_from": "the version that the threshold was changed of, and the rows that the new one rests on",
    "comparison": "what `training.compare --save-best` recommended, its ties, the reason and whether it is settled",
    "columns": "name, kind and how it enters, for each column that is used",
    "columns_dropped": "name and reason for each column that is not used",
    "columns_used": "names of the columns that are features",
    "rows_written": "number of rows in the output: fewer than `rows` with `--top` or `--only-flagged`",
    "strangest": (
        "the ten rows of the table with the highest scores: row (its number, from 1), ids, anomaly_score, p_value, "
        "is_anomaly and the reason in words"
    ),
    "dead_units": "number of dead units in each hidden layer",
    "detector": "name, version, time of creation, format version and engine",
    "differences": (
        "of two bundles: part, name and both values of what differs; of a comparison: how much higher the error of "
        "each activation is than that of the best, as a ratio with its interval, p and the verdict best, worse, equal, "
        "open or reference"
    ),
    "digests": "SHA-256 of each file",
    "dropped": "name and reason for each column that is not used",
    "epochs": "passes over the fitting rows: those that were made, or, before training, the most that would be",
    "expected": "names of the columns of expected values; none without `--write expected`",
    "features": "columns of the standardised matrix that the network sees",
    "flagged": "number of anomalies; null where scores are not written",
    "folder": "where the networks' figures and the report are kept",
    "findings": "what was noticed about columns and rows and left as it is, with the flag that would change it",
    "ids": "names of the columns that are carried through",
    "interrupted": "whether Ctrl-C ended the fitting",
    "label": "the column that says what is an anomaly, and which values mean it; null without one",
    "members": "networks that are fitted at once",
    "preset": "how many networks are fitted, and for how long",
    "training_rows": "what is known of the rows that are learned from",
    "layers": "width of each layer of the network, input and output included",
    "latent_units": "width of the bottleneck: so many columns embedding_1, embedding_2 and so on",
    "left": "path of the first bundle",
    "left_out": "rows that are in no part, by reason",
    "loss": "mean squared error on the fitting rows at the best epoch",
    "metrics": "agreement with labels on rows that nothing has seen; only with a label",
    "name": "of the detector",
    "network": "widths, activation and the other settings of the network, and its number of weights",
    "notes": "what was repaired while reading or is ignored, one line each",
    "ok": "whether all bundles can be used",
    "output": "the file that was written",
    "parameters": "number of weights",
    "parts": "number of rows in each part of the split",
    "path": "of the bundle",
    "problem": "why a detector is not served as is wanted; null if it is",
    "promise": "what the threshold promises, in words",
    "promised_alert_rate": "share of rows that is flagged at most; null where nothing is promised",
    "gains": (
        "how much higher ROC AUC of each activation is on planted errors than that of the baseline: gain, interval, p "
        "and the verdict baseline, more, fewer, equal or open"
    ),
    "judged_by": "what decided: labels, planted errors, or nothing where there are neither",
    "label_gains": "the same as gains for labelled anomalies; empty where there are fewer than five",
    "reason": "why it is recommended, in sentences: the verdict, and what it rests on",
    "recommendation": "the activation to take; null where the seeds are too few to say",
    "realised_alert_rate": "share of test rows that were flagged",
    "repairs": "what was detected or repaired while reading, one line each",
    "report": "the page that was written, in HTML; null without one",
    "right": "path of the second bundle",
    "rows": "rows that were read",
    "same_network": "whether both have the very same network, as before and after a calibration",
    "schema": "the columns' roles: ids, label, dropped columns with the reason, names of a file without a header",
    "seconds": "time from start to end",
    "settled": "whether more seeds would change nothing",
    "settings": "every setting of the training, defaults resolved",
    "state": "whether the active version is loaded, not loaded, or failed to load",
    "split": "how rows were divided",
    "sweep": "the same figures for each activation under each depth and learning rate",
    "ties": "activations that cannot be told from the recommended one by what is found, itself among them",
    "threshold": "the score above which a record is an anomaly; of a card, with method, value and promise",
    "threshold_before": "the score until now",
    "threshold_method": "how it was found",
    "threshold_report": "what the threshold rests on: figures with intervals, the fit of a tail, segments",
    "threshold_value": "the rate, share or number that the method was given",
    "validation_loss": "mean squared error on the validation rows at the best epoch",
    "version": "of the detector; of one that is served, the active one",
    "versions": "of Python and the libraries that made it; of a detector that is served, all of its own, oldest first",
    "verdict": "what is recommended and why, in a sentence or two",
    "warnings": "what should be looked at, with the remedy",
    "written": "names of the columns of the output, ids first",
}
"""What a key of a report means; the test of the documents fails for a key without a row here."""


def report_keys() -> str:
    """Return a table for each report."""
    parts = []
    for command, place in REPORTS.items():
        rows = [[code(key), plain(MEANINGS.get(key, "–"))] for key in keys_of(*place)]
        parts += [f"## `{command}`", "", table(["key", "meaning"], rows)]
    return "\n".join(parts)


def keys_of(path: str, function: str) -> list[str]:
    """Return the keys of the report that a function makes, as its source has them; not those within them."""
    source = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    [body] = [node for node in ast.walk(source) if isinstance(node, ast.FunctionDef) and node.name == function]
    return list(dict.fromkeys(key for node in ast.walk(body) for key in _keys(node)))


def _keys(node: ast.AST) -> Iterator[str]:
    """Return the keys that a statement gives: what it returns or prints, or puts into a variable called report."""
    value: ast.expr | None = None
    if isinstance(node, ast.Return):
        value = node.value
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and target.id == "report":
            value = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_print_json":
        value = node.args[0]
    if value is not None:
        for one in _outermost(value):
            if isinstance(one, ast.Dict):
                yield from (str(key.value) for key in one.keys if isinstance(key, ast.Constant))


def _outermost(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.IfExp):
        yield from (*_outermost(node.body), *_outermost(node.orelse))
    elif isinstance(node, ast.BinOp):
        yield from (*_outermost(node.left), *_outermost(node.right))
    else:
        yield node

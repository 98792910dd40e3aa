"""What a detector is made of: activations, thresholds, columns, formats, files and errors."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any, Final

from code_tables.commands import ROOT
from code_tables.markdown import code, docstring, plain, table

_DERIVED: Final = re.compile(
    r"^class \w+\([^)]*\b(Config|Data|Table|Record|Bundle|Training|Detector)Error\b", re.MULTILINE
)


def activations_table() -> str:
    """Return each activation with everything that comes with it."""
    from models.network.activations import ACTIVATIONS

    what = [[code(name), code(spec.formula), plain(spec.summary)] for name, spec in ACTIVATIONS.items()]
    comes_with = [
        [
            code(name),
            code(spec.initializer),
            "alpha dropout" if spec.alpha_dropout else "dropout",
            _flag(spec.parameter.name) if spec.parameter else "learned" if spec.learns_slope else "–",
            "can die" if spec.can_die else f"saturate at {spec.ends[0]:g} and {spec.ends[1]:g}" if spec.ends else "–",
            plain(spec.source),
        ]
        for name, spec in ACTIVATIONS.items()
    ]
    more = ["name", "initialiser", "dropout", "parameter", "units", "source"]
    return table(["name", "formula", "when"], what) + "\nWhat comes with each:\n\n" + table(more, comes_with)


def thresholds_table() -> str:
    """Return each threshold method, and each setting that it takes with its promise."""
    from models.calibration import THRESHOLD_METHODS

    words = {"{percent}": "that share", "{value}": "that value", "{rows}": "rows like the calibration rows"}
    what, promises = [], []
    for name, method in THRESHOLD_METHODS.items():
        what.append([code(name), plain(method.summary), "yes" if method.by_segment else "no"])
        for setting, target in method.targets.items():
            promise = str(target.promise)
            for placeholder, word in words.items():
                promise = promise.replace(placeholder, word)
            promises.append([code(name), _flag(setting), plain(promise)])
    return (
        table(["method", "what it is", "with `--threshold-by`"], what)
        + "\nWhat each can be asked for, and what it then promises; the first setting of a method is its default:\n\n"
        + table(["method", "setting", "promise"], promises)
    )


def kinds_table() -> str:
    """Return each kind of column with its encoding."""
    from models.encoders import ENCODINGS
    from models.schema import Kind

    return table(["kind", "how it is encoded"], [[code(kind), docstring(ENCODINGS[kind].__doc__)] for kind in Kind])


def time_layouts_table() -> str:
    """Return each layout of dates and times."""
    from models.schema.cells import TIME_LAYOUTS

    rows = [[code(name), code(layout.example)] for name, layout in TIME_LAYOUTS.items()]
    return table(["layout", "for example"], rows)


def missing_texts_list() -> str:
    """Return the texts that stand for a missing value."""
    from models.schema.cells import MISSING_WORDS

    return ", ".join(code(text) for text in MISSING_WORDS if text) + "\n"


def boolean_words_list() -> str:
    """Return the words for the two truth values."""
    from models.schema.cells import BOOLEAN_WORDS

    rows = [
        [code(str(truth).lower()), ", ".join(code(word) for word, meant in BOOLEAN_WORDS.items() if meant is truth)]
        for truth in (True, False)
    ]
    return table(["value", "words, in any case"], rows)


def readers_table() -> str:
    """Return each format that is read."""
    from models.tables.formats import FORMATS

    rows = [[code(name), docstring(getattr(row.read, "__doc__", None)) or "–"] for name, row in FORMATS.items()]
    return table(["format", "notes"], rows)


def writers_table() -> str:
    """Return each format that rows are written in."""
    from models.tables.formats import OUTPUT_FORMATS

    rows = [
        [code(name), ", ".join(map(code, row.suffixes)), "yes" if row.gzip else "no"]
        for name, row in OUTPUT_FORMATS.items()
    ]
    return table(["`--format`", "names that mean it", "with `.gz` behind"], rows)


def bundle_files_table() -> str:
    """Return each file of a bundle; the words are those of the package's docstring."""
    from models import bundle
    from models.bundle.layout import FILES

    said = dict(re.findall(r"^    (\S+)\s{2,}(\S.*)$", bundle.__doc__ or "", re.MULTILINE))
    names = dict.fromkeys([bundle.MANIFEST, *FILES, *(name for name in said if "." in name)])
    return table(["file", "what it holds"], [[code(name), docstring(said.get(name, "–"))] for name in names])


def errors_list() -> str:
    """Return the tree of errors as nested lists."""
    from models.errors import DetectorError

    paths = (path for package in ("models", "training", "service") for path in sorted((ROOT / package).rglob("*.py")))
    for path in paths:
        if _DERIVED.search(path.read_text(encoding="utf-8")):  # a class is known once its module is
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    return "\n".join(_tree(DetectorError, 0)) + "\n"


def _tree(kind: type[Any], depth: int) -> Iterator[str]:
    where = inspect.getmodule(kind)
    yield f"{'  ' * depth}- {code(kind.__name__)} ({code(where.__name__ if where else '')}): {docstring(kind.__doc__)}"
    for child in kind.__subclasses__():
        yield from _tree(child, depth + 1)


def _flag(name: str) -> str:
    return code(f"--{name.replace('_', '-')}")

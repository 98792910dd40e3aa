"""The worked example of an activation of one's own passes, in a copy of the repository, the tests of every row."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from page_examples import DOCS, REPOSITORY, examples_of

PAGE = DOCS / "how-to" / "own-activation.md"


def put(path: Path, text: str, *, before: str) -> None:
    """Put lines in front of the first line that ends a table."""
    content = path.read_text(encoding="utf-8")
    assert content.count(before) == 1
    path.write_text(content.replace(before, text + before), encoding="utf-8")


@pytest.mark.slow
def test_the_example_passes_the_tests_of_every_activation(tmp_path: Path) -> None:
    *rows, reference = (example.text for example in examples_of(PAGE) if example.language == "python")
    [tests] = [example.text for example in examples_of(PAGE) if "pytest" in example.text]
    for part in ("models", "training", "service", "tests"):
        shutil.copytree(REPOSITORY / part, tmp_path / part, ignore=shutil.ignore_patterns("artifacts", "__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    rows_end = '}\n"""The activations by the name'
    put(tmp_path / "models" / "network" / "activations.py", "".join(rows), before=rows_end)
    put(
        tmp_path / "tests" / "models" / "network" / "test_activations.py",
        reference,
        before='}\n"""Each activation as its paper',
    )
    done = subprocess.run(
        [sys.executable, *shlex.split(tests)[1:]],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.rsplit(" passed", 1)[0].split()[-1]) >= 20

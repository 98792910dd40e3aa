"""What a help page and an import may load: packages are counted, never time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

FITTING = {"tensorflow", "keras", "onnx", "h5py", "sklearn", "scipy", "pandas", "matplotlib", "torch", "pyod"}
WEB = {"fastapi", "starlette", "uvicorn", "pydantic"}
SCORING = {"pyarrow", "onnxruntime"}
COMMANDS = {
    "training.train": FITTING | WEB | SCORING | {"rich"},
    "training.compare": FITTING | WEB | SCORING | {"rich"},
    "training.calibrate": FITTING | WEB | SCORING | {"rich"},
    "service": FITTING | SCORING | {"rich", "numpy", "fastapi", "starlette", "uvicorn"},
    "service.batch": FITTING | WEB | SCORING | {"rich", "numpy"},
    "service.admin": FITTING | WEB | SCORING | {"numpy"},
    "models.bundle": FITTING | WEB | SCORING,
}
"""What `--help` of each command must not load."""
PACKAGES = {
    "models": FITTING | WEB | SCORING | {"numpy"},
    "models.detector": FITTING | WEB | SCORING,
    "models.bundle": FITTING | WEB | SCORING,
    "training": FITTING | WEB | SCORING | {"numpy"},
    "training.data.prepare": FITTING | WEB,
    "training.estimator": (FITTING | WEB) - {"sklearn", "scipy", "pandas"},
    "service": FITTING | WEB | SCORING | {"numpy"},
    "service.app": FITTING | {"pyarrow", "rich"},
    "service.client": FITTING | WEB | SCORING | {"numpy"},
}
"""What importing each must not load."""
TELL = """
import json, runpy, sys
help, name = sys.argv[1] == "help", sys.argv[2]
try:
    if help:
        sys.argv = [name, "--help"]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        __import__(name)
except SystemExit as end:
    assert end.code == 0, end.code
print(json.dumps(sorted({key.partition(".")[0] for key, module in sys.modules.items() if module is not None})))
"""


def loaded(run_python: Callable[..., subprocess.CompletedProcess[str]], how: str, name: str) -> set[str]:
    """Return the packages that a process of its own has loaded."""
    run = run_python("-c", TELL, how, name)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_nothing_heavy(command: str, run_python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    assert loaded(run_python, "help", command) & COMMANDS[command] == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_an_import_loads_nothing_heavy(
    package: str, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert loaded(run_python, "import", package) & PACKAGES[package] == set()


def test_a_training_loads_tensorflow_and_not_what_keras_could_wrap(
    tmp_path_factory: pytest.TempPathFactory, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    folder = tmp_path_factory.mktemp("lean")
    rows = "\n".join(f"{number % 7},{number % 11 / 3},{number * number % 13}" for number in range(200))
    (folder / "rows.csv").write_text(f"a,b,c\n{rows}\n")
    code = (
        "import sys; from training.train import main;"
        f"code = main([{str(folder / 'rows.csv')!r}, '--output', {str(folder / '1')!r}, '--epochs', '1', '--quiet']);"
        "print(code, sorted({'tensorflow', 'keras', 'sklearn', 'matplotlib'} & set(sys.modules)));"
        "import sklearn, pandas; print(sklearn.__name__, pandas.__name__)"
    )
    run = run_python("-c", code)
    assert run.stdout.splitlines() == ["0 ['keras', 'tensorflow']", "sklearn pandas"], run.stderr

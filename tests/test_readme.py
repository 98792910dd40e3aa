"""README names everything that there is, and its figures come from commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from models.activations import ACTIVATIONS
from models.calibration import THRESHOLD_METHODS
from service.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_in_readme(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", THRESHOLD_METHODS)
def test_every_threshold_method_is_in_readme(name: str) -> None:
    assert f"| `{name}`" in README


@pytest.mark.parametrize(("name", "field"), Settings.model_fields.items())
def test_every_setting_is_in_readme_with_its_default(name: str, field: Any) -> None:
    [row] = [line for line in README.splitlines() if line.startswith(f"| `DETECTOR_{name.upper()}`")]
    default = "–" if field.default is None else str(field.default)
    assert f"| {default.lower()} |" in row


def test_every_address_of_the_service_is_in_readme(bundle_path: Path) -> None:
    from service.app import create_app, load_settings
    from service.registry import Registry

    paths = create_app(Registry.open(bundle_path), load_settings()).openapi()["paths"]
    assert [path for path in paths if not re.search(rf"`(GET|POST) {path}`", README)] == []


def test_every_link_and_picture_of_readme_is_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if "://" not in target and not (REPOSITORY / target).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "arguments"),
    [
        ("cardio", ["pyod_cardio.csv", "--label", "label", "--fit-on", "normal"]),
        ("ai4i", ["ai4i2020.csv", "--label", "Machine failure", "--exclude", "TWF", "HDF", "PWF", "OSF", "RNF"]),
        ("bank", ["uci_bank_additional.csv", "--label", "y"]),
    ],
)
def test_case_14_a_figure_of_readme_is_what_its_command_gives(
    shared: Path, tmp_path: Path, run_python: Any, row: str, arguments: list[str]
) -> None:
    """Up to 0.02: other processors add in other orders, and training follows them apart."""
    [line] = [line for line in README.splitlines() if line.startswith(f"| {row}")]
    cells = [cell.strip() for cell in line.split("|")]
    [roc_auc] = [cells[number] for number, cell in enumerate(_header()) if cell == "ROC AUC"]
    file = shared / "data" / "real" / arguments[0]
    done = run_python("-m", "training.train", file, *arguments[1:], "--output", tmp_path / "b", "--json", "--quiet")
    assert json.loads(done.stdout)["metrics"]["roc_auc"] == pytest.approx(float(roc_auc), abs=0.02)


def _header() -> list[str]:
    [line] = [line for line in README.splitlines() if line.startswith("| file |")]
    return [cell.strip() for cell in line.split("|")]

"""Detectors in a registry of MLflow: how they get there, and how they come from there (extra ``mlflow``).

A detector is logged as a model of MLflow with its bundle as the artifact, so that MLflow versions it, gives it aliases,
and serves it by its own programs. Nothing is pickled: the model is the file `scoring_model.py` and the bundle.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from models.bundle import MANIFEST, load_detector, read_manifest
from models.errors import BundleError
from models.programs.cli import program_version
from models.unfinished import unfinished

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

MLFLOW: Final = "models:/"
"""How an address in a registry of MLflow begins: ``models:/NAME/VERSION`` or ``models:/NAME@ALIAS``."""

BUNDLE: Final = "bundle"
"""The name of the artifact."""


def log_detector(bundle: str | Path, *, registered_name: str | None = None, **more: Any) -> ModelInfo:
    """Log a bundle to the active run of MLflow, and return what MLflow says of it.

    Args:
        bundle: The bundle that training wrote.
        registered_name: Also makes a new version of the model of that name in the registry.
        more: Further arguments of `mlflow.pyfunc.log_model`.

    Raises:
        BundleError: It is none, or a damaged one.

    Example::

        with mlflow.start_run():
            log_detector("models/artifacts/machines/1", registered_name="machines")
        mlflow.pyfunc.load_model("models:/machines/1").predict(frame)
    """
    mlflow = _mlflow()
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    folder = Path(bundle)
    schema = load_detector(folder).schema
    # Of any type: our own reader says what fits.
    columns = [ColSpec(AnyType(), column.name, required=False) for column in schema.columns]
    scores = [ColSpec(kind, name) for name, kind in (("anomaly_score", "double"), ("p_value", "double"))]
    given: ModelInfo = mlflow.pyfunc.log_model(
        **{
            "name": read_manifest(folder)["name"],
            "python_model": str(Path(__file__).with_name("scoring_model.py")),
            "artifacts": {BUNDLE: str(folder)},
            "registered_model_name": registered_name,
            "pip_requirements": [f"relu-anomaly-detector[mlflow]=={program_version()}"],
            "signature": ModelSignature(
                Schema(columns),
                Schema([*scores, ColSpec("boolean", "is_anomaly"), ColSpec("string", "reason", required=False)]),
                ParamSchema([ParamSpec("explain", "long", 0)]),
            ),
            **more,
        }
    )
    return given


def download(address: str, folder: Path) -> None:
    """Get the bundle of a registered model into a folder, as the only one in it: ``NAME/VERSION``.

    Raises:
        BundleError: The address names no version, or what is there is no bundle.
    """
    mlflow = _mlflow()
    said = re.fullmatch(r"([^/@]+)([/@])(.+)", address.removeprefix(MLFLOW))
    if said is None:
        raise BundleError(f"{address}: names no version. Write {MLFLOW}NAME/VERSION or {MLFLOW}NAME@ALIAS.")
    name, separator, version = said.groups()
    if separator == "@":
        version = str(mlflow.MlflowClient().get_model_version_by_alias(name, version).version)
    target = folder / name / version
    if not (target / MANIFEST).exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with unfinished(target, Path.mkdir) as work:
            mlflow.artifacts.download_artifacts(artifact_uri=f"{MLFLOW}{name}/{version}", dst_path=str(work))
            found = [manifest.parent for manifest in work.rglob(MANIFEST)]
            if len(found) != 1:
                raise BundleError(f"{address}: holds no bundle. Log one: service.registry.mlflow.log_detector.")
            found[0].rename(target)
    for other in folder.glob(f"*/*/{MANIFEST}"):
        if other.parent != target:
            shutil.rmtree(other.parent, ignore_errors=True)


def _mlflow() -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # this program talks to nobody
    try:
        import mlflow.pyfunc
    except ImportError as error:
        raise BundleError('MLflow is not installed: pip install "relu-anomaly-detector[mlflow]"') from error
    return mlflow

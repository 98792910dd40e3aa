"""MLflow's scoring server around the network: ``python mlflow_app.py FOLDER PORT``, or ``… FOLDER`` to save the model.

Fastest sensible settings: a model without a signature (nothing is checked), one worker, this environment.
"""

import os
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np


class NetworkModel(mlflow.pyfunc.PythonModel):
    """``{"inputs": [[…]]}`` in, ``{"predictions": […]}`` out."""

    def load_context(self, context: Any) -> None:
        """Load the network."""
        from network import Network

        self._network = Network(Path(context.artifacts["folder"]))

    # Without types: MLflow makes a schema of them, and checks against it.
    def predict(self, context, model_input, params=None):  # noqa: ANN001, ANN201
        """Score the rows."""
        return self._network.score(np.asarray(model_input))


def save(folder: Path) -> None:
    """Save the model as MLflow does: this file, the network beside it."""
    artifacts = folder / "artifacts"
    artifacts.mkdir()
    for name in ("network.onnx", "scaler.json"):
        (artifacts / name).write_bytes((folder / name).read_bytes())
    mlflow.pyfunc.save_model(
        folder / "model",
        python_model=__file__,
        artifacts={"folder": str(artifacts)},
        code_paths=[str(Path(__file__).parent / "network.py")],
        pip_requirements=[],
    )


def serve(folder: Path, port: int) -> None:
    """Start the server."""
    where = ("-m", str(folder / "model"), "--host", "127.0.0.1", "--port", str(port))
    how = ("--env-manager", "local", "--workers", "1")
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "models", "serve", *where, *how])


if __name__ == "__main__":
    if len(sys.argv) == 2:
        save(Path(sys.argv[1]))
    else:
        serve(Path(sys.argv[1]), int(sys.argv[2]))
else:
    mlflow.models.set_model(NetworkModel())

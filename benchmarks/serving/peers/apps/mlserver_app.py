"""MLServer around the network: ``python mlserver_app.py FOLDER PORT``; the guide's custom runtime.

Fastest sensible settings: inference in the server's own process, no gzip, no metrics, no log of requests.
"""

import base64
import json
import os
import socket
import sys
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from network import Network

_WIDTH = 30


class NetworkModel(MLModel):
    """A V2 tensor of numbers, or of their bytes as float32, in; a tensor of scores out."""

    async def load(self) -> bool:
        """Load the network."""
        self._network = Network(Path(os.environ["NETWORK_FOLDER"]))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Score the rows."""
        [tensor] = payload.inputs
        if tensor.datatype == "BYTES":
            X = np.frombuffer(base64.b64decode(tensor.data[0]), np.float32).reshape(-1, _WIDTH)
        else:
            X = NumpyCodec.decode_input(tensor)
        scores = NumpyCodec.encode_output("anomaly_score", self._network.score(X))
        return InferenceResponse(model_name=self.name, outputs=[scores])


def main(folder: Path, port: int) -> None:
    """Write the two files of settings and start the server."""
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": _free_port(),
        "metrics_endpoint": None,
        "parallel_workers": 0,
        "gzip_enabled": False,
        "logging_settings": {"version": 1, "root": {"level": "ERROR"}},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    model = {"name": "network", "implementation": "mlserver_app.NetworkModel"}
    (folder / "model-settings.json").write_text(json.dumps(model))
    os.environ["NETWORK_FOLDER"] = str(folder)
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    os.chdir(folder)
    os.execv(sys.executable, [sys.executable, str(Path(sys.executable).parent / "mlserver"), "start", str(folder)])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

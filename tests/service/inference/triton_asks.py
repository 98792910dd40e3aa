"""What Triton's own client sends and reads, in a Python of its own: `triton_asks.py HTTP_PORT GRPC_PORT`."""

import json
import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

X = np.random.default_rng(0).normal(50, 5, (1_000, 3))
X[0, 0] = np.nan
HTTP, GRPC = tritonclient.http, tritonclient.grpc
CLIENTS = {HTTP: f"127.0.0.1:{sys.argv[1]}", GRPC: f"127.0.0.1:{sys.argv[2]}"}


def rows(library, **given):
    tensor = library.InferInput("rows", list(X.shape), "FP64")
    tensor.set_data_from_numpy(X, **given)
    return [tensor]


def columns(library):
    tensors = [library.InferInput(name, [len(X), 1], "FP64") for name in "abc"]
    for index, tensor in enumerate(tensors):
        tensor.set_data_from_numpy(np.ascontiguousarray(X[:, index : index + 1]))
    return tensors


scores, refused = [], []
for library, address in CLIENTS.items():
    client = library.InferenceServerClient(address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("numbers", "1")
    for inputs in (rows(library), columns(library)):
        answer = client.infer("numbers", inputs, request_id="7")
        scores.append(answer.as_numpy("anomaly_score").tolist())
    wanted = [library.InferRequestedOutput("reason"), library.InferRequestedOutput("contributions")]
    answer = client.infer("numbers", rows(library), outputs=wanted)
    assert answer.as_numpy("contributions").shape == X.shape
    assert answer.as_numpy("reason")[0]
    try:
        client.infer("other", rows(library))
    except InferenceServerException as error:
        refused.append(error.message())
client = HTTP.InferenceServerClient(CLIENTS[HTTP])
as_json = [HTTP.InferRequestedOutput("anomaly_score", binary_data=False)]
answer = client.infer("numbers", rows(HTTP, binary_data=False), outputs=as_json, request_compression_algorithm="gzip")
scores.append(answer.as_numpy("anomaly_score").tolist())
plain = np.where(np.isnan(X), None, X).tolist()
print(json.dumps({"rows": plain, "scores": scores, "refused": refused}))

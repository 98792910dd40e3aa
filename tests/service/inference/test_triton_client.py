"""Triton's own client, unchanged; its packages cannot stand beside TensorFlow's, so it has a Python of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from tensors import numbers_detector
from wire import wired

from service.app import create_app, load_settings
from service.inference.grpc_server import GrpcServer
from service.registry import Registry

PYTHON = os.environ.get("TRITON_PYTHON")


@pytest.mark.skipif(PYTHON is None, reason="TRITON_PYTHON names no Python with tritonclient[http,grpc]")
def test_tritons_client_gets_the_scores_over_http_and_grpc():
    detector, settings = numbers_detector(), load_settings(grpc_port=0)
    server = GrpcServer(create_app(Registry(detector), settings), settings)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(server.serving()),
        wired(detector) as http,
    ):
        command = [str(PYTHON), str(Path(__file__).with_name("triton_asks.py")), str(http.port), str(server.port)]
        ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found = json.loads(ran.stdout)
    wanted = detector.score_records([dict(zip("abc", row, strict=True)) for row in found["rows"]])
    assert found["scores"] == [wanted.anomaly_score.tolist()] * 5
    assert ["There is no detector 'other'" in said for said in found["refused"]] == [True, True]

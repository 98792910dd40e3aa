"""The examples of callers, in three languages, against a real service."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest
from page_examples import REPOSITORY

from models.detector import Detector

EXAMPLES = REPOSITORY / "docs" / "examples"
OLDEST_NODE = 18  # the first with fetch


def run(program: str, name: str, service: Any) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    address = str(service.client.base_url).rstrip("/")
    done = subprocess.run(
        [found, str(EXAMPLES / name), address],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_for_curl_runs(service: Any, detector: Detector) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    lines = run("bash", "score.sh", service).splitlines()
    assert len(json.loads(lines[1])["results"][0]["contributions"]) == 2
    assert lines[3] == "anomaly_score,p_value,is_anomaly"
    assert len(lines[4:6]) == 2
    assert json.loads(lines[-1])["total"] == len(detector.schema.columns)


def test_the_example_for_python_runs(service: Any, detector: Detector) -> None:
    said = run(sys.executable, "score.py", service)
    assert "mostly by" in said
    assert f"refused with 422: {len(detector.schema.columns)} fields, the first is 'pressure'" in said


def test_the_example_for_javascript_runs(service: Any, detector: Detector) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().removeprefix("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node {version.strip()} has no fetch")
    said = run("node", "score.mjs", service)
    assert "mostly by" in said
    assert f"refused with 422: {len(detector.schema.columns)} fields, the first is 'pressure'" in said

"""The compose file and what it mounts."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from serving import REPOSITORY

COMPOSE = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
MOUNTED = [
    volume.split(":")[0]
    for service in COMPOSE["services"].values()
    for volume in service.get("volumes", ())
    if volume.startswith("./deploy")
]


def test_what_is_mounted_from_deploy_is_there() -> None:
    assert len(MOUNTED) == 3
    assert [path for path in MOUNTED if not (REPOSITORY / path).exists()] == []


def test_grafana_finds_its_source_and_its_dashboard() -> None:
    folder = REPOSITORY / "deploy/grafana/provisioning"
    [source] = yaml.safe_load((folder / "datasources/prometheus.yaml").read_text())["datasources"]
    [provider] = yaml.safe_load((folder / "dashboards/detectors.yaml").read_text())["providers"]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in COMPOSE["services"]
    mounts = COMPOSE["services"]["grafana"]["volumes"]
    assert any(mount.split(":")[1].startswith(provider["options"]["path"]) for mount in mounts)
    assert json.loads((REPOSITORY / "deploy/grafana/detectors.json").read_text())["panels"]


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool")
def test_prometheus_accepts_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(COMPOSE["configs"]["prometheus"]["content"])
    shutil.copy(REPOSITORY / "deploy/prometheus/rules.yaml", tmp_path)
    ended = subprocess.run(
        ["promtool", "check", "config", str(tmp_path / "prometheus.yml")], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr

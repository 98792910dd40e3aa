"""`python -m service.admin` for versions: the same words for a folder and for a service that runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made_keys import made_keys
from serving import running

from service.access.roles import Role
from service.admin import main
from service.registry import Registry

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["a folder", "a service"])
def run(request: pytest.FixtureRequest, many: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command on a folder, or on a service of it; return exit code, standard output and error."""

    def run_there(*where: str) -> Run:
        def run(*words: str) -> tuple[int, str, str]:
            code = main([*words, *where])
            return (code, *capsys.readouterr())

        return run

    if request.param == "a folder":
        yield run_there("--detector", str(many))
        return
    with running(many) as service:
        yield run_there("--url", str(service.client.base_url))


def test_versions_are_listed_promoted_and_rolled_back(run: Run, many: Path) -> None:
    code, shown, _ = run("list")
    assert code == 0
    assert [line.split() for line in shown.splitlines()] == [
        ["name", "active", "versions", "aliases"],
        ["pumps", "10", "2", "9", "10", "–"],
        ["valves", "1", "1", "–"],
    ]
    assert run("promote", "pumps", "2") == (0, "pumps: version 2 is active (champion 2)\n", "")
    assert Registry.open(many).active("pumps").version == "2"
    assert run("rollback", "pumps") == (0, "pumps: version 10 is active (champion 10)\n", "")
    assert run("alias", "pumps", "challenger", "9")[0] == 0
    code, shown, _ = run("list", "--json")
    assert json.loads(shown)["detectors"][0]["aliases"] == {"champion": "10", "challenger": "9"}
    assert run("alias", "pumps", "champion", "--remove")[1] == "pumps: version 10 is active (challenger 9)\n"


def test_what_cannot_be_done_is_one_line_and_changes_nothing(run: Run, many: Path) -> None:
    (many / "pumps" / "9" / "network.onnx").write_bytes(b"damaged")
    for words, said in (
        (("promote", "pumps", "9"), "Version 9 of the detector 'pumps' cannot be loaded: network.onnx is not the file"),
        (("promote", "pumps", "3"), "The detector 'pumps' has no version '3'. Name one of: 2, 9, 10."),
        (("rollback", "valves"), "The detector 'valves' has no version before 1."),
        (("alias", "pumps", "challenger"), "Say the version that the alias is to mean, or --remove"),
        (("alias", "pumps", "2", "2"), "'2' can be no alias."),
    ):
        code, shown, error = run(*words)
        assert (code, shown) == (2, "")
        [line] = [line for line in error.splitlines() if line.startswith("error: ")]
        assert said in line
    assert Registry.open(many).active("pumps").version == "10"


def test_a_key_that_may_not_change_anything_is_refused(
    many: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = made_keys(tmp_path / "keys.json")
    with running(many, "--keys", str(tmp_path / "keys.json")) as service:
        url = str(service.client.base_url)
        for role, code in (("score", 2), ("operate", 0)):
            assert main(["promote", "pumps", "2", "--url", url, "--key", keys[Role(role)]]) == code
    assert "error: 403: The key has the role score; PUT" in capsys.readouterr().err


def test_without_a_folder_and_a_service_the_flags_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 2
    assert "Say --detector FOLDER, set DETECTOR_PATH, or say --url ADDRESS." in capsys.readouterr().err

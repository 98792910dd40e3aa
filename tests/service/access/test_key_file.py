"""The file of keys and the commands that keep it: made, listed, revoked; a damaged file is one line without secrets."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from models.errors import ConfigError
from service.access.callers import KeyRing
from service.access.keys import parse_keys, read_keys
from service.access.roles import Role
from service.admin import main

ROW = {
    "id": "00c0ffee0000",
    "name": "billing",
    "role": "score",
    "sha256": "0" * 64,
    "made": "2026-11-30T12:00:00Z",
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys.json"
    monkeypatch.setenv("DETECTOR_KEYS", str(path))
    return path


def test_a_key_is_printed_once_and_only_its_hash_is_kept(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "billing", "--role", "score", "--expires", "2999-12-31"]) == 0
    key = capsys.readouterr().out.strip()
    prefix, key_id, secret = key.split("_", 2)
    assert (prefix, len(key_id)) == ("ad", 12)
    assert len(secret) >= 43  # 256 bits
    assert secret not in file.read_text()
    [kept] = read_keys(file)
    assert (kept.id, kept.name, kept.role) == (key_id, "billing", Role.SCORE)
    assert kept.expires is not None
    assert kept.expires.isoformat() == "3000-01-01T00:00:00+00:00"
    owner = KeyRing([kept]).owner_of(key.encode())
    assert owner is not None
    assert owner.name == "billing"
    assert file.stat().st_mode & 0o077 == 0


def test_keys_are_listed_and_revoked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, role in (("a", "read"), ("b", "operate"), ("c", "score")):
        assert main(["key", name, "--role", role]) == 0
    first, second, third = capsys.readouterr().out.split()
    file.chmod(0o640)
    assert main(["key", "list"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[-1] for line in listed.splitlines()] == ["name", "a", "b", "c"]
    assert not any(key.split("_", 2)[2] in listed for key in (first, second, third))
    assert main(["key", "revoke", first.split("_")[1]]) == 0
    assert main(["key", "revoke", second]) == 0  # the key itself will do
    assert [key.name for key in read_keys(file)] == ["c"]
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_link_to_a_file_of_keys_stays_a_link(file: Path, tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text('{"keys": []}')
    file.symlink_to("real.json")
    assert main(["key", "a", "--role", "read"]) == 0
    assert file.is_symlink()
    assert len(read_keys(tmp_path / "real.json")) == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["key", "a"], "A new key needs a role: --role read, score, operate"),
        (["key", "a b", "--role", "read"], "name: got 'a b'"),
        (["key", "a", "b", "--role", "read"], "A new key has one name; two words came."),
        (["key", "a", "--role", "read", "--expires", "soon"], "--expires: got 'soon', say a day such as 2027-01-31."),
        (["key", "a", "--role", "read", "--expires", "2020-01-01"], "--expires: 2020-01-01 is over."),
        (["key", "list"], "the keys cannot be read (No such file or directory)"),
        (["key", "revoke"], "Which key? Say its id"),
    ],
)
def test_a_wrong_command_is_one_line(
    words: list[str], complaint: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
    assert not file.exists()


def test_a_command_needs_a_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("DETECTOR_KEYS", raising=False)
    assert main(["key", "list"]) == 2
    assert "say --keys FILE, or set DETECTOR_KEYS" in capsys.readouterr().err


def test_an_unknown_id_is_not_revoked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["key", "a", "--role", "read"])
    before = file.read_bytes()
    assert main(["key", "revoke", "00c0ffee0000"]) == 2
    assert "has no key of that id. It has " in capsys.readouterr().err
    assert file.read_bytes() == before


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_cannot_be_written_is_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.parent.chmod(0o500)
    assert main(["key", "a", "--role", "read"]) == 2
    assert "the keys cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("ad_00c0ffee0000_SECRET", "is not JSON"),
        ('{"keys": [], "keys": []}', "is not JSON"),
        ("[]", "is not {"),
        ('{"SECRET": [], "keys": []}', "is not {"),
        ('{"keys": {}}', "is not {"),
        (json.dumps({"keys": [ROW, ROW]}), "the id 00c0ffee0000 stands there twice"),
        *[
            (json.dumps({"keys": [ROW | change]}), complaint)
            for change, complaint in (
                ({"id": "SECRET"}, "key 0: id is"),
                ({"role": "SECRET"}, "key 0: role is"),
                ({"role": ["SECRET"]}, "key 0: role is"),
                ({"sha256": "SECRET"}, "key 0: sha256 is"),
                ({"made": "SECRET"}, "key 0: made is"),
                ({"made": "2026-11-30T12:00:00"}, "key 0: made and expires is"),
                ({"name": ""}, "key 0: name is"),
                ({"SECRET": 1}, "key 0: a field is"),
            )
        ],
        (json.dumps({"keys": [{name: value for name, value in ROW.items() if name != "role"}]}), "key 0: role is"),
        (json.dumps({"keys": ["SECRET"]}), "key 0: a field is"),
    ],
)
def test_a_damaged_file_is_one_line_that_shows_nothing_of_it(content: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_keys(content.encode(), source="keys.json")
    assert str(caught.value).startswith("keys.json: ")
    assert complaint in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert "service.admin key" in str(caught.value)

"""Names in addresses that mean something else: folders above, encoded slashes, NUL, other scripts, and without end."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from forging import make_bundle
from made_keys import made_keys
from samples import sample_record
from serving import Service, Start
from wire import Answer, answer_from

from models.errors import DetectorError
from service.access.rights import RIGHTS
from service.access.roles import Role
from service.administration.folder import ServedFolder
from service.registry import Registry

# As they are sent. `secret/1` is a whole bundle beside the folder that is served.
NAMES = {
    "above": b"..",
    "above, encoded": b"%2e%2e",
    "beside": b"..%2fsecret",
    "beside, plain": b"../secret",
    "beside, encoded twice": b"%252e%252e%252fsecret",
    "beside, with backslashes": b"..%5csecret",
    "beside, from within": b"pumps%2f..%2f..%2fsecret",
    "beside, overlong UTF-8": b"%c0%ae%c0%ae%c0%afsecret",
    "beside, full-width": quote("\uff0e\uff0e\uff0fsecret").encode(),
    "absolute": b"%2fetc%2fpasswd",
    "a file of the folder": b"pumps%2faliases.json",
    "current folder": b".",
    "home": b"~root",
    "empty": b"",
    "blank": b"%20",
    "NUL": b"pumps%00",
    "NUL before an ending": b"pumps%00.json",
    "line ends": b"pumps%0d%0aX-Injected:%20yes",
    "not UTF-8": b"%ff%fe",
    "raw bytes": b"p\xc3\xbcmps\xff",
    "Cyrillic letter": quote("\u0440umps").encode(),
    "right-to-left mark": quote("\u202epumps").encode(),
    "half of a pair": b"%ed%a0%80",
    "digits of another script": quote("\u0661").encode(),
    "other spelling of a number": b"010",
    "other letters": b"PUMPS",
    "with a blank": b"pumps%20",
    "template": b"%7b%7b7*7%7d%7d",
    "markup": b"%3cscript%3ealert(1)%3c%2fscript%3e",
    "very long": b"a" * 5_000,
    "very long, a number": b"9" * 5_000,
    "many folders": b"%2e%2e%2f" * 1_000 + b"secret",
}
ROUTES = [(method, path) for method, path in RIGHTS if re.search(r"{(name|version|alias|path:path)}", path)]
KNOWN = {"name": b"pumps", "version": b"2", "alias": b"champion", "path:path": b"swagger-ui.css"}
BODIES = {"aliases": json.dumps({"version": "2"}), "": json.dumps(sample_record())}
REFUSALS = {400, 401, 403, 404, 405, 409, 411, 414, 415, 422}


def requests(key: str | None) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield what is sent for each route with each name in each of its places: method, target and request."""
    for method, path in ROUTES:
        for place in re.findall(r"{([\w:]+)}", path):
            for name in NAMES.values():
                if place == "alias" and name == b"PUMPS":
                    continue  # a good name
                filled = {**KNOWN, place: name}
                target = re.sub(rb"{([\w:]+)}", lambda found, to=filled: to[found[1].decode()], path.encode())
                body = b"" if method == "GET" else BODIES["aliases" if "aliases" in path else ""].encode()
                head = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: service", b"Connection: close"]
                head += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
                head += [b"Authorization: Bearer " + key.encode()] if key else []
                yield method, target, b"\r\n".join([*head, b"", body])


def ask(service: Service, sent: bytes) -> Answer:
    with socket.create_connection(("127.0.0.1", service.client.base_url.port), timeout=120) as connection:
        connection.sendall(sent)
        return answer_from(connection)


def check(service: Service, answer: Answer, what: bytes, folder: Path) -> None:
    """A name that is none is refused by a problem document, which shows no path of the machine and no code."""
    status, headers, body = answer
    assert status in REFUSALS, (what, answer)
    assert "x-injected" not in headers, what
    for secret in (str(folder).encode(), b"Traceback", b'File "', b"root:x:"):
        assert secret not in body, (what, answer)
    if status != 400 or body.startswith(b"{"):  # what is not HTTP is refused in plain text
        assert headers["content-type"] == "application/problem+json", (what, answer)
        assert json.loads(body)["status"] == status, what


def tree(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture
def served(many: Path, tmp_path: Path) -> Path:
    make_bundle(tmp_path / "secret" / "1")
    return many


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "path"),
    [(None, "--fast-path"), (None, "--no-fast-path"), (Role.READ, "--fast-path"), (Role.OPERATE, "--fast-path")],
)
def test_no_name_leaves_the_folder_changes_a_file_or_ends_in_an_error(
    role: Role | None, path: str, served: Path, tmp_path: Path, start: Start
) -> None:
    """On every route with a name: without keys, and with one that may read and one that may do everything."""
    keys = made_keys(tmp_path / "keys.json")
    flags = [] if role is None else ["--keys", str(tmp_path / "keys.json")]
    flags += ["--default", "pumps", path, "--max-wait-seconds", "60"]
    before = tree(tmp_path)
    count = 0
    with start(served, *flags) as service:
        for method, target, sent in requests(None if role is None else keys[role]):
            answer = ask(service, sent)
            check(service, answer, method.encode() + b" " + target, tmp_path)
            if role is Role.READ and method != "GET":
                assert answer[0] in {400, 403, 414}, (method, target, answer)
            count += 1
        service.process.terminate()
        assert service.process.stderr is not None
        log = service.process.stderr.read()
    assert count > 1_000
    assert tree(tmp_path) == before
    assert "Traceback" not in log
    assert "ERROR" not in log


@pytest.mark.parametrize(
    "name", ["../secret", "..", "", ".", "pumps/../../secret", "pumps\0", "\u0440umps", "a" * 5_000]
)
def test_no_name_given_to_the_command_leaves_the_folder(name: str, served: Path) -> None:
    folder = ServedFolder(served)
    before = tree(served.parent)
    for change in (
        lambda: folder.set_alias(name, "champion", "1"),
        lambda: folder.set_alias("pumps", "champion", name),
        lambda: folder.set_alias("pumps", name, "2"),
        lambda: folder.remove_alias(name, "champion"),
        lambda: folder.roll_back(name),
    ):
        with pytest.raises(DetectorError) as raised:
            change()
        assert str(served) not in str(raised.value)
    assert tree(served.parent) == before


@pytest.mark.parametrize("version", ["../../../secret/1", "..", "/etc", "", "\u0661", "02", "2\n", "9" * 5_000])
@pytest.mark.parametrize("place", ["aliases", "before"])
def test_no_version_in_a_file_of_aliases_leaves_the_folder(
    place: str, version: str, served: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does it bring lines of its own into the log: a file of aliases may come from elsewhere."""
    plain = (
        {"aliases": {"champion": version}, "before": []} if place == "aliases" else {"aliases": {}, "before": [version]}
    )
    (served / "pumps" / "aliases.json").write_text(json.dumps(plain))
    with pytest.raises(DetectorError, match=r"aliases\.json is not as this program writes it") as raised:
        Registry.open(served, default="pumps")
    said = [str(raised.value), *(record.getMessage() for record in caplog.records)]
    assert all(text.isprintable() and len(text) < 1_000 for text in said)


def test_a_folder_whose_name_cannot_be_shown_is_left_out(served: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in (b"pumps\n", b"pu\x1b[31mmps", "pumps\u202e".encode(), b"pumps\xff"):
        shutil.copytree(served / "valves", os.fsdecode(os.fsencode(served) + b"/" + name))
    assert [one.name for one in ServedFolder(served).detectors()] == ["pumps", "valves"]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 4
    assert all(record.getMessage().isprintable() for record in caplog.records)

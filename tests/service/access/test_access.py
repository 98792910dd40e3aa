"""A caller without a valid key gets 401, whoever answers; what it is told shows no key."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from in_process import InProcess, in_process, problem
from made_keys import bearer, expired_key, made_keys
from samples import sample_detector, sample_record
from wire import request, wired

from models.errors import ConfigError
from service.access.keys import read_keys, write_keys
from service.access.roles import Role
from service.app import create_app, load_settings
from service.registry import Registry

BODY = json.dumps(sample_record())
LARGE = json.dumps([sample_record()] * 1_000)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module")
def keys(file: Path) -> dict[str, str]:
    made = {role.value: key for role, key in made_keys(file).items()}
    late, kept = expired_key()
    write_keys(file, [*read_keys(file), kept])
    return made | {"expired": late}


@pytest.fixture(scope="module", params=[True, False], ids=["fast path on", "fast path off"])
def secured(request: pytest.FixtureRequest, file: Path, keys: dict[str, str]) -> Iterator[InProcess]:
    with in_process(sample_detector(), fast_path=request.param, keys=file) as service:
        yield service


def refused(answer: httpx.Response, detail: str) -> None:
    """Check a refusal: a problem document, the challenge, and nothing of what was sent."""
    assert detail in problem(answer, 401)["detail"]
    assert "realm=" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("body", [BODY, LARGE, ""], ids=["small", "large", "none"])
def test_without_a_key_nothing_is_answered_but_probes(secured: InProcess, body: str) -> None:
    refused(secured.post(body), "No key was sent. Send Authorization: Bearer KEY.")
    assert secured.request("GET", "/healthz").json() == {"status": "ok"}
    assert secured.request("HEAD", "/readyz").status_code == 200
    refused(secured.request("GET", "/nowhere"), "No key was sent")


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
def test_with_a_key_the_answer_is_that_of_a_service_without_keys(
    secured: InProcess, keys: dict[str, str], body: str
) -> None:
    with in_process(sample_detector()) as without:
        expected = without.post(body)
    for _ in range(2):  # the second time the key is remembered
        answer = secured.post(body, **bearer(keys["score"]))
        assert (answer.status_code, answer.content) == (200, expected.content)
    assert secured.post(body, authorization=f"bearer  {keys['score']}").status_code == 200


@pytest.mark.parametrize(
    "sent",
    ["Bearer {}x", "Bearer", "{}", "Digest {}", "Basic {}", "Bearer ad_", "Bearer ad_x_y", "Bearer é"],
)
def test_what_is_no_valid_key_is_refused(secured: InProcess, keys: dict[str, str], sent: str) -> None:
    field = sent.format(keys["score"]).encode("latin-1")
    answer = secured.request("POST", "/score", content=BODY, headers={"Authorization": field})
    refused(answer, "The key is not known, or was revoked.")
    assert keys["score"] not in answer.text
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_key_with_another_secret_or_of_another_id_is_refused(secured: InProcess, keys: dict[str, str]) -> None:
    _, key_id, secret = keys["score"].split("_", 2)
    _, other_id, other_secret = keys["operate"].split("_", 2)
    for mixed in (f"ad_{key_id}_{other_secret}", f"ad_{other_id}_{secret}", f"ad_{'0' * 12}_{secret}"):
        refused(secured.post(BODY, **bearer(mixed)), "not known")


def test_a_key_that_has_expired_is_refused(secured: InProcess, keys: dict[str, str]) -> None:
    for _ in range(2):
        refused(secured.post(BODY, **bearer(keys["expired"])), "has expired")


def test_two_keys_are_refused(secured: InProcess, keys: dict[str, str]) -> None:
    both = [("Authorization", f"Bearer {keys['score']}"), ("Authorization", f"Bearer {keys['read']}")]
    refused(secured.request("POST", "/score", content=BODY, headers=both), "more than once")


def test_a_browser_is_asked_for_a_password_which_is_a_key(secured: InProcess, keys: dict[str, str]) -> None:
    page = {"Accept": "text/html,application/xhtml+xml"}
    asked = secured.request("GET", "/docs", headers=page)
    refused(asked, "Give it as the password")
    assert asked.headers["www-authenticate"].startswith("Basic ")
    login = {"Authorization": "Basic " + base64.b64encode(f"me:{keys['score']}".encode()).decode()}
    wrong = {"Authorization": "Basic " + base64.b64encode(b"me:wrong").decode()}
    refused(secured.request("GET", "/docs", headers=page | wrong), "The password is no known key.")
    assert secured.request("GET", "/docs", headers=page | login).status_code == 200
    # The page may ask for scores; a page of somebody else, whose browser knows the password, may not.
    assert secured.post(BODY, **login, sec_fetch_site="same-origin").status_code == 200
    refused(secured.post(BODY, **login, sec_fetch_site="cross-site"), "not known")
    refused(secured.post(BODY, **login), "not known")


def test_the_description_says_which_role_an_operation_needs(secured: InProcess, keys: dict[str, str]) -> None:
    document = secured.request("GET", "/openapi.json", headers=bearer(keys["read"])).json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    score = document["paths"]["/score"]["post"]
    assert score["security"] == [{"key": ["score"]}]
    assert {"401", "403"} <= score["responses"].keys()
    assert "security" not in document["paths"]["/healthz"]["get"]


def test_without_keys_the_description_knows_none() -> None:
    with in_process(sample_detector()) as service:
        assert "securit" not in service.request("GET", "/openapi.json").text


def test_a_refused_large_body_is_not_read_to_its_end(file: Path, keys: dict[str, str]) -> None:
    head = b"POST /score HTTP/1.1\r\nHost: service\r\nContent-Length: 20000000\r\n\r\n"
    with wired(sample_detector(), keys=file) as wire:
        [(status, headers, _)] = wire.together([head])
        assert (status, headers["connection"]) == (401, "close")
        [(status, headers, _)] = wire.together([request(BODY.encode())])
        assert (status, "connection" in headers) == (401, False)


def test_keys_may_come_from_a_variable(file: Path, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECTOR_KEYS_JSON", file.read_text())
    with in_process(sample_detector()) as service:
        assert service.post(BODY, **bearer(keys["score"])).status_code == 200
        refused(service.post(BODY), "No key")
    settings = load_settings()
    assert "sha256" not in repr(settings)
    with pytest.raises(ConfigError, match="two sources of keys"):
        create_app(Registry(sample_detector()), load_settings(keys=file))


@pytest.mark.parametrize("role", [Role.READ])
def test_a_role_that_is_too_low_is_refused_by_the_fast_path(
    secured: InProcess, keys: dict[str, str], role: Role
) -> None:
    for body in (BODY, LARGE):
        answer = secured.post(body, **bearer(keys[role]))
        assert "POST /score needs score" in problem(answer, 403)["detail"]

"""OIDC tokens are accepted from one issuer, for one audience, by the keys that it names now; else it is said why."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from in_process import InProcess, in_process, problem
from issuing import AUDIENCE, IssuerServer, Signer, issuing
from made_keys import bearer, made_keys
from samples import sample_detector, sample_record

from models.errors import ConfigError
from service.access.access import Access
from service.access.callers import KeyRing
from service.access.issuer import Issuer
from service.access.limits import Limits
from service.access.roles import Role
from service.access.tokens import Tokens, _roles_in
from service.settings import load_settings
from service.web.problems import RequestError

BODY = json.dumps(sample_record())


@pytest.fixture(scope="module")
def rsa() -> Signer:
    return Signer("first")


@pytest.fixture(scope="module")
def elliptic() -> Signer:
    return Signer("second", "ES256")


@pytest.fixture(scope="module")
def issuer(rsa: Signer, elliptic: Signer) -> Iterator[IssuerServer]:
    with issuing(rsa, elliptic) as server:
        yield server


@pytest.fixture(scope="module", params=[True, False], ids=["fast path on", "fast path off"])
def service(request: pytest.FixtureRequest, issuer: IssuerServer) -> Iterator[InProcess]:
    settings = {"oidc_issuer": issuer.address, "oidc_audience": AUDIENCE}
    with in_process(sample_detector(), fast_path=request.param, **settings) as service:
        yield service


@pytest.mark.parametrize("kind", ["rsa", "elliptic"])
def test_a_token_of_the_issuer_is_as_good_as_a_key(
    service: InProcess, issuer: IssuerServer, kind: str, request: pytest.FixtureRequest
) -> None:
    token = issuer.token(request.getfixturevalue(kind))
    for _ in range(2):  # the second time it is remembered
        assert service.post(BODY, **bearer(token)).status_code == 200
    assert service.request("GET", "/detector", headers=bearer(token)).status_code == 200
    several = issuer.token(request.getfixturevalue(kind), aud=["other", AUDIENCE])
    assert service.post(BODY, **bearer(several)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"iss": "https://other.example"}, "is of another issuer"),
        ({"aud": "other"}, "is for another audience"),
        ({"aud": None}, "lacks one of exp, iss and aud"),
        ({"iss": None}, "lacks one of exp, iss and aud"),
        ({"exp": None}, "lacks one of exp, iss and aud"),
        ({"exp": int(time.time()) - 60}, "has expired"),
        ({"nbf": int(time.time()) + 600}, "is not valid yet"),
        ({"exp": "soon"}, "is not valid"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    service: InProcess, issuer: IssuerServer, rsa: Signer, changed: dict[str, Any], said: str
) -> None:
    token = issuer.token(rsa, **changed)
    answer = service.post(BODY, **bearer(token))
    assert problem(answer, 401)["detail"].startswith(f"The token {said}. Send ")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert token.split(".")[1] not in answer.text


def in_base64(plain: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def forged(issuer: IssuerServer, rsa: Signer, elliptic: Signer) -> dict[str, str]:
    """Return tokens that were not signed by a key of the issuer, or not as it says."""
    claims, head = issuer.claims(), {"kid": "first"}
    public = rsa.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    by_secret = f"{in_base64(head | {'alg': 'HS256'})}.{in_base64(claims)}"
    mac = base64.urlsafe_b64encode(hmac.digest(public, by_secret.encode(), "sha256")).decode().rstrip("=")
    whole = issuer.token(rsa)
    first, second, signature = whole.split(".")
    other = in_base64(issuer.claims(sub="root"))
    return {
        "unsigned": jwt.encode(claims, None, "none", headers=head),
        "unsigned by hand": f"{in_base64({'alg': 'none', 'kid': 'first'})}.{second}.",
        "the public key as a secret": f"{by_secret}.{mac}",
        "another key of the same id": issuer.token(Signer("first")),
        "another algorithm": jwt.encode(claims, rsa.private, "RS512", headers=head),
        "the algorithm of another key": jwt.encode(claims, elliptic.private, "ES256", headers=head),
        "other claims": f"{first}.{other}.{signature}",
        "no signature": f"{first}.{second}.",
        "half of it": whole[: len(whole) // 2],
        "no token": "secret",
        "a key of another service": f"ad_00c0ffee0000_{'x' * 43}",
        "too long": whole + "x" * 10_000,
    }


def test_forged_tokens_are_refused(service: InProcess, issuer: IssuerServer, rsa: Signer, elliptic: Signer) -> None:
    for name, token in forged(issuer, rsa, elliptic).items():
        assert service.post(BODY, **bearer(token)).status_code == 401, name


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        (["read"], 403),
        (["other", "score", "read"], 200),
        ("openid score", 200),
        ("operate", 200),
        (["SCORE"], 403),
        ([], 403),
        (None, 403),
        ({"score": True}, 403),
        ([["score"]], 403),
    ],
)
def test_the_claim_gives_the_role(
    service: InProcess, issuer: IssuerServer, rsa: Signer, roles: Any, status: int
) -> None:
    assert service.post(BODY, **bearer(issuer.token(rsa, roles=roles))).status_code == status


def test_roles_may_lie_within_other_claims() -> None:
    claims = {"realm_access": {"roles": ["score"]}, "https://detector.example/roles": ["read"], "scope": "read score"}
    assert _roles_in(claims, "realm_access.roles") == {"score"}
    assert _roles_in(claims, "https://detector.example/roles") == {"read"}
    assert _roles_in(claims, "scope") == {"read", "score"}
    assert _roles_in(claims, "realm_access.roles.more") == frozenset()


def asked(access: Access, token: str) -> int:
    """Return the status that a token gets; 200 where it is admitted."""
    found = access.admit("POST", "/score", [(b"authorization", f"Bearer {token}".encode())])
    return found.status if isinstance(found, RequestError) else 200


async def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


def tokens_of(server: IssuerServer, *, cooldown: float) -> Access:
    return Access(KeyRing(()), None, Tokens(Issuer(server.address), AUDIENCE, "roles", Limits(), cooldown=cooldown))


def test_a_key_set_that_rotates_is_fetched_again(rsa: Signer, elliptic: Signer) -> None:
    """A token by a new key is put off and then accepted; those of a key that is gone are refused, remembered or not."""

    async def rotate() -> None:
        access = tokens_of(server, cooldown=0.5)
        old, new = server.token(rsa), server.token(elliptic)
        assert asked(access, old) == 200
        assert asked(access, new) == 401  # the keys were fetched a moment ago
        server.keys = [elliptic.public()]
        await wait_for(lambda: asked(access, new) == 503)
        assert asked(access, old) == 200
        await wait_for(lambda: asked(access, new) == 200)
        assert asked(access, old) == 401
        assert server.asked == 2

    with issuing(rsa) as server:
        asyncio.run(rotate())


def test_an_issuer_that_is_down_is_asked_again_and_its_keys_are_kept(rsa: Signer, elliptic: Signer) -> None:
    async def recover() -> None:
        server.is_down = True
        access = tokens_of(server, cooldown=0.0)
        known, unknown = server.token(rsa), server.token(elliptic)
        assert asked(access, known) == 503
        server.is_down = False
        await wait_for(lambda: asked(access, known) == 200)
        server.is_down = True
        before = server.asked
        await wait_for(lambda: asked(access, unknown) == 503 and server.asked > before)
        await asyncio.sleep(0.2)
        assert asked(access, known) == 200

    with issuing(rsa) as server:
        asyncio.run(recover())


def test_a_server_that_describes_another_issuer_gives_no_keys(rsa: Signer, caplog: pytest.LogCaptureFixture) -> None:
    with issuing(rsa) as server:
        server.named = "https://other.example"
        assert Issuer(server.address).keys() is None
        server.named, server.keys = "", []
        assert Issuer(server.address).keys() is None
    assert Issuer(server.address).keys() is None  # it has ended
    assert len(caplog.records) == 3
    assert "names another issuer" in caplog.text


def test_keys_that_anybody_could_sign_by_are_not_taken(rsa: Signer) -> None:
    with issuing(rsa) as server:
        secret = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0" * 8, "alg": "HS256"}
        server.keys += [secret, rsa.public() | {"kid": "other", "use": "enc"}, {"kty": "?"}]
        assert list(Issuer(server.address).keys() or ()) == ["first"]


def test_keys_and_tokens_go_together(issuer: IssuerServer, rsa: Signer, tmp_path: Any) -> None:
    keys = made_keys(tmp_path / "keys.json")
    settings = {"oidc_issuer": issuer.address, "oidc_audience": AUDIENCE, "keys": tmp_path / "keys.json"}
    with in_process(sample_detector(), **settings) as service:
        assert service.post(BODY, **bearer(keys[Role.SCORE])).status_code == 200
        assert service.post(BODY, **bearer(issuer.token(rsa))).status_code == 200
        assert service.post(BODY).status_code == 401


def test_the_limits_of_keys_hold_for_the_owners_of_tokens(issuer: IssuerServer, rsa: Signer) -> None:
    settings = {"oidc_issuer": issuer.address, "oidc_audience": AUDIENCE, "key_rate": 0.01}
    with in_process(sample_detector(), **settings) as service:
        assert service.post(BODY, **bearer(issuer.token(rsa))).status_code == 200
        assert (
            service.post(BODY, **bearer(issuer.token(rsa, jti="2"))).status_code == 429
        )  # a new token, the same owner
        assert service.post(BODY, **bearer(issuer.token(rsa, sub="bob"))).status_code == 200


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"oidc_issuer": "https://issuer.example"}, "--oidc-audience"),
        ({"oidc_issuer": "http://issuer.example", "oidc_audience": "x"}, "begins with https://"),
        ({"oidc_issuer": "file:///etc/passwd", "oidc_audience": "x"}, "begins with https://"),
        ({"oidc_issuer": "issuer", "oidc_audience": "x"}, "begins with https://"),
        ({"oidc_issuer": "http://[", "oidc_audience": "x"}, "begins with https://"),
    ],
)
def test_settings_that_would_accept_too_much_are_refused(given: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Access.of(load_settings(**given))

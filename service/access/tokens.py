"""Tokens of OpenID Connect: checks their signatures and claims, and says who sends them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, final

from service.access.callers import Caller
from service.access.issuer import Issuer
from service.access.limits import Limits, Meter
from service.access.roles import Role
from service.access.watching import Watch
from service.web.problems import RETRY_LATER, RequestError

if TYPE_CHECKING:
    from jwt import PyJWK

REFRESH_SECONDS: Final = 300.0
"""Time between two fetches of the issuer's keys; a token by an unknown key brings the next one forward."""

COOLDOWN_SECONDS: Final = 10.0
"""Least time between two fetches."""

LEEWAY_SECONDS: Final = 30
"""How far the clocks of the issuer and of the service may be apart."""

_MOST_BYTES: Final = 8_192  # of a token
_MOST_CALLERS: Final = 4_096  # whose meters are kept
_CHALLENGE: Final = 'Bearer realm="detector", error="invalid_token"'


@final
class Tokens:
    """Checks tokens by the keys of their issuer, which are fetched on a thread and kept.

    Args:
        issuer: Whose tokens are accepted.
        audience: Must be among the audiences of a token.
        claim: Where a token has the roles of its owner: a name, or names with points between them for inner objects.
        limits: Those of each owner.
        cooldown: Least time between two fetches of the keys, in seconds.
    """

    def __init__(
        self,
        issuer: Issuer,
        audience: str,
        claim: str,
        limits: Limits,
        *,
        cooldown: float = COOLDOWN_SECONDS,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._claim = claim
        self._limits = limits
        self._cooldown = cooldown
        self._keys: dict[str, PyJWK] = issuer.keys() or {}
        self._fetched = time.monotonic()
        self._meters: dict[str, Meter] = {}
        self.age = 0
        """Grows with each change of the keys: what was checked before is checked again."""
        self._watch = Watch(issuer.keys, self._take, seconds=REFRESH_SECONDS)

    def caller_of(self, token: bytes) -> Caller | RequestError:
        """Return who sends a token, or why that is not known."""
        import jwt

        if not self._watch.has_begun:
            self._watch.begin()
            if time.monotonic() - self._fetched > REFRESH_SECONDS:  # this process has been asked by nobody yet
                return self._fetch()
        if len(token) > _MOST_BYTES:
            return _refused("is too long")
        try:
            head = jwt.get_unverified_header(token)
            key = self._keys.get(str(head.get("kid", "")))
            if key is None:
                return self._unknown_key()
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer.address,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
        except jwt.PyJWTError as error:
            return _refused(
                next((said for kind, said in _SAID.items() if type(error).__name__ == kind), "is not valid")
            )
        return self._owner_of(claims)

    def _owner_of(self, claims: Mapping[str, Any]) -> Caller | RequestError:
        roles = _roles_in(claims, self._claim)
        role = next((role for role in reversed(Role) if role in roles), None)
        if role is None:
            detail = f"The token gives no role: its claim {self._claim} has none of {', '.join(Role)}."
            return RequestError(HTTPStatus.FORBIDDEN, detail)
        name = str(claims.get("sub") or claims.get("client_id") or claims.get("azp") or "")[:128]
        expires = float(claims["exp"]) + LEEWAY_SECONDS
        meter = self._meter_of(name)
        return Caller(id=f"oidc:{name}", name=name, role=role, roles=role.covered(), expires=expires, meter=meter)

    def _meter_of(self, name: str) -> Meter | None:
        if self._limits == Limits():
            return None
        if name not in self._meters:
            if len(self._meters) >= _MOST_CALLERS:
                del self._meters[next(iter(self._meters))]
            self._meters[name] = Meter(self._limits)
        return self._meters[name]

    def _unknown_key(self) -> RequestError:
        """Refuse a token by an unknown key; fetch the issuer's keys, which may have changed, but not all the time."""
        if time.monotonic() - self._fetched >= self._cooldown:
            return self._fetch()
        return _refused("is signed by a key that its issuer does not name") if self._keys else _NO_KEYS

    def _fetch(self) -> RequestError:
        self._fetched = time.monotonic()
        self._watch.look_now()
        return _NO_KEYS

    def _take(self, keys: dict[str, PyJWK]) -> None:
        if {key_id: key.key for key_id, key in keys.items()} != {key_id: key.key for key_id, key in self._keys.items()}:
            self._keys = keys
            self.age += 1


def _roles_in(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """Return the roles that a claim gives: a list, or a text with spaces between them.

    Example:
        >>> sorted(_roles_in({"realm_access": {"roles": ["read", "other"]}}, "realm_access.roles"))
        ['other', 'read']
    """
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for name in claim.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        found = found.split()
    return frozenset(one for one in found if isinstance(one, str)) if isinstance(found, list) else frozenset()


def _refused(reason: str) -> RequestError:
    detail = f"The token {reason}. Send Authorization: Bearer TOKEN, with one that its issuer gave for this service."
    return RequestError(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": _CHALLENGE})


_NO_KEYS: Final = RequestError(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The key by which the token is signed is not known yet: its issuer is asked. Send it again in a second.",
    headers=RETRY_LATER,
)
_SAID: Final = {
    "ExpiredSignatureError": "has expired",
    "ImmatureSignatureError": "is not valid yet",
    "InvalidAudienceError": "is for another audience",
    "InvalidIssuerError": "is of another issuer",
    "InvalidAlgorithmError": "is signed by an algorithm that its key is not for",
    "MissingRequiredClaimError": "lacks one of exp, iss and aud",
}
"""What is said of each error of PyJWT; nothing of the token itself."""

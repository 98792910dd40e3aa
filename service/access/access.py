"""The check of each request: who sends it, and whether that caller may."""

from __future__ import annotations

import binascii
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, final

from models.errors import ConfigError
from service.access.callers import Caller, KeyFile, KeyRing, keys_of_variable
from service.access.issuer import Issuer
from service.access.keys import id_of
from service.access.limits import Limits, Meter
from service.access.rights import right_of
from service.access.roles import Role
from service.access.tokens import Tokens
from service.access.watching import Watch
from service.settings import Settings, spelt
from service.web.problems import RequestError

Headers = Iterable[tuple[bytes, bytes]]

LOOK_SECONDS: Final = 1.0
"""Time between two looks at the file of keys."""

_NO_CREDENTIALS: Final = b"-"  # stands for an empty field, which is one as well
_MOST_VERIFIED: Final = 4_096  # header fields of callers that are remembered
_READING: Final = frozenset(["GET", "HEAD"])


@final
class Access:
    """Knows the callers, and refuses requests that they may not send.

    A key is hashed once: then its owner is found by the bytes of the header field, as long as the keys stay as they
    are. Only valid ones are remembered, and Python's hashes of bytes are keyed at random, so the time of that tells
    nothing of a key.

    Args:
        ring: The keys.
        file: Where they come from, if that may change.
        tokens: Checks tokens of an issuer, if there is one.
    """

    def __init__(self, ring: KeyRing, file: KeyFile | None = None, tokens: Tokens | None = None) -> None:
        self._ring = ring
        self._tokens = tokens
        self._verified: dict[bytes, Caller] = {}
        self._age = 0  # of the keys by which the verified tokens were checked
        self._unwatched = None if file is None else Watch(file.changed, self._take, seconds=LOOK_SECONDS)

    @classmethod
    def of(cls, settings: Settings) -> Access | None:
        """Return the access that the settings ask for, None if everybody may do everything.

        Raises:
            ConfigError: The keys cannot be read, or there are two sources of them; or tokens cannot be checked.
        """
        if not settings.knows_callers():
            return None
        if settings.keys is not None and settings.keys_json is not None:
            raise ConfigError(f"{spelt('keys')} and {spelt('keys_json')} are two sources of keys. Say one of them.")
        limits = Limits(settings.key_rate, settings.key_concurrent)
        tokens = _tokens_of(settings, limits)
        if settings.keys_json is not None:
            return cls(keys_of_variable(settings.keys_json.get_secret_value(), limits), None, tokens)
        if settings.keys is None:
            return cls(KeyRing(()), None, tokens)
        file = KeyFile(settings.keys, limits)
        return cls(file.ring, file, tokens)

    def admit(self, method: str, path: str, headers: Headers) -> RequestError | Meter | None:
        """Return why a request is refused; else what its end has to be told, if its caller has limits.

        Args:
            method: HTTP method.
            path: Decoded path, as routes match it.
            headers: Names in lower case.
        """
        needed = right_of(method, path)
        if needed is None:
            return None
        if self._unwatched is not None:
            self._unwatched.begin(at_once=True)
            self._unwatched = None
        if self._tokens is not None and self._tokens.age != self._age:
            self._age, self._verified = self._tokens.age, {}
        field = b""
        for name, value in headers:
            if name == b"authorization":
                if field:
                    return _SENT_TWICE
                field = value or _NO_CREDENTIALS
        caller = self._verified.get(field)
        if caller is None:
            found = self._unverified(field, method, headers)
            if isinstance(found, RequestError):
                return found
            caller = found
        if caller.expires is not None and time.time() >= caller.expires:
            return _EXPIRED
        return _forbidden(caller.role, needed, method, path) if needed not in caller.roles else _metered(caller)

    def _unverified(self, field: bytes, method: str, headers: Headers) -> Caller | RequestError:
        """Return who sends a field of credentials that was not seen before, or why that is not known."""
        is_page = _is_page(method, headers)
        if not field:
            return _ASKED_OF_PAGE if is_page else _NO_KEY
        return self._caller_of(field, method, headers) or (_UNKNOWN_TO_PAGE if is_page else _UNKNOWN)

    def _caller_of(self, field: bytes, method: str, headers: Headers) -> Caller | RequestError | None:
        """Return who sends a field of credentials, None if nobody is known by it, or why it is refused."""
        scheme, _, credentials = field.partition(b" ")
        if scheme.lower() == b"basic":
            return self._ring.owner_of(_password(credentials)) if _is_own_page(method, headers) else None
        if scheme.lower() != b"bearer":
            return None
        credentials = credentials.strip()
        if self._tokens is not None and id_of(credentials) is None:
            caller: Caller | RequestError | None = self._tokens.caller_of(credentials)
        else:
            caller = self._ring.owner_of(credentials)
        if isinstance(caller, Caller):
            if len(self._verified) >= _MOST_VERIFIED:
                del self._verified[next(iter(self._verified))]
            self._verified[field] = caller
        return caller

    def _take(self, ring: KeyRing) -> None:
        self._ring, self._verified = ring, {}


def _tokens_of(settings: Settings, limits: Limits) -> Tokens | None:
    """Return what checks tokens, None if no issuer is named.

    Raises:
        ConfigError: The audience is missing, or the issuer's address or its packages will not do.
    """
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_audience is None:
        raise ConfigError(
            f"{spelt('oidc_issuer')} needs {spelt('oidc_audience')}: else a token for any other service would do."
        )
    return Tokens(Issuer(settings.oidc_issuer), settings.oidc_audience, settings.oidc_claim, limits)


def _password(credentials: bytes) -> bytes:
    """Return the password of HTTP Basic, which is a key; its user name says nothing."""
    try:
        return binascii.a2b_base64(credentials).partition(b":")[2]
    except binascii.Error:
        return b""


def _is_own_page(method: str, headers: Headers) -> bool:
    """Return True for what a browser reads, and for what a page of the service itself sends.

    A browser sends a password that it was once told by itself, also where a page of somebody else makes it ask.
    """
    from_here = any(name == b"sec-fetch-site" and value == b"same-origin" for name, value in headers)
    return method in _READING or from_here


def _is_page(method: str, headers: Headers) -> bool:
    """Return True for what a browser shows: it asks for a password then."""
    return method in _READING and any(name == b"accept" and b"text/html" in value for name, value in headers)


def _unauthorized(detail: str, challenge: str) -> RequestError:
    return RequestError(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})


def _metered(caller: Caller) -> RequestError | Meter | None:
    """Begin a request of a caller, if it has limits; return what its end has to be told, or why it is one too many."""
    meter = caller.meter
    if meter is not None and (reason := meter.begin()):
        return _too_many(reason, meter.seconds_until_next())
    return meter


def _too_many(reason: str, seconds: int) -> RequestError:
    detail = f"{reason}. Send it again after {seconds} s."
    return RequestError(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(seconds)})


def _forbidden(role: Role, needed: Role, method: str, path: str) -> RequestError:
    detail = (
        f"The key has the role {role}; {method} {path} needs {needed}. Take another key, or look whether the address "
        "is right."
    )
    challenge = f'Bearer realm="detector", error="insufficient_scope", scope="{needed}"'
    return RequestError(HTTPStatus.FORBIDDEN, detail, headers={"WWW-Authenticate": challenge})


_REALM: Final = 'Bearer realm="detector"'
_INVALID: Final = f'{_REALM}, error="invalid_token"'
_NO_KEY: Final = _unauthorized("No key was sent. Send Authorization: Bearer KEY.", _REALM)
_OF_BROWSERS: Final = 'Basic realm="detector", charset="UTF-8"'
_ASKED_OF_PAGE: Final = _unauthorized("No key was sent. Give it as the password, and any name.", _OF_BROWSERS)
_SENT_TWICE: Final = _unauthorized("Authorization comes more than once. Send it once.", _INVALID)
_UNKNOWN: Final = _unauthorized(
    "The key is not known, or was revoked. Send Authorization: Bearer KEY, with a key of this service.", _INVALID
)
_UNKNOWN_TO_PAGE: Final = _unauthorized(
    "The password is no known key. Give a key of this service, and any name.", _OF_BROWSERS
)
_EXPIRED: Final = _unauthorized("The key or the token has expired. Ask for a new one.", _INVALID)

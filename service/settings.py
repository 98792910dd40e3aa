"""The settings of the service: ``DETECTOR_…`` variables, and flags of the same names."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.errors import ConfigError, did_you_mean

__all__ = ["Settings", "flag_of", "load_settings", "spelt", "variable_of"]

_PREFIX: Final = "DETECTOR_"
_FLAGS: Final = {"path": "--detector"}  # of another name than its field
_OF_CLIENT: Final = "DETECTOR_KEY"  # which one may have set as well

log = logging.getLogger(__name__)


class Settings(BaseSettings):
    """How the service runs; each field is also a variable, ``DETECTOR_`` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True)

    path: str | None = Field(
        None,
        description="a bundle, a detector's folder, or a folder of detectors; also in object storage (s3://…) or a "
        "registry of MLflow (models:/…)",
    )
    cache: Path = Field(
        Path("~/.cache/relu-anomaly-detector"), description="folder for copies of what lies in a storage or registry"
    )
    default: str | None = Field(None, description="name of the detector that answers /score, where there are several")
    max_detectors: int = Field(
        100, ge=1, description="detectors in memory at once; of more, those used longest ago are unloaded"
    )
    watch: bool = Field(
        True, description="look at the folder every second, and load new versions; else at SIGHUP alone"
    )
    shadow_share: float = Field(
        1, ge=0, le=1, description="share of the requests whose rows a challenger scores, too; 0 for none"
    )
    trusted_keys: Path | None = Field(
        None, description="a file of public keys of minisign; only bundles that one of them has signed are loaded"
    )
    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 for every one")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 for any free one")
    keys: Path | None = Field(
        None, description="file of the keys that callers need, looked at every second; python -m service.admin key"
    )
    keys_json: SecretStr | None = Field(None, description="content of such a file, in place of one")
    key_rate: float | None = Field(
        None, gt=0, description="requests a second of a key in each worker, if the key has no limit of its own"
    )
    key_concurrent: int | None = Field(
        None, ge=1, description="requests of a key in each worker at the same time, if the key has no limit of its own"
    )
    oidc_issuer: str | None = Field(None, description="address of the issuer of OIDC tokens that callers may send")
    oidc_audience: str | None = Field(None, description="audience that these tokens must be for")
    oidc_claim: str = Field(
        "roles", description="claim with the roles of the token's owner; points lead into inner objects"
    )
    insecure: bool = Field(False, description="listen beyond this machine without keys")
    grpc_port: int | None = Field(
        None, ge=0, le=65535, description="port for the Open Inference Protocol by gRPC, too; 0 for any free one"
    )
    tls_certificate: Path | None = Field(None, description="file of the certificate (PEM), with its chain: HTTPS")
    tls_key: Path | None = Field(None, description="file of its private key, if that is not in the same file")
    cors_origins: str | None = Field(
        None,
        description="origins whose pages may read answers, with commas between them (* for all), such as "
        "https://board.example",
    )
    docs: bool = Field(True, description="answer /docs and /openapi.json")
    max_body_bytes: int = Field(32 * 1024**2, ge=1, description="largest request body, in bytes")
    body_seconds: float = Field(
        60, gt=0, description="seconds for a body to arrive, and for a client to read something"
    )
    max_rows: int = Field(100_000, ge=1, description="most records in one request")
    max_wait_seconds: float = Field(
        1,
        gt=0,
        description="seconds that the oldest request may wait for a CPU, a small one 1/100 of it, before new ones "
        "are refused (503)",
    )
    fast_path: bool = Field(
        True, description="answer small JSON requests below ASGI; off by itself if middleware was added"
    )
    workers: int = Field(1, ge=1, description="processes that share the port and the CPUs (Linux)")
    drain_seconds: int = Field(30, ge=0, description="seconds that requests in flight may take after SIGTERM")
    lang: Literal["en", "pt"] = Field("en", description="language of the reasons in words")
    metrics: bool = Field(True, description="count requests and rows, and answer Prometheus at /metrics")
    log_format: Literal["text", "json"] = Field("text", description="form of the log: text, or a JSON object a line")
    otlp_endpoint: str | None = Field(
        None,
        pattern="^https?://",
        description="address of an OpenTelemetry collector (OTLP over HTTP) for traces and logs, such as "
        "http://127.0.0.1:4318",
    )
    access_log: bool = Field(False, description="log a line for each request")
    trusted_proxies: str | None = Field(
        None,
        description="addresses of proxies, with commas between them (* for all), whose X-Forwarded-For names the "
        "client in the access log",
    )

    @field_validator("path", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, Path) else value

    def origins(self) -> tuple[str, ...]:
        """Return the origins whose pages may read answers."""
        return tuple(origin.strip().rstrip("/") for origin in (self.cors_origins or "").split(",") if origin.strip())

    def knows_callers(self) -> bool:
        """Return True if callers need a key or a token."""
        return self.keys is not None or self.keys_json is not None or self.oidc_issuer is not None


def flag_of(name: str) -> str:
    """Return the flag of a setting.

    Example:
        >>> flag_of("max_rows"), flag_of("path")
        ('--max-rows', '--detector')
    """
    return _FLAGS.get(name, f"--{name.replace('_', '-')}")


def variable_of(name: str) -> str:
    """Return the variable of a setting."""
    return _PREFIX + name.upper()


def spelt(name: str) -> str:
    """Return a setting as messages name it: its flag, and its variable.

    Example:
        >>> spelt("max_rows")
        '--max-rows (DETECTOR_MAX_ROWS)'
    """
    if name not in Settings.model_fields:
        raise KeyError(name)
    return f"{flag_of(name)} ({variable_of(name)})"


def load_settings(**given: Any) -> Settings:
    """Return the settings from arguments and ``DETECTOR_…`` variables; warn of variables that are none of them.

    Raises:
        ConfigError: A setting is outside its limits; the error names its flag and its variable.
    """
    if unknown := _unknown_variables():
        log.warning("ignored: %s; no setting of the service is called so (see --help)", ", ".join(unknown))
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        complaints = [f"{spelt(str(item['loc'][0]))}: {item['msg']}, got {item['input']!r}." for item in error.errors()]
        raise ConfigError(" ".join(complaints)) from error


def _unknown_variables() -> list[str]:
    """Return the variables that begin like a setting's and are none, each with the nearest setting."""
    named = {
        name: name.removeprefix(_PREFIX)
        for name in map(str.upper, os.environ)
        if name.startswith(_PREFIX) and name != _OF_CLIENT
    }
    unknown = sorted(name for name, setting in named.items() if setting.lower() not in Settings.model_fields)
    hints = [did_you_mean(named[name], Settings.model_fields, spell=variable_of) for name in unknown]
    return [f"{name}{hint and f' ({hint.strip()})'}" for name, hint in zip(unknown, hints, strict=True)]

"""The settings of the service: ``DETECTOR_…`` variables, and flags of the same names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.errors import ConfigError

__all__ = ["Settings", "load_settings"]


class Settings(BaseSettings):
    """How the service runs; each field is also a variable, ``DETECTOR_`` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="DETECTOR_", frozen=True)

    path: Path | None = Field(None, description="a bundle, a detector's folder, or a folder with one detector")
    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 for every one")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 for any free one")
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
    access_log: bool = Field(False, description="log a line for each request")


def load_settings(**given: Any) -> Settings:
    """Return the settings from arguments and ``DETECTOR_…`` variables.

    Raises:
        ConfigError: A setting is outside its limits; the error names its variable.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        complaints = [
            f"DETECTOR_{str(item['loc'][0]).upper()}: {item['msg']}, got {item['input']!r}." for item in error.errors()
        ]
        raise ConfigError(" ".join(complaints)) from error

"""The settings of what replicas share in memory: where Valkey is, how long it is waited for, what holds without it."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, model_validator

from ostiary.server.settings.base import Section

MIN_SECRET = 32
Milliseconds = Annotated[int, Field(ge=5, le=60_000)]


class ValkeySection(Section):
    """What several replicas share in memory. Off by default: one process needs none of it."""

    url: SecretStr = SecretStr("")
    """Address of the Valkey, `valkey://user:password@host:port/database`, or `valkeys://` for TLS; empty uses none."""
    url_file: Path | None = None
    """File that holds `url`."""
    secret: SecretStr = SecretStr("")
    """At least 32 characters that all replicas share and nobody else knows: nonces and challenges are made with it."""
    secret_file: Path | None = None
    """File that holds `secret`."""
    ca: Path | None = None
    """PEM file with the authorities that are believed; none takes the system's."""
    cert: Path | None = None
    """PEM file with the certificate that is shown to Valkey."""
    key: Path | None = None
    """PEM file with the private key of `cert`."""
    connect_ms: Milliseconds = 1_000
    """Longest time until a connection stands."""
    answer_ms: Milliseconds = 100
    """Longest time for one answer. Three that do not come in a row, and Valkey counts as away."""
    connections: Annotated[int, Field(ge=1, le=1_000)] = 64
    """Most connections of one replica."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """The part of each rate limit that a replica grants by itself while Valkey is away."""

    @property
    def on(self) -> bool:
        """Whether there is one."""
        return bool(self.url.get_secret_value())

    @model_validator(mode="after")
    def _whole(self) -> "ValkeySection":
        if self.on and len(self.secret.get_secret_value()) < MIN_SECRET:
            msg = f"`url` needs a `secret` of at least {MIN_SECRET} characters that all replicas share"
            raise ValueError(msg)
        if (self.cert is None) != (self.key is None):
            msg = "`cert` and `key` go together"
            raise ValueError(msg)
        return self

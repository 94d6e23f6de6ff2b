"""The settings of streams: what of the log is told to whom, as numbered events."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from ostiary.server.settings.base import Section
from ostiary.server.settings.response import Port, SinkName

Content = Literal["admin", "approvals", "decisions", "detections"]
_NEEDS: Final = {
    "webhook": ("url", "secret_file"),
    "otlp": ("url",),
    "opa": ("url",),
    "syslog": ("host",),
    "kafka": ("servers", "topic"),
    "jsonl": ("folder",),
}


class StreamSection(Section):
    """One stream; which members it needs depends on its kind."""

    name: SinkName
    kind: Literal["webhook", "otlp", "opa", "syslog", "kafka", "jsonl"]
    tenant: str = "default"
    contents: Annotated[tuple[Content, ...], Field(min_length=1, max_length=4)] = (
        "admin", "approvals", "decisions", "detections",
    )  # fmt: skip
    from_start: bool = False
    url: Annotated[str, Field(max_length=2048)] = ""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    secret_file: Path | None = None
    token_file: Path | None = None
    host: Annotated[str, Field(max_length=255)] = ""
    port: Port = 6514
    servers: Annotated[tuple[str, ...], Field(max_length=32)] = ()
    topic: Annotated[str, Field(max_length=249, pattern=r"^[A-Za-z0-9._-]*$")] = ""
    user: str = ""
    password_file: Path | None = None
    folder: Path | None = None
    max_mb: Annotated[int, Field(ge=1, le=10_240)] = 64
    keep: Annotated[int, Field(ge=0, le=1_000)] = 8
    ca_file: Path | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "StreamSection":
        missing = [name for name in _NEEDS[self.kind] if not getattr(self, name)]
        if missing:
            msg = f"a stream of kind `{self.kind}` needs `{'`, `'.join(missing)}`"
            raise ValueError(msg)
        if self.kind == "opa" and self.contents != ("decisions",):
            msg = 'a stream of kind `opa` has `contents = ["decisions"]`'
            raise ValueError(msg)
        return self


class ExportSection(Section):
    """Streams: records of the log, told to the outside as numbered events, in order, at least once."""

    streams: Annotated[tuple[StreamSection, ...], Field(max_length=32)] = ()
    """Streams: tables of `name`, `kind` (`webhook`, `otlp`, `opa`, `syslog`, `kafka`, `jsonl`), `tenant`, `contents`
    (of `admin`, `approvals`, `decisions`, `detections`), `from_start`, `ca_file`, `timeout_s`, and by kind `url`,
    `networks`, `secret_file` or `token_file`; `host`, `port`; `servers`, `topic`, `user`, `password_file`; `folder`,
    `max_mb`, `keep`."""
    allow_loopback: bool = False
    """Whether a stream may go to plain HTTP, or a Kafka broker without TLS, on this machine itself (for trying out)."""

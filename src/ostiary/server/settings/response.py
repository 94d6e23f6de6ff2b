"""The settings of responses: how long a person is asked, how long a receipt is awaited, and who is told outside."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ostiary.server.settings.base import Section

SinkName = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,63}$")]
Port = Annotated[int, Field(ge=1, le=65_535)]


class WebhookSection(Section):
    """One webhook."""

    name: SinkName
    url: Annotated[str, Field(max_length=2048)]
    secret_file: Path
    tenant: str = "default"
    allow_private: bool = False
    ca_file: Path | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10


class SyslogSection(Section):
    """One syslog server."""

    name: SinkName
    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Port = 6514
    ca_file: Path | None = None
    tenant: str = "default"
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10


class MailSection(Section):
    """One way to reach people by e-mail."""

    name: SinkName
    host: Annotated[str, Field(min_length=1, max_length=255)]
    sender: Annotated[str, Field(min_length=3, max_length=320)]
    to: Annotated[tuple[str, ...], Field(min_length=1, max_length=32)]
    port: Port = 587
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    tenant: str = "default"
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10


class ResponseSection(Section):
    """What is done about obligations and incidents."""

    approval_s: Annotated[int, Field(ge=60, le=2_592_000)] = 86_400
    """How long a step waits for a person; then it is not done."""
    receipt_deadline_s: Annotated[int, Field(ge=1, le=86_400)] = 300
    """How long an enforcement point that answers for its obligations has for each receipt."""
    keep_days: Annotated[int, Field(ge=1, le=3_650)] = 90
    """How long steps, letters and obligations that are over are kept to be looked at; the audit log keeps its own."""
    webhooks: tuple[WebhookSection, ...] = ()
    """Webhooks that are told: tables of `name`, `url`, `secret_file`, `tenant`, `allow_private`, `ca_file`,
    `timeout_s`."""
    syslog: tuple[SyslogSection, ...] = ()
    """Syslog servers over TLS: tables of `name`, `host`, `port`, `ca_file`, `tenant`, `timeout_s`."""
    mail: tuple[MailSection, ...] = ()
    """E-mail by STARTTLS: tables of `name`, `host`, `port`, `sender`, `to`, `user`, `password_file`, `ca_file`,
    `tenant`, `timeout_s`."""
    allow_http_loopback: bool = False
    """Whether a webhook may be plain HTTP on this machine itself (for trying out)."""

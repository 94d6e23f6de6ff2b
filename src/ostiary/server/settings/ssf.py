"""The section ``ssf``: what is told to other domains, and which domains are listened to.

Secrets of receivers are given by file only, so that no list of tables ever shows one.
"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ostiary.server.settings.base import Section

Reading = Literal["ignore", "id", "catalogue"]
Seconds = Annotated[int, Field(ge=0, le=7_776_000)]


class ReceiverSection(Section):
    """One transmitter that a tenant listens to; keys are given by `jwks_url` or `jwks_path`."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    issuer: str
    audience: str
    tenant: str = "default"
    jwks_url: str = ""
    jwks_path: Path | None = None
    algorithms: tuple[str, ...] = ("ES256", "EdDSA", "PS256", "RS256")
    max_age_s: int = 604_800
    clock_skew_s: int = 60
    pushes: bool = True
    push_authorization_file: Path | None = None
    poll_url: str = ""
    poll_every_s: Annotated[int, Field(ge=1, le=86_400)] = 10
    verify_url: str = ""
    stream_id: str = ""
    authorization_file: Path | None = None
    events: tuple[str, ...] = ()
    subject_issuers: tuple[str, ...] = ()
    subject_type: str = "user"
    email: Reading = "ignore"
    opaque: Reading = "ignore"
    phone_number: Reading = "ignore"
    sessions: bool = False
    devices: bool = False

    @model_validator(mode="after")
    def _keys_from_one_place(self) -> "ReceiverSection":
        if bool(self.jwks_url) == (self.jwks_path is not None):
            msg = "give either `jwks_url` or `jwks_path`"
            raise ValueError(msg)
        return self


class SsfSection(Section):
    """Shared signals (SSF 1.0)."""

    enabled: bool = True
    """Whether other domains may set up streams and send event tokens."""
    algorithm: Literal["RS256", "ES256", "EdDSA"] = "RS256"
    """How event tokens are signed; the CAEP interoperability profile asks for RS256."""
    managers: tuple[str, ...] = ()
    """Enforcement points that may set up streams; empty lets every one do so for itself."""
    default_subjects: Literal["ALL", "NONE"] = "ALL"
    """Whether a new stream tells of every subject, or of none until its receiver adds some."""
    subject_issuer: str = ""
    """The `iss` under which receivers know our subjects; empty takes our own issuer."""
    subject_format: Literal["iss_sub", "email", "opaque"] = "iss_sub"
    """How subjects are named to other domains; `email` names by id those whose id is an address."""
    min_verification_s: Seconds = 60
    """Shortest time between two verifications that a receiver may ask for; sooner is answered 429."""
    inactivity_s: Seconds = 0
    """A stream whose receiver was not heard of for so long is paused; 0 never pauses."""
    max_waiting: Annotated[int, Field(ge=10, le=1_000_000)] = 10_000
    """Event tokens kept for one stream; one more pushes out the oldest, and the stream's page counts it."""
    give_up_s: Seconds = 86_400
    """A push stream without one delivery for so long is paused; its event tokens stay."""
    long_poll_s: Annotated[int, Field(ge=0, le=300)] = 20
    """Longest time that a poll waits for something to come."""
    push_timeout_s: Annotated[int, Field(ge=1, le=60)] = 5
    """Longest time for a whole push or poll."""
    push_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks beside the public ones that event tokens may be pushed to, such as the organisation's own."""
    allow_http_loopback: bool = False
    """Whether pushes, polls and keys may go over plain HTTP to this machine itself (for trying out)."""
    ca_file: Path | None = None
    """PEM file with the authorities that vouch for receivers; none takes the system's."""
    receivers: tuple[ReceiverSection, ...] = ()
    """Transmitters to listen to: tables of `name`, `issuer`, `audience`, `tenant`, `jwks_url` or `jwks_path`,
    `algorithms`, `max_age_s`, `clock_skew_s`, `pushes`, `push_authorization_file`, `poll_url`, `poll_every_s`,
    `verify_url`, `stream_id`, `authorization_file`, `events`, `subject_issuers`, `subject_type`, `email`, `opaque`,
    `phone_number`, `sessions`, `devices`."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "SsfSection":
        names = [one.name for one in self.receivers]
        if len(set(names)) != len(names):
            msg = "two of `receivers` have the same `name`"
            raise ValueError(msg)
        return self

"""The sections of the configuration: one frozen model each, every nested model refuses unknown keys.

- The text under a field is its documentation: schema and ``docs/reference/configuration.md`` are made from it.
- Units are in the name (``_ms``, ``_s``, ``_mb``, ``_bytes``, ``_days``).
- A secret is a ``SecretStr`` and may be given by file: ``token_file`` fills ``token``.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from ostiary.server.settings.access_requests import AccessRequestsSection
from ostiary.server.settings.admission import AdmissionSection
from ostiary.server.settings.audit import AuditSection
from ostiary.server.settings.base import Section
from ostiary.server.settings.batches import BatchesSection
from ostiary.server.settings.biometrics import BiometricsSection
from ostiary.server.settings.break_glass import BreakGlassSection
from ostiary.server.settings.console import ConsoleSection
from ostiary.server.settings.conversations import ConversationsSection
from ostiary.server.settings.datasets import DatasetsSection
from ostiary.server.settings.defence import DefenceSection
from ostiary.server.settings.devices import DevicesSection
from ostiary.server.settings.drift import DriftSection
from ostiary.server.settings.edge import EdgeSection
from ostiary.server.settings.export import ExportSection
from ostiary.server.settings.features import FeaturesSection
from ostiary.server.settings.feed import FeedSection
from ostiary.server.settings.inference import InferenceSection
from ostiary.server.settings.llm import LlmSection
from ostiary.server.settings.mcp import McpSection
from ostiary.server.settings.models import ModelsSection
from ostiary.server.settings.networks import Networks
from ostiary.server.settings.rag import RagSection
from ostiary.server.settings.replicas import ReplicasSection
from ostiary.server.settings.response import ResponseSection
from ostiary.server.settings.risk import RiskSection
from ostiary.server.settings.rollout import RolloutSection
from ostiary.server.settings.sessions import SessionsSection
from ostiary.server.settings.shadow import ShadowSection
from ostiary.server.settings.ssf import SsfSection
from ostiary.server.settings.step_up import StepUpSection
from ostiary.server.settings.store import StoreSection
from ostiary.server.settings.telemetry import TelemetrySection
from ostiary.server.settings.tokens import TokensSection
from ostiary.server.settings.training import TrainingSection
from ostiary.server.settings.valkey import ValkeySection
from ostiary.server.settings.workloads import WorkloadSection
from ostiary.vocabulary.effects import Control, Phase

PhaseName = Literal["telemetry", "shadow", "low_risk", "high_impact"]
Seconds = Annotated[int, Field(ge=1, le=86_400)]
Milliseconds = Annotated[int, Field(ge=1, le=600_000)]


class ServerSection(Section):
    """The HTTP server."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8181
    """Port to listen on; 0 takes a free one."""
    public_url: str = ""
    """URL under which callers reach this server; metadata is made from it and never from the `Host` header."""
    tls_cert: Path | None = None
    """PEM file with the server's certificate chain; with `tls_key` it switches TLS on."""
    tls_key: Path | None = None
    """PEM file with the private key of `tls_cert`."""
    client_ca: Path | None = None
    """PEM file with the authorities whose client certificates are believed (mutual TLS)."""
    client_cert: Literal["optional", "required"] = "optional"
    """With `client_ca`: whether a client without a certificate is turned away in the handshake."""
    trusted_proxies: Networks = ()
    """Networks whose forwarded-for and client-certificate headers are believed; nobody's by default."""
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """The header in which trusted proxies tell the client's address; the other one is never read."""
    client_cert_header: Literal["", "x-forwarded-client-cert", "ssl-client-cert"] = ""
    """The header in which trusted proxies tell the client's certificate; empty reads none."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=67_108_864)] = 1_048_576
    """Longest request body."""
    max_depth: Annotated[int, Field(ge=4, le=256)] = 32
    """Deepest nesting of a request body."""
    max_evaluations: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Most items of one batch."""
    max_search_results: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """Most candidates that one search evaluates."""
    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 512
    """Decision requests worked on at once; one more is refused with 503."""
    threads: Annotated[int, Field(ge=0, le=256)] = 0
    """Threads that decide; 0 takes one a processor and one more."""
    deadline_ms: Milliseconds = 500
    """Longest time for one decision; then the answer is DENY `policy_timeout`."""
    stuck_ms: Milliseconds = 1000
    """Processor time after which a thread past its deadline counts as stuck and the worker is replaced; where it only
    waits, ten times as long."""
    record_wait_ms: Milliseconds = 5000
    """Longest wait for a record to be on disk; then the answer is DENY `record_failed`."""
    receive_timeout_s: Seconds = 10
    """Longest time for a client to send its headers, and again its body."""
    max_header_bytes: Annotated[int, Field(ge=1024, le=1_048_576)] = 32_768
    """Most bytes of request line and headers."""
    drain_s: Seconds = 10
    """Time that requests in flight have to finish at shutdown or replacement."""

    @model_validator(mode="after")
    def _tls_is_whole(self) -> "ServerSection":
        if (self.tls_cert is None) != (self.tls_key is None):
            msg = "`tls_cert` and `tls_key` go together"
            raise ValueError(msg)
        if self.client_ca is not None and self.tls_cert is None:
            msg = "`client_ca` needs `tls_cert` and `tls_key`"
            raise ValueError(msg)
        return self


class IssuerSection(Section):
    """One issuer of subject tokens; keys are given by `jwks_url` or `jwks_path`."""

    issuer: str
    audience: str
    tenant: str = "default"
    jwks_url: str = ""
    jwks_path: Path | None = None
    algorithms: tuple[str, ...] = ("ES256", "EdDSA", "PS256", "RS256")
    token_types: tuple[str, ...] = ("at+jwt",)
    subject_type: str = "user"
    also_types: tuple[str, ...] = ()
    clock_skew_s: int = 60
    max_lifetime_s: int = 86_400
    max_age_s: int = 0
    keep: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _keys_from_one_place(self) -> "IssuerSection":
        if bool(self.jwks_url) == (self.jwks_path is not None):
            msg = "give either `jwks_url` or `jwks_path`"
            raise ValueError(msg)
        return self


class IdentitySection(Section):
    """Whose tokens are believed."""

    issuers: tuple[IssuerSection, ...] = ()
    """Issuers of subject tokens: tables of `issuer`, `audience`, `tenant`, `jwks_url` or `jwks_path`, `algorithms`,
    `token_types`, `subject_type`, `also_types`, `clock_skew_s`, `max_lifetime_s`, `max_age_s`, `keep`."""
    workloads: tuple[WorkloadSection, ...] = ()
    """Issuers of CI jobs', pods' and services' tokens: tables of `kind`, `audience`, `tenant`, `name`, `issuer`,
    `trust_domain`, `jwks_url`, `jwks_path`, `discovery_url` or `discovery_path`, `subject_type`, `single_use`,
    `max_lifetime_s`, `clock_skew_s` and `rules`. What rules can say: `ostiary workload kinds`."""
    allow_http_loopback: bool = False
    """Whether keys may be fetched over plain HTTP from this machine itself (for trying out)."""
    dpop_nonce_s: Annotated[int, Field(ge=0, le=3600)] = 0
    """Each DPoP proof must carry a nonce of ours that lives one to two times this long; 0 asks for none."""
    keys_refresh_s: Seconds = 300
    """How often the keys of all issuers are fetched again, beside the requests."""

    @property
    def clock_skews_s(self) -> tuple[int, ...]:
        """By how much each issuer's clock may be off."""
        return (*(one.clock_skew_s for one in self.issuers), *(one.clock_skew_s for one in self.workloads))


class PolicySection(Section):
    """The policy engine."""

    engine: Literal["embedded", "remote"] = "embedded"
    """OPA inside the process, or your own OPA by REST."""
    bundle: Path | None = None
    """Folder of the bundle that tenants without one of their own use; none takes the shipped bundle."""
    url: str = ""
    """With `remote`: base URL of the OPA server."""
    token: SecretStr = SecretStr("")
    """With `remote`: bearer token of the OPA server."""
    token_file: Path | None = None
    """File that holds `token`."""
    timeout_ms: Milliseconds = 300
    """With `remote`: longest time for one evaluation."""

    @model_validator(mode="after")
    def _remote_has_a_url(self) -> "PolicySection":
        if self.engine == "remote" and not self.url:
            msg = "`remote` needs a `url`"
            raise ValueError(msg)
        return self


class SignalsSection(Section):
    """What the signals are enriched with."""

    catalogue: Path | None = None
    """Catalogue of subjects, resources and actions for tenants without one of their own."""
    mmdb: Path | None = None
    """MaxMind-format file with countries or autonomous systems, beside the built-in country table."""
    trusted_networks: Networks = ()
    """Networks that count as the organisation's own."""
    profiles_in_memory: Annotated[int, Field(ge=1, le=100_000_000)] = 100_000
    """How many subjects' profiles a tenant has in memory, at some 4 kB each once they have a history."""
    profiles_overflow: Literal["forget", "disk"] = "disk"
    """What becomes of the profile that was longest not used when there are more: forgotten, or kept in the database."""
    settled_days: Annotated[float, Field(ge=0.0, le=90.0)] = 0.0
    """How old a habit must be to count; 0 learns at once. A model is used only where this is what it was trained with:
    14 for one of `risk train --hardened`."""


class PhasesSection(Section):
    """How far each control of the models is rolled out, for tenants that have not set their own."""

    step_up: PhaseName = "low_risk"
    """Ask for stronger authentication."""
    session_lifetime: PhaseName = "low_risk"
    """Shorten a session."""
    reduce: PhaseName = "low_risk"
    """Take privileges away."""
    deny: PhaseName = "shadow"
    """Deny a request."""
    terminate: PhaseName = "shadow"
    """End a session."""

    def table(self) -> dict[Control, Phase]:
        """Return the phases by control."""
        return {control: Phase[getattr(self, control.value).upper()] for control in Control}


class Settings(Section):
    """All sections. Built by ``load``, which knows the sources."""

    server: ServerSection = ServerSection()
    """The HTTP server."""
    store: StoreSection = StoreSection()
    """Where records, registries and tables lie."""
    audit: AuditSection = AuditSection()
    """The transparency log."""
    identity: IdentitySection = IdentitySection()
    """Whose tokens are believed."""
    policy: PolicySection = PolicySection()
    """The policy engine."""
    signals: SignalsSection = SignalsSection()
    """What the signals are enriched with."""
    risk: RiskSection = RiskSection()
    """The risk model."""
    batches: BatchesSection = BatchesSection()
    """Signed batches of events that train."""
    phases: PhasesSection = PhasesSection()
    """How far each control is rolled out."""
    rollout: RolloutSection = RolloutSection()
    """How controls come from phase to phase: gates, shadow's end, what is watched."""
    shadow: ShadowSection = ShadowSection()
    """Candidates that run beside the live ones."""
    sessions: SessionsSection = SessionsSection()
    """How sessions are kept."""
    feed: FeedSection = FeedSection()
    """The feed that tells enforcement points of every fall of a session."""
    step_up: StepUpSection = StepUpSection()
    """Step-up by passkey on Ostiary's own page."""
    ssf: SsfSection = SsfSection()
    """Shared signals with other domains."""
    response: ResponseSection = ResponseSection()
    """What is done about obligations and incidents, and who is told."""
    export: ExportSection = ExportSection()
    """Streams of numbered events to the outside."""
    devices: DevicesSection = DevicesSection()
    """Devices and what they must show."""
    tokens: TokensSection = TokensSection()
    """Access tokens for the doors of the pipeline."""
    access_requests: AccessRequestsSection = AccessRequestsSection()
    admission: AdmissionSection = AdmissionSection()
    break_glass: BreakGlassSection = BreakGlassSection()
    """The webhook that a Kubernetes cluster asks before a pod exists."""
    models: ModelsSection = ModelsSection()
    """The registry of models: where files lie, how many people approve."""
    edge: EdgeSection = EdgeSection()
    """Proxies at the edge."""
    inference: InferenceSection = InferenceSection()
    """The door in front of models."""
    defence: DefenceSection = DefenceSection()
    """What keeps Ostiary's own scorers from being mapped."""
    llm: LlmSection = LlmSection()
    """The door in front of language models."""
    mcp: McpSection = McpSection()
    """The proxy in front of MCP servers."""
    training: TrainingSection = TrainingSection()
    """Training runs and what they may use."""
    drift: DriftSection = DriftSection()
    """Slow drift of subjects, and how much profiles may learn a day."""
    datasets: DatasetsSection = DatasetsSection()
    """The door to datasets."""
    features: FeaturesSection = FeaturesSection()
    """Feature sets, column by column."""
    console: ConsoleSection = ConsoleSection()
    """Pages for people."""
    conversations: ConversationsSection = ConversationsSection()
    """Conversations, encrypted under keys of their users."""
    rag: RagSection = RagSection()
    """Retrieval under the asker's own rights."""
    telemetry: TelemetrySection = TelemetrySection()
    """Logs, metrics and traces."""
    biometrics: BiometricsSection = BiometricsSection()
    """Behavioural biometrics."""
    replicas: ReplicasSection = ReplicasSection()
    """Several `ostiary serve` over one store."""
    valkey: ValkeySection = ValkeySection()
    """What several replicas share in memory."""

    @property
    def several(self) -> bool:
        """Whether this may be one of several replicas."""
        shared = self.valkey.on or self.store.backend == "postgres"
        return shared if self.replicas.enabled is None else self.replicas.enabled

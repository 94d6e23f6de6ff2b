"""The access event: who, from what device and network, did what, to which resource, when, with what result.

Aligned with OCSF 1.8 (API Activity 6003): the comment behind each field names its OCSF attribute.
``None`` means "not told", which is never the same as zero or as safe.
"""

from enum import StrEnum

import msgspec

from ostiary.vocabulary.facts import (
    AccountFacts,
    BehaviourFacts,
    DataFacts,
    LanguageFacts,
    Mark,
    PlaceFacts,
    PostureFacts,
    SessionFacts,
    TokenFacts,
    WorkloadFacts,
)


class ActionClass(StrEnum):
    """Coarse kind of an action (OCSF ``activity_id`` of class 6003, widened)."""

    ADMIN = "admin"
    AUTHENTICATE = "authenticate"
    DELETE = "delete"
    EXPORT = "export"
    LIST = "list"
    OTHER = "other"
    READ = "read"
    WRITE = "write"


class EventOutcome(StrEnum):
    """How it ended (OCSF ``status_id``)."""

    DENIED = "denied"
    FAILURE = "failure"
    SUCCESS = "success"
    UNKNOWN = "unknown"


class AccessEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One access, normalised. Times are UTC nanoseconds; ``tz_offset_min`` is the subject's local offset."""

    event_id: str  # metadata.uid
    tenant: str  # metadata.tenant_uid
    time_ns: int  # time
    subject_id: str  # actor.user.uid
    action: str  # api.operation
    resource_type: str  # resources[].type
    resource_id: str  # resources[].uid
    subject_type: str = "user"  # actor.user.type
    action_class: ActionClass = ActionClass.OTHER  # activity_id
    outcome: EventOutcome = EventOutcome.UNKNOWN  # status_id
    sensitivity: int | None = None  # resources[].criticality, 0 public … 4 crown jewels
    session_id: str | None = None  # actor.session.uid
    client_id: str | None = None  # actor.app_uid
    issuer: str | None = None  # actor.session.issuer
    auth_method: str | None = None  # auth_protocol
    mfa: bool | None = None  # is_mfa
    auth_age_s: float | None = None  # seconds since the subject last authenticated
    ip: str | None = None  # src_endpoint.ip
    country: str | None = None  # src_endpoint.location.country, ISO 3166-1 alpha-2
    asn: int | None = None  # src_endpoint.autonomous_system.number
    device_id: str | None = None  # device.uid
    device_managed: bool | None = None  # device.is_managed
    user_agent: str | None = None  # http_request.user_agent
    ua_family: str | None = None  # enriched browser or client family
    ua_os: str | None = None  # device.os.name
    tz_offset_min: int | None = None  # device.timezone offset in minutes
    count: float | None = None  # rows, files or objects touched
    bytes: int | None = None  # traffic.bytes
    groups: tuple[str, ...] = ()  # actor.user.groups
    labels: tuple[str, ...] = ()  # resources[].labels
    source: str = ""  # metadata.product.name: which adapter told it
    detail: str | None = None  # api.response.error or status_code: what a failure was
    marks: tuple[Mark, ...] = ()  # attacks[].tactic: what the action does in itself
    token: TokenFacts | None = None  # actor.session and unmapped
    place: PlaceFacts | None = None  # src_endpoint.location, tls
    posture: PostureFacts | None = None  # device
    account: AccountFacts | None = None  # actor.user.account
    data: DataFacts | None = None  # resources[].data
    workload: WorkloadFacts | None = None  # actor.process, unmapped
    language: LanguageFacts | None = None  # ai_operation profile
    behaviour: BehaviourFacts | None = None  # unmapped
    session: SessionFacts | None = None  # actor.session; session risk alone reads it

"""What an access event may tell beyond the bare access: one frozen group a topic; what is absent is not told.

Rules:
- Every member may be ``None``: *not told*, which never reads as zero, as ``False`` or as safe.
- Ages and lifetimes are seconds; the moment they are counted to is the event's own time.
- Whoever builds a group has verified it (``identity``) or read it from a log that an adapter knows.
"""

from enum import StrEnum

import msgspec


class NetworkKind(StrEnum):
    """What kind of network an address belongs to."""

    HOSTING = "hosting"
    MOBILE = "mobile"
    PRIVATE = "private"
    PROXY = "proxy"
    RESIDENTIAL = "residential"
    TOR = "tor"
    VPN = "vpn"


class Mark(StrEnum):
    """What an action does in itself, whoever does it; adapters read it from the record (ATT&CK tactic in brackets)."""

    ABOUT_ANOTHER = "about_another"  # TA0003: done to somebody else's account
    ADDS_CREDENTIAL = "adds_credential"  # TA0003 persistence: key, token, factor or password added or reset
    ADDS_PRINCIPAL = "adds_principal"  # TA0003 persistence: user, account, role, application made
    ANONYMOUS = "anonymous"  # TA0001: by nobody who proved anything
    ASSUMES_ROLE = "assumes_role"  # TA0004: acts as somebody or something else
    BULK = "bulk"  # TA0010: takes many at once: dump, snapshot, archive, mass download
    BY_PLATFORM = "by_platform"  # done by the platform itself, not by somebody who uses it
    CHANGES_CODE = "changes_code"  # TA0001 supply chain: what is built, released or run next is changed
    CHANGES_NETWORK = "changes_network"  # TA0005: firewall, route, allow-list, DNS
    CHANGES_POLICY = "changes_policy"  # TA0004: what others may do is changed
    CHANGES_TRUST = "changes_trust"  # TA0005: federation, single sign-on, identity provider, verified domain
    DESTROYS = "destroys"  # TA0040 impact: deletes, wipes, schedules deletion of what matters
    DISABLES_PROTECTION = "disables_protection"  # TA0005: factor, guard, scanner, encryption or approval switched off
    ENCODED = "encoded"  # TA0005: carries something encoded or obfuscated
    ESCAPES = "escapes"  # TA0004: a workload with the rights or files of its host
    EXTERNAL = "external"  # TA0010: reaches or shares with somebody outside the organisation
    FLAGGED = "flagged"  # the product itself says that this is suspicious
    FORWARDS = "forwards"  # TA0009 collection: mail, events or traffic sent on to somewhere else
    GRANTS_PRIVILEGE = "grants_privilege"  # TA0004: administrator or owner rights given
    HIDES_TRACES = "hides_traces"  # TA0005: logging stopped, logs deleted or altered
    INTERACTIVE = "interactive"  # TA0002: shell, exec, console or remote command
    LISTS = "lists"  # TA0007 discovery: asks what there is
    MAKES_PUBLIC = "makes_public"  # TA0010: open to everybody
    MINOR = "minor"  # the product itself rates it low or merely informational
    ON_PUBLIC = "on_public"  # TA0010: about what is open to everybody already
    PROTECTS = "protects"  # factor, guard, scanner, encryption or approval switched on
    READS_SECRET = "reads_secret"  # TA0006 credential access: secret, key, password or token read  # noqa: S105 - a name
    ROOT = "root"  # by the account that may do everything
    RUNS_CODE = "runs_code"  # TA0002: script, function, job or start-up command put in place or run
    SEVERE = "severe"  # the product itself rates it high or critical
    SYSTEM = "system"  # TA0005: in the place that the platform keeps for itself
    TOOL = "tool"  # TA0042: a program that attackers bring along
    WEAK_LOGIN = "weak_login"  # TA0001: no second factor, password alone, legacy protocol


class TokenFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """The token that the request came with, verified."""

    age_s: float | None = None  # since it was issued
    lifetime_s: float | None = None  # from issue to expiry
    bound: bool | None = None  # to a key or certificate (cnf)
    token_id: str | None = None  # jti, or a digest of the token
    audience: str | None = None
    algorithm: str | None = None
    key_id: str | None = None
    claims: str | None = None  # digest of the names of its claims: another shape is another issuer's habit
    scopes_granted: int | None = None
    scopes_used: int | None = None
    delegation_depth: int | None = None  # act chain, 0 for none
    clock_skew_s: float | None = None


class PlaceFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the request came from, beyond country and autonomous system."""

    region: str | None = None
    city: str | None = None
    latitude: float | None = None  # degrees
    longitude: float | None = None
    radius_km: float | None = None  # of the location's uncertainty
    kind: NetworkKind | None = None
    reputation: float | None = None  # 0 good to 1 known bad
    ja4: str | None = None
    language: str | None = None
    rtt_ms: float | None = None


class PostureFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of the device, as its own signed report or its manager says."""

    attested: bool | None = None
    attestation_age_s: float | None = None
    report_age_s: float | None = None
    patch_age_s: float | None = None
    disk_encrypted: bool | None = None
    edr_alive: bool | None = None
    firewall: bool | None = None
    screen_lock: bool | None = None
    secure_boot: bool | None = None
    rooted: bool | None = None


class AccountFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the directory knows of the subject."""

    age_s: float | None = None  # since the account was made
    role_changed_s: float | None = None  # since its role or department changed
    credential_changed_s: float | None = None  # since a password, factor or recovery address changed
    privileged: bool | None = None
    leaving: bool | None = None  # notice given, or past the leaving date
    ticket: bool | None = None  # an approved ticket covers this access
    break_glass: bool | None = None
    confirmed_alerts: int | None = None  # analysts' verdicts so far
    false_alerts: int | None = None
    department: str | None = None
    manager: str | None = None


class DataFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is asked for inside the resource."""

    columns: int | None = None
    personal_columns: int | None = None
    production: bool | None = None
    owner: str | None = None  # group that owns the resource
    purpose: str | None = None


class WorkloadFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a pipeline proved of itself."""

    ci_verified: bool | None = None
    commit_approved: bool | None = None
    runner_attested: bool | None = None
    image: str | None = None  # digest
    egress: str | None = None  # host that it reaches


class LanguageFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a gateway counted of a conversation with a language model."""

    prompts_1m: float | None = None
    injection_score: float | None = None  # 0 to 1
    injection_flags_1h: float | None = None
    retrieved_sensitivity: int | None = None  # worst of the documents in the session, 0 to 4
    tool: str | None = None
    tokens_in: float | None = None
    tokens_out: float | None = None
    refused_1h: float | None = None
    tainted: bool | None = None  # an argument came from untrusted content


class BehaviourFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the behavioural biometrics say of the session so far."""

    llr: float | None = None  # ln p(windows | another) / p(windows | subject): more is worse
    confidence: float | None = None  # 0 none to 1 enrolled
    drift: float | None = None  # distance of the adaptive template from its anchor, deviations
    liveness: float | None = None  # 0 replayed to 1 live


class SessionFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the ledger of sessions knows of the session just before the access; a request cannot tell it, a log can."""

    age_s: float | None = None  # since it began
    key: str | None = None  # thumbprint of the key that this access proved
    step_ups: int | None = None  # demanded so far
    step_ups_failed: int | None = None  # ceremonies that were tried and refused
    step_up_open: bool | None = None  # a demand has not been answered
    proofs: int | None = None  # step-ups that succeeded
    proven_age_s: float | None = None  # since the last of them

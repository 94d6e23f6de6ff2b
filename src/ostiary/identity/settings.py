"""What an administrator sets for this room; every value is checked when it is made.

Times have their unit in the name. Values outside their bounds are refused at start, not at the first token.

>>> IssuerConfig(tenant="acme", issuer="https://idp.example", audience="ostiary",
...              jwks=JwksSource(url="https://idp.example/jwks")).clock_skew_s
60
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from ostiary.errors import FaultyInputError
from ostiary.identity.algorithms import ALGORITHMS
from ostiary.identity.reasons import Refusal
from ostiary.identity.strict import is_name
from ostiary.identity.workloads.trust import WorkloadTrust
from ostiary.vocabulary.ids import check_tenant

_DAY_S: Final = 86_400
MAX_CLAIMS_KEPT: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class JwksSource:
    """Where an issuer's public keys are: exactly one of the three.

    Attributes:
        url: ``https://…``; ``http://`` only with ``allow_loopback_http`` and a loopback address.
        file: path of a JWKS document, read again when it is due.
        inline: the JWKS document itself.
        form: ``spiffe_bundle`` for a SPIFFE trust domain's bundle (``workloads.bundle``).
        discovery_of: the document is the discovery document of this issuer, and names the address of the keys.
    """

    url: str = ""
    file: str = ""
    inline: str = field(default="", repr=False)
    allow_loopback_http: bool = False
    form: Literal["jwks", "spiffe_bundle"] = "jwks"
    discovery_of: str = ""

    def __post_init__(self) -> None:
        """Demand exactly one place."""
        if sum(map(bool, (self.url, self.file, self.inline))) != 1:
            _faulty("a JWKS needs exactly one of `url`, `file` and `inline`")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimNames:
    """Under which claim an issuer tells what; an empty name means that it does not tell it."""

    subject: str = "sub"
    acr: str = "acr"
    amr: str = "amr"
    auth_time: str = "auth_time"
    client_id: str = "client_id"
    scopes: str = "scope"
    session: str = "sid"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerConfig:
    """One issuer that one tenant believes. The same issuer is unknown to every other tenant.

    Attributes:
        issuer: the exact ``iss``.
        audience: the one ``aud`` a token must have: our name with that issuer.
        algorithms: the signature algorithms it uses; asymmetric ones only.
        token_types: accepted ``typ`` headers, lower case, without ``application/``; ``""`` stands for no ``typ``.
            The default takes RFC 9068 access tokens alone, so that an ID token cannot pass for one.
        subject_type: AuthZEN type of its subjects.
        also_types: other types under which enforcement points may name these subjects.
        clock_skew_s: how far the issuer's clock and ours may differ, 0 to 300.
        max_lifetime_s: longest accepted time between ``iat`` and ``exp``.
        max_age_s: how long ago the subject may have authenticated (``auth_time``); 0 = do not ask.
        names: under which claims it tells things.
        keep: further claims to hand to policy.
        workload: how far workloads of this issuer are trusted; ``None`` when its subjects are people or programs with
            access tokens. With it, subject and claims are what the workload's kind says, not what ``names`` says.
        own: whether it is Ostiary itself (``exchange.own``): its tokens tell the subject's type, and what they are for.
    """

    tenant: str
    issuer: str
    audience: str
    jwks: JwksSource
    algorithms: tuple[str, ...] = ("ES256", "EdDSA", "PS256", "RS256")
    token_types: tuple[str, ...] = ("at+jwt",)
    subject_type: str = "user"
    also_types: tuple[str, ...] = ()
    clock_skew_s: int = 60
    max_lifetime_s: int = _DAY_S
    max_age_s: int = 0
    names: ClaimNames = ClaimNames()
    keep: tuple[str, ...] = ()
    workload: WorkloadTrust | None = None
    own: bool = False

    @property
    def single_use(self) -> bool:
        """Whether each of its tokens is good for one request."""
        return self.workload is not None and self.workload.single_use

    def __post_init__(self) -> None:
        """Check every value."""
        check_tenant(self.tenant)
        for name in ("issuer", "audience", "subject_type"):
            if not is_name(getattr(self, name), 512):
                _faulty(f"an issuer needs a proper `{name}`")
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            _faulty(f"`algorithms` must be some of {', '.join(sorted(ALGORITHMS))}")
        if not self.token_types or any(kind != kind.lower() or "/" in kind for kind in self.token_types):
            _faulty("`token_types` must be lower case, without `application/`, and at least one")
        if not self.names.subject or len(self.keep) > MAX_CLAIMS_KEPT:
            _faulty(f"an issuer needs a subject claim and keeps at most {MAX_CLAIMS_KEPT} claims")
        _within("clock_skew_s", self.clock_skew_s, 0, 300)
        _within("max_lifetime_s", self.max_lifetime_s, 1, 366 * _DAY_S)
        _within("max_age_s", self.max_age_s, 0, 366 * _DAY_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class JwksSettings:
    """How keys are fetched and kept.

    Attributes:
        refresh_s: a document older than this is fetched again.
        max_stale_s: while fetching fails, keys are used up to this age; then every token is refused.
        retry_s: pause after a failed fetch.
        miss_interval_s: at most one fetch in this time because of an unknown key id.
        unknown_s: how long an unknown key id stays unknown without asking again.
        timeout_s: for each network step of a fetch, and for its body as a whole.
        max_bytes: of a document.
    """

    refresh_s: int = 300
    max_stale_s: int = 3600
    retry_s: int = 15
    miss_interval_s: int = 10
    unknown_s: int = 60
    timeout_s: float = 2.0
    max_bytes: int = 262_144

    def __post_init__(self) -> None:
        """Check every value."""
        _within("refresh_s", self.refresh_s, 1, _DAY_S)
        _within("max_stale_s", self.max_stale_s, self.refresh_s, 7 * _DAY_S)
        _within("retry_s", self.retry_s, 0, 3600)
        _within("miss_interval_s", self.miss_interval_s, 0, 3600)
        _within("unknown_s", self.unknown_s, 0, 3600)
        _within("timeout_s", self.timeout_s, 0.05, 30)
        _within("max_bytes", self.max_bytes, 1024, 4_194_304)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """How long a verified token is believed without checking its signature again.

    Attributes:
        max_tokens: how many are remembered over all tenants; 0 = none.
        max_age_s: longest time a token is remembered; a withdrawn key works at most this much longer.
    """

    max_tokens: int = 10_000
    max_age_s: int = 60

    def __post_init__(self) -> None:
        """Check every value."""
        _within("max_tokens", self.max_tokens, 0, 1_000_000)
        _within("max_age_s", self.max_age_s, 0, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class DpopSettings:
    """How proofs of possession are judged (RFC 9449).

    Attributes:
        algorithms: accepted for proofs.
        max_age_s: how old a proof may be.
        clock_skew_s: how far in the future it may have been made.
        nonce_s: 0 = no nonces; else each proof must carry a nonce of ours, which lives one to two times this long.
        max_remembered: proofs remembered per tenant until they expire; beyond that the tenant's proofs are refused.
    """

    algorithms: tuple[str, ...] = ("ES256", "EdDSA", "Ed25519", "ES384", "PS256", "RS256")
    max_age_s: int = 60
    clock_skew_s: int = 5
    nonce_s: int = 0
    max_remembered: int = 200_000

    def __post_init__(self) -> None:
        """Check every value."""
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            _faulty(f"`algorithms` must be some of {', '.join(sorted(ALGORITHMS))}")
        _within("max_age_s", self.max_age_s, 1, 600)
        _within("clock_skew_s", self.clock_skew_s, 0, 300)
        _within("nonce_s", self.nonce_s, 0, 3600)
        _within("max_remembered", self.max_remembered, 1, 10_000_000)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        _faulty(f"`{name}` is {value}, it must be {low} to {high}")


def _faulty(message: str) -> None:
    raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)

"""SPIFFE: a service's JWT-SVID, of one trust domain (spiffe.io, "JWT-SVID" and "SPIFFE ID").

- The subject is the SPIFFE ID itself, read strictly: there is one spelling of each, and no path that climbs.
- A JWT-SVID needs no ``iss``: the trust domain in ``sub`` says whose keys must have signed it. The keys come from the
  trust domain's bundle (``workloads.bundle``), and nobody's keys vouch for another trust domain.
- ``iat`` is demanded although the standard does not: without it nobody knows how long a token was meant to live.
"""

from collections.abc import Mapping
from typing import Any, Final

from ostiary.errors import RefusedError
from ostiary.identity.reasons import Refusal
from ostiary.identity.workloads.kind import RuleKey, WorkloadKind
from ostiary.identity.workloads.restrictions import OneOf, PathUnder
from ostiary.identity.workloads.shapes import NAME, PATH, Shape
from ostiary.identity.workloads.spiffe_id import TRUST_DOMAIN, SpiffeIdError, parse_spiffe_id

_MAX_SUBJECT: Final = 256  # as every subject id
_DOMAIN: Final = Shape("a trust domain's name", TRUST_DOMAIN)


def _flatten(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    told = claims.get("sub")
    try:
        spiffe_id = parse_spiffe_id(told)
    except SpiffeIdError as error:
        raise RefusedError(Refusal.WORKLOAD_SPIFFE_ID_INVALID, f"`sub` is no SPIFFE ID: {error}") from error
    if not spiffe_id.path or len(str(spiffe_id)) > _MAX_SUBJECT:
        text = f"`sub` names a trust domain and no workload, or has more than {_MAX_SUBJECT} characters"
        raise RefusedError(Refusal.WORKLOAD_SPIFFE_ID_INVALID, text)
    return {"spiffe_id": told, "trust_domain": spiffe_id.trust_domain, "path": spiffe_id.path}


KIND: Final = WorkloadKind(
    name="spiffe",
    text="services with a SPIFFE JWT-SVID",
    subject_type="workload",
    key_form="spiffe_bundle",
    algorithms=("ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"),  # JWT-SVID §2.1
    token_types=("", "jose", "jwt"),  # JWT-SVID §2.3
    headers=frozenset({"alg", "kid", "typ"}),  # JWT-SVID §2
    max_lifetime_s=3600,
    required={"path": PATH, "spiffe_id": NAME, "trust_domain": _DOMAIN},
    optional={},
    immutable=("trust_domain", "path"),
    shown=("path", "spiffe_id", "trust_domain"),
    keys={
        "trust_domain": RuleKey(
            text="The trust domain; the section says it for all of its rules.",
            shape=_DOMAIN,
            make=lambda v: OneOf("trust_domain", v, Refusal.WORKLOAD_TRUST_DOMAIN_WRONG),
            needed=True,
            single=True,
        ),
        "paths": RuleKey(
            text="Paths, each with all that lies under it.",
            shape=PATH,
            make=lambda v: PathUnder("path", v),
            needed=True,
        ),
    },
    subject=lambda claims, _: str(claims["spiffe_id"]),
    flatten=_flatten,
)

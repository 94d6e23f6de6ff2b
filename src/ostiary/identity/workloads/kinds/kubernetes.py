"""Kubernetes: a pod's projected service-account token (the ``kubernetes.io`` claim of bound tokens).

- The ``uid`` of a service account never returns: one that is deleted and made again under its name is another. Other
  clusters have the same names; each cluster is an issuer of its own, with an authority's name of its own.
- Tokens of the legacy kind, from a ``Secret``, have no audience and no end; they are refused by name.
- By default nothing is asked of the cluster: a deleted pod's token is good until it expires. ``TokenReview`` is the
  port through which a cluster can be asked (``workloads.review``).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ostiary.identity.reasons import Refusal
from ostiary.identity.workloads.kind import RuleKey, Values, WorkloadKind
from ostiary.identity.workloads.restrictions import OneOf, Present
from ostiary.identity.workloads.shapes import FLAG, LABEL, NAME, UID
from ostiary.identity.workloads.verdicts import HOLDS, Claims, Failure, Verdict

_CLAIM: Final = "kubernetes.io"
_LEGACY: Final = "kubernetes.io/serviceaccount/"
_PARTS: Final = ("serviceaccount", "pod", "node")
_BOUND: Final = {"pod": "pod_uid", "node": "node_uid"}


def _recognise(claims: Mapping[str, Any]) -> Verdict:
    if any(name.startswith(_LEGACY) for name in claims):
        text = "it is a service-account token of the legacy kind, without audience and end: use a projected one"
        return Failure(Refusal.WORKLOAD_LEGACY_TOKEN, text)
    return HOLDS


def _flatten(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take the nested claim apart; what is not shaped like it stays missing."""
    inner = claims.get(_CLAIM)
    if not isinstance(inner, Mapping):
        return {"sub": claims.get("sub")}
    flat: dict[str, Any] = {"sub": claims.get("sub"), "namespace": inner.get("namespace")}
    for part in _PARTS:
        told = inner.get(part)
        if part in inner and not isinstance(told, Mapping):
            flat[f"{part}_uid"] = told  # of no form that fits: refused as such, not as missing
        elif isinstance(told, Mapping):
            flat |= {f"{part}_{name}": told[name] for name in ("name", "uid") if name in told}
    return {name: value for name, value in flat.items() if value is not None}


def _agree(claims: Claims) -> Verdict:
    if claims["sub"] != f"system:serviceaccount:{claims['namespace']}:{claims['serviceaccount_name']}":
        text = "`sub` of the token does not agree with its namespace and service account"
        return Failure(Refusal.WORKLOAD_CLAIMS_DISAGREE, text)
    return HOLDS


def _remarks(values: Mapping[str, Values]) -> Iterator[str]:
    if values["bound_to_pod"] == ("false",):
        yield "tokens that are bound to no pod are let in: they outlive what they were made for"


KIND: Final = WorkloadKind(
    name="kubernetes",
    text="Kubernetes pods, by their service account",
    subject_type="service",
    instance=("pod_uid",),
    algorithms=("ES256", "ES384", "ES512", "RS256", "RS384", "RS512"),
    token_types=("", "jwt"),
    max_lifetime_s=86_400,
    required={"namespace": LABEL, "serviceaccount_name": LABEL, "serviceaccount_uid": UID, "sub": NAME},
    optional={"node_name": LABEL, "node_uid": UID, "pod_name": LABEL, "pod_uid": UID},
    immutable=("serviceaccount_uid",),
    shown=(
        *("namespace", "node_name", "node_uid", "pod_name", "pod_uid"),
        *("serviceaccount_name", "serviceaccount_uid"),
    ),
    keys={
        "namespace": RuleKey(
            text="The namespace.",
            shape=LABEL,
            make=lambda v: OneOf("namespace", v, Refusal.WORKLOAD_NAMESPACE_WRONG),
            needed=True,
            single=True,
            name_only=True,
        ),
        "serviceaccount_uid": RuleKey(
            text="`metadata.uid` of the service accounts.",
            shape=UID,
            make=lambda v: OneOf("serviceaccount_uid", v, Refusal.WORKLOAD_SERVICE_ACCOUNT_WRONG),
            needed=True,
        ),
        "serviceaccount": RuleKey(
            text="Their names, if those are to be compared too.",
            shape=LABEL,
            make=lambda v: OneOf("serviceaccount_name", v, Refusal.WORKLOAD_NAME_CHANGED),
            name_only=True,
        ),
        "bound_to_pod": RuleKey(
            text="Whether the token must be bound to a pod.",
            shape=FLAG,
            make=lambda v: Present(_BOUND["pod"], Refusal.WORKLOAD_POD_MISSING) if v == ("true",) else None,
            default=("true",),
            single=True,
        ),
        "node_uid": RuleKey(
            text="`metadata.uid` of the nodes that it may run on.",
            shape=UID,
            make=lambda v: OneOf(_BOUND["node"], v, Refusal.WORKLOAD_NODE_WRONG),
        ),
    },
    subject=lambda claims, authority: f"{authority}:serviceaccount:{claims['serviceaccount_uid']}",
    flatten=_flatten,
    recognise=_recognise,
    agree=_agree,
    remarks=_remarks,
)

"""People ask for access that was denied, and others grant it: for one subject, one action, one resource, for a time.

Rules (AuthZEN Access Request and Approval Profile, exact-match baseline):

- Only a denial for want of an allow rule can be asked about. What a deny rule, a model, a session or an error refused
  is not up for asking, and a grant replaces none of them: it is data that an allow rule of policy reads.
- What is asked comes from the record of the denial, never from who asks: subject as verified, action and resource with
  the very properties that were judged.
- A grant is for exactly that. It ends by itself, one person takes it back, and nobody's copy of its id is of any use.

>>> grant = Grant("agr_1", "acme", "arq_1", "user:ann", "read", "doc", "1", scope({}, {}), 5, 9, "", "adm_1")
>>> grant.covers("user:ann", "read", "doc", "1", scope({}, {}), 5), grant.covers("user:ann", "read", "doc", "1", "", 5)
(True, False)
>>> grant.covers("user:bob", "read", "doc", "1", scope({}, {}), 5), grant.holds(9)
(False, False)
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from ostiary.approvals.glass import moment
from ostiary.keys import sha256_hex
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import DecisionRecord

GRANT: Final = "access.grant"
Status = Literal["pending", "approved", "denied", "expired", "cancelled"]


class Asked(msgspec.Struct, frozen=True):
    """What a denial was about, from its record; ``scope`` is the digest of the properties that were judged."""

    subject: str
    action: str
    resource_type: str
    resource_id: str
    scope: str


class AccessRequest(msgspec.Struct, frozen=True):
    """One request for access, as it was made.

    Attributes:
        pep: the enforcement point that made it, and the only one that hears of it.
        asked: for what.
        evaluation: id of the denial.
        until_ns: until when access is wanted.
        reason: why, in one line.
        expires_ns: until when it can be answered.
        proposal: where people agree to it; empty where there are none.
        deed_kind: the kind of deed that they agree to.
        key: digest of the caller's idempotency key, empty without one.
    """

    id: str
    tenant: str
    pep: str
    asked: Asked
    evaluation: str
    until_ns: int
    reason: str
    made_ns: int
    expires_ns: int
    proposal: str = ""
    deed_kind: str = GRANT
    key: str = ""


class Answered(msgspec.Struct, frozen=True):
    """How a request ended; there is no other end after it.

    Attributes:
        status: ``approved``, ``denied``, ``expired`` or ``cancelled``.
        by: who did it: an administrator, ``people``, ``requester`` or ``time``.
        grant: what was granted.
    """

    status: Status
    at_ns: int
    by: str
    grant: str = ""


class Grant(msgspec.Struct, frozen=True):
    """Access that was granted; it holds in ``[from_ns, until_ns)``."""

    id: str
    tenant: str
    request: str
    subject: str
    action: str
    resource_type: str
    resource_id: str
    scope: str
    from_ns: int
    until_ns: int
    proposal: str
    by: str
    deed_kind: str = GRANT
    reason: str = ""

    def holds(self, now_ns: int) -> bool:
        """Return whether its time is now."""
        return self.from_ns <= now_ns < self.until_ns

    def covers(self, subject: str, action: str, resource_type: str, resource_id: str, judged: str, now_ns: int) -> bool:
        """Return whether it is for exactly this; ``subject`` is verified, ``judged`` the scope of the properties."""
        own = (self.subject, self.action, self.resource_type, self.resource_id, self.scope)
        return self.holds(now_ns) and own == (subject, action, resource_type, resource_id, judged)


class Revoked(msgspec.Struct, frozen=True):
    """A grant that was taken back."""

    at_ns: int
    by: str


class _Entity(msgspec.Struct, frozen=True):
    type: str = ""
    id: str = ""
    name: str = ""
    properties: dict[str, Any] = {}


class _Input(msgspec.Struct, frozen=True):
    subject: _Entity = _Entity()
    action: _Entity = _Entity()
    resource: _Entity = _Entity()


def scope(action: Mapping[str, Any], resource: Mapping[str, Any]) -> str:
    """Return the digest of the properties that were judged.

    >>> scope({"a": 1, "b": 2}, {}) == scope({"b": 2, "a": 1}, {}), scope({"a": 1}, {}) == scope({}, {"a": 1})
    (True, False)
    """
    return sha256_hex(msgspec.json.encode([action, resource], order="deterministic"))


def requestable(record: DecisionRecord) -> bool:
    """Return whether a decision is a denial that can be asked about: nothing allowed it, nothing else refused it."""
    outcome, guardrails = record.outcome, record.guardrails
    if record.kind != "evaluation" or record.refusal or outcome.effect != Effect.DENY or guardrails is None:
        return False
    if guardrails.error or Reason.NO_ALLOW_RULE.value not in outcome.reasons:
        return False
    harshest = max((hit.effect for hit in guardrails.hits), default=Effect.ALLOW)
    return harshest < Effect.DENY and outcome.applied_proposal < Effect.DENY


def asked_of(record: DecisionRecord) -> Asked:
    """Return what a decision was about."""
    told = msgspec.json.decode(record.input, type=_Input)
    judged = scope(told.action.properties, told.resource.properties)
    return Asked(record.subject_key, told.action.name, told.resource.type, told.resource.id, judged)


def deed_of(request: AccessRequest, kind: str) -> Deed:
    """Return what people agree to; whoever gets access is not among them."""
    asked = request.asked
    bound = {
        "request": request.id,
        "subject": asked.subject,
        "action": asked.action,
        "scope": asked.scope,
        "until": moment(request.until_ns),
        "reason": "sha256:" + sha256_hex(request.reason.encode()),
    }
    target = f"{asked.resource_type}:{asked.resource_id}"
    return Deed(request.tenant, kind, target, bound, frozenset({asked.subject}))


def granted(request: AccessRequest, grant_id: str, now_ns: int, by: str) -> Grant:
    """Return the grant that a request becomes."""
    asked = request.asked
    return Grant(
        id=grant_id,
        tenant=request.tenant,
        request=request.id,
        subject=asked.subject,
        action=asked.action,
        resource_type=asked.resource_type,
        resource_id=asked.resource_id,
        scope=asked.scope,
        from_ns=now_ns,
        until_ns=request.until_ns,
        proposal=request.proposal,
        by=by,
        deed_kind=request.deed_kind,
        reason=request.reason,
    )

"""The two-key file: one statement about one deed, signed by as many different people as the tenant asks for.

What must be true, in this order:

1. The envelope is one of ours, small, about this model's digest.
2. Every member of the statement is what the registry wants: another action, stage, version, previous digest, report or
   metrics makes it an approval of something else.
3. It has not expired, was not made to hold for ever, and was not revoked.
4. Enough *people* signed it, not keys, and none of them made the model, under any name or key of theirs.

It is checked when the deed is done, and again at every load. ADR-0027.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.keys import SigningKey
from ostiary.pipeline.registry.people import People, fingerprint
from ostiary.pipeline.registry.sealed import Opened, parse_envelope, read_statement, seal_statement
from ostiary.vocabulary.approvals import Approved, Wanted

PREDICATE_TYPE: Final = "urn:ostiary:model-approval:v1"
PEOPLE: Final = 2
MAX_LIFE_NS: Final = 400 * 86_400 * 1_000_000_000
MIN_NONCE: Final = 16
MAX_NONCE: Final = 128
_SKEW_NS: Final = 60_000_000_000


class Deed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The predicate of an approval: everything it is bound to, and until when."""

    tenant: str
    action: str
    model: str
    version: int
    stage: str
    previous: str
    metrics: str
    report: str
    issued_ns: int
    expires_ns: int
    nonce: str


class TwoKeyCheck:
    """Implements ``vocabulary.approvals.ApprovalCheck`` with signed files."""

    def __init__(
        self, people: Callable[[str], People], is_revoked: Callable[[str, str], bool], threshold: int = PEOPLE
    ) -> None:
        """Take who may approve in a tenant, which approvals were revoked, and how many people it takes."""
        self._people = people
        self._is_revoked = is_revoked
        self._threshold = max(threshold, PEOPLE)

    def check(self, wanted: Wanted, evidence: bytes, now_ns: int) -> Approved:
        """Return the approval, or refuse.

        Raises:
            RefusedError: ``approval_missing``, ``approval_other_digest``, ``approval_other_deed``,
                ``approval_expired``, ``approval_revoked``, ``approval_own_work``, ``approval_too_few``.
            FaultyInputError: ``statement_malformed``.
            UnavailableError: ``people_unreadable``.
        """
        if not evidence:
            raise RefusedError("approval_missing", "nobody has approved this")
        opened = parse_envelope(evidence)  # 1
        deed = _deed(opened, wanted)
        _same(deed, wanted)  # 2
        self._good_now(wanted.tenant, opened.digest, deed, now_ns)  # 3
        agreed = self._agreed(opened, wanted)  # 4
        return Approved(opened.digest, deed.nonce, deed.expires_ns, tuple(sorted(agreed)))

    def _good_now(self, tenant: str, digest: str, deed: Deed, now_ns: int) -> None:
        if not deed.issued_ns <= now_ns + _SKEW_NS or not now_ns < deed.expires_ns:
            raise RefusedError("approval_expired", "the approval is not good at this time")
        if not 0 < deed.expires_ns - deed.issued_ns <= MAX_LIFE_NS:
            raise RefusedError("approval_expired", "the approval would hold for longer than an approval may")
        if not MIN_NONCE <= len(deed.nonce) <= MAX_NONCE:
            raise RefusedError("approval_other_deed", "the approval has no nonce of 16 to 128 characters")
        if self._is_revoked(tenant, digest):
            raise RefusedError("approval_revoked", "the approval was revoked")

    def _agreed(self, opened: Opened, wanted: Wanted) -> list[str]:
        """Return one key a person that agreed; people are counted, never keys."""
        people = self._people(wanted.tenant)
        makers = people.behind(wanted.own, wanted.own_keys)
        keys: list[str] = []
        for person in people.approvers:
            signed = opened.signers(person.keys)
            if not signed:
                continue
            if not makers.isdisjoint(person.names):
                raise RefusedError("approval_own_work", "somebody who made the model has approved it")
            keys.append(fingerprint(signed[0]))
        if len(keys) < self._threshold:
            text = f"{len(keys)} people have approved this, {self._threshold} are needed"
            raise RefusedError("approval_too_few", text)
        return keys


def _deed(opened: Opened, wanted: Wanted) -> Deed:
    digest, deed = read_statement(opened.payload, PREDICATE_TYPE, Deed)
    if digest != wanted.digest:
        text = f"the approval is for `{digest}`, the model is `{wanted.digest}`"
        raise RefusedError("approval_other_digest", text)
    return deed


def _same(deed: Deed, wanted: Wanted) -> None:
    for name in ("tenant", "action", "model", "version", "stage", "previous", "report", "metrics"):
        if getattr(deed, name) != getattr(wanted, name):
            text = f"the approval is for another {name}: `{str(getattr(deed, name))[:80]}`"
            raise RefusedError("approval_other_deed", text)


def make_approval(
    wanted: Wanted, *, issued_ns: int, expires_ns: int, nonce: str, keys: Iterable[SigningKey] = ()
) -> bytes:
    """Return an approval of ``wanted``, signed by ``keys``; more can sign it later."""
    deed = Deed(
        tenant=wanted.tenant,
        action=wanted.action,
        model=wanted.model,
        version=wanted.version,
        stage=wanted.stage,
        previous=wanted.previous,
        metrics=wanted.metrics,
        report=wanted.report,
        issued_ns=issued_ns,
        expires_ns=expires_ns,
        nonce=nonce,
    )
    return seal_statement(PREDICATE_TYPE, wanted.model, wanted.digest, deed, keys)


def read_approval(evidence: bytes) -> tuple[str, Deed]:
    """Return what an approval says, unproven: for showing it to whoever is about to sign."""
    return read_statement(parse_envelope(evidence).payload, PREDICATE_TYPE, Deed)

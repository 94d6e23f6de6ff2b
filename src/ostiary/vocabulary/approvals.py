"""What several people agree to before a model counts, and who is asked whether they did.

The registry knows only ``ApprovalCheck``: today a file signed with two people's keys fills it, a room of its own may
later (HOUSE.md §1 law 5).
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Wanted(msgspec.Struct, frozen=True):
    """The one deed that an approval must be for; whatever differs in it makes it an approval of something else.

    Attributes:
        tenant: whose model it is.
        action: ``promote`` or ``rollback``.
        model: its name.
        version: its number in the registry.
        stage: where it goes.
        digest: root digest of the model, ``sha256:…``.
        previous: digest of what is live there now, empty when nothing is; an approval is void once that changed.
        metrics: digest of the validation report's metrics.
        report: digest of the validation report's signed statement.
        own: who made the model (``type:id``, and every other name of theirs): none of them may approve.
        own_keys: fingerprints of the keys that signed it; none of them may approve either.
    """

    tenant: str
    action: str
    model: str
    version: int
    stage: str
    digest: str
    previous: str
    metrics: str
    report: str
    own: frozenset[str] = frozenset()
    own_keys: frozenset[str] = frozenset()


class Approved(msgspec.Struct, frozen=True):
    """An approval that holds now.

    Attributes:
        digest: of the signed statement, ``sha256:…``; by this it can be revoked.
        nonce: what makes it good for one deed only.
        expires_ns: from when on it holds no more, for loading neither.
        keys: fingerprints of the keys that agreed, one a person, in order.
    """

    digest: str
    nonce: str
    expires_ns: int
    keys: tuple[str, ...]


class Deed(msgspec.Struct, frozen=True):
    """Anything else that several people must agree to, as whoever is about to do it knows it.

    Attributes:
        tenant: whose it is.
        kind: what is done: ``phase.change``, ``policy.activate``, ``threshold.change``, ``break_glass.open``,
            ``subject.erase``, ``keys.ceremony``, ``approvals.rule``, ``model.promote``, …
        target: to what: a control with its scope, a bundle, a subject.
        bound: every value that the agreement holds for: digests before and after, reports, the stage. A value that
            differs makes it an agreement to something else.
        own: who made what is agreed to (``type:id``): none of them may approve.
    """

    tenant: str
    kind: str
    target: str
    bound: Mapping[str, str]
    own: frozenset[str] = frozenset()


class QuorumCheck(Protocol):
    """Tells whether enough people agreed to a deed; asked when it is done, and again whenever it takes effect."""

    def check(self, deed: Deed, proposal_id: str, now_ns: int) -> Approved:
        """Return the approval.

        Args:
            deed: as whoever does it knows it; nothing of it is read from the proposal.
            proposal_id: the proposal that is said to cover it.
            now_ns: the time of the question.

        Raises:
            RefusedError: ``approval_…``: missing, too few, for something else, not yet, expired, denied, used.
            UnavailableError: who may approve cannot be told now.
        """
        ...


class QuorumOnce(QuorumCheck, Protocol):
    """For deeds that happen once: the agreement is used up with the deed."""

    def use(self, deed: Deed, proposal_id: str, by: str) -> Approved:
        """Return the approval as ``check``, used up: of two callers one gets it, the other ``approval_used``.

        Args:
            deed: as whoever does it knows it.
            proposal_id: the proposal that is said to cover it.
            by: who does it.

        Raises:
            RefusedError: as ``check``; ``approval_used``.
            UnavailableError: it cannot be recorded, so the deed must not be done.
        """
        ...


class ApprovalCheck(Protocol):
    """Tells whether enough people agreed to one deed; asked when it is done, and again whenever it takes effect."""

    def check(self, wanted: Wanted, evidence: bytes, now_ns: int) -> Approved:
        """Return the approval.

        Args:
            wanted: the deed, as the registry knows it; nothing of it is read from the evidence.
            evidence: what the caller brought.
            now_ns: the time of the question.

        Raises:
            RefusedError: ``approval_…``: too few people, one of them twice, for something else, expired, revoked.
            UnavailableError: who may approve cannot be told now.
        """
        ...

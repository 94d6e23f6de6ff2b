"""A version is shut out, let in again, or given up; an approval is taken back.

- Shutting out (``quarantine``), giving up (``retire``) and taking back (``revoke``) only tighten: one person's word is
  enough, and nothing is asked but that it can be recorded.
- Letting in again (``release``) needs the approval of as many people as a promotion, for exactly this version.
"""

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.registry.journal import Journal, row_digest
from ostiary.pipeline.registry.model import Actor, Event, Kept, State, Version
from ostiary.pipeline.registry.naming import is_digest
from ostiary.pipeline.registry.ports import ModelBook
from ostiary.vocabulary.approvals import ApprovalCheck, Wanted
from ostiary.vocabulary.clock import Clock

QUARANTINE = "quarantine"
RELEASE = "release"
RETIRE = "retire"
REVOKE = "revoke"
_WHY = 200


class Warden:
    """Changes what may be done with versions."""

    def __init__(self, journal: Journal, book: ModelBook, approvals: ApprovalCheck, clock: Clock) -> None:
        """Take the log with the rows, and who is asked before anything is let in again."""
        self._journal = journal
        self._book = book
        self._approvals = approvals
        self._clock = clock

    def quarantine(self, tenant: str, name: str, number: int, by: Actor, why: str) -> Version:
        """Shut a version out: it is not loaded any more, wherever it is live.

        Raises:
            RefusedError: ``model_version_unknown``, ``model_state``.
        """
        return self._become(tenant, name, number, by, QUARANTINE, why)

    def retire(self, tenant: str, name: str, number: int, by: Actor, why: str) -> Version:
        """Give a version up for good."""
        return self._become(tenant, name, number, by, RETIRE, why)

    def release(self, tenant: str, name: str, number: int, by: Actor, approval: bytes) -> Version:
        """Let a quarantined version in again.

        Raises:
            RefusedError: ``model_version_unknown``, ``model_state``, ``approval_…``; recorded before it is raised.
        """
        try:
            version = self._journal.version(tenant, name, number)
            approved = self._approvals.check(release_wanted(version), approval, self._clock.now_ns())
        except (RefusedError, FaultyInputError) as fault:
            event = Event(1, RELEASE, name, number=number, decision_id=by.decision_id)
            self._journal.refused(tenant, event, fault)
            raise
        used = (approved.nonce, approved.expires_ns)
        return self._become(tenant, name, number, by, RELEASE, "", used=used, approval=approved.digest)

    def revoke(self, tenant: str, name: str, approval: str, by: Actor, why: str) -> None:
        """Take an approval back: what became live by it is not loaded any more.

        Raises:
            FaultyInputError: ``approval_digest``.
            RefusedError: ``approval_revoked``, when it was already.
        """
        if not is_digest(approval):
            raise FaultyInputError("approval_digest", f"`{approval[:80]}` is no digest of an approval")

        def change(_: str) -> Event:
            if not self._book.revoke(tenant, approval, self._clock.now_ns()):
                raise RefusedError("approval_revoked", "this approval was revoked before")
            told = {"why": why[:_WHY]}
            return Event(1, REVOKE, name, approval=approval, decision_id=by.decision_id, told=told)

        self._journal.change(tenant, change)

    def _become(
        self,
        tenant: str,
        name: str,
        number: int,
        by: Actor,
        action: str,
        why: str,
        *,
        used: tuple[str, int] | None = None,
        approval: str = "",
    ) -> Version:
        before = self._journal.version(tenant, name, number)
        state = _after(before.state, action)
        changed = msgspec.structs.replace(before, state=state, why=why[:_WHY], revision=before.revision + 1)
        body = msgspec.json.encode(changed)

        def change(record_id: str) -> Event:
            if used and not self._book.use_nonce(tenant, *used):
                raise RefusedError("approval_replayed", "this approval was used before")
            if not self._book.replace_version(tenant, name, number, changed.revision, Kept(body, record_id)):
                raise RefusedError("model_raced", "somebody else changed the version meanwhile")
            event = Event(1, action, name, number=number, digest=before.digest, decision_id=by.decision_id)
            return msgspec.structs.replace(
                event, row=row_digest(body), approval=approval, told={"why": why[:_WHY]} if why else {}
            )

        self._journal.change(tenant, change)
        return changed


def release_wanted(version: Version) -> Wanted:
    """Return what an approval must say that lets a quarantined version in again: out of this very quarantine."""
    return Wanted(
        tenant=version.tenant,
        action=RELEASE,
        model=version.name,
        version=version.number,
        stage="",
        digest=version.digest,
        previous=f"revision {version.revision}",
        metrics="",
        report="",
        own=version.trainer.names,
        own_keys=frozenset(version.trainer.keys),
    )


def _after(before: State, action: str) -> State:
    allowed = {
        (State.REGISTERED, QUARANTINE): State.QUARANTINED,
        (State.REGISTERED, RETIRE): State.RETIRED,
        (State.QUARANTINED, RETIRE): State.RETIRED,
        (State.QUARANTINED, RELEASE): State.REGISTERED,
    }
    after = allowed.get((before, action))
    if after is None:
        raise RefusedError("model_state", f"a version that is {before.value} cannot be the object of `{action}`")
    return after

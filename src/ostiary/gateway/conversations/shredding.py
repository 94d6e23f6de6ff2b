"""Shredding: what is destroyed is unreadable in the database, its write-ahead log and every backup of either.

- Order: the record, the rows and a grave go in one transaction; then the keys are destroyed; then the grave is closed.
  A crash in between leaves an open grave, and ``tend`` destroys its keys at the next start, or the next round.
- Graves stay. A key folder that is an older copy has keys that were destroyed: ``tend`` destroys them again.
- Whoever copied database *and* key folder before can read both for ever, unless the tenant's key is in Vault or a KMS
  and was rotated since (``Rotation.rewrap``): docs/explanation/conversations.md.
"""

from collections.abc import Sequence

import msgspec

from ostiary.gateway.conversations.changes import ChangeRecord
from ostiary.gateway.conversations.parts import Parts
from ostiary.gateway.conversations.ports import ConversationRow, Grave, Put


class Shredding:
    """Destroys conversations and the keys of users."""

    def __init__(self, parts: Parts) -> None:
        """Work on shared parts."""
        self._parts = parts

    def shred(self, tenant: str, owner: str, conversation: str, decision: str) -> None:
        """Destroy one conversation; see ``Conversations.delete``."""
        parts = self._parts

        def step() -> bool:
            row = parts.found(tenant, owner, conversation)
            gone = _next(row)
            return parts.changes.commit(
                tenant, gone, "delete", decision, lambda: parts.store.delete(tenant, row, parts.clock.now_ns())
            )

        with parts.locks.of(conversation):
            parts.repeat(step)
        self._bury(tenant, Grave(owner, conversation, 0))

    def shred_user(self, tenant: str, owner: str, decision: str) -> int:
        """Destroy all conversations and keys of a user; return how many conversations there were."""
        parts = self._parts
        row = parts.store.owner(tenant, owner)
        floor = max(row.epoch if row else 0, *parts.keys.epochs(tenant, owner), parts.keys.floor(tenant, owner)) + 1
        if row is None and floor == 1:
            return 0
        gone: list[str] = []
        graves: list[Grave] = []

        def change() -> Put:
            # Inside the transaction: whoever turned the epoch meanwhile must not keep a key above the floor.
            newest = parts.store.owner(tenant, owner)
            safe = max(floor, newest.epoch + 1 if newest else 0)
            gone[:] = parts.store.delete_all(tenant, owner, safe, parts.clock.now_ns())
            graves[:] = [Grave(owner, "", safe)]
            return Put.DONE

        parts.changes.note(tenant, ChangeRecord("shred", owner=owner, epoch=floor, decision=decision), change)
        self._bury(tenant, graves[0], gone)
        return len(gone)

    def tend(self, tenant: str, *, again: bool = False) -> int:
        """Destroy the keys of open graves, and data keys of epochs under which nothing is left; return how many.

        Args:
            tenant: whose graves.
            again: look at closed graves as well: the key folder may be an older copy.
        """
        done = 0
        for grave in self._parts.store.graves(tenant, all_=again):
            if not again or self._lives(tenant, grave):
                self._bury(tenant, grave)
                done += 1
        return done + self._retire(tenant)

    def _retire(self, tenant: str) -> int:
        parts, done = self._parts, 0
        for row in parts.store.owners(tenant):
            if row.epoch > 1:
                oldest = parts.store.oldest(tenant, row.owner)
                done += parts.keys.retire(tenant, row.owner, row.epoch if oldest is None else min(oldest, row.epoch))
        return done

    def _lives(self, tenant: str, grave: Grave) -> bool:
        keys = self._parts.keys
        if grave.conversation:
            return keys.holds(tenant, grave.owner, grave.conversation)
        return any(epoch < grave.floor for epoch in keys.epochs(tenant, grave.owner))

    def _bury(self, tenant: str, grave: Grave, conversations: Sequence[str] = ()) -> None:
        if grave.conversation:
            self._parts.keys.shred(tenant, grave.owner, grave.conversation)
        else:
            self._parts.keys.shred_user(tenant, grave.owner, grave.floor, conversations)
        self._parts.store.close_grave(tenant, grave)


def _next(row: ConversationRow) -> ConversationRow:
    return msgspec.structs.replace(row, generation=row.generation + 1)

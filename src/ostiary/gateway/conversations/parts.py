"""What all work on conversations shares: the store, the keys, the log, limits, and one lock a conversation."""

import threading
from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError, VerificationError
from ostiary.gateway.conversations.changes import ChangeRecord, Changes
from ostiary.gateway.conversations.messages import Head, Limits
from ostiary.gateway.conversations.ports import ConversationRow, ConversationStore, OwnerRow, Put
from ostiary.gateway.conversations.sealing import open_head
from ostiary.keys import EnvelopeKeys
from ostiary.vocabulary.clock import Clock

ATTEMPTS: Final = 16
_LOCKS: Final = 64


class Locks:
    """A few locks for many conversations: whoever shares one waits, nothing more."""

    def __init__(self) -> None:
        """Make them."""
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    def of(self, conversation: str) -> threading.Lock:
        """Return the lock of a conversation."""
        return self._locks[hash(conversation) % _LOCKS]


class Parts(msgspec.Struct, frozen=True):
    """Shared parts.

    Attributes:
        store: the rows.
        keys: data keys and shares.
        changes: the log's side.
        clock: the only source of time.
        limits: how much may be kept.
        locks: of this process.
    """

    store: ConversationStore
    keys: EnvelopeKeys
    changes: Changes
    clock: Clock
    limits: Limits
    locks: Locks

    def found(self, tenant: str, owner: str, conversation: str) -> ConversationRow:
        """Return a conversation's row.

        Raises:
            RefusedError: ``conversation_unknown``, whoever's it is.
        """
        row = self.store.find(tenant, owner, conversation)
        if row is None:
            raise unknown()
        return row

    def opened(self, tenant: str, owner: str, conversation: str) -> tuple[ConversationRow, Head]:
        """Return a conversation's row and head, checked against the log.

        Raises:
            RefusedError: ``conversation_unknown`` or ``conversation_shredded``.
            VerificationError: ``conversation_damaged`` or ``conversation_rolled_back``.
        """
        return self.settled(tenant, self.found(tenant, owner, conversation))

    def settled(self, tenant: str, row: ConversationRow) -> tuple[ConversationRow, Head]:
        """Like ``opened``, from a row that was read already; somebody may write meanwhile."""
        for _ in range(ATTEMPTS):
            try:
                head = open_head(self.keys, tenant, row)
                if self.changes.is_newest(tenant, row):
                    return row, head
                text = "an older state of the conversation was put in the place of the newest"
                raise VerificationError("conversation_rolled_back", text)
            except RefusedError:
                again = self.found(tenant, row.owner, row.conversation)
                if again == row:
                    raise
                row = again  # somebody wrote while we read
        raise busy()

    def epoch_for(self, tenant: str, owner: str, seals: int) -> OwnerRow:
        """Return the epoch that may seal so often; when the current one may not, the next one begins."""
        floor = max(1, self.keys.floor(tenant, owner))
        row = self.store.owner(tenant, owner) or self.store.add_owner(tenant, owner, floor)
        for _ in range(ATTEMPTS):
            # Below the floor: the database is from before a shredding. What it lost must not come back to life.
            if row.epoch >= floor and row.seals + seals <= self.limits.epoch_seals:
                return row
            self.turn(tenant, row, "", max(floor, row.epoch + 1))
            row = self.store.owner(tenant, owner) or self.store.add_owner(tenant, owner, floor)
        raise busy()

    def turn(self, tenant: str, before: OwnerRow, decision: str, epoch: int = 0) -> bool:
        """Begin a user's next epoch, on record; return false when somebody else did meanwhile."""
        wanted = epoch or before.epoch + 1

        def change() -> Put:
            return Put.DONE if self.store.turn(tenant, before.owner, before.epoch, wanted) else Put.CHANGED

        told = ChangeRecord("turn", owner=before.owner, epoch=wanted, decision=decision)
        return self.changes.note(tenant, told, change)

    def repeat(self, step: Callable[[], bool]) -> None:
        """Do a step until it was not overtaken.

        Raises:
            UnavailableError: ``conversation_busy``.
        """
        if not any(step() for _ in range(ATTEMPTS)):
            raise busy()


def unknown() -> RefusedError:
    """Return the one answer to ids that are not the caller's, or nobody's."""
    return RefusedError("conversation_unknown", "there is no such conversation")


def busy() -> UnavailableError:
    """Return the answer when others are always faster."""
    return UnavailableError("conversation_busy", "the conversation is being changed by others, try again")

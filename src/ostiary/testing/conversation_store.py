"""Conversations in memory, for tests and demos; the same port that storage implements on disk."""

import threading
from collections.abc import Sequence

import msgspec

from ostiary.gateway.conversations.ports import ConversationRow, Grave, MessageRow, OwnerRow, Put
from ostiary.keys import MAX_SEALS


class MemoryConversationStore:
    """Keeps rows in dictionaries. A write is all or nothing by itself; it knows nothing of the log's transaction."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lock = threading.RLock()
        self._owners: dict[tuple[str, str], OwnerRow] = {}
        self._rows: dict[tuple[str, str], ConversationRow] = {}
        self._messages: dict[tuple[str, str], list[MessageRow]] = {}
        self._graves: dict[tuple[str, Grave], bool] = {}

    def owner(self, tenant: str, owner: str) -> OwnerRow | None:
        """Return an owner."""
        return self._owners.get((tenant, owner))

    def owners(self, tenant: str) -> list[OwnerRow]:
        """Return all owners of a tenant."""
        with self._lock:
            return sorted((row for (name, _), row in self._owners.items() if name == tenant), key=lambda r: r.owner)

    def find(self, tenant: str, owner: str, conversation: str) -> ConversationRow | None:
        """Return a conversation of an owner."""
        row = self._rows.get((tenant, conversation))
        return row if row is not None and row.owner == owner else None

    def page(self, tenant: str, owner: str, before: str, limit: int) -> list[ConversationRow]:
        """Return an owner's conversations, newest id first."""
        mine = [row for row in self._of(tenant) if row.owner == owner and (not before or row.conversation < before)]
        return mine[::-1][:limit]

    def count(self, tenant: str, owner: str) -> int:
        """Return how many conversations an owner has."""
        return sum(row.owner == owner for row in self._of(tenant))

    def messages(self, tenant: str, conversation: str, start: int) -> list[MessageRow]:
        """Return the messages from an index on."""
        with self._lock:
            return [row for row in self._messages.get((tenant, conversation), []) if row.index >= start]

    def stale(self, tenant: str, limit: int, after: str = "") -> list[tuple[str, str]]:
        """Return owner and id of conversations that hold something of an older epoch."""
        return [(row.owner, row.conversation) for row in self._stale(tenant) if row.conversation > after][:limit]

    def stale_count(self, tenant: str) -> int:
        """Return how many there are."""
        return len(self._stale(tenant))

    def oldest(self, tenant: str, owner: str) -> int | None:
        """Return the oldest epoch of all conversations of an owner."""
        return min((row.oldest for row in self._of(tenant) if row.owner == owner), default=None)

    def add_owner(self, tenant: str, owner: str, epoch: int) -> OwnerRow:
        """Add an owner unless it is there."""
        with self._lock:
            return self._owners.setdefault((tenant, owner), OwnerRow(owner, epoch, 0))

    def turn(self, tenant: str, owner: str, before: int, epoch: int) -> bool:
        """Give an owner another epoch."""
        with self._lock:
            row = self._owners.get((tenant, owner))
            if row is None or row.epoch != before or epoch <= before:
                return False
            self._owners[tenant, owner] = OwnerRow(owner, epoch, 0)
            return True

    def add(self, tenant: str, row: ConversationRow, seals: int, most: int) -> Put:
        """Add a conversation."""
        with self._lock:
            if not self._may_spend(tenant, row, seals):
                return Put.CHANGED
            if self.count(tenant, row.owner) >= most or (tenant, row.conversation) in self._rows:
                return Put.FULL
            self._spend(tenant, row, seals)
            self._rows[tenant, row.conversation] = row
            self._messages[tenant, row.conversation] = []
            return Put.DONE

    def advance(self, tenant: str, row: ConversationRow, messages: Sequence[MessageRow], seals: int) -> Put:
        """Replace a row of the generation before, and add messages."""
        with self._lock:
            if not self._may_advance(tenant, row, seals):
                return Put.CHANGED
            self._put(tenant, row, seals)
            self._messages[tenant, row.conversation] += messages
            return Put.DONE

    def replace(self, tenant: str, row: ConversationRow, messages: Sequence[MessageRow], seals: int) -> Put:
        """Replace a row of the generation before and all its messages."""
        with self._lock:
            if not self._may_advance(tenant, row, seals):
                return Put.CHANGED
            self._put(tenant, row, seals)
            self._messages[tenant, row.conversation] = list(messages)
            return Put.DONE

    def delete(self, tenant: str, row: ConversationRow, now_ns: int) -> Put:  # noqa: ARG002 - nobody asks when
        """Delete a conversation of this very generation and dig its grave."""
        with self._lock:
            found = self.find(tenant, row.owner, row.conversation)
            if found is None or found.generation != row.generation:
                return Put.CHANGED
            del self._rows[tenant, row.conversation], self._messages[tenant, row.conversation]
            self._graves[tenant, Grave(row.owner, row.conversation, 0)] = False
            return Put.DONE

    def delete_all(self, tenant: str, owner: str, floor: int, now_ns: int) -> list[str]:  # noqa: ARG002
        """Delete all conversations of an owner, dig one grave, and begin the epoch ``floor``."""
        with self._lock:
            gone = [row.conversation for row in self._of(tenant) if row.owner == owner]
            for one in gone:
                del self._rows[tenant, one], self._messages[tenant, one]
            before = self._owners.get((tenant, owner))
            self._owners[tenant, owner] = OwnerRow(owner, max(floor, before.epoch if before else 0), 0)
            self._graves[tenant, Grave(owner, "", floor)] = False
            return gone

    def graves(self, tenant: str, *, all_: bool = False) -> list[Grave]:
        """Return what was shredded."""
        with self._lock:
            return [grave for (name, grave), closed in self._graves.items() if name == tenant and (all_ or not closed)]

    def close_grave(self, tenant: str, grave: Grave) -> None:
        """Note that the keys of a grave are destroyed."""
        with self._lock:
            if (tenant, grave) in self._graves:
                self._graves[tenant, grave] = True

    def _of(self, tenant: str) -> list[ConversationRow]:
        with self._lock:
            mine = [row for (name, _), row in self._rows.items() if name == tenant]
        return sorted(mine, key=lambda row: row.conversation)

    def _stale(self, tenant: str) -> list[ConversationRow]:
        return [row for row in self._of(tenant) if row.oldest < self._owners[tenant, row.owner].epoch]

    def _may_advance(self, tenant: str, row: ConversationRow, seals: int) -> bool:
        found = self.find(tenant, row.owner, row.conversation)
        follows = found is not None and found.generation == row.generation - 1
        return follows and self._may_spend(tenant, row, seals)

    def _may_spend(self, tenant: str, row: ConversationRow, seals: int) -> bool:
        owner = self._owners.get((tenant, row.owner))
        return owner is not None and owner.epoch == row.epoch and owner.seals + seals <= MAX_SEALS

    def _put(self, tenant: str, row: ConversationRow, seals: int) -> None:
        self._spend(tenant, row, seals)
        self._rows[tenant, row.conversation] = row

    def _spend(self, tenant: str, row: ConversationRow, seals: int) -> None:
        before = self._owners[tenant, row.owner]
        self._owners[tenant, row.owner] = msgspec.structs.replace(before, seals=before.seals + seals)

"""Conversations as ciphertexts; ``ConversationTable`` implements ``gateway.conversations.ports.ConversationStore``.

Every write joins the transaction it is called in: that of the log's record.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ostiary.gateway.conversations.ports import ConversationRow, Grave, MessageRow, OwnerRow, Put
from ostiary.keys import MAX_SEALS
from ostiary.storage.tables.database import Database, Row

CONVERSATION_ERASURES: Final = (
    "delete_tenant_conversation_messages",
    "delete_tenant_conversations",
    "delete_tenant_conversation_owners",
    "delete_tenant_conversation_graves",
)


class ConversationTable:
    """Owners, conversations, messages and graves by tenant."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def owner(self, tenant: str, owner: str) -> OwnerRow | None:
        """Return an owner."""
        rows = self._read("conversation_owner", tenant, owner)
        return OwnerRow(*rows[0]) if rows else None

    def owners(self, tenant: str) -> list[OwnerRow]:
        """Return all owners of a tenant."""
        return [OwnerRow(*row) for row in self._read("conversation_owners", tenant)]

    def find(self, tenant: str, owner: str, conversation: str) -> ConversationRow | None:
        """Return a conversation of an owner."""
        rows = self._read("conversation", tenant, conversation, owner)
        return ConversationRow(*rows[0]) if rows else None

    def page(self, tenant: str, owner: str, before: str, limit: int) -> list[ConversationRow]:
        """Return an owner's conversations, newest id first."""
        values = {"tenant": tenant, "owner": owner, "before": before, "limit": limit}
        return [ConversationRow(*row) for row in self._database.read_named("conversation_page", values)]

    def count(self, tenant: str, owner: str) -> int:
        """Return how many conversations an owner has."""
        return int(self._read("conversation_count", tenant, owner)[0][0])

    def messages(self, tenant: str, conversation: str, start: int) -> list[MessageRow]:
        """Return the messages from an index on."""
        return [MessageRow(*row) for row in self._read("conversation_messages", tenant, conversation, start)]

    def stale(self, tenant: str, limit: int, after: str = "") -> list[tuple[str, str]]:
        """Return owner and id of conversations that hold something of an older epoch."""
        return [(row[0], row[1]) for row in self._read("stale_conversations", tenant, after, limit)]

    def stale_count(self, tenant: str) -> int:
        """Return how many there are."""
        return int(self._read("stale_conversation_count", tenant)[0][0])

    def oldest(self, tenant: str, owner: str) -> int | None:
        """Return the oldest epoch of all conversations of an owner."""
        found = self._read("conversation_oldest", tenant, owner)[0][0]
        return None if found is None else int(found)

    def add_owner(self, tenant: str, owner: str, epoch: int) -> OwnerRow:
        """Add an owner unless it is there."""
        with self._database.transaction() as database:
            database.write("add_conversation_owner", tenant, owner, epoch)
            return OwnerRow(*database.read_inside("conversation_owner", tenant, owner)[0])

    def turn(self, tenant: str, owner: str, before: int, epoch: int) -> bool:
        """Give an owner another epoch."""
        values = {"tenant": tenant, "owner": owner, "before": before, "epoch": epoch}
        return self._database.write_named("turn_conversation_owner", values) == 1

    def add(self, tenant: str, row: ConversationRow, seals: int, most: int) -> Put:
        """Add a conversation."""
        with self._database.transaction() as database:
            if not self._may_seal(tenant, row, seals):
                return Put.CHANGED
            values = msgspec.structs.asdict(row) | {"tenant": tenant, "most": most}
            if database.write_named("add_conversation", values) != 1:
                return Put.FULL
            self._spend(tenant, row, seals)
            return Put.DONE

    def advance(self, tenant: str, row: ConversationRow, messages: Sequence[MessageRow], seals: int) -> Put:
        """Replace a row of the generation before, and add messages."""
        with self._database.transaction() as database:
            if not self._advance(tenant, row, seals):
                return Put.CHANGED
            database.write_many("add_conversation_message", _values(tenant, row, messages))
            return Put.DONE

    def replace(self, tenant: str, row: ConversationRow, messages: Sequence[MessageRow], seals: int) -> Put:
        """Replace a row of the generation before and all its messages."""
        with self._database.transaction() as database:
            if not self._advance(tenant, row, seals):
                return Put.CHANGED
            database.erase("delete_conversation_messages", [(tenant, row.conversation)])
            database.write_many("add_conversation_message", _values(tenant, row, messages))
            return Put.DONE

    def delete(self, tenant: str, row: ConversationRow, now_ns: int) -> Put:
        """Delete a conversation of this very generation and dig its grave."""
        with self._database.transaction() as database:
            wanted = (tenant, row.conversation, row.owner, row.generation)
            if database.erase("delete_conversation", [wanted]) != 1:
                return Put.CHANGED
            database.erase("delete_conversation_messages", [(tenant, row.conversation)])
            database.write("dig_conversation_grave", tenant, row.owner, row.conversation, 0, now_ns)
            return Put.DONE

    def delete_all(self, tenant: str, owner: str, floor: int, now_ns: int) -> list[str]:
        """Delete all conversations of an owner, dig one grave, and begin the epoch ``floor``."""
        with self._database.transaction() as database:
            gone = [row[0] for row in database.read_inside("conversations_of_owner", tenant, owner)]
            database.erase("delete_conversation_messages", [(tenant, one) for one in gone])
            database.erase("delete_conversations_of_owner", [(tenant, owner)])
            database.write_named("set_conversation_epoch", {"tenant": tenant, "owner": owner, "epoch": floor})
            database.write("dig_conversation_grave", tenant, owner, "", floor, now_ns)
            return gone

    def graves(self, tenant: str, *, all_: bool = False) -> list[Grave]:
        """Return what was shredded."""
        values = {"tenant": tenant, "all": int(all_)}
        return [Grave(*row) for row in self._database.read_named("conversation_graves", values)]

    def close_grave(self, tenant: str, grave: Grave) -> None:
        """Note that the keys of a grave are destroyed."""
        self._database.write("close_conversation_grave", tenant, *grave)

    def _advance(self, tenant: str, row: ConversationRow, seals: int) -> bool:
        values = msgspec.structs.asdict(row) | {"tenant": tenant}
        del values["created_ns"]
        if not self._may_seal(tenant, row, seals) or self._database.write_named("advance_conversation", values) != 1:
            return False
        self._spend(tenant, row, seals)
        return True

    def _may_seal(self, tenant: str, row: ConversationRow, seals: int) -> bool:
        told = {"tenant": tenant, "owner": row.owner, "epoch": row.epoch, "seals": seals, "most": MAX_SEALS}
        return bool(self._database.read_inside_named("may_seal_conversation", told))

    def _spend(self, tenant: str, row: ConversationRow, seals: int) -> None:
        told = {"tenant": tenant, "owner": row.owner, "seals": seals}
        self._database.write_named("spend_conversation_seals", told)

    def _read(self, name: str, *values: object) -> list[Row]:
        """Read what is committed; inside a transaction, what it has written so far."""
        read = self._database.read_inside if self._database.inside() else self._database.read
        return read(name, *values)


def _values(tenant: str, row: ConversationRow, messages: Sequence[MessageRow]) -> list[tuple[Any, ...]]:
    return [(tenant, row.conversation, *msgspec.structs.astuple(one)) for one in messages]

"""What conversations need from storage, and what storage promises. This comment is the contract.

- Storage sees ciphertexts, opaque ids and times. An owner is a keyed hash; it never learns a name, a title, a text.
- Every write is all or nothing, survives a crash, and joins the transaction of the log's record when it is called
  inside one: a change of a conversation and its record are there together or not at all.
- INVARIANT: nothing is added under another epoch than its owner's current one, nor over another generation than the
  one that was read: a write that comes too late answers ``CHANGED`` and has changed nothing.
- What is deleted is overwritten, and leaves a grave: an id under which keys must not live. Graves stay.
- Every method asks for the tenant, and finding for the owner as well: another's is as unknown as what never was.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol

import msgspec


class Put(Enum):
    """What became of a write."""

    DONE = "done"
    CHANGED = "changed"
    FULL = "full"


class OwnerRow(msgspec.Struct, frozen=True):
    """One user: the epoch that seals now, and how many seals it has made."""

    owner: str
    epoch: int
    seals: int


class ConversationRow(msgspec.Struct, frozen=True):
    """One conversation.

    Attributes:
        owner: whose it is.
        conversation: its id.
        generation: 1 when it is made, one more with each change.
        epoch: under which its head is sealed.
        oldest: the oldest epoch of all that is sealed in it.
        head: title, count and the end of the chain, sealed.
        created_ns, updated_ns: when.
    """

    owner: str
    conversation: str
    generation: int
    epoch: int
    oldest: int
    head: bytes
    created_ns: int
    updated_ns: int


class MessageRow(msgspec.Struct, frozen=True):
    """One message: the chain up to it, and its ciphertext."""

    index: int
    epoch: int
    previous: bytes
    sealed: bytes


class Grave(NamedTuple):
    """What was shredded: a conversation, or all of an owner below an epoch (then ``conversation`` is empty)."""

    owner: str
    conversation: str
    floor: int


class ConversationStore(Protocol):
    """A place for conversations: see the contract at the top."""

    def owner(self, tenant: str, owner: str) -> OwnerRow | None:
        """Return an owner."""
        ...

    def owners(self, tenant: str) -> list[OwnerRow]:
        """Return all owners of a tenant in the order of their hashes."""
        ...

    def find(self, tenant: str, owner: str, conversation: str) -> ConversationRow | None:
        """Return a conversation of an owner."""
        ...

    def page(self, tenant: str, owner: str, before: str, limit: int) -> list[ConversationRow]:
        """Return an owner's conversations, newest id first, from below ``before`` on (empty: from the newest)."""
        ...

    def count(self, tenant: str, owner: str) -> int:
        """Return how many conversations an owner has."""
        ...

    def messages(self, tenant: str, conversation: str, start: int) -> list[MessageRow]:
        """Return the messages from an index on, in order."""
        ...

    def stale(self, tenant: str, limit: int, after: str = "") -> list[tuple[str, str]]:
        """Return owner and id of conversations that hold something of an older epoch, by id, above ``after``."""
        ...

    def stale_count(self, tenant: str) -> int:
        """Return how many there are."""
        ...

    def oldest(self, tenant: str, owner: str) -> int | None:
        """Return the oldest epoch of all conversations of an owner; ``None`` when it has none."""
        ...

    def add_owner(self, tenant: str, owner: str, epoch: int) -> OwnerRow:
        """Add an owner unless it is there, and return what is there now."""
        ...

    def turn(self, tenant: str, owner: str, before: int, epoch: int) -> bool:
        """Give an owner another epoch, if ``before`` is its epoch; its seals are counted anew."""
        ...

    def add(self, tenant: str, row: ConversationRow, seals: int, most: int) -> Put:
        """Add a conversation; ``FULL`` when its owner has ``most``, or the epoch may not seal so often."""
        ...

    def advance(self, tenant: str, row: ConversationRow, messages: Sequence[MessageRow], seals: int) -> Put:
        """Replace a row of the generation before, and add messages."""
        ...

    def replace(self, tenant: str, row: ConversationRow, messages: Sequence[MessageRow], seals: int) -> Put:
        """Replace a row of the generation before and all messages of it; the old ones are overwritten."""
        ...

    def delete(self, tenant: str, row: ConversationRow, now_ns: int) -> Put:
        """Delete a conversation of this very generation and dig its grave."""
        ...

    def delete_all(self, tenant: str, owner: str, floor: int, now_ns: int) -> list[str]:
        """Delete all conversations of an owner, dig one grave, and begin the epoch ``floor``; return their ids."""
        ...

    def graves(self, tenant: str, *, all_: bool = False) -> list[Grave]:
        """Return what was shredded and whose keys may not be destroyed yet, or all that ever was."""
        ...

    def close_grave(self, tenant: str, grave: Grave) -> None:
        """Note that the keys of a grave are destroyed."""
        ...

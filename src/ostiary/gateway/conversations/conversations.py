"""Conversations, encrypted for their owner: make, append, read, page, describe, export, delete.

    made = conversations.create("default", "user:ann", title="holiday")
    conversations.append("default", "user:ann", made.id, [Message("message", {"role": "user", "content": "…"})])
    conversations.read("default", "user:ann", made.id).messages

1. Nothing is in the clear but opaque ids and times: titles, metadata, labels and counts are sealed like messages.
2. Only the owner finds a conversation. Another user's, another tenant's and one that never was answer alike.
3. A change and its record in the log are one transaction; reading checks the head against the log, and the chain of
   ciphertexts from the first message that is read to the head.
4. Deleting is shredding: the conversation's share is destroyed, then no copy of the database can be read.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.gateway.conversations import chain
from ostiary.gateway.conversations.changes import FULL
from ostiary.gateway.conversations.messages import (
    Conversation,
    Head,
    Message,
    Transcript,
    checked_metadata,
    checked_title,
    decode,
    encode,
    joined_label,
)
from ostiary.gateway.conversations.parts import Parts
from ostiary.gateway.conversations.ports import ConversationRow, Put
from ostiary.gateway.conversations.sealing import open_messages, seal_head, seal_messages, shown
from ostiary.gateway.conversations.shredding import Shredding
from ostiary.keys import joined, random_bytes, sha256_hex
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

_LIVES: Final = 64
_GONE: Final = frozenset({"conversation_unknown", "conversation_shredded"})


class Conversations:
    """Conversations of all tenants; safe for several threads and processes."""

    def __init__(self, parts: Parts) -> None:
        """Work on shared parts."""
        self.parts = parts
        self._shredding = Shredding(parts)

    def create(
        self,
        tenant: str,
        user: str,
        title: str = "",
        metadata: Mapping[str, str] | None = None,
        decision: str = "",
        ident: str = "",
    ) -> Conversation:
        """Make a conversation.

        Args:
            tenant: whose it is.
            user: who owns it, as ``type:id``.
            title: for the owner's list.
            metadata: for the owner's application.
            decision: the id of the decision that let it happen, for the record.
            ident: its id, by default a fresh one; never one that a caller chose, nor one that was ever used.

        Raises:
            FaultyInputError: ``title_too_long``, ``title_invalid`` or ``metadata_invalid``.
            RefusedError: ``too_many_conversations``.
            UnavailableError: the log, the store or a key is away.
        """
        parts, owner = self.parts, self._owner(tenant, user)
        told = (checked_title(title, parts.limits), checked_metadata(metadata or {}))
        now = parts.clock.now_ns()
        ident = ident or make_id("conv", now, random_bytes(RANDOM_BYTES))
        head = Head(0, chain.start(tenant, owner, ident), 0, *told)
        made: list[ConversationRow] = []

        def step() -> bool:
            epoch = parts.epoch_for(tenant, owner, 1).epoch
            row = ConversationRow(owner, ident, 1, epoch, epoch, b"", now, now)
            row = msgspec.structs.replace(row, head=seal_head(parts.keys, tenant, row, head, fresh=True))
            made[:] = [row]
            return parts.changes.commit(tenant, row, "create", decision, lambda: self._added(tenant, row))

        self._check_room(tenant, owner)
        try:
            parts.repeat(step)
        except RefusedError as no:
            if parts.store.find(tenant, owner, ident) is None:
                parts.keys.shred(tenant, owner, ident)  # of a conversation that never came to be
            if no.code == FULL:
                raise self._no_room() from None
            raise
        return shown(made[0], head)

    def append(
        self,
        tenant: str,
        user: str,
        conversation: str,
        messages: Sequence[Message],
        *,
        after: int | None = None,
        decision: str = "",
    ) -> Conversation:
        """Append messages, all or none.

        Args:
            tenant: whose it is.
            user: the owner.
            conversation: the id.
            messages: in order; their time is that of the append.
            after: append only if the conversation has so many messages.
            decision: for the record.

        Raises:
            RefusedError: ``conversation_unknown``, ``conversation_shredded``, ``conversation_too_long`` or
                ``conversation_moved_on``.
            FaultyInputError: ``message_invalid``, ``message_too_large`` or ``too_many_messages``.
            VerificationError: ``conversation_damaged`` or ``conversation_rolled_back``.
            UnavailableError: the log, the store or a key is away.
        """
        parts, owner = self.parts, self._owner(tenant, user)
        now = parts.clock.now_ns()
        bodies = self._bodies(messages, now)
        done: list[Conversation] = []

        def step() -> bool:
            row, head = parts.opened(tenant, owner, conversation)
            self._check_fits(head, bodies, after)
            fresh = self._next(tenant, row, len(bodies) + 1, now)
            rows, link = seal_messages(parts.keys, tenant, fresh, bodies, head.count, head.link)
            label = joined_label(tenant, head.label, messages)
            size = head.size + sum(map(len, bodies))
            head = Head(head.count + len(rows), link, size, head.title, head.metadata, label)
            fresh = msgspec.structs.replace(fresh, head=seal_head(parts.keys, tenant, fresh, head))
            done[:] = [shown(fresh, head)]
            return parts.changes.commit(
                tenant, fresh, "append", decision, lambda: parts.store.advance(tenant, fresh, rows, len(rows) + 1)
            )

        with parts.locks.of(conversation):
            parts.repeat(step)
        return done[0]

    def describe(
        self,
        tenant: str,
        user: str,
        conversation: str,
        title: str,
        metadata: Mapping[str, str] | None = None,
        decision: str = "",
    ) -> Conversation:
        """Give a conversation another title, and other metadata unless ``None``; same errors as ``append``."""
        parts, owner = self.parts, self._owner(tenant, user)
        title, now = checked_title(title, parts.limits), parts.clock.now_ns()
        pairs = None if metadata is None else checked_metadata(metadata)
        done: list[Conversation] = []

        def step() -> bool:
            row, head = parts.opened(tenant, owner, conversation)
            head = msgspec.structs.replace(head, title=title, metadata=head.metadata if pairs is None else pairs)
            fresh = self._next(tenant, row, 1, now)
            fresh = msgspec.structs.replace(fresh, head=seal_head(parts.keys, tenant, fresh, head))
            done[:] = [shown(fresh, head)]
            return parts.changes.commit(
                tenant, fresh, "describe", decision, lambda: parts.store.advance(tenant, fresh, (), 1)
            )

        with parts.locks.of(conversation):
            parts.repeat(step)
        return done[0]

    def read(self, tenant: str, user: str, conversation: str, start: int = 0, limit: int | None = None) -> Transcript:
        """Return a conversation and its messages from ``start`` on; negative counts from the end.

        Raises:
            RefusedError: ``conversation_unknown`` or ``conversation_shredded``.
            VerificationError: ``conversation_damaged``, ``conversation_rolled_back`` or ``sealed_data_refused``.
            UnavailableError: the store or a key is away.
        """
        owner = self._owner(tenant, user)
        found: list[Transcript] = []

        def step() -> bool:
            row, head = self.parts.opened(tenant, owner, conversation)
            begin = min(head.count, max(0, head.count + start if start < 0 else start))
            try:
                opened = self._checked(tenant, row, head, begin, limit)
            except RefusedError:
                if self.parts.found(tenant, owner, conversation) != row:
                    return False  # somebody wrote between the two readings
                raise
            found[:] = [Transcript(shown(row, head), begin, tuple(map(decode, opened)))]
            return True

        self.parts.repeat(step)
        return found[0]

    def find(self, tenant: str, user: str, conversation: str) -> Conversation:
        """Return a conversation without its messages; same errors as ``read``."""
        return shown(*self.parts.opened(tenant, self._owner(tenant, user), conversation))

    def named(self, tenant: str, user: str, name: str) -> str:
        """Return the id under which a user's own name for a conversation stands; it need not be there yet.

        Another user's same name is another id. What was shredded under a name stays so: it then stands for a new id.

        Raises:
            RefusedError: ``too_many_conversations`` under this name, all of them shredded.
        """
        owner = self._owner(tenant, user)
        for life in range(_LIVES):
            told = joined(b"ostiary/conversation-name/v1", tenant.encode(), owner.encode(), name.encode(), b"%d" % life)
            ident = "conv_" + sha256_hex(told)[:32]
            if self.parts.store.find(tenant, owner, ident) or not self.parts.changes.was_ever(tenant, ident):
                return ident
        raise self._no_room()

    def count(self, tenant: str, user: str) -> int:
        """Return how many conversations a user has."""
        return self.parts.store.count(tenant, self._owner(tenant, user))

    def owns(self, tenant: str, user: str, conversation: str) -> bool:
        """Return whether a conversation is a user's, as the rows say; nothing is opened."""
        return self.parts.store.find(tenant, self._owner(tenant, user), conversation) is not None

    def page(self, tenant: str, user: str, before: str = "", limit: int = 100) -> list[Conversation]:
        """Return a user's conversations, newest first, from below the id ``before`` on.

        One whose keys are gone (the database is an older copy) is left out: to its owner it is deleted.
        """
        found: list[Conversation] = []
        for row in self.parts.store.page(tenant, self._owner(tenant, user), before, limit):
            try:
                found.append(shown(*self.parts.settled(tenant, row)))
            except RefusedError as no:
                if no.code not in _GONE:
                    raise
        return found

    def all(self, tenant: str, user: str) -> Iterator[Conversation]:
        """Yield all conversations of a user, newest first, without their messages; see ``page``."""
        before = ""
        while rows := self.parts.store.page(tenant, self._owner(tenant, user), before, 100):
            yield from self.page(tenant, user, before)
            before = rows[-1].conversation

    def export(self, tenant: str, user: str) -> Iterator[Transcript]:
        """Yield all conversations of a user, newest first, whole."""
        before = ""
        while rows := self.parts.store.page(tenant, self._owner(tenant, user), before, 100):
            for row in rows:
                try:
                    yield self.read(tenant, user, row.conversation)
                except RefusedError as no:  # deleted while we read, or the database is an older copy
                    if no.code not in _GONE:
                        raise
            before = rows[-1].conversation

    def delete(self, tenant: str, user: str, conversation: str, decision: str = "") -> None:
        """Delete a conversation for good: its share of the key is destroyed.

        Raises:
            RefusedError: ``conversation_unknown``.
            UnavailableError: the log or the store is away, then nothing was deleted; or a key file could not be erased,
                then it will be at the next round of ``Shredding.tend``.
        """
        self._shredding.shred(tenant, self._owner(tenant, user), conversation, decision)

    def forget(self, tenant: str, user: str, decision: str = "") -> int:
        """Delete all conversations of a user and destroy the user's keys; return how many conversations there were."""
        return self._shredding.shred_user(tenant, self._owner(tenant, user), decision)

    def _owner(self, tenant: str, user: str) -> str:
        return self.parts.keys.owner(tenant, user)

    def _next(self, tenant: str, row: ConversationRow, seals: int, now: int) -> ConversationRow:
        epoch = self.parts.epoch_for(tenant, row.owner, seals).epoch
        updated = max(now, row.updated_ns)
        return msgspec.structs.replace(row, generation=row.generation + 1, epoch=epoch, head=b"", updated_ns=updated)

    def _checked(self, tenant: str, row: ConversationRow, head: Head, begin: int, limit: int | None) -> list[bytes]:
        rows = self.parts.store.messages(tenant, row.conversation, begin)
        chain.check(rows, begin, head.count, head.link, chain.start(tenant, row.owner, row.conversation))
        return open_messages(self.parts.keys, tenant, row, rows if limit is None else rows[: max(0, limit)])

    def _bodies(self, messages: Sequence[Message], now: int) -> list[bytes]:
        limits = self.parts.limits
        if not 0 < len(messages) <= limits.batch:
            raise FaultyInputError("too_many_messages", f"append 1 to {limits.batch} messages at once")
        return [encode(msgspec.structs.replace(message, at_ns=now), limits) for message in messages]

    def _check_fits(self, head: Head, bodies: Sequence[bytes], after: int | None) -> None:
        limits = self.parts.limits
        if after is not None and head.count != after:
            raise RefusedError("conversation_moved_on", f"the conversation has {head.count} messages by now")
        if head.count + len(bodies) > limits.messages or head.size + sum(map(len, bodies)) > limits.bytes:
            raise RefusedError("conversation_too_long", "the conversation is full, begin another one")

    def _check_room(self, tenant: str, owner: str) -> None:
        if self.parts.store.count(tenant, owner) >= self.parts.limits.per_user:
            raise self._no_room()

    def _no_room(self) -> RefusedError:
        text = f"a user has {self.parts.limits.per_user} conversations at most: delete some"
        return RefusedError("too_many_conversations", text)

    def _added(self, tenant: str, row: ConversationRow) -> Put:
        return self.parts.store.add(tenant, row, 1, self.parts.limits.per_user)

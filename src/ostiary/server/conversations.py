"""Conversations of a house: opened with their keys, tended, forgotten; and as the gateway keeps them.

The keys lie below ``keys/conversations`` of the data directory, never in the database: whoever backs the two up
together gives up what shredding is for (docs/explanation/conversations.md).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.errors import OstiaryError
from ostiary.gateway.conversations import (
    Changes,
    Conversations,
    Limits,
    Locks,
    Message,
    Parts,
    Rotation,
    Shredding,
)
from ostiary.gateway.ports import KeptMessage
from ostiary.keys import EnvelopeKeys, FileWrapper, KeyWrapper, random_bytes
from ostiary.server.places import Places
from ostiary.server.settings.conversations import ConversationsSection
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

if TYPE_CHECKING:
    from ostiary.server.wiring import House

_MIB: Final = 1 << 20
_TITLE: Final = 200


def keys_folder(places: Places) -> Path:
    """Return the folder of conversations' keys."""
    return places.keys / "conversations"


def open_conversations(
    places: Places, settings: ConversationsSection, store: Store, log: AuditLog, clock: Clock
) -> Conversations:
    """Return the conversations of a data directory.

    Raises:
        FaultyInputError: ``key_service_url_invalid``.
    """
    folder = keys_folder(places)
    keys = EnvelopeKeys(folder, open_wrapper(settings, folder / "kek", clock), clock, settings.cache_s)
    limits = Limits(
        message_bytes=settings.max_message_bytes,
        messages=settings.max_messages,
        bytes=settings.max_conversation_mb * _MIB,
        per_user=settings.max_per_user,
        epoch_seals=settings.epoch_seals,
    )
    return Conversations(Parts(store.conversations, keys, Changes(log, clock), clock, limits, Locks()))


def tend(house: "House", *, again: bool = False) -> None:
    """Bring older messages under current keys, and destroy keys that are shredded or unused, of every living tenant.

    Args:
        house: whose conversations.
        again: look at what was shredded long ago as well: the key folder may be an older copy. Once at each start.
    """
    parts, fault = house.conversations.parts, None
    for row in house.log.store.tenants() if again else ():
        if row.deleted_ns is not None and parts.keys.owners(row.tenant):  # a crash came between
            forget_conversations(house, row.tenant)
    for row in house.tenants.living():
        try:
            Rotation(parts).reencrypt(row.tenant, house.settings.conversations.tend_most)
            Shredding(parts).tend(row.tenant, again=again)
        except OstiaryError as no:  # the others' turn comes all the same
            fault = no
    if fault is not None:
        raise fault


def forget_conversations(house: "House", tenant: str) -> None:
    """Destroy the keys of a tenant that was deleted; its rows are gone with its other tables."""
    house.conversations.parts.keys.shred_tenant(tenant)


def export_conversations(house: "House", tenant: str, subject: str) -> list[dict[str, Any]]:
    """Return all conversations of a person, for the person: part of what is held of somebody."""
    return [transcript_told(one) for one in house.conversations.export(tenant, subject)]


def transcript_told(transcript: Any) -> dict[str, Any]:
    """Return a transcript as plain values."""
    told: dict[str, Any] = msgspec.to_builtins(transcript)
    return {**told["conversation"], "start": told["start"], "messages": told["messages"]}


class KeptConversations:
    """Implements ``gateway.ports.ConversationKeeper``: read a conversation and add to it; called beside the loop.

    A caller calls its conversations what it likes. The ids are made here: a name is one for its own user, and means
    nothing of anybody else's. One of the user's own ids is a name of that conversation too.
    """

    def __init__(self, conversations: Conversations) -> None:
        """Keep them in ``conversations``."""
        self._conversations = conversations
        self._locks = Locks()

    def read(self, tenant: str, user: str, conversation: str) -> Sequence[KeptMessage]:
        """Return its messages in order.

        Raises:
            RefusedError: ``conversation_unknown``, whoever's it is.
        """
        ident = self.ident(tenant, user, conversation)
        return [_kept(one) for one in self._conversations.read(tenant, user, ident).messages]

    def append(
        self,
        tenant: str,
        user: str,
        conversation: str,
        messages: Sequence[Any],
        *,
        decision: str = "",
        ident: str = "",
        after: int | None = None,
    ) -> None:
        """Add messages that have ``role``, ``content``, ``label`` and ``more``; the first ones begin a conversation.

        Args:
            tenant: whose it is.
            user: the owner.
            conversation: its name.
            messages: in order, all or none.
            decision: the id of the decision that let it happen.
            ident: its id, as ``ident`` told it; never what a caller says.
            after: only if it has so many messages.

        Raises:
            RefusedError: ``conversation_too_long``, ``conversation_moved_on`` or ``too_many_conversations``.
            FaultyInputError: ``message_too_large`` or ``too_many_messages``.
            UnavailableError: they are not kept.
        """
        told = [{**one.more, "role": one.role, "content": one.content} for one in messages]
        found = [Message("message", one, session=kept.label) for one, kept in zip(told, messages, strict=True)]
        # Two first messages at once begin one conversation: the other one finds it.
        with self._locks.of(f"{tenant} {user} {conversation}"):
            ident = ident or self.ident(tenant, user, conversation)
            if not self._conversations.owns(tenant, user, ident):
                self._conversations.create(tenant, user, conversation[:_TITLE], decision=decision, ident=ident)
        self._conversations.append(tenant, user, ident, found, after=after, decision=decision)

    def ident(self, tenant: str, user: str, name: str) -> str:
        """Return the id under which a user's conversation of this name stands, or will; of no name a fresh one."""
        if not name:
            return make_id("conv", self._conversations.parts.clock.now_ns(), random_bytes(RANDOM_BYTES))
        mine = self._conversations.owns(tenant, user, name)
        return name if mine else self._conversations.named(tenant, user, name)


def _kept(message: Message) -> KeptMessage:
    content = dict(message.content) if isinstance(message.content, dict) else {}
    role, said = str(content.pop("role", message.kind)), content.pop("content", None)
    return KeptMessage(role, said, message.session, content)


def open_wrapper(settings: ConversationsSection, folder: Path, clock: Clock) -> KeyWrapper:
    """Return what wraps data keys, as the section says: files, Vault or a KMS."""
    if settings.wrapper == "vault" and settings.token_file is not None:
        from ostiary.keys.envelope_transit import TransitSettings, TransitWrapper  # noqa: PLC0415 - few need it

        told = TransitSettings(settings.url, settings.token_file, settings.mount, settings.prefix, settings.namespace)
        return TransitWrapper(told, folder)
    if settings.wrapper == "kms" and settings.credentials_file is not None:
        from ostiary.keys.envelope_kms import KmsSettings, KmsWrapper  # noqa: PLC0415 - few need it

        return KmsWrapper(
            KmsSettings(settings.url, settings.region, settings.credentials_file, settings.prefix), folder, clock
        )
    return FileWrapper(folder)

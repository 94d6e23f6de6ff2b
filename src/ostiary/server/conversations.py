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
from ostiary.keys import EnvelopeKeys, FileWrapper, KeyWrapper
from ostiary.server.places import Places
from ostiary.server.settings.conversations import ConversationsSection
from ostiary.storage.sqlite import SqliteStore
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.labels import SessionLabel

if TYPE_CHECKING:
    from ostiary.server.wiring import House

_MIB: Final = 1 << 20
_TITLE: Final = 200


def keys_folder(places: Places) -> Path:
    """Return the folder of conversations' keys."""
    return places.keys / "conversations"


def open_conversations(
    places: Places, settings: ConversationsSection, store: SqliteStore, log: AuditLog, clock: Clock
) -> Conversations:
    """Return the conversations of a data directory.

    Raises:
        FaultyInputError: ``key_service_url_invalid``.
    """
    folder = keys_folder(places)
    keys = EnvelopeKeys(folder, _wrapper(settings, folder / "kek", clock), clock, settings.cache_s)
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


class KeptMessage(msgspec.Struct, frozen=True):
    """One message as the gateway keeps it."""

    role: str
    content: Any
    label: SessionLabel | None = None


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
        ident = self._ident(tenant, user, conversation)
        return [_kept(one) for one in self._conversations.read(tenant, user, ident).messages]

    def append(self, tenant: str, user: str, conversation: str, messages: Sequence[Any], decision: str = "") -> None:
        """Add messages that have ``role``, ``content`` and ``label``; the first ones begin a conversation.

        Raises:
            RefusedError: ``conversation_too_long`` or ``too_many_conversations``.
            FaultyInputError: ``message_too_large`` or ``too_many_messages``.
            UnavailableError: they are not kept.
        """
        found = [Message("message", {"role": one.role, "content": one.content}, session=one.label) for one in messages]
        # Two first messages at once begin one conversation: the other one finds it.
        with self._locks.of(f"{tenant} {user} {conversation}"):
            ident = self._ident(tenant, user, conversation)
            if not self._conversations.owns(tenant, user, ident):
                self._conversations.create(tenant, user, conversation[:_TITLE], decision=decision, ident=ident)
        self._conversations.append(tenant, user, ident, found, decision=decision)

    def _ident(self, tenant: str, user: str, name: str) -> str:
        mine = self._conversations.owns(tenant, user, name)
        return name if mine else self._conversations.named(tenant, user, name)


def _kept(message: Message) -> KeptMessage:
    content = message.content if isinstance(message.content, dict) else {}
    return KeptMessage(str(content.get("role", message.kind)), content.get("content"), message.session)


def _wrapper(settings: ConversationsSection, folder: Path, clock: Clock) -> KeyWrapper:
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

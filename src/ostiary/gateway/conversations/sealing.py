"""Rows and what they say: heads and messages, sealed and opened at their places."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from ostiary.gateway.conversations import chain
from ostiary.gateway.conversations.messages import Conversation, Head, decode_head, encode_head
from ostiary.gateway.conversations.ports import ConversationRow, MessageRow
from ostiary.keys import EnvelopeKeys, Place


def place_of(tenant: str, row: ConversationRow, *, index: int, epoch: int) -> Place:
    """Return the place of a message."""
    return Place(tenant, row.owner, row.conversation, index, epoch)


def head_place(tenant: str, row: ConversationRow) -> Place:
    """Return the place of a head: its generation is its index."""
    return Place(tenant, row.owner, row.conversation, row.generation, row.epoch, use="head")


def open_head(keys: EnvelopeKeys, tenant: str, row: ConversationRow) -> Head:
    """Open what is said of a conversation as a whole.

    Raises:
        RefusedError: ``conversation_shredded``.
        VerificationError: ``sealed_data_refused``.
    """
    place = head_place(tenant, row)
    with keys.open(place) as key:
        return decode_head(key.open(place, row.head))


def seal_head(keys: EnvelopeKeys, tenant: str, row: ConversationRow, head: Head, *, fresh: bool = False) -> bytes:
    """Return a head, sealed for the generation of ``row``."""
    place = head_place(tenant, row)
    with keys.open(place, sealing=True, fresh=fresh) as key:
        return key.seal(place, encode_head(head))


def open_messages(keys: EnvelopeKeys, tenant: str, row: ConversationRow, messages: Iterable[MessageRow]) -> list[bytes]:
    """Open messages, whatever their epochs are; same errors as ``open_head``."""
    opened: list[bytes] = []
    for epoch, group in groupby(messages, lambda one: one.epoch):
        with keys.open(place_of(tenant, row, index=0, epoch=epoch)) as key:
            opened.extend(key.open(place_of(tenant, row, index=one.index, epoch=epoch), one.sealed) for one in group)
    return opened


def seal_messages(
    keys: EnvelopeKeys, tenant: str, row: ConversationRow, bodies: Sequence[bytes], begin: int, link: bytes
) -> tuple[list[MessageRow], bytes]:
    """Return messages, sealed and chained behind ``link``, and the new end of the chain."""
    rows: list[MessageRow] = []
    if bodies:
        with keys.open(place_of(tenant, row, index=begin, epoch=row.epoch), sealing=True) as key:
            for index, body in enumerate(bodies, begin):
                sealed = key.seal(place_of(tenant, row, index=index, epoch=row.epoch), body)
                rows.append(MessageRow(index, row.epoch, link, sealed))
                link = chain.after(rows[-1])
    return rows, link


def shown(row: ConversationRow, head: Head) -> Conversation:
    """Return a conversation as its owner sees it."""
    return Conversation(
        row.conversation,
        head.title,
        head.metadata,
        head.count,
        head.size,
        head.label,
        row.generation,
        row.created_ns,
        row.updated_ns,
    )

"""Everything that is kept, looked at once: does each conversation open, hold together, and stand in the log."""

from collections.abc import Iterator
from functools import partial

import msgspec

from ostiary.errors import OstiaryError
from ostiary.gateway.conversations import chain
from ostiary.gateway.conversations.parts import Parts
from ostiary.gateway.conversations.ports import ConversationRow
from ostiary.gateway.conversations.sealing import open_messages


class Verified(msgspec.Struct, frozen=True):
    """What was found: how many are whole, and the code of each that is not, by its id."""

    whole: int
    wrong: dict[str, str]


def verify(parts: Parts, tenant: str) -> Verified:
    """Look at every conversation of a tenant; one that somebody writes to meanwhile is looked at again."""
    whole, wrong = 0, {}
    for row in _rows(parts, tenant):
        try:
            parts.repeat(partial(_is_whole, parts, tenant, row))
            whole += 1
        except OstiaryError as fault:
            if fault.code != "conversation_unknown":  # deleted meanwhile
                wrong[row.conversation] = fault.code
    return Verified(whole, wrong)


def _rows(parts: Parts, tenant: str) -> Iterator[ConversationRow]:
    for owner in parts.store.owners(tenant):
        before = ""
        while rows := parts.store.page(tenant, owner.owner, before, 100):
            yield from rows
            before = rows[-1].conversation


def _is_whole(parts: Parts, tenant: str, row: ConversationRow) -> bool:
    row, head = parts.settled(tenant, row)
    rows = parts.store.messages(tenant, row.conversation, 0)
    try:
        chain.check(rows, 0, head.count, head.link, chain.start(tenant, row.owner, row.conversation))
        open_messages(parts.keys, tenant, row, rows)
    except OstiaryError:
        if parts.found(tenant, row.owner, row.conversation) != row:
            return False
        raise
    return True

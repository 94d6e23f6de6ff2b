"""Conversations that are kept: what was said before goes in front of a question, what is said now is put behind it.

- Only the asker's own conversations are found. Another user's, another tenant's, one that was shredded and one that
  never was are answered with the same words.
- Labels of everything that the conversation ever held join the session's label, also of what a question leaves out.
- An answer's id says where it stands (``resp_CONVERSATION-COUNT-…``). Who goes on from an earlier answer gets a
  conversation of its own with what was said until then: nothing that was said later is put before that question.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.gateway.inspectors import Turn
from ostiary.gateway.openai.asked import LlmAsked
from ostiary.gateway.openai.history import KEPT, OPERATORS, as_items, as_messages
from ostiary.gateway.ports import CallAsked, ConversationKeeper, KeptMessage
from ostiary.server.llm.labels import stricter
from ostiary.vocabulary.labels import SessionLabel

UNKNOWN: Final = "conversation_unknown"
NOT_FOUND: Final = "previous_response_not_found"
TOO_LONG: Final = "conversation_too_long"
_ID: Final = re.compile(r"resp_([0-9A-Za-z]{1,64})-([0-9a-f]{1,6})-[0-9a-f]{1,64}\Z")
_GONE: Final = frozenset({UNKNOWN, "conversation_shredded"})


class Keeping:
    """Reads and writes conversations of those who ask; safe for several threads."""

    def __init__(self, keeper: ConversationKeeper | None, most: int) -> None:
        """Keep with ``keeper``; a question goes on with at most ``most`` messages."""
        self._keeper, self._most = keeper, most

    def before(self, tenant: str, subject: str, asked: LlmAsked) -> SessionLabel:
        """Put what was said before in front, and return what that was labelled.

        Raises:
            FaultyInputError: there is no such answer to go on from, or it is too much.
            OstiaryError: the conversation cannot be read.
        """
        label, name = SessionLabel(tenant), asked.conversation
        asked.conversation = ""
        if self._keeper is None or not (asked.previous or name or asked.store):
            if asked.previous:
                raise _not_found(asked)
            return label
        if asked.previous:
            ident, kept, count = self._previous(tenant, subject, asked)
        else:
            ident = self._keeper.ident(tenant, subject, name)
            kept = self._named(tenant, subject, ident) if name else ()
            count = len(kept)
        for one in kept:
            label = stricter(label, one.label) if one.label is not None else label
        self._put(asked, [_message(one) for one in kept[:count]])
        forked = count < len(kept)
        if asked.store:
            asked.conversation = self._keeper.ident(tenant, subject, "") if forked else ident
            asked.title, asked.copied = name, tuple(kept[:count]) if forked else ()
        return label

    def keep(self, turn: Turn, text: str, calls: Sequence[CallAsked], decision: str) -> None:
        """Keep question and answer, where this conversation is to be kept.

        Raises:
            OstiaryError: they are not kept.
        """
        asked = turn.asked
        if self._keeper is None or not asked.conversation:
            return
        fresh = [_kept(one, turn.label) for one in _said(asked)]
        told = [{"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in calls]
        fresh.append(KeptMessage("assistant", text, turn.label, {"tool_calls": told} if told else {}))
        after = None if asked.face == "chat" else 0 if asked.copied else len(asked.earlier)
        self._keeper.append(
            turn.tenant,
            turn.subject,
            asked.title,
            [*asked.copied, *fresh],
            decision=decision,
            ident=asked.conversation,
            after=after,
        )

    def _previous(self, tenant: str, subject: str, asked: LlmAsked) -> tuple[str, Sequence[KeptMessage], int]:
        told = _ID.match(asked.previous)
        if told is None or self._keeper is None:
            raise _not_found(asked)
        ident, count = f"conv_{told[1]}", int(told[2], 16)
        try:
            kept = self._keeper.read(tenant, subject, ident)
        except RefusedError as no:
            if no.code in _GONE:
                raise _not_found(asked) from None
            raise
        if not 0 < count <= len(kept):
            raise _not_found(asked)
        return ident, kept, count

    def _named(self, tenant: str, subject: str, ident: str) -> Sequence[KeptMessage]:
        try:
            return self._keeper.read(tenant, subject, ident) if self._keeper is not None else ()
        except RefusedError as no:
            if no.code == UNKNOWN:  # its first message
                return ()
            raise

    def _put(self, asked: LlmAsked, earlier: list[dict[str, Any]]) -> None:
        if not earlier:
            return
        if len(earlier) + len(asked.messages) > self._most:
            raise FaultyInputError(TOO_LONG, f"the conversation has more than {self._most} messages: begin another one")
        asked.earlier, asked.messages = tuple(earlier), (*earlier, *asked.messages)
        chat = asked.face == "chat"
        place, onward = ("messages", as_messages(earlier)) if chat else ("input", as_items(earlier))
        given: list[dict[str, Any]] = asked.body[place]
        first = next((at for at, one in enumerate(given) if one.get("role") not in OPERATORS), len(given))
        asked.body[place] = [*given[:first], *onward, *given[first:]]


def response_id(asked: LlmAsked, nonce: str) -> str:
    """Return the id of an answer; one that is kept can be found by it."""
    if not asked.conversation:
        return f"resp_{nonce}"
    count = len(asked.earlier) + len(_said(asked)) + 1
    return f"resp_{asked.conversation.removeprefix('conv_')}-{count:x}-{nonce}"


def _said(asked: LlmAsked) -> list[dict[str, Any]]:
    """Return what is new and not the operator's: his words come anew with each question."""
    return [one for one in asked.messages[len(asked.earlier) :] if one.get("role") not in OPERATORS]


def _kept(one: dict[str, Any], label: SessionLabel) -> KeptMessage:
    more = {name: one[name] for name in KEPT if one.get(name) is not None}
    return KeptMessage(str(one["role"]), one.get("content"), label, more)


def _message(one: KeptMessage) -> dict[str, Any]:
    return {"role": one.role, "content": one.content, **one.more}


def _not_found(asked: LlmAsked) -> FaultyInputError:
    text = f"previous response `{asked.previous[:120]}` not found"
    return FaultyInputError(NOT_FOUND, text, "previous_response_id")

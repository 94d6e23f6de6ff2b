"""Conversations from outside: whose, with which model, when, how long, how confidential, what was found. No text.

- What is in the clear of a conversation is its id and its times; whose it is, is a keyed hash. Who owns one is found by
  the decision that let it happen, and believed only if that person's name hashes to the owner.
- Title and metadata are the owner's words: they are sealed like messages, and not shown here.
- Where the keys are gone the conversation is unreadable, to everybody and for good. That is said, not hidden.
"""

from typing import Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.gateway.conversations.changes import KIND, record_of
from ostiary.gateway.conversations.ports import ConversationRow
from ostiary.server.auditing.walking import Found, Wanted, told_of, walk
from ostiary.server.gateway_shown.figures import INSPECTION, findings_in, newest
from ostiary.server.wiring import House

State = Literal["sealed", "deleted", "unreadable"]
GONE: Final = frozenset({"delete", "shred"})
MOST_LOOKED: Final = 2_000
MOST_CHANGES: Final = 200
_PREFIX: Final = "conv_"


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation from outside.

    Attributes:
        state: ``sealed``; ``deleted`` by its owner; ``unreadable`` when its keys are gone or it does not verify.
        owner: ``type:id``, empty when nobody knows any more.
        model: whom the newest message was for, empty when that was erased.
        messages: how many, ``None`` where that cannot be read.
        confidentiality: of its most confidential part, 0 to 4.
        findings: how often inspectors found something in it, as far as the newest records tell.
        why: why it is unreadable.
    """

    id: str
    state: State
    owner: str
    model: str
    created_ns: int
    updated_ns: int
    messages: int | None = None
    confidentiality: int | None = None
    untrusted: bool = False
    findings: int = 0
    why: str = ""


class Talks(msgspec.Struct, frozen=True):
    """Conversations, the one that changed last first; ``below`` is where the next page begins, 0 at the end."""

    talks: tuple[Talk, ...]
    below: int


def talks_of(house: House, tenant: str, from_ns: int = 0, below: int | None = None, limit: int = 50) -> Talks:
    """Return the conversations of a tenant from outside, by their changes in the log, each once."""
    changes: dict[str, list[Found]] = {}
    looked = 0
    while looked < MOST_LOOKED and len(changes) < limit:
        walked = walk(house, tenant, Wanted(kind=KIND, from_ns=from_ns), below, limit)
        for one in walked.found:
            name = (one.told or {}).get("conversation", "")
            if isinstance(name, str) and name.startswith(_PREFIX):
                changes.setdefault(name, []).append(one)
        looked, below = looked + max(1, len(walked.found)), walked.below
        if not below:
            break
    found = _findings_by_decision(house, tenant, from_ns)
    shown = [_talk(house, tenant, name, several, found) for name, several in changes.items()]
    newest_first = [one for one in shown if one is not None]
    return Talks(tuple(newest_first), below or 0)


def talk_of(house: House, tenant: str, conversation: str) -> Talk:
    """Return one conversation from outside.

    Raises:
        RefusedError: ``conversation_unknown``, for another tenant's as for none.
    """
    changes = changes_of(house, tenant, conversation)
    if not changes:
        raise RefusedError("conversation_unknown", "there is no such conversation")
    talk = _talk(house, tenant, conversation, changes, _findings_by_decision(house, tenant, changes[-1].row.time_ns))
    if talk is None:
        raise RefusedError("conversation_unknown", "there is no such conversation")
    return talk


def changes_of(house: House, tenant: str, conversation: str) -> list[Found]:
    """Return the newest changes of a conversation, newest first, at most ``MOST_CHANGES``."""
    log, found = house.log.store, []
    if not conversation.startswith(_PREFIX) or log.find_record(tenant, record_of(conversation, 1)) is None:
        return []
    first, beyond = 1, 2
    while log.find_record(tenant, record_of(conversation, beyond)) is not None:
        first, beyond = beyond, beyond * 2
    while beyond - first > 1:  # generations have no gap
        middle = (first + beyond) // 2
        there = log.find_record(tenant, record_of(conversation, middle)) is not None
        first, beyond = (middle, beyond) if there else (first, middle)
    for generation in range(first, max(0, first - MOST_CHANGES), -1):
        row = log.find_record(tenant, record_of(conversation, generation))
        if row is not None and row.kind == KIND:
            found.append(Found(row, told_of(house, row)))
    return found


def owner_of(house: House, tenant: str, changes: list[Found]) -> tuple[str, str]:
    """Return who owns a conversation and the model that it is with, both empty where nobody knows any more."""
    for one in changes:
        told = one.told or {}
        row = house.log.store.find_record(tenant, str(told.get("decision", "")))
        decision = told_of(house, row) if row is not None and row.kind == "decision" else None
        subject = decision.get("subject_key") if decision else None
        if isinstance(subject, str) and subject and _owns(house, tenant, subject, told.get("owner")):
            return subject, _model(decision or {})
    return "", ""


def _owns(house: House, tenant: str, subject: str, owner: object) -> bool:
    try:
        return house.conversations.parts.keys.owner(tenant, subject) == owner
    except (RefusedError, FaultyInputError):
        return False


def _model(decision: dict[str, Any]) -> str:
    event = decision.get("event")
    name = event.get("resource_id") if isinstance(event, dict) else ""
    return name if isinstance(name, str) else ""


def _talk(house: House, tenant: str, name: str, changes: list[Found], found: dict[str, int]) -> Talk | None:
    told = changes[0].told or {}
    owner, model = owner_of(house, tenant, changes)
    keyed = next((str(one.told["owner"]) for one in changes if one.told and one.told.get("owner")), "")
    counted = sum(found.get(str((one.told or {}).get("decision", "")), 0) for one in changes)
    row = house.conversations.parts.store.find(tenant, keyed, name) if keyed else None
    if row is None:
        state: State = "deleted" if told.get("action") in GONE or keyed else "unreadable"
        at_ns = changes[0].row.time_ns
        return Talk(id=name, state=state, owner=owner, model=model, created_ns=0, updated_ns=at_ns, findings=counted)
    return _kept(house, tenant, row, owner, model, counted)


def _kept(house: House, tenant: str, row: ConversationRow, owner: str, model: str, counted: int) -> Talk:
    outside = Talk(
        id=row.conversation,
        state="sealed",
        owner=owner,
        model=model,
        created_ns=row.created_ns,
        updated_ns=row.updated_ns,
        findings=counted,
    )
    try:
        _, head = house.conversations.parts.settled(tenant, row)
    except OstiaryError as no:
        return msgspec.structs.replace(outside, state="unreadable", why=no.message)
    label = head.label
    return msgspec.structs.replace(
        outside,
        messages=head.count,
        confidentiality=label.confidentiality if label is not None else 0,
        untrusted=label is not None and label.untrusted,
    )


def _findings_by_decision(house: House, tenant: str, from_ns: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in newest(house, tenant, INSPECTION, from_ns, MOST_LOOKED)[0]:
        told = one.told or {}
        name = str(told.get("decision_id", ""))
        found[name] = found.get(name, 0) + len(findings_in(told))
    return found

"""Opening a sealed conversation: with a reason, on record before anything is opened, and told to its owner.

1. Whoever opens says why, in words that the log keeps. The deed is written as personal data of the owner, so that it is
   in the owner's export, and as a record of the conversation, which stays when the owner is forgotten.
2. Only then, and only for some minutes, and only to the person who said so, is the content opened; each look at it is a
   decision of its own, with the deed's name in its path.
3. There is no other way in: the administrators' API has none.
"""

from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.gateway.conversations import Transcript
from ostiary.gateway.conversations.changes import ChangeRecord
from ostiary.server.auditing.viewing import REVEAL
from ostiary.server.auditing.walking import told_of
from ostiary.server.deeds import record_about
from ostiary.server.gateway_shown.talks import changes_of, owner_of, talk_of
from ostiary.server.wiring import House

LEAST_REASON: Final = 10
MOST_REASON: Final = 500
OPEN_S: Final = 600
MOST_MESSAGES: Final = 500
_NS: Final = 1_000_000_000
_LEAST_DIFFERENT: Final = 5


class Opened(msgspec.Struct, frozen=True):
    """What was opened, by which deed and why."""

    transcript: Transcript
    owner: str
    reason: str
    until_ns: int


def reveal(house: House, who: str, tenant: str, conversation: str, reason: str, decision: str) -> str:
    """Write down that somebody is going to open a conversation, and why; return the deed's id.

    Args:
        house: whose conversation.
        who: the person.
        tenant: whose conversation.
        conversation: which one.
        reason: in words.
        decision: the decision that let it happen.

    Raises:
        FaultyInputError: ``reveal_reason_missing``.
        RefusedError: ``conversation_unknown``; ``conversation_shredded`` when there is nothing left to open.
        UnavailableError: it cannot be written down, so nothing may be opened.
    """
    words = " ".join(reason.split())
    if not LEAST_REASON <= len(words) <= MOST_REASON or len(set(words)) < _LEAST_DIFFERENT:
        text = f"say why, in {LEAST_REASON} to {MOST_REASON} characters: whoever reads the log must understand it"
        raise FaultyInputError("reveal_reason_missing", text)
    talk = talk_of(house, tenant, conversation)
    if talk.state != "sealed" or not talk.owner:
        raise RefusedError("conversation_shredded", "there is nothing left that could be opened")
    keyed = house.conversations.parts.keys.owner(tenant, talk.owner)
    house.conversations.parts.changes.note(tenant, ChangeRecord("reveal", conversation, owner=keyed, decision=decision))
    told = {"conversation": conversation, "owner": talk.owner, "reason": words, "decision": decision}
    return record_about(talk.owner, house, who, tenant, REVEAL, told)


def opened(house: House, who: str, tenant: str, conversation: str, deed: str) -> Opened:
    """Open a conversation by a deed that is on record.

    Raises:
        RefusedError: ``reveal_unknown``: no such deed, another's, of another conversation, or too long ago;
            ``conversation_unknown``, ``conversation_shredded``.
        VerificationError: ``conversation_damaged``, ``conversation_rolled_back`` or ``sealed_data_refused``.
        UnavailableError: a key is away.
    """
    row = house.log.store.find_record(tenant, deed)
    told = told_of(house, row) if row is not None and row.kind == "admin" else None
    now_ns = house.clock.now_ns()
    good = told is not None and (told.get("action"), told.get("by"), told.get("conversation")) == (
        REVEAL,
        who,
        conversation,
    )
    if row is None or told is None or not good or not row.time_ns <= now_ns < row.time_ns + OPEN_S * _NS:
        raise RefusedError("reveal_unknown", "say again why you open it")
    owner, _ = owner_of(house, tenant, changes_of(house, tenant, conversation))
    transcript = house.conversations.read(tenant, owner or str(told["owner"]), conversation, 0, MOST_MESSAGES)
    return Opened(transcript, str(told["owner"]), str(told["reason"]), row.time_ns + OPEN_S * _NS)

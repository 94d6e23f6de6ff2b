"""Whether a hand may decide on a proposal now, and whether its yes would bring it any further.

Everything is told from where the proposal stands; nothing is read. ``room`` asks before it takes a signature, pages ask
before they show a button: the same checks in the same order.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.approvals.counting import tally
from ostiary.approvals.people import Law
from ostiary.approvals.proposal import Decision, Proposal
from ostiary.approvals.refusing import refusal
from ostiary.approvals.standing import Standing, human, may_say_yes

ENDED: Final = {
    "expired": "approval_expired",
    "rejected": "approval_denied",
    "used": "approval_used",
    "void": "approval_rule_changed",
    "withdrawn": "approval_withdrawn",
}


class Hand(msgspec.Struct, frozen=True):
    """Who decides what: ``signer`` signs, ``person`` counts; they differ by the delegation that is named.

    A ``comment`` is signed along.
    """

    person: str
    signer: str
    decision: Decision
    delegation: str = ""
    comment: str = ""


def check_hand(standing: Standing, law: Law, hand: Hand, delegated: Callable[[Proposal, Hand], None]) -> None:
    """Refuse a hand that may not decide on a proposal now.

    Args:
        standing: where the proposal stands.
        law: people and rules in force.
        hand: who wants to decide what.
        delegated: refuses a hand that signs for somebody whom no delegation covers.

    Raises:
        RefusedError: ``approval_…``.
    """
    proposal = standing.proposal
    if standing.state in ENDED:
        raise refusal(ENDED[standing.state])
    if hand.decision == "approve":
        may_say_yes(proposal, law, law.known_as(proposal.own), hand.person, hand.signer)
    elif law.find(hand.person) is None or hand.signer != hand.person:
        raise refusal("approval_not_asked")
    delegated(proposal, hand)
    for voice in standing.voices:
        if voice.decision == "reject" and voice.person == hand.person:
            raise refusal("approval_decided")
        same = hand.person == voice.person or human(law, hand.signer) == human(law, voice.signer)
        if voice.decision == hand.decision == "approve" and same and not voice.void:
            raise refusal("approval_signed_twice")


def helps(standing: Standing, law: Law, person: str) -> bool:
    """Return whether the yes of a person would bring a proposal nearer to enough people."""
    if standing.state != "open":
        return False
    agreed = [one for name in standing.tally.agreed if (one := law.find(name)) is not None]
    more = law.find(person)
    if more is None:
        return False
    after = max(tally(rule, [*agreed, more]).missing for rule in standing.proposal.rules)
    return after < standing.tally.missing

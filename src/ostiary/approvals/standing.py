"""Where a proposal stands, told from its acts alone; nothing is remembered that they do not say.

What decides, in this order:

1. Taken back is taken back. So many noes end it, whatever became of the passkeys that said no.
2. Done: it is judged by people and rules as they were then. Not done: by those in force now; another rule voids it.
3. A yes counts when its signature verifies again, its person is among those who may say yes, neither person nor signer
   made or asked for it under any name, and no human being has signed twice, for whomever.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from ostiary.approvals.acts import Entry, Proposed, Signed, Used, Withdrawn
from ostiary.approvals.counting import Tally, tally
from ostiary.approvals.people import Law, Person
from ostiary.approvals.proposal import Proposal
from ostiary.approvals.refusing import refusal, tampered
from ostiary.approvals.rules import DELEGATE, RULE, Rule
from ostiary.approvals.signing import verify_again
from ostiary.errors import RefusedError
from ostiary.identity.webauthn.types import Authenticator

State = Literal["open", "approved", "rejected", "withdrawn", "used", "expired", "void"]
Passkeys = Callable[[str], list[Authenticator]]
Delegations = Callable[[str, Signed, Proposal, int], None]


class Voice(msgspec.Struct, frozen=True):
    """One yes or no; ``void`` is the code of why it does not count, empty when it does."""

    person: str
    signer: str
    decision: str
    at_ns: int
    credential_id: str
    delegation: str = ""
    void: str = ""
    comment: str = ""


class Standing(msgspec.Struct, frozen=True):
    """A proposal and how far it has come; ``why`` is the code of what keeps it from counting, empty when nothing."""

    proposal: Proposal
    state: State
    voices: tuple[Voice, ...]
    tally: Tally
    acts: int
    used_ns: int = 0
    why: str = ""
    withdrawn_by: str = ""
    withdrawn_why: str = ""

    @property
    def words(self) -> str:
        """How far it has come, for a person."""
        return {"approved": "enough people have agreed", "open": self.tally.words}.get(self.state, self.state)


class Facts(msgspec.Struct, frozen=True):
    """What a judge is told beside the acts: the law at a moment, who made it under any name, when it was done."""

    now_ns: int
    law: Law
    own: frozenset[str]
    done_ns: int = 0


def proposal_of(entries: Sequence[Entry]) -> Proposal:
    """Return what the first act proposes.

    Raises:
        RefusedError: ``approval_unknown``.
    """
    if not entries:
        raise refusal("approval_unknown")
    first = entries[0].act
    if not isinstance(first, Proposed) or first.proposal.proposal_id != entries[0].topic:
        raise tampered()
    return first.proposal


def used_ns(entries: Sequence[Entry]) -> int:
    """Return when the deed was done; 0 when it was not."""
    return next((one.at_ns for one in entries if isinstance(one.act, Used)), 0)


def rules_for(law: Law, kind: str, target: str) -> tuple[Rule, ...]:
    """Return the rules that a kind of deed takes: to change a rule takes that of changing rules, and the old one."""
    return (law.rule(RULE), law.rule(target)) if kind == RULE else (law.rule(kind),)


def human(law: Law, name: str) -> str:
    """Return who somebody is, by whatever name: the person, or the name itself when it is nobody's here."""
    return law.who(name) or name


def judge(entries: Sequence[Entry], facts: Facts, passkeys: Passkeys, delegations: Delegations) -> Standing:
    """Return where a proposal stands."""
    proposal = proposal_of(entries)
    done = facts.done_ns or used_ns(entries)
    known = facts.law.known_as(proposal.own | facts.own)
    latest: dict[str, tuple[int, Signed]] = {}
    for one in entries:
        if isinstance(one.act, Signed) and (not done or one.at_ns <= done) and not _said_no(latest, one.act.person):
            latest[one.act.person] = (one.at_ns, one.act)
    voices = tuple(_voices(proposal, facts.law, known, latest, passkeys, delegations))
    count = _count(proposal, facts.law, voices)
    withdrawn = next((one.act for one in entries if isinstance(one.act, Withdrawn)), None)
    noes = sum(one.decision == "reject" for one in voices)
    state, why = _state(proposal, facts, done, count, noes=noes, withdrawn=withdrawn is not None)
    voids = [one.void for one in voices if one.void and one.decision == "approve"]
    if state == "open" or (state == "used" and not count.enough):
        why = next(iter(voids), "approval_too_few")
    ended = (withdrawn.by, withdrawn.why) if withdrawn else ("", "")
    return Standing(proposal, state, voices, count, len(entries), done, why, *ended)


def _state(
    proposal: Proposal, facts: Facts, done: int, count: Tally, *, noes: int, withdrawn: bool
) -> tuple[State, str]:
    rules = rules_for(facts.law, proposal.kind, proposal.target)
    if withdrawn:
        return "withdrawn", "approval_withdrawn"
    if noes >= proposal.rule.deny:
        return "rejected", "approval_denied"
    if done:
        return "used", "approval_expired" if facts.now_ns >= proposal.holds_until_ns else ""
    if facts.now_ns >= proposal.expires_ns:
        return "expired", "approval_expired"
    if [one.digest for one in rules] != [one.digest for one in proposal.rules]:
        return "void", "approval_rule_changed"
    early = facts.now_ns < proposal.not_before_ns
    return ("approved", "approval_too_early" if early else "") if count.enough else ("open", "")


def _voices(
    proposal: Proposal,
    law: Law,
    known: frozenset[str],
    latest: dict[str, tuple[int, Signed]],
    passkeys: Passkeys,
    delegations: Delegations,
) -> Iterable[Voice]:
    hands: set[str] = set()
    for at_ns, signed in sorted(latest.values(), key=lambda one: one[0]):
        void = ""
        if signed.decision == "approve":
            # INVARIANT: one human being counts once, whoever else they sign for.
            hand = human(law, signed.signer)
            void = "approval_signed_twice" if hand in hands else _void(proposal, law, known, signed, passkeys)
            if not void and signed.delegation:
                void = _delegated(delegations, proposal, signed, at_ns)
            if not void:
                hands.add(hand)
        where = (signed.credential_id, signed.delegation)
        yield Voice(signed.person, signed.signer, signed.decision, at_ns, *where, void, signed.comment)


def _void(proposal: Proposal, law: Law, known: frozenset[str], signed: Signed, passkeys: Passkeys) -> str:
    try:
        verify_again(signed, proposal, passkeys(signed.signer))
        may_say_yes(proposal, law, known, signed.person, signed.signer)
    except RefusedError as no:
        return no.code
    return ""


def _said_no(latest: dict[str, tuple[int, Signed]], person: str) -> bool:
    return person in latest and latest[person][1].decision == "reject"


def _delegated(delegations: Delegations, proposal: Proposal, signed: Signed, at_ns: int) -> str:
    try:
        delegations(proposal.tenant, signed, proposal, at_ns)
    except RefusedError as no:
        return no.code
    return ""


def may_say_yes(proposal: Proposal, law: Law, known: frozenset[str], person: str, signer: str) -> Person:
    """Return the person whose yes would count, or refuse.

    Raises:
        RefusedError: ``approval_not_asked``, ``approval_own_work``, ``approval_delegation``.
    """
    found = law.find(person)
    if proposal.kind == DELEGATE:
        if found is None or person != proposal.bound.get("from") or signer != person:
            raise refusal("approval_not_asked")
        return found
    if found is None or not any(_asked(one, found) for one in proposal.rules):
        raise refusal("approval_not_asked")
    if not known.isdisjoint(found.names | law.known_as(frozenset({signer}))):
        raise refusal("approval_own_work")
    # INVARIANT: only who is named can be told apart from the others: under a name of nobody's, one human signs twice.
    if signer != person and (not proposal.rule.delegation or law.find(signer) is None):
        raise refusal("approval_delegation")
    return found


def _asked(rule: Rule, person: Person) -> bool:
    return not rule.of or not set(rule.of).isdisjoint(person.groups)


def _count(proposal: Proposal, law: Law, voices: Sequence[Voice]) -> Tally:
    """Count against every rule, and return the one that is furthest from enough."""
    agreed = [law.find(one.person) for one in voices if one.decision == "approve" and not one.void]
    people = [one for one in agreed if one is not None]
    return max((tally(rule, people) for rule in proposal.rules), key=lambda one: one.missing)

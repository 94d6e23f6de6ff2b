"""One person lets another sign for them: for some kinds, for some days, by a proposal that only they can agree to.

- It counts as the one who delegated; the other signs with their own passkey, and for nobody else the same proposal.
- It is shown wherever it is used, can be withdrawn at any time, and goes no further: a delegate delegates nothing.

>>> kinds_of({"kinds": "model.promote,phase.change"})
('model.promote', 'phase.change')
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ostiary.approvals.acts import Entry, Signed, Withdrawn
from ostiary.approvals.proposal import Proposal
from ostiary.approvals.refusing import refusal
from ostiary.approvals.rules import CONSTITUTION, DELEGATE
from ostiary.approvals.signing import verify_again
from ostiary.approvals.standing import Passkeys, proposal_of
from ostiary.errors import FaultyInputError
from ostiary.identity.webauthn.types import clean_subject
from ostiary.vocabulary.approvals import Deed

MOST_NS: Final = 30 * 86_400 * 1_000_000_000
ANY: Final = "*"
_DIGITS: Final = 19


def delegation_deed(tenant: str, giver: str, taker: str, kinds: Sequence[str], from_ns: int, until_ns: int) -> Deed:
    """Return the deed of letting ``taker`` sign for ``giver``.

    Raises:
        FaultyInputError: ``approval_malformed``, ``subject_invalid``.
    """
    named = ",".join(sorted(set(kinds)))
    if clean_subject(giver) == clean_subject(taker) or not named or not CONSTITUTION.isdisjoint(kinds):
        text = "a delegation goes to somebody else, for named kinds, never to change rules or people"
        raise FaultyInputError("approval_malformed", text)
    if not 0 < until_ns - from_ns <= MOST_NS:
        raise FaultyInputError("approval_malformed", "a delegation ends after it begins, and within 30 days")
    bound = {"from": giver, "to": taker, "kinds": named, "from_ns": str(from_ns), "until_ns": str(until_ns)}
    return Deed(tenant, DELEGATE, f"{giver} to {taker}", bound)


def check_shape(deed: Deed) -> None:
    """Refuse a deed of this kind that ``delegation_deed`` would not have made.

    Raises:
        FaultyInputError: ``approval_malformed``, ``subject_invalid``.
    """
    told = deed.bound
    begins, ends = (_moment(told.get(name, "")) for name in ("from_ns", "until_ns"))
    made = delegation_deed(deed.tenant, told.get("from", ""), told.get("to", ""), kinds_of(told), begins, ends)
    if (made.target, made.bound) != (deed.target, dict(told)):
        raise FaultyInputError(
            "approval_malformed", "a delegation says who, for whom, which kinds, and from when to when"
        )


def _moment(text: str) -> int:
    return int(text) if 0 < len(text) <= _DIGITS and text.isascii() and text.isdigit() else 0


def kinds_of(bound: Mapping[str, str]) -> tuple[str, ...]:
    """Return the kinds that a delegation covers."""
    return tuple(bound.get("kinds", "").split(","))


def check_delegation(
    entries: Sequence[Entry], passkeys: Passkeys, signed: Signed, wanted: Proposal, at_ns: int, done_ns: int = 0
) -> None:
    """Refuse a signature for somebody else that a delegation does not cover.

    Args:
        entries: the delegation's own acts.
        passkeys: whose keys are registered now.
        signed: the signature, or who wants to sign what.
        wanted: the proposal that it is about.
        at_ns: when it was signed.
        done_ns: when the deed was done: taking the delegation back later undoes nothing. 0 when it was not.

    Raises:
        RefusedError: ``approval_delegation``, or what the giver's own signature is refused for.
    """
    given = proposal_of(entries)
    bound = given.bound
    kinds = kinds_of(bound)
    fits = (given.kind, bound.get("from"), bound.get("to")) == (DELEGATE, signed.person, signed.signer)
    if not fits or not {wanted.kind, ANY} & set(kinds) or wanted.kind in CONSTITUTION:
        raise refusal("approval_delegation")
    if not _moment(bound["from_ns"]) <= at_ns < _moment(bound["until_ns"]):
        raise refusal("approval_delegation")
    yes = [one for one in entries if isinstance(one.act, Signed) and one.act.person == signed.person]
    agreed = [one for one in yes if one.at_ns <= at_ns and isinstance(one.act, Signed)]
    if not agreed or any(isinstance(one.act, Signed) and one.act.decision != "approve" for one in yes):
        raise refusal("approval_delegation")
    taken = (one.at_ns for one in entries if isinstance(one.act, Withdrawn))
    if any(not done_ns or moment <= done_ns for moment in taken):
        raise refusal("approval_delegation")
    last = agreed[-1].act
    if isinstance(last, Signed):
        verify_again(last, given, passkeys(signed.person))

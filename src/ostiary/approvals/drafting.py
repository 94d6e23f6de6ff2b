"""From what somebody asks to what people sign: the rules in force, the moments, an id and a nonce.

A draft never says which rules hold, nor that it lives longer than they let it.

>>> from ostiary.approvals.people import Person
>>> law = Law((Person("user:ann"),))
>>> made = drafted(Draft(Deed("acme", "phase.change", "deny", {}), "user:zed", lives_s=60), law, 1_000_000_000)
>>> made.expires_ns - made.created_ns
60000000000
"""

from typing import Final

from ostiary.approvals.people import Law
from ostiary.approvals.proposal import Draft, Proposal
from ostiary.approvals.rules import strictest
from ostiary.approvals.standing import rules_for
from ostiary.errors import FaultyInputError
from ostiary.keys import random_bytes
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

PREFIX: Final = "apr"
_NONCE_BYTES: Final = 16
_NS: Final = 1_000_000_000

__all__ = ["PREFIX", "Deed", "Draft", "drafted"]


def drafted(draft: Draft, law: Law, now_ns: int) -> Proposal:
    """Return the proposal that a checked draft becomes.

    Raises:
        FaultyInputError: ``approval_malformed`` when it would begin after its end.
    """
    deed = draft.deed
    rules = rules_for(law, deed.kind, deed.target)
    strict = strictest(rules)
    life = min(draft.lives_s or strict.expires_s, strict.expires_s) * _NS
    begins = max(now_ns + strict.not_before_s * _NS, draft.not_before_ns)
    proposal = Proposal(
        tenant=deed.tenant,
        proposal_id=make_id(PREFIX, now_ns, random_bytes(RANDOM_BYTES)),
        kind=deed.kind,
        target=deed.target,
        bound=dict(deed.bound),
        authors=tuple(sorted(deed.own)),
        proposer=draft.proposer,
        by=draft.by,
        why=draft.why,
        created_ns=now_ns,
        not_before_ns=begins,
        expires_ns=now_ns + life,
        nonce=random_bytes(_NONCE_BYTES).hex(),
        rules=rules,
        change=draft.change,
    )
    if begins >= proposal.expires_ns:
        raise FaultyInputError("approval_malformed", "it would begin after it has ended")
    return proposal

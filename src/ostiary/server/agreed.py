"""Whether people agreed to a deed that is about to be done, or takes effect anew: one way for the API and commands.

1. A tenant that has named its people needs their agreement. One that has none acts through one administrator, as it
   did before there were people; what is done then is recorded as one person's, and ``ostiary doctor`` says so.
2. The deed is made by whoever does it, of what it finds at that moment; nothing of it comes from the proposal.
3. An agreement is used up by its deed. What takes effect later (a bundle, a model) is asked about again each time.
4. A refusal names the command that proposes this very deed.
5. Whoever cannot tell whether there are people, or who agreed, refuses.
"""

import shlex
from typing import Final, Protocol

import msgspec

from ostiary.approvals.proposal import Draft
from ostiary.approvals.room import Approvals
from ostiary.errors import RefusedError
from ostiary.vocabulary.approvals import Approved, Deed, QuorumOnce
from ostiary.vocabulary.clock import Clock

NEEDED: Final = "approval_needed"
ONE: Final = "one administrator"
MAX_PROPOSAL: Final = 128


class Quorum(QuorumOnce, Protocol):
    """A quorum check that knows whether a tenant has people at all."""

    def has_people(self, tenant: str) -> bool:
        """Return whether a tenant has named people, so that one administrator is not enough any more.

        Raises:
            VerificationError: that cannot be told: what is stored is not what was recorded.
        """
        ...

    def is_person(self, tenant: str, name: str) -> bool:
        """Return whether somebody is one of a tenant's people, by the name that they sign with."""
        ...

    def has_rule(self, tenant: str, kind: str) -> bool:
        """Return whether a tenant has made a rule of its own for a kind of deed."""
        ...

    def propose(self, deed: Deed, proposer: str, why: str, by: str) -> str:
        """Ask people for their agreement, in the name of ``proposer``; return the proposal's id.

        Raises:
            RefusedError: ``approval_unsatisfiable``.
            FaultyInputError: ``approval_malformed``.
        """
        ...


class PeoplesQuorum:
    """A ``Quorum`` of the room of approvals."""

    def __init__(self, room: Approvals, quorum: QuorumOnce) -> None:
        """Ask ``room`` for people, and ``quorum`` for their agreement."""
        self._room = room
        self._quorum = quorum

    def has_people(self, tenant: str) -> bool:
        """Return whether a tenant has named people."""
        return bool(self._room.law(tenant).people)

    def is_person(self, tenant: str, name: str) -> bool:
        """Return whether somebody is one of a tenant's people."""
        return self._room.law(tenant).find(name) is not None

    def has_rule(self, tenant: str, kind: str) -> bool:
        """Return whether a tenant has made a rule of its own for a kind of deed."""
        return kind in self._room.law(tenant).rules

    def propose(self, deed: Deed, proposer: str, why: str, by: str) -> str:
        """Ask people for their agreement."""
        return self._room.propose(deed.tenant, Draft(deed, proposer, why, by)).proposal_id

    def check(self, deed: Deed, proposal_id: str, now_ns: int) -> Approved:
        """Return the approval of exactly this deed, or refuse."""
        return self._quorum.check(deed, proposal_id, now_ns)

    def use(self, deed: Deed, proposal_id: str, by: str) -> Approved:
        """Return the approval, used up for this deed."""
        return self._quorum.use(deed, proposal_id, by)


class Consent(msgspec.Struct, frozen=True):
    """By whom a deed may be done.

    Attributes:
        proposal: what people agreed to; empty when there are no people.
        approval: digest of their agreement.
        keys: fingerprints of the keys that agreed, one a person.
    """

    proposal: str = ""
    approval: str = ""
    keys: tuple[str, ...] = ()

    @property
    def told(self) -> dict[str, str]:
        """What the record of the deed says of it."""
        if not self.proposal:
            return {"approved_by": ONE}
        return {"approved_by": f"{len(self.keys)} people", "proposal": self.proposal, "approval": self.approval}


class Agreed:
    """Asks for people's agreement wherever something is done that one person must not do alone."""

    def __init__(self, quorum: Quorum, clock: Clock) -> None:
        """Ask ``quorum``."""
        self.quorum = quorum
        self._clock = clock

    def has_people(self, tenant: str) -> bool:
        """Return whether one administrator is not enough any more."""
        return self.quorum.has_people(tenant)

    def need(self, deed: Deed, proposal: str, by: str) -> Consent:
        """Return by whom a deed may be done, once and now.

        Args:
            deed: as whoever does it knows it.
            proposal: what is said to cover it; empty names none.
            by: the administrator who does it.

        Raises:
            RefusedError: ``approval_needed`` when none was named, else ``approval_…``.
            UnavailableError: who may approve cannot be told now.
        """
        if not self.quorum.has_people(deed.tenant):
            return Consent()
        return self.always(deed, proposal, by)

    def always(self, deed: Deed, proposal: str, by: str) -> Consent:
        """Return by which people a deed may be done, where one administrator is never enough; raises as ``need``."""
        if not proposal or len(proposal) > MAX_PROPOSAL:
            text = f"this needs several people: `{propose_command(deed)}`, then name the proposal that it prints"
            raise RefusedError(NEEDED, text)
        found = self.quorum.use(deed, proposal, by)
        return Consent(proposal, found.digest, found.keys)

    def still(self, deed: Deed, proposal: str) -> None:
        """Check that what was agreed to and done holds still: nobody took it back, and its time is not over.

        Raises:
            RefusedError: ``approval_…``.
            UnavailableError: who agreed cannot be told now.
        """
        self.quorum.check(deed, proposal, self._clock.now_ns())


def propose_command(deed: Deed) -> str:
    """Return the command that proposes a deed.

    >>> propose_command(Deed("acme", "subject.erase", "user:ann", {"reason": "art. 17"}))
    "ostiary approvals propose subject.erase user:ann --tenant acme --bind 'reason=art. 17'"
    """
    words = ["ostiary", "approvals", "propose", deed.kind, deed.target, "--tenant", deed.tenant]
    for name, value in sorted(deed.bound.items()):
        words += ["--bind", f"{name}={value}"]
    for name in sorted(deed.own):
        words += ["--author", name]
    return shlex.join(words)

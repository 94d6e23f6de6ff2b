"""A fake of people who agree: what a proposal covers is said by the test, nobody signs anything.

>>> quorum = FakeQuorum("acme")
>>> deed = Deed("acme", "subject.erase", "user:ann", {"reason": "art. 17"})
>>> proposal = quorum.agree(deed, "user:bob", "user:eve")
>>> quorum.check(deed, proposal, 0).keys
('user:bob', 'user:eve')
"""

import threading

import msgspec

from ostiary.errors import RefusedError
from ostiary.vocabulary.approvals import Approved, Deed


class FakeQuorum:
    """Agreements by proposal; a quorum is two different people, none of whom made what is agreed to."""

    def __init__(self, *tenants: str) -> None:
        """Let ``tenants`` have people."""
        self._tenants = set(tenants)
        self._agreed: dict[str, tuple[Deed, tuple[str, ...]]] = {}
        self.revoked: set[str] = set()
        self.strangers: set[str] = set()
        self.rules: set[tuple[str, str]] = set()
        self._used: set[str] = set()
        self._lock = threading.Lock()
        self.asked: list[Deed] = []

    def has_people(self, tenant: str) -> bool:
        """Return whether a tenant has named people."""
        return tenant in self._tenants

    def is_person(self, tenant: str, name: str) -> bool:
        """Return whether somebody is one of the people: everybody is, but the ``strangers``."""
        return tenant in self._tenants and name not in self.strangers

    def agree(self, deed: Deed, *people: str) -> str:
        """Let ``people`` agree to ``deed``; return the proposal's id."""
        proposal = f"apr_{len(self._agreed)}"
        self._agreed[proposal] = (deed, people)
        return proposal

    def has_rule(self, tenant: str, kind: str) -> bool:
        """Return whether the test has made a rule."""
        return (tenant, kind) in self.rules

    def propose(self, deed: Deed, proposer: str, why: str, by: str) -> str:  # noqa: ARG002 - a Protocol's method
        """Return a proposal that nobody has agreed to yet."""
        return self.agree(deed)

    def agree_to(self, proposal: str, *people: str) -> None:
        """Let ``people`` agree to a proposal."""
        self._agreed[proposal] = (self._agreed[proposal][0], people)

    def check(self, deed: Deed, proposal_id: str, now_ns: int) -> Approved:
        """Return the approval, when it is for this very deed."""
        self.asked.append(deed)
        kept, people = self._agreed.get(proposal_id, (None, ()))
        if kept is None or kept.tenant != deed.tenant:
            raise RefusedError("approval_unknown", "there is no such proposal, or it is another tenant's")
        if proposal_id in self.revoked:
            raise RefusedError("approval_denied", "people have said no to this")
        if msgspec.structs.asdict(kept) | {"own": None} != msgspec.structs.asdict(deed) | {"own": None}:
            raise RefusedError("approval_other_deed", "the approval is for something else")
        distinct = tuple(dict.fromkeys(one for one in people if one not in deed.own))
        if len(distinct) < 2:  # noqa: PLR2004 - a quorum here is two
            raise RefusedError("approval_too_few", "too few people have approved this")
        return Approved(f"sha256:{proposal_id}", proposal_id, now_ns + (1 << 60), distinct)

    def use(self, deed: Deed, proposal_id: str, by: str) -> Approved:  # noqa: ARG002 - a Protocol's method
        """Return the approval, used up."""
        with self._lock:
            found = self.check(deed, proposal_id, 0)
            if proposal_id in self._used:
                raise RefusedError("approval_used", "this approval was used before")
            self._used.add(proposal_id)
            return found

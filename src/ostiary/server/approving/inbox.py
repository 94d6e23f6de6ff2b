"""What waits for whom: asked with every page, so it is told from memory while nothing has happened.

1. Where proposals stand is read and verified anew when an act has come, and every half minute: time ends proposals, and
   a passkey that is taken away ends signatures.
2. A proposal needs a person whose yes would bring it nearer, and who may give it: not its maker, not who has said
   yes or no, not who holds no passkey that is old enough.
3. It decides nothing: whoever signs is judged anew.
"""

import threading
from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.approvals.deciding import Hand, check_hand, helps
from ostiary.approvals.people import Law
from ostiary.approvals.proposal import Decision
from ostiary.approvals.room import Approvals
from ostiary.approvals.rules import DELEGATE
from ostiary.approvals.standing import Standing
from ostiary.errors import RefusedError
from ostiary.identity.webauthn.codes import StepUpRefusal
from ostiary.identity.webauthn.refusing import refusal as passkey_refusal
from ostiary.vocabulary.clock import Clock

MOST: Final = 200
FRESH_NS: Final = 30 * 1_000_000_000
_MAX_TENANTS: Final = 256
_LIVING: Final = frozenset({"open", "approved"})
_DIGITS: Final = 19
_NO: Final[Decision] = "reject"


class Chance(msgspec.Struct, frozen=True):
    """What a person can do about a proposal.

    Attributes:
        person: the person among those who approve; empty when the asker is none of them.
        yes: as whom a yes can be signed: oneself, and each person that one signs for.
        no: whether a no can be signed.
        why_not: why no yes can be signed as oneself, empty when one can.
    """

    person: str
    yes: tuple[Hand, ...]
    no: bool
    why_not: str


class _Seen(msgspec.Struct, frozen=True):
    acts: int
    at_ns: int
    law: Law
    standings: tuple[Standing, ...]


class Inbox:
    """The newest proposals of all tenants, and whom they wait for; safe for several threads."""

    def __init__(self, room: Approvals, clock: Clock) -> None:
        """Read them from ``room``."""
        self._room = room
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def recent(self, tenant: str) -> Sequence[Standing]:
        """Return the newest proposals, newest first.

        Raises:
            VerificationError: ``approval_row_tampered``.
        """
        return self._look(tenant).standings

    def person(self, tenant: str, name: str) -> str:
        """Return who of those who approve bears a name, empty when nobody does."""
        return self._look(tenant).law.who(name)

    def needs(self, tenant: str, name: str) -> list[Standing]:
        """Return the proposals that need whoever bears a name, those that end first in front."""
        seen = self._look(tenant)
        person = seen.law.who(name)
        found = [one for one in seen.standings if self._needs(one, seen.law, person)] if person else []
        return sorted(found, key=lambda one: one.proposal.expires_ns)

    def chance(self, standing: Standing, name: str) -> Chance:
        """Return what whoever bears a name can do about a proposal."""
        tenant = standing.proposal.tenant
        law = self._room.law(tenant)
        person = law.who(name)
        own = Hand(person or name, person or name, "approve")
        why_not = self._why_not(standing, law, own)
        hands = [own] if not why_not else []
        if person and standing.state in _LIVING:
            hands += [one for one in self._lent(tenant, person) if not self._why_not(standing, law, one)]
        no = bool(person) and not self._why_not(standing, law, msgspec.structs.replace(own, decision=_NO))
        return Chance(person, tuple(hands), no, why_not)

    def forget(self, tenant: str) -> None:
        """Forget what was seen of a tenant."""
        with self._lock:
            self._seen.pop(tenant, None)

    def _look(self, tenant: str) -> _Seen:
        acts, now_ns = self._room.acts(tenant), self._clock.now_ns()
        with self._lock:
            seen = self._seen.get(tenant)
        if seen is not None and seen.acts == acts and 0 <= now_ns - seen.at_ns < FRESH_NS:
            return seen
        found = _Seen(acts, now_ns, self._room.law(tenant), tuple(self._room.recent(tenant, MOST)))
        with self._lock:
            if len(self._seen) >= _MAX_TENANTS:
                self._seen.clear()
            self._seen[tenant] = found
        return found

    def _needs(self, standing: Standing, law: Law, person: str) -> bool:
        if standing.state != "open" or standing.proposal.expires_ns <= self._clock.now_ns():
            return False
        return helps(standing, law, person) and not self._why_not(standing, law, Hand(person, person, "approve"))

    def _why_not(self, standing: Standing, law: Law, hand: Hand) -> str:
        try:
            check_hand(standing, law, hand, self._room.check_delegated)
            if not self._room.keys_of(standing.proposal.tenant, hand.signer, standing.proposal):
                raise passkey_refusal(StepUpRefusal.AUTHENTICATOR_NONE)
        except RefusedError as no:
            return no.message
        return ""

    def _lent(self, tenant: str, person: str) -> list[Hand]:
        """Return the hands that were lent to a person and that have not come to their end."""
        found, now_ns = [], self._clock.now_ns()
        for one in self._look(tenant).standings:
            bound, until = one.proposal.bound, one.proposal.bound.get("until_ns", "")
            lent = one.proposal.kind == DELEGATE and bound.get("to") == person and one.state != "withdrawn"
            if lent and until.isascii() and until.isdigit() and len(until) <= _DIGITS and now_ns < int(until):
                found.append(Hand(bound.get("from", ""), person, "approve", one.proposal.proposal_id))
        return found

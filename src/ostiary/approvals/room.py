"""The room itself: propose, sign, withdraw, do, and change who may and how many it takes.

1. Everything is written into the log before it counts; who lost a race looks again and is judged anew.
2. While a tenant has no people, the operator at the machine names the first ones, recorded, once. Never again: after
   that the people change themselves, by the rules that they have.
3. Faces (command line, API, page) decide nothing: whatever they are told is judged here.

    room.propose("acme", Draft(Deed("acme", "phase.change", "deny", {"to": "low_risk"}), "user:zed", "ready"))
    room.sign("acme", proposal_id, Hand("user:ann", "user:ann", "approve"), credential)
    room.use(deed, proposal_id, "rollout")
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from ostiary.approvals.acts import BOOTSTRAP, LAW, Enacted, Entry, Proposed, Signed, Used, Withdrawn
from ostiary.approvals.deciding import Hand, check_hand
from ostiary.approvals.delegating import check_delegation, check_shape
from ostiary.approvals.drafting import PREFIX, drafted
from ostiary.approvals.journal import Journal
from ostiary.approvals.law import changed, law_deed, law_of
from ostiary.approvals.people import Law, Person, check_law
from ostiary.approvals.proposal import Draft, Proposal, check_draft, same_deed
from ostiary.approvals.refusing import refusal
from ostiary.approvals.rules import DELEGATE, PEOPLE, RULE
from ostiary.approvals.signing import sign
from ostiary.approvals.standing import Facts, Standing, judge, used_ns
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.webauthn.codes import StepUpRefusal
from ostiary.identity.webauthn.ports import AuthenticatorStore
from ostiary.identity.webauthn.types import Authenticator, RelyingParty
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.clock import Clock

_TRIES: Final = 16
_MAX_ID: Final = 64
Done = TypeVar("Done")


class CopiedKey(msgspec.Struct, frozen=True):
    """Payload of the record of a copied passkey: only whoever holds its key can cause one."""

    proposal: str
    signer: str
    credential_id: str
    v: int = 1
    type: str = "approval_copied_key"


class Approvals:
    """Several people agree to one deed; safe for several threads and processes."""

    def __init__(
        self, journal: Journal, passkeys: AuthenticatorStore, party: RelyingParty | None, clock: Clock
    ) -> None:
        """Take what is written, whose passkeys there are, who we are to a browser (``None``: no page), the time."""
        self._journal = journal
        self._passkeys = passkeys
        self._party = party
        self._clock = clock

    # What there is.

    def law(self, tenant: str, at_ns: int | None = None) -> Law:
        """Return the people and rules in force, now or at a moment.

        Raises:
            VerificationError: ``approval_row_tampered``.
        """
        return law_of(self._journal.read(tenant, LAW), at_ns)

    def standing(
        self, tenant: str, proposal_id: str, *, now_ns: int = 0, own: frozenset[str] = frozenset(), done_ns: int = 0
    ) -> Standing:
        """Return where a proposal stands, everything verified again.

        Args:
            tenant: whose it is.
            proposal_id: its id.
            now_ns: the time of the question; 0 for now.
            own: who made what it is about, beside those that it names.
            done_ns: when the deed was done, where the doer keeps that himself.

        Raises:
            RefusedError: ``approval_unknown``.
            VerificationError: ``approval_row_tampered``.
        """
        entries = self._entries(tenant, proposal_id)
        done = done_ns or used_ns(entries)
        facts = Facts(now_ns or self._clock.now_ns(), self.law(tenant, done or None), own, done)
        return judge(entries, facts, self._keys(tenant), self._delegations(done))

    def acts(self, tenant: str) -> int:
        """Return how many acts there are: when it is another number than before, something has happened."""
        return self._journal.count(tenant)

    def recent(self, tenant: str, limit: int) -> list[Standing]:
        """Return the newest proposals, newest first."""
        return [self.standing(tenant, one) for one in self._journal.topics(tenant, limit)]

    # What people do.

    def bootstrap(self, tenant: str, people: Sequence[Person], by: str) -> Law:
        """Name the first people of a tenant, once and never again.

        Raises:
            RefusedError: ``approval_people_exist``, ``approval_unsatisfiable``.
            FaultyInputError: ``approval_people_invalid``.
        """
        law = check_law(Law(tuple(people)))
        if self._journal.read(tenant, LAW):
            raise refusal("approval_people_exist")
        try:
            self._journal.write(tenant, [self._entry(LAW, 1, Enacted(law.people, {}, BOOTSTRAP, by))])
        except RefusedError as no:
            if no.code == "approval_raced":
                raise refusal("approval_people_exist") from no
            raise
        return law

    def propose(self, tenant: str, draft: Draft) -> Proposal:
        """Ask people for their agreement; it is on record when this returns.

        Raises:
            FaultyInputError: ``approval_malformed``.
            RefusedError: ``approval_unsatisfiable`` when there is nobody to ask.
        """
        check_draft(draft)
        if draft.deed.tenant != tenant:
            raise FaultyInputError("approval_malformed", "the deed is another tenant's")
        if (draft.deed.kind in {RULE, PEOPLE}) != bool(draft.change):
            raise FaultyInputError("approval_malformed", "rules and people change by what they change to, nothing else")
        if draft.deed.kind == DELEGATE:
            check_shape(draft.deed)
        law, now = self.law(tenant), self._clock.now_ns()
        if not law.people:
            raise refusal("approval_unsatisfiable", "this tenant has no people yet: name the first ones at the machine")
        proposal = drafted(draft, law, now)
        self._journal.write(tenant, [self._entry(proposal.proposal_id, 1, Proposed(proposal))])
        return proposal

    def may(self, tenant: str, proposal_id: str, hand: Hand) -> Standing:
        """Return the proposal when this hand may decide on it now.

        Raises:
            RefusedError: ``approval_…``, ``authenticator_none``.
        """
        standing = self.standing(tenant, proposal_id)
        check_hand(standing, self.law(tenant), hand, self.check_delegated)
        return standing

    def keys_of(self, tenant: str, signer: str, proposal: Proposal) -> list[Authenticator]:
        """Return the passkeys with which somebody can sign a proposal."""
        kept = self._passkeys.of_subject(tenant, signer)
        return [one for one in kept if one.created_ns <= proposal.created_ns]

    def sign(self, tenant: str, proposal_id: str, hand: Hand, credential: Mapping[str, Any]) -> Standing:
        """Take a yes or a no, verified and on record when this returns.

        Raises:
            RefusedError: the code of the first check that failed.
            FaultyInputError: ``webauthn_answer_malformed``.
            UnavailableError: it cannot be recorded, so it does not count.
        """
        party = self._party
        if party is None:
            raise refusal("approval_unknown", "this server has no page, so nobody can sign here")

        def once() -> Standing:
            standing = self.may(tenant, proposal_id, hand)
            kept = self._passkeys.of_subject(tenant, hand.signer)
            told = msgspec.structs.asdict(hand)
            signed, passkey, count = sign(party, standing.proposal, kept, credential, **told)

            def within() -> None:
                where, now = (tenant, hand.signer, passkey.credential_id), self._clock.now_ns()
                if not self._passkeys.used(*where, before=passkey.sign_count, sign_count=count, at_ns=now):
                    raise RefusedError(StepUpRefusal.AUTHENTICATOR_UNKNOWN, "this passkey is not registered here")

            self._journal.write(tenant, [self._entry(proposal_id, standing.acts + 1, signed)], within)
            return self.standing(tenant, proposal_id)

        try:
            return self._again(once)
        except RefusedError as no:
            if no.code == StepUpRefusal.AUTHENTICATOR_CLONED:
                self._journal.note(tenant, CopiedKey(proposal_id, hand.signer, str(credential.get("id"))[:1400]))
            raise

    def withdraw(self, tenant: str, proposal_id: str, by: str, why: str = "") -> Standing:
        """Take a proposal back; what was done by it holds no more. It only tightens, so one is enough.

        Raises:
            RefusedError: ``approval_unknown``, ``approval_withdrawn``.
        """

        def once() -> Standing:
            standing = self.standing(tenant, proposal_id)
            if standing.state == "withdrawn":
                raise refusal("approval_withdrawn")
            act = Withdrawn(by, why[:1000])
            self._journal.write(tenant, [self._entry(proposal_id, standing.acts + 1, act)])
            return self.standing(tenant, proposal_id)

        return self._again(once)

    # What is done by it.

    def agreed(self, deed: Deed, proposal_id: str, now_ns: int, done_ns: int = 0) -> Standing:
        """Return the proposal when it is an agreement to exactly this deed, now.

        Raises:
            RefusedError: ``approval_…``.
        """
        if not proposal_id:
            raise refusal("approval_missing")
        standing = self.standing(deed.tenant, proposal_id, now_ns=now_ns, own=deed.own, done_ns=done_ns)
        same_deed(standing.proposal, deed)
        if standing.why == "approval_too_few":
            raise refusal("approval_too_few", standing.tally.words)
        if standing.why:
            raise refusal(standing.why)
        return standing

    def use(self, deed: Deed, proposal_id: str, by: str, more: Sequence[Entry] = ()) -> Standing:
        """Use an agreement up for its deed: of two that want to, one does.

        Raises:
            RefusedError: ``approval_…``; ``approval_used`` when it was done before.
        """

        def once() -> Standing:
            standing = self.agreed(deed, proposal_id, self._clock.now_ns())
            if standing.used_ns:
                raise refusal("approval_used")
            self._journal.write(deed.tenant, [self._entry(proposal_id, standing.acts + 1, Used(by)), *more])
            return standing

        return self._again(once)

    def enact(self, tenant: str, proposal_id: str, by: str) -> Law:
        """Make agreed rules or people the law.

        Raises:
            RefusedError: ``approval_…``; ``approval_other_deed`` when the law has changed since it was proposed.
        """
        entries = self._journal.read(tenant, LAW)
        old = law_of(entries, None)
        proposal = self.standing(tenant, proposal_id).proposal
        if proposal.kind not in {RULE, PEOPLE}:
            raise refusal("approval_other_deed", "this proposal changes neither rules nor people")
        law = changed(old, proposal.kind, proposal.target, proposal.change)
        deed = law_deed(tenant, old, proposal.kind, proposal.target, proposal.change)
        act = Enacted(law.people, law.rules, proposal_id, by)
        self.use(deed, proposal_id, by, [self._entry(LAW, len(entries) + 1, act)])
        return law

    def forget(self, tenant: str) -> None:
        """Forget what was seen of a tenant that is gone."""
        self._journal.forget(tenant)

    # How it is done.

    def _entries(self, tenant: str, proposal_id: str) -> list[Entry]:
        if not proposal_id.startswith(f"{PREFIX}_") or len(proposal_id) > _MAX_ID:
            raise refusal("approval_unknown")
        entries = self._journal.read(tenant, proposal_id)
        if not entries:
            raise refusal("approval_unknown")
        return entries

    def _entry(self, topic: str, seq: int, act: Any) -> Entry:
        return Entry(topic, seq, self._clock.now_ns(), act)

    def _keys(self, tenant: str) -> Callable[[str], list[Authenticator]]:
        return lambda subject: self._passkeys.of_subject(tenant, subject)

    def _delegations(self, done_ns: int) -> Callable[[str, Signed, Proposal, int], None]:
        def check(tenant: str, signed: Signed, wanted: Proposal, at_ns: int) -> None:
            entries = self._entries(tenant, signed.delegation)
            check_delegation(entries, self._keys(tenant), signed, wanted, at_ns, done_ns)

        return check

    def check_delegated(self, proposal: Proposal, hand: Hand) -> None:
        """Refuse a hand that signs for somebody whom no delegation covers.

        Raises:
            RefusedError: ``approval_delegation``, or what the giver's own signature is refused for.
        """
        if hand.signer == hand.person:
            if hand.delegation:
                raise refusal("approval_delegation")
            return
        wish = Signed(hand.person, hand.signer, hand.decision, "", b"", "", "", b"", b"", b"", hand.delegation)
        self._delegations(0)(proposal.tenant, wish, proposal, self._clock.now_ns())

    def _again(self, once: Callable[[], Done]) -> Done:
        for _ in range(_TRIES):
            try:
                return once()
            except RefusedError as no:
                if no.code != "approval_raced":
                    raise
        raise refusal("approval_raced")

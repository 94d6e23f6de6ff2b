"""Approvals with their people: Ann of risk, Bob and Cyd of ops, Eve of risk too; Zed asks, and approves nothing.

Everything is the real thing but the passkeys, which are software, and the browser, which is this file.

    scene = ApprovalScene(log, book, clock)
    made = scene.propose(deed)
    scene.says("user:ann", made), scene.says("user:bob", made)
    scene.quorum.use(deed, made.proposal_id, "test")
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ostiary.approvals.deciding import Hand
from ostiary.approvals.journal import Journal
from ostiary.approvals.people import Person
from ostiary.approvals.ports import ApprovalBook, Recorder
from ostiary.approvals.proposal import Decision, Draft, Proposal
from ostiary.approvals.quorum import Quorum
from ostiary.approvals.room import Approvals
from ostiary.approvals.standing import Standing
from ostiary.identity.webauthn.answers import read_attestation
from ostiary.identity.webauthn.authentication import assertion_options
from ostiary.identity.webauthn.ports import AuthenticatorStore
from ostiary.identity.webauthn.registration import AttestationRules, registration_options, verify_attestation
from ostiary.identity.webauthn.types import Authenticator, RelyingParty
from ostiary.keys import random_bytes
from ostiary.testing.authenticator_store import MemoryAuthenticators
from ostiary.testing.passkey import HONEST, FakePasskey, Lies, encoded
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.clock import Clock

TENANT: Final = "default"
ORIGIN: Final = "https://id.example.org"
RP_ID: Final = "id.example.org"
PARTY: Final = RelyingParty(RP_ID, "Ostiary", (ORIGIN,))
PEOPLE: Final = (
    Person("user:ann", ("risk",)),
    Person("user:bob", ("ops",), ("administrator:adm_bob",)),
    Person("user:cyd", ("ops",)),
    Person("user:eve", ("risk",)),
)
PROPOSER: Final = "user:zed"
PHASE: Final = Deed(TENANT, "phase.change", "deny@*", {"from": "shadow", "to": "low_risk", "report": "sha256:aa"})


def enrol(
    store: AuthenticatorStore, subject: str, now_ns: int, *, tenant: str = TENANT, party: RelyingParty = PARTY
) -> FakePasskey:
    """Give somebody a passkey, by the real ceremony."""
    made = FakePasskey(party.origins[0], party.rp_id)
    user = {"id": encoded(random_bytes(16)), "name": subject, "displayName": subject}
    kept = store.of_subject(tenant, subject)
    if kept:
        user["id"] = encoded(kept[0].user_handle)
    told = made.create(registration_options(party, random_bytes(32), user, [], 60_000))
    bare = Authenticator(
        tenant=tenant,
        subject=subject,
        credential_id="",
        public_key=b"",
        user_handle=made.user_handle,
        sign_count=0,
        name="key",
        created_ns=now_ns,
    )
    known = verify_attestation(party, read_attestation(told), AttestationRules((), ()), bare)
    if store.add(known, most=10, first=not kept) != "added":
        msg = "the store refuses a passkey"
        raise RuntimeError(msg)
    return made


class ApprovalScene:
    """A room with its people, each with a passkey in ``keys``."""

    def __init__(
        self,
        log: Recorder,
        book: ApprovalBook,
        clock: Clock,
        passkeys: AuthenticatorStore | None = None,
        people: Sequence[Person] = PEOPLE,
        tenant: str = TENANT,
        keys: Mapping[str, FakePasskey] | None = None,
    ) -> None:
        """Name the first people and give them passkeys; with ``keys`` that was done before."""
        self.tenant = tenant
        self.clock = clock
        self.passkeys = MemoryAuthenticators() if passkeys is None else passkeys
        self.room = Approvals(Journal(log, book, clock), self.passkeys, PARTY, clock)
        self.quorum = Quorum(self.room)
        self.keys = dict(keys or {})
        if keys is None:
            self.keys = {one.name: self.enrol(one.name) for one in people}
            self.room.bootstrap(tenant, people, "command line")

    def enrol(self, subject: str) -> FakePasskey:
        """Give somebody one more passkey."""
        return enrol(self.passkeys, subject, self.clock.now_ns(), tenant=self.tenant)

    def propose(self, deed: Deed = PHASE, *, proposer: str = PROPOSER, **more: object) -> Proposal:
        """Ask for a deed."""
        draft = Draft(deed, proposer, "because")
        return self.room.propose(deed.tenant, msgspec.structs.replace(draft, **more))

    def answer(
        self, proposal: Proposal, hand: Hand, key: FakePasskey | None = None, lies: Lies = HONEST
    ) -> dict[str, object]:
        """Return what a browser would post."""
        challenge = proposal.challenge(hand.person, hand.signer, hand.decision, hand.comment)
        return (key or self.keys[hand.signer]).get(assertion_options(PARTY, challenge, [], 60_000), lies)

    def says(
        self,
        person: str,
        proposal: Proposal,
        decision: Decision = "approve",
        *,
        signer: str = "",
        delegation: str = "",
        key: FakePasskey | None = None,
        lies: Lies = HONEST,
    ) -> Standing:
        """Let somebody decide."""
        hand = Hand(person, signer or person, decision, delegation)
        answer = self.answer(proposal, hand, key, lies)
        return self.room.sign(proposal.tenant, proposal.proposal_id, hand, answer)

    def agreed(self, deed: Deed = PHASE, *, people: Sequence[str] = ("user:ann", "user:bob")) -> Proposal:
        """Return a proposal that enough people have agreed to."""
        made = self.propose(deed)
        for person in people:
            self.says(person, made)
        return made

"""What happens to a topic: a proposal, or a tenant's law. Each act is written into the log before it counts.

- A topic is its acts in order; its state is what they say, and nothing else is kept.
- One record may hold acts of two topics: to use the agreement to another law, and to make it law, is one thing.

>>> LAW
'law'
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Decision, Proposal
from ostiary.approvals.rules import Rule

LAW: Final = "law"
BOOTSTRAP: Final = "bootstrap"


class Proposed(msgspec.Struct, frozen=True, tag="propose"):
    """Somebody asks."""

    proposal: Proposal


class Signed(msgspec.Struct, frozen=True, tag="sign"):
    """Somebody says yes or no, with the passkey's whole answer: so that anybody can verify it again.

    Attributes:
        person: who counts.
        signer: who signed: the same, or their delegate.
        delegation: the proposal by which they delegated, empty without one.
        public_key: COSE key that verified it.
        rp_id, origin: for whom and where it was made.
        comment: what they said with it; signed along.
    """

    person: str
    signer: str
    decision: Decision
    credential_id: str
    public_key: bytes
    rp_id: str
    origin: str
    client_data: bytes
    authenticator_data: bytes
    signature: bytes
    delegation: str = ""
    comment: str = ""


class Withdrawn(msgspec.Struct, frozen=True, tag="withdraw"):
    """It is taken back; what was done by it holds no more."""

    by: str
    why: str = ""


class Used(msgspec.Struct, frozen=True, tag="use"):
    """The deed was done."""

    by: str


class Enacted(msgspec.Struct, frozen=True, tag="law"):
    """A tenant's people and rules from now on; ``cause`` is the proposal, or ``bootstrap``."""

    people: tuple[Person, ...]
    rules: Mapping[str, Rule]
    cause: str
    by: str


Act = Proposed | Signed | Withdrawn | Used | Enacted


class Entry(msgspec.Struct, frozen=True):
    """One act of a topic: its number from 1, and when."""

    topic: str
    seq: int
    at_ns: int
    act: Act


class Written(msgspec.Struct, frozen=True):
    """Payload of a record of kind ``approval``."""

    entries: tuple[Entry, ...]
    v: int = 1
    type: str = "approval"

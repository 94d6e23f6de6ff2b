"""What is proposed, in the one form that people sign.

- Everything is in it: what, to what, every value it is bound to, who asked and why, when, by which rules, a nonce. The
  digest covers all; whatever differs is another proposal, with other words.
- A challenge is SHA-256 over the digest with who agrees, who signs for them, yes or no, and a comment. So a yes is no
  answer to a no, to another proposal, stage or tenant, nor to any question that step-up asks (those are longer).
- What counts at the end is compared with the deed as the doer knows it: nothing is believed because it is in here.

>>> from ostiary.approvals.rules import HIGH
>>> what = ("acme", "apr_1", "phase.change", "deny", {"to": "shadow"})
>>> one = Proposal(*what, (), "user:zed", "", "", 1, 1, 9, "n", (HIGH,))
>>> one.challenge("user:ann", "user:ann", "approve") != one.challenge("user:ann", "user:ann", "reject")
True
>>> len(one.words.split()), one.digest == msgspec.structs.replace(one, bound={"to": "live"}).digest
(8, False)
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from ostiary.approvals.canonical import canonical
from ostiary.approvals.refusing import refusal
from ostiary.approvals.rules import Rule, strictest
from ostiary.approvals.words import words_of
from ostiary.errors import FaultyInputError
from ostiary.identity.webauthn.types import clean_subject
from ostiary.keys import sha256
from ostiary.vocabulary.approvals import Deed

Decision = Literal["approve", "reject"]
MAX_BOUND: Final = 32
MAX_VALUE: Final = 1024
MAX_TARGET: Final = 512
MAX_WHY: Final = 1000
MAX_COMMENT: Final = 1000
MAX_AUTHORS: Final = 64
MAX_CHANGE: Final = 131_072
_MAX_KIND: Final = 64
_PROPOSAL: Final = b"ostiary/approvals/proposal/v1\0"
_CHALLENGE: Final = b"ostiary/approvals/challenge/v1\0"
_NS: Final = 1_000_000_000


class Draft(msgspec.Struct, frozen=True):
    """A proposal as somebody asks for it.

    Attributes:
        deed: what is to be done; ``deed.own`` made it.
        proposer: who asks, ``type:id``.
        why: for whoever must agree.
        by: as whom it came in: an administrator's key, ``command line``.
        lives_s: seconds in which to sign and do it; 0 for as long as the rule lets it.
        not_before_ns: not earlier than this, nor than the rule lets it.
        change: the new rule or people that a deed of that kind is about, as JSON.
    """

    deed: Deed
    proposer: str
    why: str = ""
    by: str = ""
    lives_s: int = 0
    not_before_ns: int = 0
    change: str = ""


class Proposal(msgspec.Struct, frozen=True):
    """A proposal as it stands in the log."""

    tenant: str
    proposal_id: str
    kind: str
    target: str
    bound: Mapping[str, str]
    authors: tuple[str, ...]
    proposer: str
    by: str
    why: str
    created_ns: int
    not_before_ns: int
    expires_ns: int
    nonce: str
    rules: tuple[Rule, ...]
    change: str = ""

    @property
    def rule(self) -> Rule:
        """Its times, and how many noes end it."""
        return strictest(self.rules)

    @property
    def holds_until_ns(self) -> int:
        """From when on what was done by it holds no more."""
        return max(self.expires_ns, self.created_ns + self.rule.holds_s * _NS)

    @property
    def raw_digest(self) -> bytes:
        """SHA-256 over its one form."""
        return sha256(_PROPOSAL + canonical(document(self)))

    @property
    def digest(self) -> str:
        """Its name for whoever relies on it."""
        return "sha256:" + self.raw_digest.hex()

    @property
    def words(self) -> str:
        """Its digest for people."""
        return words_of(self.raw_digest)

    @property
    def own(self) -> frozenset[str]:
        """Who neither agrees to it nor signs for anybody."""
        return frozenset(name for name in (self.proposer, self.by, *self.authors) if name)

    def challenge(self, person: str, signer: str, decision: Decision, comment: str = "") -> bytes:
        """Return what ``signer`` signs so that ``person`` has decided, with what they say to it."""
        told = {"proposal": self.digest, "person": person, "signer": signer, "decision": decision}
        return sha256(_CHALLENGE + canonical({**told, "comment": comment} if comment else told))


def document(proposal: Proposal) -> dict[str, Any]:
    """Return all of a proposal as plain values; moments in nanoseconds as text, for they are longer than 2^53."""
    told = msgspec.to_builtins(proposal)
    moments = {name: str(told[name]) for name in ("created_ns", "not_before_ns", "expires_ns")}
    return {**told, **moments, "rules": [rule.digest for rule in proposal.rules]}


def check_draft(draft: Draft) -> Draft:
    """Return a draft of bearable size.

    Raises:
        FaultyInputError: ``approval_malformed``, ``subject_invalid``.
    """
    deed = draft.deed
    clean_subject(draft.proposer)
    if not 0 < len(deed.kind) <= _MAX_KIND or not deed.kind.isascii() or not deed.kind.isprintable():
        raise _faulty("a kind has 1 to 64 printable characters")
    if not 0 < len(deed.target) <= MAX_TARGET or not deed.target.isprintable():
        raise _faulty(f"a target has 1 to {MAX_TARGET} printable characters")
    if len(deed.bound) > MAX_BOUND or len(deed.own) > MAX_AUTHORS or len(draft.change) > MAX_CHANGE:
        raise _faulty(f"a deed is bound to {MAX_BOUND} values and has {MAX_AUTHORS} authors at most")
    for name, value in deed.bound.items():
        if not 0 < len(name) <= _MAX_KIND or len(value) > MAX_VALUE or not (name + value).isprintable():
            raise _faulty(f"`{name[:80]}` is no name, or its value is longer than {MAX_VALUE} or not printable")
    if len(draft.why) > MAX_WHY or not all(len(name) <= MAX_TARGET for name in deed.own):
        raise _faulty(f"a reason has {MAX_WHY} characters at most")
    return draft


def same_deed(proposal: Proposal, deed: Deed) -> None:
    """Refuse a proposal that is about anything else.

    Raises:
        RefusedError: ``approval_other_deed``, naming what differs.
    """
    for name in ("tenant", "kind", "target"):
        if getattr(proposal, name) != getattr(deed, name):
            raise refusal("approval_other_deed", f"the approval is for another {name}")
    for name in sorted({*proposal.bound, *deed.bound}):
        if proposal.bound.get(name) != deed.bound.get(name):
            raise refusal("approval_other_deed", f"the approval is for another `{name[:_MAX_KIND]}`")


def _faulty(text: str) -> FaultyInputError:
    return FaultyInputError("approval_malformed", text)

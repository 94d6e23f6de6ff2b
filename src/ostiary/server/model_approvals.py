"""The registry's question answered by proposals instead of files: ``models.approval = "quorum"``.

- The evidence only names a proposal: ``{"proposal": "apr_…"}``. Everything else comes from the registry and the log.
- Who made the model is told by every name that the people file knows of it, keys included.
- A promotion is done when the registry says that it is live by this evidence; from then on the approval holds for as
  long as its rule lets it, and every load asks again. Its nonce is used up by the registry, as any approval's.

>>> evidence_of("apr_1")
b'{"proposal":"apr_1"}'
"""

from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from ostiary.approvals.quorum import approved
from ostiary.approvals.refusing import refusal
from ostiary.approvals.room import Approvals
from ostiary.errors import FaultyInputError
from ostiary.pipeline.registry.journal import Journal
from ostiary.pipeline.registry.people import People
from ostiary.pipeline.registry.ports import ModelBook
from ostiary.vocabulary.approvals import Approved, Deed, Wanted
from ostiary.vocabulary.unreadable import UNREADABLE

MAX_EVIDENCE: Final = 256
_BOUND: Final = ("stage", "digest", "previous", "metrics", "report")


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is brought to the registry."""

    proposal: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


def evidence_of(proposal_id: str) -> bytes:
    """Return the evidence that names a proposal."""
    return msgspec.json.encode(Evidence(proposal_id))


def model_deed(wanted: Wanted, people: People) -> Deed:
    """Return the deed that people agree to when they agree to ``wanted``."""
    bound = {"model": wanted.model, "version": str(wanted.version)}
    bound |= {name: getattr(wanted, name) for name in _BOUND}
    own = people.behind(wanted.own, wanted.own_keys)
    return Deed(wanted.tenant, f"model.{wanted.action}", f"{wanted.model}/{wanted.version}", bound, own)


class QuorumForModels:
    """Implements ``vocabulary.approvals.ApprovalCheck`` with proposals."""

    def __init__(self, room: Approvals, people: Callable[[str], People], journal: Journal, book: ModelBook) -> None:
        """Take the room, who stands behind which name, what is live, what was revoked."""
        self._room = room
        self._people = people
        self._journal = journal
        self._book = book

    def check(self, wanted: Wanted, evidence: bytes, now_ns: int) -> Approved:
        """Return the approval, or refuse.

        Raises:
            RefusedError: ``approval_…``.
            FaultyInputError: ``approval_malformed``.
            UnavailableError: ``people_unreadable``.
        """
        if not evidence:
            raise refusal("approval_missing")
        proposal_id = _named(evidence)
        deed = model_deed(wanted, self._people(wanted.tenant))
        found = approved(self._room.agreed(deed, proposal_id, now_ns, self._done_ns(wanted, evidence)))
        if self._book.is_revoked(wanted.tenant, found.digest):
            raise refusal("approval_revoked", "the approval was revoked")
        return found

    def _done_ns(self, wanted: Wanted, evidence: bytes) -> int:
        """Return since when exactly this is live by this evidence; 0 when it is not."""
        live = self._journal.live(wanted.tenant, wanted.model, wanted.stage) if wanted.stage else None
        if live is None or live.approval != evidence:
            return 0
        same = (live.number, live.digest, live.previous, live.action)
        return live.since_ns if same == (wanted.version, wanted.digest, wanted.previous, wanted.action) else 0


def _named(evidence: bytes) -> str:
    try:
        if len(evidence) > MAX_EVIDENCE:
            raise FaultyInputError("approval_malformed", "this names no proposal")
        return msgspec.json.decode(evidence, type=Evidence).proposal
    except UNREADABLE as fault:
        raise FaultyInputError("approval_malformed", "this names no proposal") from fault

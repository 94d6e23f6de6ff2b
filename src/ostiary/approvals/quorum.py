"""The question that every other room asks: did enough people agree to this, as I know it? Never more than a question.

- ``check`` may be asked as often as one likes, before the deed and whenever it takes effect.
- ``use`` is for deeds that happen once: it asks, and uses the agreement up, in one step that only one caller wins.
"""

from ostiary.approvals.room import Approvals
from ostiary.approvals.standing import Standing
from ostiary.vocabulary.approvals import Approved, Deed


class Quorum:
    """Implements ``vocabulary.approvals.QuorumOnce``."""

    def __init__(self, room: Approvals) -> None:
        """Ask ``room``."""
        self._room = room

    def check(self, deed: Deed, proposal_id: str, now_ns: int) -> Approved:
        """Return the approval of exactly this deed, or refuse."""
        return approved(self._room.agreed(deed, proposal_id, now_ns))

    def use(self, deed: Deed, proposal_id: str, by: str) -> Approved:
        """Return the approval, used up for this deed."""
        return approved(self._room.use(deed, proposal_id, by))


def approved(standing: Standing) -> Approved:
    """Return what other rooms are told of an agreement."""
    proposal = standing.proposal
    agreed = set(standing.tally.agreed)
    voices = (one for one in standing.voices if one.decision == "approve" and not one.void)
    keys = tuple(sorted(one.credential_id for one in voices if one.person in agreed))
    return Approved(proposal.digest, proposal.nonce, proposal.holds_until_ns, keys)

"""What holds for a tenant at one look, and the quorum of a house where nobody may approve."""

import msgspec

from ostiary.decision.phases import PhaseRules
from ostiary.errors import RefusedError, UnavailableError
from ostiary.server.rollout.statement import Read
from ostiary.vocabulary.approvals import Approved, Deed


class NoQuorum:
    """A ``QuorumCheck`` where nobody may approve: whatever needs an agreement stays as it is."""

    def check(self, deed: Deed, proposal_id: str, now_ns: int) -> Approved:
        """Refuse."""
        del proposal_id, now_ns
        raise RefusedError("approval_missing", f"nobody may approve `{deed.kind}` here")


class InForce(msgspec.Struct, frozen=True):
    """What holds for a tenant at one look.

    Attributes:
        rules: what the models may do, where.
        read: the statement behind it; ``None`` when there is none, or none that can be believed.
        broken: whether there is one that cannot be believed.
        lapsed: rungs whose agreement holds no more, with the code of why.
        away: whether the store could not be asked, and nothing newer than three seconds is known.
        read_ns: when it was read; before ``looked_ns`` while the store is away.
    """

    looked_ns: int
    rules: PhaseRules
    read: Read | None = None
    broken: bool = False
    lapsed: tuple[tuple[str, str], ...] = ()
    away: bool = False
    read_ns: int = 0


def unknown(tenant: str) -> UnavailableError:
    """Return what is raised where nobody can tell now what is in force."""
    return UnavailableError("phases_unavailable", f"what is in force for `{tenant}` cannot be told now")

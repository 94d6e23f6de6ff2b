"""Fakes of what a rollout asks: people who agree to deeds by name, and figures that a test sets."""

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.vocabulary.approvals import Approved, Deed
from ostiary.vocabulary.rollout import GateFigures

GOOD = GateFigures(
    days=40.0,
    decisions=100_000,
    subjects_share=0.95,
    resources_share=0.9,
    would_interrupt_a_day=2.0,
    would_block=12,
    false_positive_rate=0.001,
    judged=200,
    calibration_error=0.01,
    drift=0.05,
    new_allows=0,
    redteam_passed=True,
)


class FakeQuorum:
    """A ``QuorumCheck``: people agreed to exactly the deeds that a test says, until they are revoked or over."""

    def __init__(self) -> None:
        """Begin with nothing agreed to."""
        self.agreed: dict[str, tuple[Deed, int]] = {}
        self.away = False
        self.asked = 0

    def agree(self, proposal: str, deed: Deed, expires_ns: int = 1 << 62) -> None:
        """Let people have agreed to ``deed`` under the name ``proposal``."""
        self.agreed[proposal] = (deed, expires_ns)

    def check(self, deed: Deed, proposal_id: str, now_ns: int) -> Approved:
        """Return the approval."""
        self.asked += 1
        if self.away:
            raise UnavailableError("approvals_unavailable", "who may approve cannot be told now")
        if proposal_id not in self.agreed:
            raise RefusedError("approval_missing", "there is no such proposal")
        agreed, expires_ns = self.agreed[proposal_id]
        if agreed != deed:
            raise RefusedError("approval_mismatch", "people agreed to something else")
        if now_ns >= expires_ns:
            raise RefusedError("approval_expired", "the agreement is over")
        return Approved("sha256:" + proposal_id, proposal_id, expires_ns, ("one", "two"))


class FakeFigures:
    """A ``FiguresSource`` that tells what a test sets, the same for every control without its own."""

    def __init__(self, figures: GateFigures = GOOD) -> None:
        """Tell ``figures``."""
        self.all = figures
        self.of: dict[str, GateFigures] = {}
        self.fault: Exception | None = None

    def set(self, **changes: object) -> None:
        """Change what is told."""
        self.all = msgspec.structs.replace(self.all, **changes)

    def figures(self, tenant: str, control: str, since_ns: int, now_ns: int) -> GateFigures:
        """Return what was set."""
        del tenant, since_ns, now_ns
        if self.fault is not None:
            raise self.fault
        return self.of.get(control, self.all)

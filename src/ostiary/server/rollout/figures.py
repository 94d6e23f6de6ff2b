"""The ``FiguresSource`` where nothing measures, and the one that knows playbooks by what people said of their steps."""

from collections.abc import Callable, Sequence
from typing import Final

from ostiary.decision.phases import PLAYBOOK
from ostiary.response.plan import Planned, StepState
from ostiary.response.playbook import control_name
from ostiary.response.steps import HIGH_IMPACT
from ostiary.server.rollout.statement import ALL_PLAYBOOKS
from ostiary.vocabulary.effects import Control
from ostiary.vocabulary.rollout import FiguresSource, GateFigures

HOUR_NS: Final = 3_600 * 1_000_000_000
DAY_NS: Final = 24 * HOUR_NS
_PERSONS: Final = frozenset({StepState.REJECTED, StepState.UNDONE})


class KnownFigures:
    """Knows how long a control was watched and nothing else."""

    def figures(self, tenant: str, control: str, since_ns: int, now_ns: int) -> GateFigures:
        """Return the days."""
        del tenant, control
        return GateFigures(days=max(0, now_ns - since_ns) / DAY_NS)


class PlaybookFigures:
    """Knows playbooks by their steps, and asks another source about everything else.

    Wrong is what a person refused or took back; right is what a person agreed to. A step that nobody judged is not
    known. Containment on the average day is the alert budget's figure; of the models behind it counts what the red team
    found. Only the newest steps are looked at.
    """

    def __init__(self, source: FiguresSource, steps: Callable[[str], Sequence[Planned]]) -> None:
        """Take the other source, and what lists a tenant's newest steps."""
        self._source = source
        self._steps = steps

    def figures(self, tenant: str, control: str, since_ns: int, now_ns: int) -> GateFigures:
        """Return what is known of a control."""
        if not control.startswith(PLAYBOOK):
            return self._source.figures(tenant, control, since_ns, now_ns)
        models = self._source.figures(tenant, Control.TERMINATE.value, since_ns, now_ns)
        listed = [one for one in self._steps(tenant) if one.at_ns >= since_ns]
        steps = [one for one in listed if control in {ALL_PLAYBOOKS, control_name(one.playbook)}]
        days = max(0, now_ns - since_ns) / DAY_NS
        judged = [one for one in steps if one.by]
        wrong = sum(one.state in _PERSONS for one in judged)
        return GateFigures(
            days=days,
            decisions=len(steps),
            would_interrupt_a_day=sum(one.step.do in HIGH_IMPACT for one in steps) / max(1.0, days),
            false_positive_rate=wrong / len(judged) if judged else None,
            judged=len(judged),
            redteam=models.redteam,
            redteam_passed=models.redteam_passed,
        )

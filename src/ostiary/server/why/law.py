"""The sum of one decision with its parts kept apart: what rules ask for, what models propose, and what may live of it.

>>> harshest_live({Control.STEP_UP: Phase.LOW_RISK, Control.DENY: Phase.SHADOW}).name
'STEP_UP'
"""

from collections.abc import Mapping

from ostiary.vocabulary.effects import EFFECT_OF_CONTROL, LIVE_FROM, Control, Effect, Phase
from ostiary.vocabulary.verdicts import DecisionRecord


def law_of(record: DecisionRecord) -> dict[str, str]:
    """Return the parts of the sum by name; ``phase_ceiling`` is the harshest effect that any control's phase let live.

    Raises:
        ValueError: the record names a control that there is not.
    """
    outcome = record.outcome
    phases = {Control(name): phase for name, phase in record.phases.items()}
    return {
        "floor": outcome.floor.name,
        "proposal": outcome.proposal.name,
        "phase_ceiling": harshest_live(phases).name,
        "policy_ceiling": outcome.ceiling.name,
        "applied_proposal": outcome.applied_proposal.name,
        "final": outcome.effect.name,
    }


def harshest_live(phases: Mapping[Control, Phase]) -> Effect:
    """Return the harshest effect that a model may cause by the phases of its controls."""
    live = (EFFECT_OF_CONTROL[control] for control, phase in phases.items() if phase >= LIVE_FROM[control])
    return max(live, default=Effect.ALLOW)

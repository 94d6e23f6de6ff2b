"""Phases: which controls a model may use, and how a proposal falls when its control is not live.

- Each control has its own phase; unknown controls are in telemetry.
- Low-risk controls (lifetime, reduce, step-up) are live from ``LOW_RISK``, deny and terminate from ``HIGH_IMPACT``.
- A proposal whose control is not live falls to the next lower live effect, in the end to ALLOW (HOUSE.md §1 law 1).

>>> from ostiary.vocabulary.effects import Control, Effect, Phase
>>> table = PhaseTable({Control.STEP_UP: Phase.LOW_RISK})
>>> table.fall(Effect.DENY, Control.DENY).name
'STEP_UP'
"""

from collections.abc import Mapping

from ostiary.vocabulary.effects import EFFECT_OF_CONTROL, LIVE_FROM, Control, Effect, Phase


class PhaseTable:
    """The phases of all controls at one moment; immutable."""

    __slots__ = ("_live", "_live_effects", "phases")

    def __init__(self, phases: Mapping[Control, Phase] | None = None) -> None:
        """Take the phase of each control; those not named are in telemetry."""
        given = phases or {}
        self.phases: dict[str, Phase] = {control.value: given.get(control, Phase.TELEMETRY) for control in Control}
        self._live = frozenset(c for c in Control if self.phases[c.value] >= LIVE_FROM[c])
        self._live_effects = frozenset(EFFECT_OF_CONTROL[c] for c in self._live)

    def is_live(self, control: Control) -> bool:
        """Return whether ``control`` may act."""
        return control in self._live

    def fall(self, proposed: Effect, control: Control | None, cap: Effect = Effect.TERMINATE) -> Effect:
        """Return the harshest live effect that is at most ``proposed`` and at most ``cap``.

        At the proposed effect itself the proposal's own control must be live; below it any control will do.
        """
        for effect in sorted(Effect, reverse=True):
            if effect > min(proposed, cap):
                continue
            own = effect == proposed and control is not None and EFFECT_OF_CONTROL[control] == effect
            live = self.is_live(control) if own and control is not None else effect in self._live_effects
            if live:
                return effect
        return Effect.ALLOW


def high_impact_everywhere() -> PhaseTable:
    """Return the table in which every control is live."""
    return PhaseTable(dict.fromkeys(Control, Phase.HIGH_IMPACT))

"""Phases: which controls a model may use, and how a proposal falls when its control is not live.

- Each control has its own phase; unknown controls are in telemetry.
- Low-risk controls (lifetime, reduce, step-up) are live from ``LOW_RISK``, deny and terminate from ``HIGH_IMPACT``.
- A proposal whose control is not live falls to the next lower live effect, in the end to ALLOW (HOUSE.md §1 law 1).
- ``PhaseRules`` says which table holds for one request: the tenant's own phase, unless the request lies in a narrower
  scope that has one; of several such scopes **the lowest phase counts**. So a narrow scope can go further than the
  tenant or be held back, and whoever holds something back is never overruled by a canary.
- Scopes choose among phases and nothing else: ceilings, ``critical`` and the floor know nothing of them.

>>> from ostiary.vocabulary.effects import Control, Effect, Phase
>>> table = PhaseTable({Control.STEP_UP: Phase.LOW_RISK})
>>> table.fall(Effect.DENY, Control.DENY).name
'STEP_UP'
>>> rules = PhaseRules({Control.DENY: Phase.SHADOW}, [(Control.DENY, Scope("wiki"), Phase.HIGH_IMPACT)])
>>> rules.table(Where("user:ada", "wiki")).is_live(Control.DENY), rules.table(Where()).is_live(Control.DENY)
(True, False)
"""

from collections.abc import Iterable, Mapping
from typing import Final

from ostiary.keys import keyed_hash
from ostiary.vocabulary.effects import EFFECT_OF_CONTROL, LIVE_FROM, Control, Effect, Phase
from ostiary.vocabulary.rollout import EVERYWHERE, Scope, Where

PLAYBOOK: Final = "playbook:"


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


class PhaseRules:
    """The phases of a tenant's controls in every scope at one moment; immutable, and cheap to ask."""

    __slots__ = ("_key", "_known", "_own", "_plain", "_scoped")

    def __init__(
        self, own: Mapping[str, Phase], scoped: Iterable[tuple[str, Scope, Phase]] = (), key: bytes = b""
    ) -> None:
        """Take the tenant's own phases and those of narrower scopes.

        Args:
            own: by control (``deny``, ``playbook:NAME``); a control of the models that is not named is in telemetry.
            scoped: control, scope and phase.
            key: secret of the tenant, by which canaries are drawn.
        """
        self._key = key
        self._own = {str(control): phase for control, phase in own.items()}
        self._scoped: dict[str, tuple[tuple[Scope, Phase], ...]] = {}
        for control, scope, phase in scoped:
            name = str(control)
            self._scoped[name] = (*self._scoped.get(name, ()), (scope, phase))
        self._plain = PhaseTable(self._whole())
        self._known: dict[tuple[Phase, ...], PhaseTable] = {}

    @property
    def whole(self) -> PhaseTable:
        """The tenant's own table, whatever narrower scopes say."""
        return self._plain

    def table(self, where: Where) -> PhaseTable:
        """Return the phases of all controls for one request."""
        if not self._scoped:
            return self._plain
        phases = self._controls(where)
        kept = tuple(phases.values())  # at most 4 to the power of 5 of them
        table = self._known.get(kept)
        if table is None:
            table = self._known[kept] = PhaseTable(phases)
        return table

    def phase(self, control: str, where: Where) -> Phase | None:
        """Return the phase of one control for one request; ``None`` when nothing was ever said of it."""
        lowest: Phase | None = None
        for scope, phase in self._scoped.get(control, ()):
            if (lowest is None or phase < lowest) and self._holds(scope, control, where):
                lowest = phase
        return self._own.get(control) if lowest is None else lowest

    def _controls(self, where: Where) -> dict[Control, Phase]:
        found = {control: self.phase(control.value, where) for control in Control}
        return {control: Phase.TELEMETRY if phase is None else phase for control, phase in found.items()}

    def of_scope(self, control: str, scope: Scope) -> Phase | None:
        """Return what was said of a control in exactly this scope; ``None`` when nothing was."""
        return next((phase for one, phase in self._scoped.get(control, ()) if one == scope), None)

    def scoped(self, control: str) -> tuple[Phase, ...]:
        """Return the phases of a control in all narrower scopes."""
        return tuple(phase for _, phase in self._scoped.get(control, ()))

    def _whole(self) -> dict[Control, Phase]:
        return {control: self._own.get(control.value, Phase.TELEMETRY) for control in Control}

    def _holds(self, scope: Scope, control: str, where: Where) -> bool:
        if scope.resource_class and scope.resource_class != where.resource_class:
            return False
        if scope.group and scope.group not in where.groups:
            return False
        return scope.percent >= EVERYWHERE or (
            bool(where.subject_key) and bucket(self._key, control, where.subject_key) < scope.percent
        )


def bucket(key: bytes, control: str, subject_key: str) -> float:
    """Return where a subject falls between 0 and 100: for ever, by a secret, for each control apart.

    A canary that grows from 5 to 25 keeps those that it had.
    """
    drawn = keyed_hash(key, control.encode() + b"\0" + subject_key.encode("utf-8", "surrogatepass"))
    return int.from_bytes(drawn[:8], "big") * EVERYWHERE / (1 << 64)


def live_from(control: str) -> Phase:
    """Return from which phase on a control does something by itself; a playbook's containment from the last.

    >>> live_from("step_up").name, live_from("playbook:session-theft").name
    ('LOW_RISK', 'HIGH_IMPACT')
    """
    return Phase.HIGH_IMPACT if control.startswith(PLAYBOOK) else LIVE_FROM[Control(control)]


def high_impact_everywhere() -> PhaseTable:
    """Return the table in which every control is live."""
    return PhaseTable(dict.fromkeys(Control, Phase.HIGH_IMPACT))

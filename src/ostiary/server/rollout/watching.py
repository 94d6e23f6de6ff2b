"""What demotes by itself: the figures of live controls against their gate, every few seconds.

- Watched are controls that people promoted. What the operator's own table lets act is shown as broken, and stays.
- A bound that live figures break demotes the control to the highest phase in which it does nothing by itself. So do
  figures that could not be read for ``blind_s``: whoever stops the measuring does not keep the model in force.
- Figures are of the last ``window_days``, of which the time before the promotion is a part: what it would have done.
- Of several processes that see it, one writes it down; the others find it done.
- A fault with one control or tenant keeps no other from being watched.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from ostiary.decision.gates import broken
from ostiary.decision.phases import live_from
from ostiary.errors import OstiaryError, RefusedError
from ostiary.server.rollout.changing import Changes, Wish
from ostiary.server.rollout.figures import DAY_NS, HOUR_NS
from ostiary.server.rollout.force import Rollout
from ostiary.server.rollout.gathering import Gates, Gathering
from ostiary.server.settings.rollout import RolloutSection
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.rollout import NOWHERE, GateFigures

GATE: Final = "gate"
_NS: Final = 1_000_000_000
OnFault = Callable[[str, BaseException], None]


class Watch:
    """Watches live controls."""

    def __init__(
        self,
        rollout: Rollout,
        changes: Changes,
        gates: Gates,
        gathering: Gathering,
        settings: RolloutSection,
        clock: Clock,
        on_fault: OnFault,
    ) -> None:
        """Take the parts."""
        self._rollout = rollout
        self._changes = changes
        self._gates = gates
        self._gathering = gathering
        self._settings = settings
        self._clock = clock
        self._on_fault = on_fault
        self._blind: dict[tuple[str, str], int] = {}

    def turn(self, tenants: Iterable[str]) -> int:
        """Look at every live control; return how many were demoted."""
        demoted = 0
        for tenant in tenants:
            try:
                live = tuple(self._live(tenant))
            except Exception as fault:  # noqa: BLE001 - the other tenants are watched all the same
                self._tell(fault)
                continue
            for control in live:
                try:
                    demoted += self._look(tenant, control)
                except Exception as fault:  # noqa: BLE001 - the others are watched all the same
                    self._tell(fault)
        return demoted

    def broken(self, tenant: str, control: str) -> tuple[str, ...]:
        """Return what a live control's figures break now; nothing where they cannot be read."""
        figures = self._figures(tenant, control)
        return () if figures is None else broken(self._gates.gate(control, live_from(control)), figures)

    def _live(self, tenant: str) -> Iterator[str]:
        held = self._rollout.in_force(tenant)
        if held.read is None:
            return
        promoted = dict.fromkeys(one.control for one in held.read.state.settings if one.rungs)
        for control in promoted:
            phases = [held.rules.phase(control, NOWHERE), *held.rules.scoped(control)]
            # Nothing is said of a playbook whose agreement holds no more: it is not live.
            if max((phase for phase in phases if phase is not None), default=Phase.TELEMETRY) >= live_from(control):
                yield control

    def _tell(self, fault: Exception) -> None:
        self._on_fault(fault.code if isinstance(fault, OstiaryError) else "gate_not_watched", fault)

    def _look(self, tenant: str, control: str) -> bool:
        figures = self._figures(tenant, control)
        if figures is None:
            why = self._blinded(tenant, control)
        else:
            self._blind.pop((tenant, control), None)
            why = broken(self._gates.gate(control, live_from(control)), figures)
        if not why:
            return False
        told = {"figures": msgspec.json.encode(figures).decode()}
        wish = Wish(tenant, control, by=GATE, why="; ".join(why)[:500])
        try:
            self._changes.demote(wish, Phase(live_from(control) - 1), told)
        except RefusedError as no:
            if no.code not in {"phase_step", "phases_changed"}:
                raise
            return False  # somebody else was quicker; if it is live still, the next turn sees it
        return True

    def _figures(self, tenant: str, control: str) -> GateFigures | None:
        now = self._clock.now_ns()
        since = (
            (now - int(self._settings.window_days * DAY_NS)) // HOUR_NS * HOUR_NS
        )  # what is known of a span is reused
        try:
            return self._gathering.figures(tenant, control, since, now)
        except Exception as fault:  # noqa: BLE001 - what cannot be measured is not known, and patience has an end
            self._on_fault("gate_not_measured", fault)
            return None

    def _blinded(self, tenant: str, control: str) -> tuple[str, ...]:
        now = self._clock.now_ns()
        first = self._blind.setdefault((tenant, control), now)
        seconds = (now - first) // _NS
        return (f"its figures could not be read for {seconds} seconds",) if seconds >= self._settings.blind_s else ()

"""The rollout beside the answers: looks at the phases, watches live controls, tells everybody. It answers no path.

1. Twice a second the newest statement of every tenant is looked at, so that no answer waits for it and every process
   sees a change within a second.
2. Every few seconds the figures of live controls are held against their gates (``server.rollout.watching``).
3. Whatever changed, here or in another process, is a line in the log of events, a counter, and a letter to every sink.
"""

from collections.abc import Sequence
from typing import Final

from prometheus_client import Counter

from ostiary.decision.phases import live_from
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.rollout.desk import rollout_desk
from ostiary.server.rollout.statement import State
from ostiary.server.rollout.telling import words
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.vocabulary.effects import Control
from ostiary.vocabulary.rollout import NOWHERE

LOOK_S: Final = 0.5
WATCH_S: Final = 5.0
_LOUD: Final = frozenset({"auto", "kill"})


class RolloutFace:
    """Carries the chores of the rollout."""

    prefixes = ()

    def __init__(self, desk: FaceDesk) -> None:
        """Work with what ``desk`` has."""
        self._desk = desk
        self._rollout = rollout_desk(desk.house, desk.faults)
        self._lapsed: dict[str, frozenset[tuple[str, str]]] = {}
        desk.house.rollout.chain.listen(self.changed)
        told = "changes of phases, by what was done"
        self._changes = Counter("ostiary_phase_changes", told, ("what", "control"), registry=desk.metrics.registry)
        desk.metrics.gauge("ostiary_phases_broken", "tenants whose phases do not verify", self._broken)
        desk.metrics.gauge("ostiary_controls_live", "controls of the models that act, over all tenants", self._live)

    async def answer(self, request: Request) -> Reply:
        """Answer nothing: there is no path here."""
        del request
        return json_reply(404, {"code": "not_found", "message": "there is nothing here"})

    def chores(self) -> Sequence[Chore]:
        """Return what is to be done every so often."""
        return (
            Chore("phases_not_looked_at", LOOK_S, self.look),
            Chore("gates_not_watched", WATCH_S, self._rollout.watch_all, once=True),
        )

    def look(self) -> None:
        """Look at every tenant's phases now."""
        for row in self._desk.house.tenants.living():
            held = self._desk.house.rollout.look(row.tenant, ask=False)
            lapsed = frozenset(held.lapsed)
            for target, code in lapsed - self._lapsed.get(row.tenant, frozenset()):
                self._desk.log.error("phase_lapsed", tenant=row.tenant, target=target, why=code)
                self._changes.labels("lapse", target.partition("@")[0]).inc()
            self._lapsed[row.tenant] = lapsed

    def changed(self, state: State) -> None:
        """Tell everybody of a change that has come to count."""
        change = state.change
        say = self._desk.log.error if change.what in _LOUD else self._desk.log.warning
        say("phases_changed", tenant=state.tenant, number=state.number, by=change.by, text=words(change))
        self._changes.labels(change.what, change.control).inc()
        self._rollout.tell(state, self._desk.faults)

    def _broken(self) -> float:
        living = self._desk.house.tenants.living()
        return sum(self._desk.house.rollout.in_force(row.tenant).broken for row in living)

    def _live(self) -> float:
        rules = [self._desk.house.rollout.in_force(row.tenant).rules for row in self._desk.house.tenants.living()]
        tables = [one.table(NOWHERE) for one in rules]
        return sum(table.phases[control] >= live_from(control) for table in tables for control in Control)


def face(desk: FaceDesk) -> RolloutFace:
    """Return the face."""
    return RolloutFace(desk)

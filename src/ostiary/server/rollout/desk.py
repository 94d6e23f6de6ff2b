"""The rollout over an open house: for the command line, the administrators' API, the watch and ``doctor``."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.response.playbook import PHASES, control_name
from ostiary.server.reports import Reports
from ostiary.server.rollout.chain import OnFault
from ostiary.server.rollout.changing import Changes, World
from ostiary.server.rollout.figures import PlaybookFigures
from ostiary.server.rollout.gathering import Gates, Gathering
from ostiary.server.rollout.statement import ALL_PLAYBOOKS, State
from ostiary.server.rollout.telling import post
from ostiary.server.rollout.watching import Watch
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Phase

STEPS: Final = 2_000


class RolloutDesk(msgspec.Struct, frozen=True):
    """Everything that one does with phases."""

    house: House
    changes: Changes
    gates: Gates
    gathering: Gathering
    watch: Watch

    def tell(self, state: State, on_fault: OnFault) -> None:
        """Tell everybody of a change."""
        post(self.house.response.outbox, state, on_fault)

    def watch_all(self) -> int:
        """Look at the live controls of every tenant once; return how many were demoted."""
        return self.watch.turn([row.tenant for row in self.house.tenants.living()])


def rollout_desk(house: House, on_fault: OnFault) -> RolloutDesk:
    """Return the desk of an open house."""
    gates = Gates(house.settings.rollout)
    source = PlaybookFigures(house.rollout.figures, lambda tenant: house.response.journal.listed(tenant, (), STEPS))
    gathering = Gathering(source, Reports(house.store.snapshots, house.ring))
    changes = Changes(house.rollout, gates, gathering, _world(house), house.clock)
    watch = Watch(house.rollout, changes, gates, gathering, house.settings.rollout, house.clock, on_fault)
    return RolloutDesk(house, changes, gates, gathering, watch)


def _world(house: House) -> World:
    def own(tenant: str, control: str) -> Phase | None:
        books = house.response.shelf.playbooks(tenant)
        if control == ALL_PLAYBOOKS:
            return Phase.LOW_RISK
        return next((PHASES[book.phase] for book in books if control_name(book.name) == control), None)

    begun: dict[str, int] = {}

    def begun_ns(tenant: str) -> int:
        """Return when a tenant's first record was written: the first tenant of a house is older than its data."""
        if tenant not in begun:
            first = next(iter(house.log.iterate(tenant)), None)
            if first is None:
                return house.clock.now_ns()
            begun[tenant] = first.time_ns
        return begun[tenant]

    return World(_bound(house), own, begun_ns)


def _bound(house: House) -> Callable[[str], Mapping[str, str]]:
    def bound(tenant: str) -> Mapping[str, str]:
        scorer = house.scorers.scorer(tenant)
        try:
            bundle = house.policies.status(tenant).digest
        except OstiaryError:  # no bundle in force: every answer is a denial, and nothing is agreed about it
            bundle = ""
        return {"model": scorer.digest if scorer else "", "bundle": bundle}

    return bound

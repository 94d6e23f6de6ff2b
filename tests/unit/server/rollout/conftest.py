"""One open house on a clock that stands still, people who agree by name, figures that a test sets; a tenant a test."""

from collections.abc import Iterator
from typing import Any

import pytest

from ostiary.response.outbox import Letter
from ostiary.server.places import Places
from ostiary.server.reports import Reports
from ostiary.server.rollout.changing import Changes, Wish
from ostiary.server.rollout.desk import RolloutDesk, rollout_desk
from ostiary.server.rollout.gathering import QUALITY, QUALITY_ABOUT
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.rollout import FakeFigures, FakeQuorum
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.rollout import WHOLE, Scope


class Mailbox:
    """A sink that keeps letters."""

    name = "soc"

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.letters: list[Letter] = []

    def deliver(self, letter: Letter, now_ns: int) -> None:
        self.letters.append(letter)


class Stage:
    """What a test of the rollout works with."""

    def __init__(self, house: House, clock: FakeClock, tenant: str, faults: list[str]) -> None:
        self.house, self.clock, self.tenant, self.faults = house, clock, tenant, faults
        self.quorum, self.figures = FakeQuorum(), FakeFigures()
        self.reports = Reports(house.store.snapshots, house.ring)
        house.rollout.asks(self.quorum)
        house.rollout.measures(self.figures)
        self.desk: RolloutDesk = rollout_desk(house, lambda reason, _fault: faults.append(reason))
        self.redteam = self.reports.keep(tenant, "redteam", "m", b"{}", clock.now_ns()).digest
        self.impact = self.reports.keep(tenant, "impact", "m", b"{}", clock.now_ns()).digest
        self.figures.set(redteam=self.redteam, impact=self.impact)
        self.reports.keep(tenant, QUALITY, QUALITY_ABOUT, b'{"passed":true}', clock.now_ns())
        self.proposals = 0

    @property
    def changes(self) -> Changes:
        return self.desk.changes

    def wish(self, control: str, scope: Scope = WHOLE, **more: Any) -> Wish:
        return Wish(self.tenant, control, scope, by="adm_1", **more)

    def agreed(self, control: str, scope: Scope = WHOLE, to: Phase | None = None, *, reviving: bool = False) -> Wish:
        """Let people agree to what the deployment says it would be; return the wish that names it."""
        self.proposals += 1
        name = f"prop-{self.proposals}"
        found = self.changes.prospect(self.wish(control, scope), to, reviving=reviving)
        assert found.deed is not None
        self.quorum.agree(name, found.deed)
        return self.wish(control, scope, proposal=name)

    def promote(self, control: str, scope: Scope = WHOLE) -> str:
        wish = self.agreed(control, scope)
        self.changes.promote(wish)
        return wish.proposal

    def high(self, control: str, scope: Scope = WHOLE) -> tuple[str, str]:
        """Take a control from shadow all the way."""
        return self.promote(control, scope), self.promote(control, scope)

    def stands(self, control: str, scope: Scope = WHOLE) -> str:
        self.house.rollout.look(self.tenant)
        return self.changes.before(self.tenant, control, scope).name.lower()


_TENANTS = iter(range(10_000))


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="module")
def faults() -> list[str]:
    return []


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, clock: FakeClock, faults: list[str]) -> Iterator[House]:
    root = tmp_path_factory.mktemp("rollout") / "data"
    settings = load(None, environ={}, options={}).settings
    with open_house(Places(root), settings, clock, lambda reason, _fault: faults.append(reason)) as opened:
        yield opened


@pytest.fixture
def stage(house: House, clock: FakeClock, faults: list[str]) -> Stage:
    faults.clear()
    tenant = f"t{next(_TENANTS)}"
    house.tenants.create(tenant)
    return Stage(house, clock, tenant, faults)

"""The rollout attacked by one administrator alone: a watch that goes blind, a switch that is full, a second revival."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.places import Places
from ostiary.server.reports import Reports
from ostiary.server.rollout import chain
from ostiary.server.rollout.changing import Wish
from ostiary.server.rollout.desk import rollout_desk
from ostiary.server.rollout.statement import Change, Rung, Setting
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.rollout import FakeFigures, FakeQuorum
from ostiary.vocabulary.effects import Control, Phase
from ostiary.vocabulary.rollout import NOWHERE, Scope

DAY = 86_400


class Place:
    """An open house with two tenants, people who agree by name, and figures that a test sets."""

    def __init__(self, house: House, clock: FakeClock) -> None:
        self.house, self.clock = house, clock
        self.faults: list[str] = []
        self.quorum, self.figures = FakeQuorum(), FakeFigures()
        house.rollout.asks(self.quorum)
        house.rollout.measures(self.figures)
        self.desk = rollout_desk(house, lambda reason, _fault: self.faults.append(reason))

    def equip(self, tenant: str) -> None:
        reports = Reports(self.house.store.snapshots, self.house.ring)
        for kind in ("redteam", "impact"):
            self.figures.set(**{kind: reports.keep(tenant, kind, "m", b"{}", self.clock.now_ns()).digest})

    def agreed(self, wish: Wish, to: Phase | None = None, **how: Any) -> Wish:
        deed = self.desk.changes.prospect(wish, to, **how).deed
        assert deed is not None
        name = f"apr_{len(self.quorum.agreed)}"
        self.quorum.agree(name, deed)
        return Wish(wish.tenant, wish.control, wish.scope, wish.by, wish.why, name)

    def high(self, tenant: str, control: str) -> None:
        self.equip(tenant)
        for _ in range(2):
            self.desk.changes.promote(self.agreed(Wish(tenant, control, by="adm_1")))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    clock = FakeClock()
    settings = load(None, environ={}, options={}).settings
    with open_house(Places(tmp_path / "data"), settings, clock, lambda *_: None) as house:
        for name in ("acme", "zeta"):
            house.tenants.create(name)
        yield Place(house, clock)


def test_an_agreement_taken_back_in_one_tenant_does_not_blind_the_watch_of_another(place: Place) -> None:
    folder = place.house.places.playbooks("acme")
    folder.mkdir(parents=True)
    book = "name: bold\ntriggers: ['decision:DENY']\nphase: telemetry\nsteps: [{do: revoke_subject}]\n"
    (folder / "bold.yaml").write_text(book)
    place.clock.advance(15 * DAY)
    promoted = Setting("playbook:bold", rungs=(Rung(Phase.HIGH_IMPACT, "apr_withdrawn"),), since_ns=1)
    place.house.rollout.chain.add("acme", None, Change("promote", "playbook:bold"), (promoted,), ())
    place.high("zeta", "deny")
    place.figures.set(false_positive_rate=0.9)
    assert place.desk.watch.turn(["acme", "zeta"]) == 1
    assert not place.house.rollout.phases("zeta", NOWHERE).is_live(Control.DENY)


def test_a_table_full_of_scopes_does_not_hold_the_kill_switch_nor_the_gate(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "MAX_SETTINGS", 4)
    place.high("acme", "terminate")
    for number in range(3):  # one administrator alone
        place.desk.changes.demote(Wish("acme", "step_up", Scope(group=f"g{number}")), Phase.SHADOW)
    with pytest.raises(FaultyInputError, match="at most 4"):
        place.desk.changes.demote(Wish("acme", "step_up", Scope(group="g4")), Phase.SHADOW)
    place.desk.changes.demote(Wish("acme", "reduce"), Phase.SHADOW)
    place.desk.changes.kill(Wish("acme", "deny", by="adm_1"))
    place.desk.changes.kill(Wish("acme", "*", by="adm_1"))
    assert not any(place.house.rollout.phases("acme", NOWHERE).is_live(control) for control in Control)


def test_an_agreement_to_revive_all_playbooks_is_good_for_one_revival(place: Place) -> None:
    place.equip("acme")
    wish = Wish("acme", "playbook:*", by="adm_1")
    place.desk.changes.kill(wish)
    place.clock.advance(15 * DAY)
    place.equip("acme")
    named = place.agreed(wish, Phase.LOW_RISK, reviving=True)
    place.desk.changes.revive(named, Phase.LOW_RISK)
    place.desk.changes.kill(wish)  # the emergency came back
    with pytest.raises(RefusedError) as caught:
        place.desk.changes.revive(named, Phase.LOW_RISK)
    assert caught.value.code == "approval_mismatch"
    held = place.house.rollout.look("acme").read
    assert held is not None
    assert held.state.is_killed("playbook:*")

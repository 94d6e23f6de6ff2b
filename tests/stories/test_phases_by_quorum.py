"""A phase rises by the signatures of several people over exactly that change, and falls when one takes his back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.errors import OstiaryError
from ostiary.server.places import Places
from ostiary.server.reports import Reports
from ostiary.server.rollout.changing import Wish
from ostiary.server.rollout.desk import RolloutDesk, rollout_desk
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing.approval_scene import ApprovalScene
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.rollout import FakeFigures
from ostiary.vocabulary.effects import Control, Phase
from ostiary.vocabulary.rollout import NOWHERE, WHOLE, Scope

DENY = "deny"


class Place:
    """A house whose people are real but for their passkeys."""

    def __init__(self, house: House, clock: FakeClock) -> None:
        self.house, self.clock = house, clock
        self.scene = ApprovalScene(house.log, house.store.approvals, clock, house.store.authenticators)
        self.figures = FakeFigures()
        house.rollout.asks(self.scene.quorum)
        house.rollout.measures(self.figures)
        reports = Reports(house.store.snapshots, house.ring)
        for kind in ("redteam", "impact"):
            self.figures.set(**{kind: reports.keep("default", kind, "m", b"{}", clock.now_ns()).digest})
        self.desk: RolloutDesk = rollout_desk(house, lambda *_: None)

    def wish(self, proposal: str = "", scope: Scope = WHOLE) -> Wish:
        return Wish("default", DENY, scope, "adm_1", proposal=proposal)

    def agreed(self, *people: str, scope: Scope = WHOLE) -> str:
        deed = self.desk.changes.prospect(self.wish(scope=scope)).deed
        assert deed is not None
        return self.scene.agreed(deed, people=people or ("user:ann", "user:bob")).proposal_id

    def code(self, wish: Wish) -> str:
        with pytest.raises(OstiaryError) as caught:
            self.desk.changes.promote(wish)
        return caught.value.code

    @property
    def phase(self) -> Phase:
        self.house.rollout.look("default")
        return self.desk.changes.before("default", DENY)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    clock = FakeClock()
    settings = load(None, environ={}, options={}).settings
    with open_house(Places(tmp_path / "data"), settings, clock, lambda *_: None) as house:
        yield Place(house, clock)


def test_two_people_of_two_groups_take_a_control_all_the_way(place: Place) -> None:
    for _ in range(2):
        place.desk.changes.promote(place.wish(place.agreed()))
    assert place.phase == Phase.HIGH_IMPACT
    assert place.house.rollout.phases("default", NOWHERE).is_live(Control.DENY)


def test_too_few_or_none_or_for_another_scope_take_it_nowhere(place: Place) -> None:
    assert place.code(place.wish("apr_made_up")).startswith("approval_")
    assert place.code(place.wish(place.agreed("user:ann"))) == "approval_too_few"
    assert place.code(place.wish(place.agreed(scope=Scope(percent=5)))) == "approval_other_deed"
    used = place.agreed()
    place.desk.changes.promote(place.wish(used))
    place.desk.changes.demote(place.wish(), Phase.SHADOW)
    assert place.code(place.wish(used)) == "approval_other_deed", "it was for where the control stood then"
    assert place.phase == Phase.SHADOW


def test_an_agreement_that_ends_takes_the_control_down(place: Place) -> None:
    place.desk.changes.promote(place.wish(place.agreed()))
    assert place.phase == Phase.LOW_RISK
    place.clock.advance(400 * 86_400)
    assert place.phase == Phase.SHADOW


def test_an_agreement_that_is_taken_back_takes_the_control_down_within_seconds(place: Place) -> None:
    proposal = place.agreed()
    place.desk.changes.promote(place.wish(proposal))
    place.house.rollout.phases("default", NOWHERE)
    place.scene.room.withdraw("default", proposal, "user:zed", "not so sure any more")
    place.clock.advance(5)
    assert place.house.rollout.phases("default", NOWHERE).phases[DENY] == Phase.SHADOW

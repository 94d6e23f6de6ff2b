"""Break-glass, erasing, keys with the real room of approvals: passkeys sign, and what was signed is what counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.approvals.glass import SECOND_NS, Limits, Terms, checked, deed_of
from ostiary.approvals.law import law_deed, written
from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Draft
from ostiary.approvals.rules import PEOPLE as PEOPLE_KIND
from ostiary.errors import RefusedError
from ostiary.server.break_glass.opening import end_overdue, open_by_quorum
from ostiary.server.consented import erase_deed, may_add_administrator, may_erase
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.step_up.inviting import Invited, find_invitation, invite
from ostiary.server.wiring import House, open_house
from ostiary.testing.approval_scene import PEOPLE, TENANT, ApprovalScene
from ostiary.testing.fake_clock import FakeClock
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.entities import Action, EvaluationRequest, Resource, Subject

HOUR = 3600 * SECOND_NS


class World:
    """A house whose default tenant has named its people."""

    def __init__(self, root: Path) -> None:
        self.clock = FakeClock()
        self.house: House = open_house(Places(root), load(None, environ={}).settings, self.clock, lambda *_told: None)
        self.house.tenants.create("default") if self.house.tenants.find("default") is None else None
        store = self.house.store
        self.scene = ApprovalScene(self.house.log, store.approvals, self.clock, store.authenticators)

    def terms(self) -> Terms:
        now = self.clock.now_ns()
        return Terms(("off-network",), ("doc:1",), ("user:kim",), now, now + HOUR, "the office has no network")

    def found(self, subject: str = "kim") -> bool:
        request = EvaluationRequest(Subject("user", subject), Action("read"), Resource("doc", "1"), {})
        return self.house.glass.check.find("default", request, self.clock.now_ns()) is not None


def link(invited: Invited) -> str:
    return invited.url.rpartition("/")[2]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "data")
    yield made
    made.house.close()


def test_two_people_open_it_and_one_takes_it_back(world: World) -> None:
    fit = checked(world.terms(), Limits(14_400), world.clock.now_ns())
    proposal = world.scene.propose(deed_of("default", fit)).proposal_id
    made = world.scene.room.standing("default", proposal).proposal
    world.scene.says("user:ann", made)
    with pytest.raises(RefusedError, match="1 more signature needed"):
        open_by_quorum(world.house, "adm_1", "default", fit, proposal)
    world.scene.says("user:bob", made)
    open_by_quorum(world.house, "adm_1", "default", fit, proposal)
    assert (world.found(), world.found("ann")) == (True, False)
    with pytest.raises(RefusedError) as caught:
        open_by_quorum(world.house, "adm_1", "default", fit, proposal)
    assert caught.value.code == "approval_used"
    world.scene.room.withdraw("default", proposal, "user:cyd", "not this way")
    world.clock.advance(1)
    assert not world.found()
    assert end_overdue(world.house) == 1


def test_whom_it_lets_in_does_not_open_it(world: World) -> None:
    terms = checked(
        Terms(
            ("off-network",),
            ("doc:1",),
            ("user:ann",),
            world.clock.now_ns(),
            world.clock.now_ns() + HOUR,
            "because ann asks for it",
        ),
        Limits(14_400),
        world.clock.now_ns(),
    )
    made = world.scene.propose(deed_of("default", terms))
    with pytest.raises(RefusedError) as caught:
        world.scene.says("user:ann", made)
    assert caught.value.code == "approval_own_work"


def test_erasing_and_administrators_ask_the_same_people(world: World) -> None:
    reason = "erasure asked for, art. 17 GDPR"
    agreed = world.scene.agreed(erase_deed("default", "user:kim", reason))
    with pytest.raises(RefusedError) as caught:
        may_erase(world.house, "adm_1", "default", "user:lea", reason, agreed.proposal_id)
    assert caught.value.code == "approval_other_deed"
    consent = may_erase(world.house, "adm_1", "default", "user:kim", reason, agreed.proposal_id)
    assert len(consent.keys) == 2
    with pytest.raises(RefusedError, match=r"ostiary approvals propose administrators\.change"):
        may_add_administrator(world.house, "adm_1", "default", "")


def test_whoever_makes_the_key_is_not_among_those_who_agree(world: World) -> None:
    deed = Deed("default", "administrators.change", "administrators", {"add": "default"})
    made = world.scene.agreed(deed, people=("user:ann", "user:bob"))
    with pytest.raises(RefusedError):
        may_add_administrator(world.house, "adm_bob", "default", made.proposal_id)


def test_an_administrator_does_not_begin_as_somebody_who_never_did(world: World) -> None:
    """With the first passkey of two people in his hands he would be a quorum."""
    early = link(invite(world.house, TENANT, "user:fay", "adm_1"))
    assert find_invitation(world.house, early, world.clock.now_ns())
    people = (*PEOPLE, Person("user:fay", ("risk",)))
    deed = law_deed(TENANT, world.scene.room.law(TENANT), PEOPLE_KIND, "people", written(people))
    made = world.scene.room.propose(TENANT, Draft(deed, "user:zed", change=written(people)))
    for person in ("user:eve", "user:cyd"):
        world.scene.says(person, made)
    world.clock.advance(1)
    world.scene.room.enact(TENANT, made.proposal_id, "test")
    assert find_invitation(world.house, early, world.clock.now_ns()) is None, "a link from before she was one of them"
    with pytest.raises(RefusedError, match=r"approvals propose authenticator\.first user:fay") as caught:
        invite(world.house, TENANT, "user:fay", "adm_1")
    assert caught.value.code == "approval_needed"
    deed = Deed(TENANT, "authenticator.first", "user:fay", {"first": "passkey"}, frozenset({"user:fay"}))
    asked = world.scene.propose(deed)
    for person in ("user:ann", "user:bob"):
        world.scene.says(person, asked)
    agreed = link(invite(world.house, TENANT, "user:fay", "adm_1", proposal=asked.proposal_id))
    assert find_invitation(world.house, agreed, world.clock.now_ns())
    with pytest.raises(RefusedError) as caught:
        invite(world.house, TENANT, "user:fay", "adm_1", proposal=asked.proposal_id)
    assert caught.value.code == "approval_used"
    assert invite(world.house, TENANT, "user:nobody", "adm_1").url, "who approves nothing is invited as before"


def test_the_first_people_are_invited_by_one_administrator_for_nobody_could_agree(tmp_path: Path) -> None:
    with open_house(Places(tmp_path / "data"), load(None, environ={}).settings, FakeClock(), lambda *_: None) as house:
        house.approvals.room.bootstrap(TENANT, PEOPLE, "command line")
        assert invite(house, TENANT, "user:ann", "adm_1").url

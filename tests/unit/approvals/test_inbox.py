"""The inbox remembers, and is never wrong for it: each thing that changes where a proposal stands is seen."""

import pytest

from ostiary.approvals.deciding import Hand
from ostiary.approvals.delegating import delegation_deed
from ostiary.approvals.law import law_deed, written
from ostiary.approvals.proposal import Draft, Proposal
from ostiary.approvals.rules import RULE, Rule
from ostiary.server.approving.inbox import FRESH_NS, Inbox
from ostiary.testing.approval_scene import PHASE, TENANT, ApprovalScene
from ostiary.testing.fake_clock import FakeClock

DAY_NS = 86_400 * 10**9


@pytest.fixture
def inbox(scene: ApprovalScene) -> Inbox:
    return Inbox(scene.room, scene.clock)


def needs(inbox: Inbox, name: str) -> list[str]:
    return [one.proposal.proposal_id for one in inbox.needs(TENANT, name)]


def state(inbox: Inbox, made: Proposal) -> str:
    return next(one.state for one in inbox.recent(TENANT) if one.proposal.proposal_id == made.proposal_id)


def wait(scene: ApprovalScene, seconds: float) -> None:
    assert isinstance(scene.clock, FakeClock)
    scene.clock.advance(seconds)


def test_what_ends_first_stands_first(scene: ApprovalScene, inbox: Inbox) -> None:
    long, short = scene.propose(), scene.propose(lives_s=60)
    assert needs(inbox, "user:ann") == [short.proposal_id, long.proposal_id]
    assert needs(inbox, "user:nobody") == []


def test_another_name_is_the_same_person(scene: ApprovalScene, inbox: Inbox) -> None:
    made = scene.propose()
    assert needs(inbox, "administrator:adm_bob") == needs(inbox, "user:bob") == [made.proposal_id]
    assert inbox.person(TENANT, "administrator:adm_bob") == "user:bob"


def test_a_signature_is_seen_at_once(scene: ApprovalScene, inbox: Inbox) -> None:
    made = scene.propose()
    assert needs(inbox, "user:eve") == [made.proposal_id]
    scene.says("user:ann", made)
    assert needs(inbox, "user:ann") == needs(inbox, "user:eve") == []
    assert needs(inbox, "user:bob") == [made.proposal_id]
    scene.says("user:bob", made)
    assert state(inbox, made) == "approved"
    assert needs(inbox, "user:cyd") == []


def test_the_end_is_seen_without_an_act(scene: ApprovalScene, inbox: Inbox) -> None:
    made = scene.propose(lives_s=60)
    assert needs(inbox, "user:ann") == [made.proposal_id]
    wait(scene, 59)
    assert needs(inbox, "user:ann") == [made.proposal_id]
    wait(scene, 1)
    assert needs(inbox, "user:ann") == []
    assert state(inbox, made) == "expired"


def test_another_rule_is_seen_at_once(scene: ApprovalScene, inbox: Inbox) -> None:
    made = scene.propose()
    assert needs(inbox, "user:ann") == [made.proposal_id]
    change = written(Rule(people=3))
    law = scene.propose(law_deed(TENANT, scene.room.law(TENANT), RULE, "phase.change", change), change=change)
    for name in ("user:ann", "user:bob"):
        scene.says(name, law)
    wait(scene, 1)
    scene.room.enact(TENANT, law.proposal_id, "test")
    assert state(inbox, made) == "void"
    assert needs(inbox, "user:cyd") == []


def test_a_delegation_that_is_taken_back_is_seen_at_once(scene: ApprovalScene, inbox: Inbox) -> None:
    now = scene.clock.now_ns()
    deed = delegation_deed(TENANT, "user:ann", "user:cyd", ("phase.change",), now, now + DAY_NS)
    lent, made = scene.propose(deed, proposer="user:ann"), scene.propose()
    scene.says("user:ann", lent)
    chance = inbox.chance(scene.room.standing(TENANT, made.proposal_id), "user:cyd")
    assert chance.yes == (
        Hand("user:cyd", "user:cyd", "approve"),
        Hand("user:ann", "user:cyd", "approve", lent.proposal_id),
    )
    scene.says("user:ann", made, signer="user:cyd", delegation=lent.proposal_id)
    scene.says("user:bob", made)
    assert state(inbox, made) == "approved"
    scene.room.withdraw(TENANT, lent.proposal_id, "user:ann", "I am back")
    assert state(inbox, made) == "open"
    assert needs(inbox, "user:ann") == [made.proposal_id]


def test_a_passkey_that_is_taken_away_is_seen_after_a_minute(scene: ApprovalScene, inbox: Inbox) -> None:
    made = scene.propose()
    scene.says("user:ann", made)
    assert needs(inbox, "user:eve") == []
    scene.passkeys.remove_all(TENANT, "user:ann")
    wait(scene, FRESH_NS / 10**9)
    assert needs(inbox, "user:eve") == [made.proposal_id]


def test_who_holds_no_old_passkey_cannot_and_is_told(scene: ApprovalScene, inbox: Inbox) -> None:
    made = scene.propose()
    scene.passkeys.remove_all(TENANT, "user:ann")
    assert needs(inbox, "user:ann") == []
    chance = inbox.chance(scene.room.standing(TENANT, made.proposal_id), "user:ann")
    assert (chance.person, chance.yes, chance.no) == ("user:ann", (), False)
    assert "passkey" in chance.why_not


def test_a_clock_that_goes_back_remembers_nothing(scene: ApprovalScene, inbox: Inbox) -> None:
    made = scene.room.propose(TENANT, Draft(PHASE, "user:zed", lives_s=3600))
    assert needs(inbox, "user:ann") == [made.proposal_id]
    wait(scene, -1)
    assert needs(inbox, "user:ann") == [made.proposal_id]

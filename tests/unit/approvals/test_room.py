"""What the room does when everybody is honest."""

import msgspec
import pytest

from ostiary.approvals.delegating import delegation_deed
from ostiary.approvals.law import law_deed, written
from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Draft
from ostiary.approvals.rules import PEOPLE as PEOPLE_KIND
from ostiary.approvals.rules import RULE, Rule
from ostiary.errors import RefusedError
from ostiary.testing.approval_scene import PEOPLE, PHASE, TENANT, ApprovalScene
from ostiary.testing.fake_clock import FakeClock

DAY_NS = 86_400 * 10**9


def refused(no: pytest.ExceptionInfo[RefusedError]) -> str:
    return no.value.code


def test_two_people_of_two_groups_agree_and_it_is_done_once(scene: ApprovalScene) -> None:
    made = scene.propose()
    assert scene.room.standing(TENANT, made.proposal_id).words == "2 more signatures needed, of another group"
    assert scene.says("user:ann", made).words == "1 more signature needed, of another group"
    with pytest.raises(RefusedError, match="1 more signature needed, of another group"):
        scene.quorum.check(PHASE, made.proposal_id, scene.clock.now_ns())
    assert scene.says("user:bob", made).state == "approved"
    before = scene.quorum.check(PHASE, made.proposal_id, scene.clock.now_ns())
    used = scene.quorum.use(PHASE, made.proposal_id, "test")
    assert before == used
    assert used.digest == made.digest
    assert sorted(used.keys) == sorted(scene.keys[name].credential_id for name in ("user:ann", "user:bob"))
    assert scene.quorum.check(PHASE, made.proposal_id, scene.clock.now_ns() + 300 * DAY_NS) == used
    with pytest.raises(RefusedError) as no:
        scene.quorum.use(PHASE, made.proposal_id, "test")
    assert refused(no) == "approval_used"


def test_two_people_of_one_group_are_not_enough(scene: ApprovalScene) -> None:
    made = scene.agreed(people=("user:bob", "user:cyd"))
    assert scene.room.standing(TENANT, made.proposal_id).words == "1 more signature needed, of another group"
    assert scene.says("user:ann", made).state == "approved"


def test_one_no_ends_it(scene: ApprovalScene) -> None:
    made = scene.agreed()
    assert scene.says("user:cyd", made, "reject").state == "rejected"
    with pytest.raises(RefusedError) as no:
        scene.quorum.check(PHASE, made.proposal_id, scene.clock.now_ns())
    assert refused(no) == "approval_denied"


def test_what_is_withdrawn_holds_no_more(scene: ApprovalScene) -> None:
    made = scene.agreed()
    scene.quorum.use(PHASE, made.proposal_id, "test")
    scene.room.withdraw(TENANT, made.proposal_id, "administrator:adm_1", "changed my mind")
    with pytest.raises(RefusedError) as no:
        scene.quorum.check(PHASE, made.proposal_id, scene.clock.now_ns())
    assert refused(no) == "approval_withdrawn"


def test_what_was_done_holds_for_as_long_as_the_rule_says(scene: ApprovalScene) -> None:
    made = scene.agreed()
    done = scene.quorum.use(PHASE, made.proposal_id, "test")
    assert done.expires_ns == made.created_ns + 400 * DAY_NS
    scene.quorum.check(PHASE, made.proposal_id, done.expires_ns - 1)
    with pytest.raises(RefusedError) as no:
        scene.quorum.check(PHASE, made.proposal_id, done.expires_ns)
    assert refused(no) == "approval_expired"


def test_a_rule_changes_by_the_old_rule(scene: ApprovalScene, clock: FakeClock) -> None:
    change = written(Rule(people=3, groups=("risk", "ops")))
    deed = law_deed(TENANT, scene.room.law(TENANT), RULE, "phase.change", change)
    made = scene.room.propose(TENANT, Draft(deed, "user:zed", change=change))
    for person in ("user:ann", "user:bob"):
        clock.advance(1)
        scene.says(person, made)
    law = scene.room.enact(TENANT, made.proposal_id, "test")
    assert law.rule("phase.change").people == 3
    assert scene.room.law(TENANT) == law
    assert scene.room.law(TENANT, made.created_ns).rule("phase.change").people == 2
    assert scene.room.standing(TENANT, scene.propose().proposal_id).tally.groups == ("risk", "ops")


def test_people_change_by_the_old_people(scene: ApprovalScene, clock: FakeClock) -> None:
    change = written((*PEOPLE, Person("user:fay", ("legal",))))
    deed = law_deed(TENANT, scene.room.law(TENANT), PEOPLE_KIND, "people", change)
    made = scene.room.propose(TENANT, Draft(deed, "user:zed", change=change))
    for person in ("user:eve", "user:cyd"):
        scene.says(person, made)
    clock.advance(1)
    scene.room.enact(TENANT, made.proposal_id, "test")
    assert scene.room.law(TENANT).find("user:fay") is not None
    assert len(scene.room.recent(TENANT, 10)) == 1


def test_a_delegate_counts_as_who_delegated(scene: ApprovalScene, clock: FakeClock) -> None:
    now = clock.now_ns()
    deed = delegation_deed(TENANT, "user:ann", "user:eve", ["phase.change"], now, now + 5 * DAY_NS)
    given = scene.propose(deed, proposer="user:ann")
    scene.says("user:ann", given)
    made = scene.propose()
    standing = scene.says("user:ann", made, signer="user:eve", delegation=given.proposal_id)
    assert standing.tally.agreed == ("user:ann",)
    assert standing.voices[0].signer == "user:eve"
    assert scene.says("user:bob", made).state == "approved"
    scene.quorum.use(PHASE, made.proposal_id, "test")
    clock.advance(1)
    scene.room.withdraw(TENANT, given.proposal_id, "user:ann")
    scene.quorum.check(PHASE, made.proposal_id, clock.now_ns())  # what was done stays done
    other = scene.propose()
    with pytest.raises(RefusedError) as no:
        scene.says("user:ann", other, signer="user:eve", delegation=given.proposal_id)
    assert refused(no) == "approval_delegation"


def test_the_first_people_are_named_once(scene: ApprovalScene) -> None:
    with pytest.raises(RefusedError) as no:
        scene.room.bootstrap(TENANT, PEOPLE, "command line")
    assert refused(no) == "approval_people_exist"


def test_another_tenants_is_unknown(scene: ApprovalScene) -> None:
    made = scene.agreed()
    for tenant, one in (("acme", made.proposal_id), (TENANT, "apr_none"), (TENANT, "law"), (TENANT, "")):
        with pytest.raises(RefusedError) as no:
            scene.room.standing(tenant, one)
        assert refused(no) == "approval_unknown"
    with pytest.raises(RefusedError) as no:
        scene.quorum.check(PHASE, "", 1)
    assert refused(no) == "approval_missing"


def test_a_proposal_is_its_words(scene: ApprovalScene) -> None:
    made = scene.propose()
    assert made.words != scene.propose().words
    assert scene.room.standing(TENANT, made.proposal_id).proposal == made
    for name, value in {"why": "x", "nonce": "x", "target": "x", "expires_ns": 1, "authors": ("x",)}.items():
        assert msgspec.structs.replace(made, **{name: value}).digest != made.digest

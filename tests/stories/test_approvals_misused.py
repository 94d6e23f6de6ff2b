"""Every way we know in which few people, or the wrong ones, could seem to have agreed: each is refused with its code.

A case is an attack; it ends with the refusal, or with the deed that must not count. Nothing is faked but the browser
and the passkeys: rows are in SQLite, acts in the log, and whoever attacks may write to the database.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.approvals.acts import Written
from ostiary.approvals.deciding import Hand
from ostiary.approvals.delegating import delegation_deed
from ostiary.approvals.law import law_deed, written
from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Draft, Proposal
from ostiary.approvals.rules import PEOPLE as PEOPLE_KIND
from ostiary.approvals.rules import RULE, Rule
from ostiary.audit import AuditLog
from ostiary.errors import OstiaryError
from ostiary.identity.webauthn.challenges import Binding, Challenges
from ostiary.keys import KeyRing, SubjectVault, random_bytes
from ostiary.storage.sqlite import open_store
from ostiary.storage.sqlite.database import SqliteDatabase
from ostiary.testing.approval_scene import PEOPLE, TENANT, ApprovalScene
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.passkey import FakePasskey, Lies
from ostiary.vocabulary.approvals import Deed

NS = 10**9
DAY_S = 86_400
MODEL = Deed(
    TENANT,
    "model.promote",
    "fraud/7",
    {
        "digest": "sha256:aa",
        "previous": "sha256:bb",
        "metrics": "sha256:cc",
        "redteam": "sha256:dd",
        "stage": "production",
    },
    frozenset({"user:cyd"}),
)
Attack = Callable[["Scene"], Any]
CASES: list[tuple[str, Attack]] = []


class Scene(ApprovalScene):
    """The people, and a hand in the database."""

    database: SqliteDatabase
    log: AuditLog
    clock: FakeClock

    def done(self, made: Proposal, deed: Deed = MODEL, **bound: str) -> None:
        """Do the deed, or another one under the same agreement."""
        other = msgspec.structs.replace(deed, bound={**deed.bound, **bound})
        self.quorum.use(other, made.proposal_id, "test")

    def agreed_model(self) -> Proposal:
        """Return a promotion that Ann and Bob have agreed to."""
        return self.agreed(MODEL)

    def law_change(self, kind: str, target: str, change: str, *yes: str, proposer: str = "user:zed") -> None:
        """Change rules or people with as many as say yes."""
        deed = law_deed(TENANT, self.room.law(TENANT), kind, target, change)
        made = self.room.propose(TENANT, Draft(deed, proposer, change=change))
        for person in yes:
            self.says(person, made)
        self.clock.advance(1)
        self.room.enact(TENANT, made.proposal_id, "test")

    def given(self, giver: str, taker: str, kinds: tuple[str, ...] = ("model.promote",), *, days: int = 5) -> str:
        """Let somebody sign for somebody else; return the delegation's id."""
        now = self.clock.now_ns()
        deed = delegation_deed(TENANT, giver, taker, kinds, now, now + days * DAY_S * NS)
        made = self.propose(deed, proposer=giver)
        self.says(giver, made)
        return made.proposal_id


@contextmanager
def opened(root: Path, keys: dict[str, FakePasskey] | None = None) -> Iterator[Scene]:
    clock = FakeClock()
    with open_store(root / "ostiary.db", clock) as store:
        vault, ring = SubjectVault(root / "vault", store), KeyRing(root / "ring", clock)
        with AuditLog(store, vault, ring, clock) as log:
            scene = Scene(log, store.approvals, clock, store.authenticators, keys=keys)
            scene.database, scene.log = store.file, log
            yield scene


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, FakePasskey]]:
    """A data directory where the people are named, to begin each case with a copy of it."""
    root = tmp_path_factory.mktemp("named")
    with opened(root) as scene:
        return root, scene.keys


@pytest.fixture
def scene(named: tuple[Path, dict[str, FakePasskey]], tmp_path: Path) -> Iterator[Scene]:
    shutil.copytree(named[0], tmp_path / "data", symlinks=True)
    with opened(tmp_path / "data", named[1]) as scene:
        yield scene


def case(code: str) -> Callable[[Attack], Attack]:
    def add(attack: Attack) -> Attack:
        CASES.append((code, attack))
        return attack

    return add


# Who signs.


@case("approval_signed_twice")
def one_person_with_two_keys(scene: Scene) -> None:
    second = scene.enrol("user:ann")
    made = scene.agreed(MODEL, people=("user:ann",))
    scene.says("user:ann", made, key=second)


@case("approval_too_few")
def one_person_alone(scene: Scene) -> None:
    scene.done(scene.agreed(MODEL, people=("user:ann",)))


@case("approval_too_few")
def two_people_of_one_group(scene: Scene) -> None:
    scene.done(scene.agreed(MODEL, people=("user:ann", "user:eve")))


@case("approval_own_work")
def self_approval(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL, proposer="user:ann"))


@case("approval_own_work")
def self_approval_under_the_name_of_an_administrators_key(scene: Scene) -> None:
    scene.says("user:bob", scene.propose(MODEL, by="administrator:adm_bob"))


@case("approval_own_work")
def the_author_approves(scene: Scene) -> None:
    scene.says("user:cyd", scene.propose(MODEL))


@case("approval_own_work")
def an_author_whom_only_the_doer_knows(scene: Scene) -> None:
    made = scene.agreed(MODEL)
    scene.done(made, msgspec.structs.replace(MODEL, own=frozenset({"user:ann"})))


@case("approval_own_work")
def the_authors_delegate(scene: Scene) -> None:
    delegation = scene.given("user:cyd", "user:eve")
    scene.says("user:cyd", scene.propose(MODEL), signer="user:eve", delegation=delegation)


@case("approval_own_work")
def a_delegate_who_is_the_proposer(scene: Scene) -> None:
    scene.keys["user:zed"] = scene.enrol("user:zed")
    delegation = scene.given("user:ann", "user:zed")
    scene.says("user:ann", scene.propose(MODEL), signer="user:zed", delegation=delegation)


@case("approval_signed_twice")
def a_delegate_who_signs_for_himself_too(scene: Scene) -> None:
    delegation = scene.given("user:ann", "user:bob")
    made = scene.agreed(MODEL, people=("user:bob",))
    scene.says("user:ann", made, signer="user:bob", delegation=delegation)


@case("approval_delegation")
def a_delegate_whom_nobody_named(scene: Scene) -> None:
    """Ann under a name that is nobody's: she would sign for herself and, as Gus, for Bob."""
    scene.keys["user:gus"] = scene.enrol("user:gus")
    delegation = scene.given("user:bob", "user:gus")
    made = scene.agreed(MODEL, people=("user:ann",))
    scene.says("user:bob", made, signer="user:gus", delegation=delegation)


@case("approval_delegation")
def a_delegate_after_the_delegations_end(scene: Scene) -> None:
    delegation = scene.given("user:ann", "user:eve", days=1)
    scene.clock.advance(DAY_S)
    scene.says("user:ann", scene.propose(MODEL), signer="user:eve", delegation=delegation)


@case("approval_delegation")
def a_delegate_for_another_kind(scene: Scene) -> None:
    delegation = scene.given("user:ann", "user:eve", ("phase.change",))
    scene.says("user:ann", scene.propose(MODEL), signer="user:eve", delegation=delegation)


@case("approval_delegation")
def a_delegation_that_the_giver_never_signed(scene: Scene) -> None:
    now = scene.clock.now_ns()
    deed = delegation_deed(TENANT, "user:ann", "user:eve", ["model.promote"], now, now + DAY_S * NS)
    made = scene.propose(deed, proposer="user:eve")
    scene.says("user:ann", scene.propose(MODEL), signer="user:eve", delegation=made.proposal_id)


@case("approval_not_asked")
def a_delegation_signed_by_the_delegate(scene: Scene) -> None:
    now = scene.clock.now_ns()
    deed = delegation_deed(TENANT, "user:ann", "user:bob", ["model.promote"], now, now + DAY_S * NS)
    scene.says("user:bob", scene.propose(deed, proposer="user:bob"))


@case("approval_delegation")
def a_delegates_delegate(scene: Scene) -> None:
    scene.given("user:ann", "user:eve")
    now = scene.clock.now_ns()
    deed = delegation_deed(TENANT, "user:eve", "user:bob", ["model.promote"], now, now + DAY_S * NS)
    further = scene.propose(deed, proposer="user:eve")
    scene.says("user:ann", scene.propose(MODEL), signer="user:bob", delegation=further.proposal_id)


@case("approval_delegation")
def somebody_signs_for_somebody_without_a_word(scene: Scene) -> None:
    made = scene.propose(MODEL)
    scene.says("user:eve", made, signer="user:ann", delegation=made.proposal_id)


@case("approval_malformed")
def a_delegation_without_an_end(scene: Scene) -> None:
    now = scene.clock.now_ns()
    deed = delegation_deed(TENANT, "user:ann", "user:eve", ["model.promote"], now, now + DAY_S * NS)
    for_ever = msgspec.structs.replace(deed, bound={**deed.bound, "until_ns": str(now + 900 * DAY_S * NS)})
    scene.propose(for_ever, proposer="user:eve")


@case("approval_malformed")
def a_delegation_of_the_rules_themselves(scene: Scene) -> None:
    now = scene.clock.now_ns()
    delegation_deed(TENANT, "user:ann", "user:eve", [RULE], now, now + DAY_S * NS)


@case("approval_malformed")
def a_delegation_whose_target_says_something_else(scene: Scene) -> None:
    now = scene.clock.now_ns()
    deed = delegation_deed(TENANT, "user:ann", "user:eve", ["model.promote"], now, now + DAY_S * NS)
    scene.propose(msgspec.structs.replace(deed, target="something harmless"), proposer="user:eve")


@case("approval_not_asked")
def a_stranger(scene: Scene) -> None:
    scene.keys["user:mal"] = scene.enrol("user:mal")
    scene.says("user:mal", scene.propose(MODEL))


# What is signed.


@case("approval_other_deed")
def swapped_metrics(scene: Scene) -> None:
    scene.done(scene.agreed_model(), metrics="sha256:better")


@case("approval_other_deed")
def swapped_digest(scene: Scene) -> None:
    scene.done(scene.agreed_model(), digest="sha256:evil")


@case("approval_other_deed")
def swapped_previous(scene: Scene) -> None:
    scene.done(scene.agreed_model(), previous="sha256:newer")


@case("approval_other_deed")
def replayed_to_another_stage(scene: Scene) -> None:
    scene.done(scene.agreed_model(), stage="staging")


@case("approval_other_deed")
def bound_to_one_value_more(scene: Scene) -> None:
    scene.done(scene.agreed_model(), force="yes")


@case("approval_other_deed")
def bound_to_one_value_less(scene: Scene) -> None:
    fewer = {name: value for name, value in MODEL.bound.items() if name != "redteam"}
    scene.done(scene.agreed_model(), msgspec.structs.replace(MODEL, bound=fewer))


@case("approval_other_deed")
def another_kind_of_deed(scene: Scene) -> None:
    scene.done(scene.agreed_model(), msgspec.structs.replace(MODEL, kind="model.rollback"))


@case("approval_unknown")
def replayed_to_another_tenant(scene: Scene) -> None:
    scene.done(scene.agreed_model(), msgspec.structs.replace(MODEL, tenant="acme"))


@case("challenge_other_request")
def a_signature_of_another_proposal(scene: Scene) -> None:
    first, second = scene.propose(MODEL), scene.propose(MODEL)
    hand = Hand("user:ann", "user:ann", "approve")
    scene.room.sign(TENANT, second.proposal_id, hand, scene.answer(first, hand))


@case("challenge_other_request")
def a_yes_made_into_a_no(scene: Scene) -> None:
    made = scene.propose(MODEL)
    answer = scene.answer(made, Hand("user:ann", "user:ann", "approve"))
    scene.room.sign(TENANT, made.proposal_id, Hand("user:ann", "user:ann", "reject"), answer)


@case("challenge_other_request")
def a_no_made_into_a_yes(scene: Scene) -> None:
    made = scene.propose(MODEL)
    answer = scene.answer(made, Hand("user:ann", "user:ann", "reject"))
    scene.room.sign(TENANT, made.proposal_id, Hand("user:ann", "user:ann", "approve"), answer)


@case("approval_denied")
def a_no_taken_back(scene: Scene) -> None:
    made = scene.propose(MODEL)
    scene.says("user:ann", made, "reject")
    scene.says("user:ann", made)


@case("approval_decided")
def a_no_taken_back_while_more_are_needed(scene: Scene) -> None:
    scene.law_change(RULE, "model.promote", written(Rule(deny=2)), "user:ann", "user:bob")
    made = scene.propose(MODEL)
    scene.says("user:ann", made, "reject")
    scene.says("user:ann", made)


@case("challenge_other_request")
def a_signature_for_somebody_else(scene: Scene) -> None:
    made = scene.propose(MODEL)
    answer = scene.answer(made, Hand("user:ann", "user:ann", "approve"))
    scene.room.sign(TENANT, made.proposal_id, Hand("user:eve", "user:eve", "approve"), answer)


@case("challenge_other_request")
def the_answer_to_a_step_up(scene: Scene) -> None:
    made = scene.propose(MODEL)
    where = ("user:ann", "s1", "approve", "proposal", made.proposal_id, "dec_1")
    binding = Binding("step_up", TENANT, *where, expires_ns=made.expires_ns)
    challenge = Challenges(bytes(32)).issue(binding, random_bytes(32)).challenge
    scene.says("user:ann", made, lies=Lies(challenge=challenge))


@case("webauthn_type_wrong")
def the_answer_to_an_enrolment(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL), lies=Lies(type="webauthn.create"))


# With what, and where.


@case("webauthn_user_not_verified")
def nobody_was_verified(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL), lies=Lies(verified=False))


@case("webauthn_user_absent")
def nobody_touched_it(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL), lies=Lies(present=False))


@case("webauthn_origin_wrong")
def a_phished_origin(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL), lies=Lies(origin="https://id.examp1e.org"))


@case("webauthn_in_frame")
def in_a_frame(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL), lies=Lies(members={"crossOrigin": True}))


@case("webauthn_rp_wrong")
def a_foreign_relying_party(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL), lies=Lies(rp_id="example.net"))


@case("authenticator_cloned")
def a_copied_passkey(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL))
    scene.says("user:ann", scene.propose(MODEL), lies=Lies(count=1))


@case("authenticator_unknown")
def an_unknown_passkey(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL), key=FakePasskey("https://id.example.org", "id.example.org"))


@case("authenticator_unknown")
def somebody_elses_passkey(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL), key=scene.keys["user:eve"])


@case("authenticator_unknown")
def a_passkey_that_was_removed(scene: Scene) -> None:
    made = scene.propose(MODEL)
    scene.passkeys.remove(TENANT, "user:ann", scene.keys["user:ann"].credential_id)
    scene.says("user:ann", made)


@case("approval_key_revoked")
def a_passkey_removed_after_it_signed(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.passkeys.remove(TENANT, "user:ann", scene.keys["user:ann"].credential_id)
    scene.done(made)


@case("approval_key_revoked")
def a_passkey_removed_after_the_deed(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.done(made)
    scene.passkeys.remove(TENANT, "user:ann", scene.keys["user:ann"].credential_id)
    scene.quorum.check(MODEL, made.proposal_id, scene.clock.now_ns())


@case("approval_key_revoked")
def another_key_under_a_registered_id(scene: Scene) -> None:
    made = scene.agreed_model()
    (kept,) = scene.passkeys.of_subject(TENANT, "user:ann")
    scene.passkeys.remove(TENANT, "user:ann", kept.credential_id)
    (other,) = scene.passkeys.of_subject(TENANT, "user:eve")
    swapped = msgspec.structs.replace(kept, public_key=other.public_key)
    assert scene.passkeys.add(swapped, most=10, first=False) == "added"
    scene.done(made)


@case("approval_key_too_new")
def a_passkey_made_for_the_occasion(scene: Scene) -> None:
    made = scene.propose(MODEL)
    scene.clock.advance(1)
    scene.says("user:ann", made, key=scene.enrol("user:ann"))


# When.


@case("approval_expired")
def signed_too_late(scene: Scene) -> None:
    made = scene.propose(MODEL)
    scene.clock.advance(3 * DAY_S)
    scene.says("user:ann", made)


@case("approval_expired")
def done_too_late(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.clock.advance(3 * DAY_S)
    scene.done(made)


@case("approval_too_early")
def done_too_early(scene: Scene) -> None:
    made = scene.propose(MODEL, not_before_ns=scene.clock.now_ns() + NS)
    for person in ("user:ann", "user:bob"):
        scene.says(person, made)
    scene.done(made)


@case("approval_used")
def used_twice(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.done(made)
    scene.done(made)


@case("approval_used")
def signed_after_it_was_used(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.done(made)
    scene.says("user:eve", made)


@case("approval_withdrawn")
def used_after_it_was_withdrawn(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.room.withdraw(TENANT, made.proposal_id, "user:zed")
    scene.done(made)


@case("approval_denied")
def used_after_somebody_said_no(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.says("user:eve", made, "reject")
    scene.done(made)


@case("approval_denied")
def a_no_whose_passkey_is_taken_away(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.says("user:eve", made, "reject")
    scene.passkeys.remove_all(TENANT, "user:eve")
    scene.done(made)


# By which rules.


@case("approval_too_few")
def a_minority_changes_the_rule(scene: Scene) -> None:
    scene.law_change(RULE, "model.promote", written(Rule(people=1, spread=1)), "user:ann")


@case("approval_rule_changed")
def a_rule_weakened_between_signature_and_use(scene: Scene) -> None:
    made = scene.agreed(MODEL, people=("user:eve",))
    scene.law_change(RULE, "model.promote", written(Rule(people=1, spread=1)), "user:ann", "user:bob")
    scene.done(made)


@case("approval_own_work")
def people_added_by_the_proposer(scene: Scene) -> None:
    change = written((*PEOPLE, Person("user:sock", ("legal",)), Person("user:puppet", ("board",))))
    scene.law_change(PEOPLE_KIND, "people", change, "user:bob", "user:ann", proposer="user:ann")


@case("approval_not_asked")
def people_who_vote_themselves_in(scene: Scene) -> None:
    for name in ("user:sock", "user:puppet"):
        scene.keys[name] = scene.enrol(name)
    change = written((*PEOPLE, Person("user:sock", ("legal",)), Person("user:puppet", ("board",))))
    scene.law_change(PEOPLE_KIND, "people", change, "user:sock", "user:puppet")


@case("approval_people_exist")
def the_operator_names_people_again(scene: Scene) -> None:
    scene.room.bootstrap(TENANT, [Person("user:mal", ("risk",)), Person("user:moe", ("ops",))], "command line")


@case("approval_other_deed")
def a_law_that_changed_meanwhile(scene: Scene) -> None:
    change = written(Rule(people=1, spread=1))
    deed = law_deed(TENANT, scene.room.law(TENANT), RULE, "model.promote", change)
    made = scene.room.propose(TENANT, Draft(deed, "user:zed", change=change))
    for person in ("user:ann", "user:bob"):
        scene.says(person, made)
    scene.law_change(RULE, "phase.change", written(Rule(people=3)), "user:ann", "user:bob")
    scene.room.enact(TENANT, made.proposal_id, "test")


@case("approval_unsatisfiable")
def a_rule_that_locks_everybody_out(scene: Scene) -> None:
    law_deed(TENANT, scene.room.law(TENANT), RULE, RULE, written(Rule(people=5, delegation=False)))


@case("approval_rule_invalid")
def one_person_alone_over_the_rules(scene: Scene) -> None:
    change = written(Rule(people=1, spread=1, delegation=False))
    law_deed(TENANT, scene.room.law(TENANT), RULE, RULE, change)


@case("approval_people_invalid")
def one_human_being_under_two_names(scene: Scene) -> None:
    twins = (Person("user:ann", ("risk",), ("user:anna",)), Person("user:anna", ("ops",)))
    law_deed(TENANT, scene.room.law(TENANT), PEOPLE_KIND, "people", written(twins))


@case("approval_other_deed")
def a_law_changed_under_the_agreement_to_another(scene: Scene) -> None:
    scene.room.enact(TENANT, scene.agreed_model().proposal_id, "test")


# In the database.


def _sql(scene: Scene, text: str, *values: object) -> None:
    with scene.database.transaction() as database:
        assert database._writer.execute(text, values).rowcount


@case("approval_row_tampered")
def a_no_deleted_from_the_book(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.says("user:eve", made, "reject")
    _sql(scene, "DELETE FROM approval_acts WHERE topic = ? AND seq = 4", made.proposal_id)
    scene.done(made)


@case("approval_row_tampered")
def a_no_deleted_before_anybody_has_looked(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.says("user:eve", made, "reject")
    _sql(scene, "DELETE FROM approval_acts WHERE topic = ? AND seq = 4", made.proposal_id)
    fresh = Scene.__new__(Scene)
    fresh.__dict__.update(scene.__dict__)
    scene.room._journal._seen.clear()
    fresh.done(made)


@case("approval_row_tampered")
def a_yes_counted_twice(scene: Scene) -> None:
    made = scene.agreed(MODEL, people=("user:ann",))
    _sql(scene, "INSERT INTO approval_acts SELECT tenant, topic, 3, record_id FROM approval_acts WHERE seq = 2")
    scene.done(made)


@case("approval_row_tampered")
def a_yes_moved_from_another_proposal(scene: Scene) -> None:
    first, second = scene.agreed_model(), scene.propose(MODEL)
    for seq in (2, 3):
        _sql(
            scene,
            "INSERT INTO approval_acts SELECT tenant, ?, seq, record_id FROM approval_acts WHERE topic = ? AND seq = ?",
            second.proposal_id,
            first.proposal_id,
            seq,
        )
    scene.done(second)


@case("approval_row_tampered")
def the_use_deleted_from_the_book(scene: Scene) -> None:
    made = scene.agreed_model()
    scene.done(made)
    _sql(scene, "DELETE FROM approval_acts WHERE topic = ? AND seq = 4", made.proposal_id)
    scene.done(made)


@case("approval_row_tampered")
def the_law_deleted_so_that_the_operator_names_people_again(scene: Scene) -> None:
    _sql(scene, "DELETE FROM approval_acts WHERE topic = 'law'")
    scene.room.bootstrap(TENANT, [Person("user:mal", ("risk",)), Person("user:moe", ("ops",))], "command line")


@case("approval_too_few")
def an_act_written_into_the_log_by_hand(scene: Scene) -> None:
    """Even whoever can write records cannot make a signature: it is verified again whenever it is to count."""
    made = scene.agreed(MODEL, people=("user:ann",))
    (kept,) = scene.passkeys.of_subject(TENANT, "user:bob")
    record = next(one for one in reversed(list(scene.log.iterate(TENANT, "approval"))))
    (entry,) = msgspec.json.decode(record.payload or b"", type=Written).entries
    act = msgspec.structs.replace(
        entry.act, person="user:bob", signer="user:bob", credential_id=kept.credential_id, public_key=kept.public_key
    )
    forged = msgspec.structs.replace(entry, seq=3, act=act)
    scene.room._journal.write(TENANT, [forged])
    standing = scene.room.standing(TENANT, made.proposal_id)
    assert [voice.void for voice in standing.voices] == ["", "challenge_other_request"]
    assert standing.tally.agreed == ("user:ann",)
    raise OstiaryError("approval_too_few", "as it should be")


@pytest.mark.parametrize(("code", "attack"), CASES, ids=[attack.__name__ for _, attack in CASES])
def test_it_is_refused(scene: Scene, code: str, attack: Attack) -> None:
    with pytest.raises(OstiaryError) as no:
        attack(scene)
    assert no.value.code == code


def test_the_same_scene_lets_honest_people_through(scene: Scene) -> None:
    """Or every case above could pass for nothing."""
    made = scene.agreed_model()
    scene.done(made)
    scene.quorum.check(MODEL, made.proposal_id, scene.clock.now_ns())
    scene.law_change(RULE, "model.promote", written(Rule(people=3)), "user:ann", "user:bob")
    assert len(CASES) >= 20


def test_a_copied_passkey_is_on_record(scene: Scene) -> None:
    scene.says("user:ann", scene.propose(MODEL))
    made = scene.propose(MODEL)
    with pytest.raises(OstiaryError):
        scene.says("user:ann", made, lies=Lies(count=1))
    last = list(scene.log.iterate(TENANT, "approval"))[-1]
    told = msgspec.json.decode(last.payload or b"")
    assert (told["type"], told["proposal"]) == ("approval_copied_key", made.proposal_id)

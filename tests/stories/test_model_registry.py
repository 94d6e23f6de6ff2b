"""From training to serving, with an attacker at every step: each tries what works elsewhere, and reads why it does not.

Every refusal of the registry is in the audit log with its own code.
"""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.audit import AuditLog
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.keys import KeyRing, SubjectVault
from ostiary.pipeline.registry.approving import make_approval
from ostiary.pipeline.registry.changing import release_wanted
from ostiary.pipeline.registry.history import events, live_at
from ostiary.pipeline.registry.journal import event_of
from ostiary.pipeline.registry.model import Actor, Event, Kept, Live, State, Version
from ostiary.pipeline.registry.promoting import ROLLBACK, Asked
from ostiary.pipeline.registry.reporting import check_report
from ostiary.pipeline.registry.sealed import Opened, add_signatures, parse_envelope
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_store import MemoryStore
from ostiary.testing.model_book import MemoryModelBook
from ostiary.testing.model_scene import (
    DATASET,
    DAY_NS,
    DEPLOYER,
    NAME,
    PROMOTER,
    STAGE,
    TENANT,
    TRAINER,
    FakeInspector,
    ModelScene,
    files_of,
)

HOUR = 3600


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[ModelScene]:
    clock, store = FakeClock(), MemoryStore()
    vault, ring = SubjectVault(tmp_path / "vault", store), KeyRing(tmp_path / "ring", clock)
    with AuditLog(store, vault, ring, clock) as log:
        yield ModelScene(log, MemoryModelBook(store), clock, tmp_path)


def recorded(scene: ModelScene, tenant: str = TENANT) -> list[Event]:
    found = [event_of(one) for one in scene.log.iterate(tenant, "model")]
    return [one for one in found if one is not None]


def refused(scene: ModelScene, act: Callable[[], Any]) -> str:
    """Return why ``act`` was refused; the log must say the same."""
    before = len(recorded(scene))
    with pytest.raises(OstiaryError) as told:
        act()
    new = recorded(scene)[before:]
    assert [one.action.endswith(".refused") for one in new] == [True], new
    assert new[0].code == told.value.code
    return told.value.code


def later(scene: ModelScene, seconds: float) -> None:
    assert isinstance(scene.clock, FakeClock)
    scene.clock.advance(seconds)


def swap(asked: Asked, **more: Any) -> Asked:
    return msgspec.structs.replace(asked, **more)


def change(scene: ModelScene, asked: Asked, by: Actor = PROMOTER) -> Callable[[], Live]:
    return lambda: scene.promoter.change(asked, by)


# The way it is meant to go.


def test_a_model_comes_in_becomes_live_and_is_loaded(scene: ModelScene) -> None:
    version = scene.register()
    live = scene.promote(version)
    ticket = scene.load()
    assert (version.number, live.number, ticket.version) == (1, 1, version)
    assert b"".join(scene.loader.read(ticket, version.files[0], DEPLOYER)) == b"weights"
    told = recorded(scene)
    assert [one.action for one in told] == ["register", "promote", "load"]
    assert [one.decision_id for one in told] == ["dec_register", "dec_promote", "dec_load"]
    assert len(told[1].keys) == 2


def test_records_name_keys_and_decisions_and_no_person(scene: ModelScene) -> None:
    scene.promote(scene.register())
    scene.load()
    text = b"".join(one.payload or b"" for one in scene.log.iterate(TENANT, "model"))
    for name in (b"tess", b"alice", b"bob", b"paul", b"dora"):
        assert name not in text


def test_which_model_was_live_on_a_day_is_told_by_the_log(scene: ModelScene) -> None:
    start = scene.clock.now_ns()
    one = scene.register(b"one")
    later(scene, HOUR)
    first = scene.promote(one).since_ns
    later(scene, HOUR)
    two = scene.register(b"two")
    scene.promote(two)
    later(scene, HOUR)
    back = scene.promote(one, action=ROLLBACK).since_ns
    later(scene, HOUR)
    scene.promoter.withdraw(TENANT, NAME, STAGE, PROMOTER, "incident 7")
    gone = scene.clock.now_ns()

    def at(moment: int) -> tuple[int, bool]:
        found = live_at(scene.log, TENANT, NAME, STAGE, moment)
        return found.number, found.loadable

    assert [at(one) for one in (start, first - 1, first, first + HOUR * 10**9, back, gone)] == [
        (0, False), (0, False), (1, True), (2, True), (1, True), (0, False),
    ]  # fmt: skip
    assert at(first + HOUR * 10**9 - 1) == (1, True)
    assert live_at(scene.log, TENANT, NAME, "canary", back).number == 0


def test_history_says_when_what_was_live_could_not_be_loaded(scene: ModelScene) -> None:
    version = scene.register()
    live = scene.promote(version, "alice", "bob")
    promoted = next(one for one in recorded(scene) if one.action == "promote")
    later(scene, HOUR)
    scene.warden.revoke(TENANT, NAME, promoted.approval, PROMOTER, "bob was phished")
    later(scene, HOUR)
    scene.warden.quarantine(TENANT, NAME, 1, PROMOTER, "backdoor")
    now = scene.clock.now_ns()
    assert [
        live_at(scene.log, TENANT, NAME, STAGE, moment).why
        for moment in (live.since_ns, live.since_ns + HOUR * 10**9, now, live.expires_ns)
    ] == ["", "the approval was revoked", "quarantined", "quarantined"]


def test_a_rollback_goes_back_and_is_a_deed_of_its_own(scene: ModelScene) -> None:
    one, two = scene.register(b"one"), scene.register(b"two")
    scene.promote(one)
    scene.promote(two)
    live = scene.promote(one, action=ROLLBACK)
    assert (live.number, live.highest, live.counter, live.action) == (1, 2, 3, "rollback")
    assert scene.load().version.number == 1


def test_the_same_version_is_approved_anew_before_its_approval_ends(scene: ModelScene) -> None:
    version = scene.register()
    scene.promote(version)
    later(scene, 29 * 86_400)
    scene.promote(version)
    later(scene, 2 * 86_400)
    assert scene.load().live.counter == 2


def test_a_dry_run_changes_nothing(scene: ModelScene) -> None:
    folder = scene.folder()
    dry = scene.registrar.register(TENANT, NAME, folder, scene.documents(folder), TRAINER, dry=True)
    assert (dry.number, scene.book.names(TENANT), recorded(scene)) == (0, [], [])
    version = scene.register()
    asked = scene.approved(scene.asked(version))
    assert scene.promoter.change(asked, PROMOTER, dry=True).counter == 1
    assert scene.book.find_live(TENANT, NAME, STAGE) is None
    assert change(scene, asked)().counter == 1


# Coming in.


def test_a_file_that_was_changed_after_signing_does_not_come_in(scene: ModelScene) -> None:
    folder = scene.folder()
    documents = scene.documents(folder)
    (folder / "weights" / "model.bin").write_bytes(b"poisoned")
    why = refused(scene, lambda: scene.registrar.register(TENANT, NAME, folder, documents, TRAINER))
    assert why == "artifact_modified"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"builder": "mallory"}, "provenance_untrusted"),
        ({"builder": "val"}, "provenance_untrusted"),
        ({"dataset": "sha256:" + "e" * 64}, "provenance_dataset_unknown"),
    ],
)
def test_a_provenance_from_elsewhere_does_not_count(scene: ModelScene, more: dict[str, str], why: str) -> None:
    folder = scene.folder()
    documents = scene.documents(folder, **more)
    assert refused(scene, lambda: scene.registrar.register(TENANT, NAME, folder, documents, TRAINER)) == why


def test_the_provenance_of_another_model_does_not_count(scene: ModelScene) -> None:
    other, folder = scene.folder(b"clean"), scene.folder(b"poisoned")
    documents = {**scene.documents(folder), "provenance": scene.documents(other)["provenance"]}
    why = refused(scene, lambda: scene.registrar.register(TENANT, NAME, folder, documents, TRAINER))
    assert why == "provenance_other_model"


def test_a_provenance_may_name_each_file_instead_of_their_root(scene: ModelScene) -> None:
    folder = scene.folder()
    (folder / "card.md").write_bytes(b"a card")
    documents = scene.documents(folder)
    named = [{"name": one.path, "digest": {"sha256": one.sha256}} for one in files_of(folder)]

    def about(subjects: list[dict[str, Any]]) -> dict[str, bytes]:
        payload = msgspec.json.decode(parse_envelope(documents["provenance"]).payload)
        payload["subject"] = subjects
        payload["predicate"]["runDetails"]["byproducts"] = [{"name": "decision", "annotations": {"id": "dec_run"}}]
        sealed = add_signatures(Opened(msgspec.json.encode(payload), ()), [scene.cast.keys["builder"]])
        return {**documents, "provenance": sealed}

    act = lambda: scene.registrar.register(TENANT, NAME, folder, about(named[:1]), TRAINER)  # noqa: E731
    assert refused(scene, act) == "provenance_other_model"
    version = scene.registrar.register(TENANT, NAME, folder, about(named), TRAINER)
    assert "user:trudy" in version.trainer.names  # who asked for the run, by its decision


def test_without_provenance_nothing_comes_in(scene: ModelScene) -> None:
    folder = scene.folder()
    documents = {"signature": scene.documents(folder)["signature"]}
    why = refused(scene, lambda: scene.registrar.register(TENANT, NAME, folder, documents, TRAINER))
    assert why == "provenance_missing"


def test_old_weights_do_not_come_back_under_a_new_number(scene: ModelScene) -> None:
    scene.register(b"old")
    scene.register(b"new")
    assert refused(scene, lambda: scene.register(b"old")) == "model_digest_known"


def test_a_number_is_never_given_twice(scene: ModelScene) -> None:
    assert [scene.register(bytes([index])).number for index in range(3)] == [1, 2, 3]
    scene.warden.retire(TENANT, NAME, 3, PROMOTER, "")
    assert scene.register(b"next").number == 4


def test_the_trainers_names_and_keys_are_kept(scene: ModelScene) -> None:
    version = scene.register()
    assert {"ci_job:train", "user:tess"} <= version.trainer.names
    assert len(version.trainer.keys) == 2
    assert (version.origin.run, version.origin.datasets) == ("run-1", (DATASET,))


# Becoming live.


def test_one_person_is_not_enough_whatever_they_sign_with(scene: ModelScene) -> None:
    scene.cast.approvers["alice"] = ["alice", "mallory"]  # two keys of hers
    scene.write_people()
    version = scene.register()
    asked = scene.approved(scene.asked(version), "alice", "mallory")
    assert refused(scene, change(scene, asked)) == "approval_too_few"


def test_one_key_under_two_names_counts_nobody(scene: ModelScene) -> None:
    version = scene.register()
    asked = scene.approved(scene.asked(version))
    scene.cast.approvers["bob"] = ["alice"]
    scene.write_people()
    with pytest.raises(UnavailableError, match="has the key of"):
        change(scene, asked)()


def test_a_stranger_does_not_count(scene: ModelScene) -> None:
    asked = scene.approved(scene.asked(scene.register()), "alice", "mallory")
    assert refused(scene, change(scene, asked)) == "approval_too_few"


def test_nobody_approves_their_own_model(scene: ModelScene) -> None:
    asked = scene.approved(scene.asked(scene.register()), "alice", "bob", "tess")
    assert refused(scene, change(scene, asked)) == "approval_own_work"


def test_the_key_that_built_the_model_does_not_approve_it(scene: ModelScene) -> None:
    scene.cast.approvers["bob"] = ["bob", "builder"]
    scene.write_people()
    asked = scene.approved(scene.asked(scene.register()), "alice", "builder")
    assert refused(scene, change(scene, asked)) == "approval_own_work"


def test_the_trainer_does_not_promote(scene: ModelScene) -> None:
    asked = scene.approved(scene.asked(scene.register()))
    assert refused(scene, change(scene, asked, TRAINER)) == "promoter_own_work"
    as_herself = Actor("workload:x", ("user:tess",), "d")
    assert refused(scene, change(scene, asked, as_herself)) == "promoter_own_work"


def test_another_name_of_the_trainer_does_not_promote_either(scene: ModelScene) -> None:
    asked = scene.approved(scene.asked(scene.register()))
    scene.cast.also["tess"] = ["github-actor:7"]
    scene.write_people()
    by_robot = Actor("service:robot", ("github-actor:7",), "d")
    assert refused(scene, change(scene, asked, by_robot)) == "promoter_own_work"


def test_what_was_checked_is_what_must_still_stand(scene: ModelScene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scene.approved(scene.asked(scene.register()))
    original = scene.journal.read_version

    def meanwhile(*told: Any) -> Version:
        found = original(*told)
        monkeypatch.setattr(scene.journal, "read_version", original)
        scene.warden.quarantine(TENANT, NAME, 1, PROMOTER, "found while it was being read")
        return found

    monkeypatch.setattr(scene.journal, "read_version", meanwhile)
    with pytest.raises(OstiaryError) as told:
        change(scene, asked)()
    assert told.value.code == "model_raced"


def test_an_approval_of_another_model_is_not_one_of_this(scene: ModelScene) -> None:
    one, two = scene.register(b"one"), scene.register(b"two")
    old = scene.approved(scene.asked(one)).approval
    assert refused(scene, change(scene, swap(scene.asked(two), approval=old))) == "approval_other_digest"


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"stage": "canary"}, "approval_other_deed"),
        ({"action": ROLLBACK}, "approval_other_deed"),
        ({"previous": "sha256:" + "1" * 64}, "approval_other_deed"),
        ({"metrics": "sha256:" + "2" * 64}, "approval_other_deed"),
        ({"report": "sha256:" + "3" * 64}, "approval_other_deed"),
        ({"version": 2}, "approval_other_deed"),
        ({"tenant": "beta"}, "approval_other_deed"),
        ({"model": "churn"}, "approval_other_deed"),
        ({"digest": "sha256:" + "4" * 64}, "approval_other_digest"),
    ],
)
def test_an_approval_is_for_one_deed_alone(scene: ModelScene, members: dict[str, Any], why: str) -> None:
    asked = scene.asked(scene.register())
    wanted = msgspec.structs.replace(scene.promoter.wanted(asked), **members)
    assert refused(scene, change(scene, swap(asked, approval=scene.approval(wanted)))) == why


def test_metrics_that_were_swapped_after_the_approval_void_it(scene: ModelScene) -> None:
    version = scene.register()
    asked = scene.approved(scene.asked(version, report=scene.report(version, auc=0.91)))
    better = swap(asked, report=scene.report(version, auc=0.99))
    assert refused(scene, change(scene, better)) == "approval_other_deed"


@pytest.mark.parametrize("by", ["tess", "mallory", "alice"])
def test_a_report_counts_from_a_validator_alone(scene: ModelScene, by: str) -> None:
    version = scene.register()
    asked = swap(scene.asked(version), report=scene.report(version, by=by), approval=b"x")
    assert refused(scene, change(scene, asked)) == "report_untrusted"


def test_a_trainer_who_validates_does_not_validate_her_own(scene: ModelScene) -> None:
    scene.cast.validators.append("tess")
    del scene.cast.approvers["tess"]
    scene.write_people()
    folder = scene.folder()
    documents = scene.documents(folder, subject="service:tess")
    version = scene.registrar.register(TENANT, NAME, folder, documents, TRAINER)
    for report in (scene.report(version, by="tess"), both(scene, version)):
        assert refused(scene, change(scene, swap(scene.asked(version), report=report))) == "report_own_work"


def both(scene: ModelScene, version: Version) -> bytes:
    return add_signatures(parse_envelope(scene.report(version)), [scene.cast.keys["tess"]])


def test_a_report_about_another_model_or_a_failed_one_does_not_count(scene: ModelScene) -> None:
    one, two = scene.register(b"one"), scene.register(b"two")
    asked = swap(scene.asked(two), report=scene.report(one))
    assert refused(scene, change(scene, asked)) == "report_other_model"
    failed = swap(scene.asked(two), report=scene.report(two, passed=False))
    assert refused(scene, change(scene, failed)) == "report_not_passed"
    assert refused(scene, change(scene, swap(scene.asked(two), report=b""))) == "report_missing"


def test_without_an_approval_nothing_becomes_live(scene: ModelScene) -> None:
    asked = scene.asked(scene.register())
    assert refused(scene, change(scene, asked)) == "approval_missing"
    assert refused(scene, change(scene, swap(asked, approval=b"{}"))) == "statement_malformed"


def test_an_approval_that_ran_out_or_never_ends_does_not_count(scene: ModelScene) -> None:
    version = scene.register()
    asked = scene.approved(scene.asked(version), life_ns=DAY_NS)
    endless = scene.approved(scene.asked(version), life_ns=5000 * DAY_NS)
    later(scene, 86_400)
    assert refused(scene, change(scene, asked)) == "approval_expired"
    assert refused(scene, change(scene, endless)) == "approval_expired"


def test_an_approval_from_the_future_does_not_count_yet(scene: ModelScene) -> None:
    asked = scene.asked(scene.register())
    now = scene.clock.now_ns()
    keys = [scene.cast.keys[one] for one in ("alice", "bob")]
    early = make_approval(
        scene.promoter.wanted(asked), issued_ns=now + DAY_NS, expires_ns=now + 2 * DAY_NS, nonce="n" * 16, keys=keys
    )
    assert refused(scene, change(scene, swap(asked, approval=early))) == "approval_expired"


def test_an_approval_is_used_once(scene: ModelScene) -> None:
    version = scene.register()
    asked = scene.approved(scene.asked(version))
    change(scene, asked)()
    assert refused(scene, change(scene, asked)) == "approval_other_deed"  # something else is live by now
    scene.promoter.withdraw(TENANT, NAME, STAGE, PROMOTER, "")  # nothing is live again, as when it was given
    assert refused(scene, change(scene, asked)) == "approval_replayed"


def test_a_promotion_never_goes_below_what_was_live(scene: ModelScene) -> None:
    one, two = scene.register(b"one"), scene.register(b"two")
    scene.promote(two)
    assert refused(scene, change(scene, swap(scene.asked(one), approval=b"x"))) == "model_downgrade"


def test_a_rollback_goes_only_where_the_stage_has_been(scene: ModelScene) -> None:
    one, two = scene.register(b"one"), scene.register(b"two")
    scene.promote(two)
    asked = scene.approved(scene.asked(one, action=ROLLBACK))
    assert refused(scene, change(scene, asked)) == "model_never_live"
    here = scene.approved(scene.asked(two, action=ROLLBACK))
    assert refused(scene, change(scene, here)) == "model_never_live"


def test_stages_do_not_vouch_for_each_other(scene: ModelScene) -> None:
    version = scene.register()
    staging = scene.approved(scene.asked(version, stage="staging"))
    assert refused(scene, change(scene, swap(staging, stage=STAGE))) == "approval_other_deed"
    change(scene, staging)()
    assert refused(scene, scene.load) == "model_not_live"


def test_a_model_is_promoted_where_its_signer_meant_it_to_be(scene: ModelScene) -> None:
    assert isinstance(scene.inspector, FakeInspector)
    scene.inspector.stages = ("staging",)
    version = scene.register()
    assert refused(scene, change(scene, scene.asked(version))) == "model_stage_not_signed"


def test_of_two_promotions_at_once_one_wins(scene: ModelScene) -> None:
    one, two = scene.register(b"one"), scene.register(b"two")
    both_asked = [scene.approved(scene.asked(one)), scene.approved(scene.asked(two))]
    barrier, told = threading.Barrier(2), list[str]()

    def promote(asked: Asked) -> None:
        barrier.wait()
        try:
            told.append(f"live {scene.promoter.change(asked, PROMOTER).number}")
        except OstiaryError as fault:
            told.append(fault.code)

    threads = [threading.Thread(target=promote, args=(asked,)) for asked in both_asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in told if one.startswith("live")]) == 1
    assert set(told) & {"model_raced", "approval_other_deed", "model_downgrade"}
    live = scene.journal.live(TENANT, NAME, STAGE)
    assert live is not None
    assert live.counter == 1


def test_a_quarantine_between_check_and_change_wins(scene: ModelScene, monkeypatch: pytest.MonkeyPatch) -> None:
    version = scene.register()
    asked = scene.approved(scene.asked(version))
    original = scene.promoter._releases.seal

    def meanwhile(*told: Any) -> bytes:
        scene.warden.quarantine(TENANT, NAME, 1, PROMOTER, "found")
        return original(*told)

    monkeypatch.setattr(scene.promoter._releases, "seal", meanwhile)
    with pytest.raises(OstiaryError) as told:
        change(scene, asked)()
    assert told.value.code == "model_raced"
    assert scene.book.find_live(TENANT, NAME, STAGE) is None


# Being loaded.


def test_what_is_not_live_is_not_loaded(scene: ModelScene) -> None:
    scene.register()
    assert refused(scene, scene.load) == "model_not_live"


@pytest.mark.parametrize("state", ["quarantine", "retire"])
def test_what_is_shut_out_is_not_loaded_though_it_is_live(scene: ModelScene, state: str) -> None:
    scene.promote(scene.register())
    getattr(scene.warden, state)(TENANT, NAME, 1, PROMOTER, "found a backdoor")
    assert refused(scene, scene.load) == {"quarantine": "model_quarantined", "retire": "model_retired"}[state]


def test_what_was_quarantined_when_it_came_in_never_becomes_live(scene: ModelScene) -> None:
    assert isinstance(scene.inspector, FakeInspector)
    scene.inspector.quarantine = "the scanner was not sure"
    version = scene.register()
    assert version.state is State.QUARANTINED
    assert refused(scene, change(scene, scene.asked(version))) == "model_quarantined"


def test_letting_in_again_needs_people_too(scene: ModelScene) -> None:
    promotion = scene.approved(scene.asked(scene.register())).approval
    version = scene.warden.quarantine(TENANT, NAME, 1, PROMOTER, "")

    def release(approval: bytes) -> Callable[[], Any]:
        return lambda: scene.warden.release(TENANT, NAME, 1, PROMOTER, approval)

    assert refused(scene, release(b"")) == "approval_missing"
    assert refused(scene, release(promotion)) == "approval_other_deed"
    good = scene.approval(release_wanted(version))
    assert release(good)().state is State.REGISTERED
    scene.warden.quarantine(TENANT, NAME, 1, PROMOTER, "")
    assert refused(scene, release(good)) == "approval_other_deed"


def test_an_approval_lets_out_of_the_quarantine_that_its_people_looked_at(scene: ModelScene) -> None:
    scene.register()
    first = release_wanted(scene.warden.quarantine(TENANT, NAME, 1, PROMOTER, "a metric looked odd"))
    used, spare = scene.approval(first), scene.approval(first)
    scene.warden.release(TENANT, NAME, 1, PROMOTER, used)
    second = scene.warden.quarantine(TENANT, NAME, 1, PROMOTER, "there is a backdoor in it")
    assert refused(scene, lambda: scene.warden.release(TENANT, NAME, 1, PROMOTER, spare)) == "approval_other_deed"
    assert scene.warden.release(TENANT, NAME, 1, PROMOTER, scene.approval(release_wanted(second))).number == 1


def test_an_approval_that_ran_out_ends_the_loading(scene: ModelScene) -> None:
    scene.promote(scene.register())
    later(scene, 30 * 86_400)
    assert refused(scene, scene.load) == "approval_expired"


def test_an_approval_that_was_taken_back_ends_the_loading(scene: ModelScene) -> None:
    scene.promote(scene.register())
    approval = next(one.approval for one in recorded(scene) if one.action == "promote")
    scene.warden.revoke(TENANT, NAME, approval, PROMOTER, "")
    assert refused(scene, scene.load) == "approval_revoked"


def test_an_approver_who_has_left_takes_the_word_along(scene: ModelScene) -> None:
    scene.promote(scene.register())
    del scene.cast.approvers["bob"]
    scene.write_people()
    assert refused(scene, scene.load) == "approval_too_few"


def test_a_validator_who_has_left_takes_the_word_along(scene: ModelScene) -> None:
    scene.promote(scene.register())
    scene.cast.validators[:] = []
    scene.write_people()
    assert refused(scene, scene.load) == "report_untrusted"


def test_a_signer_who_is_not_trusted_any_more_ends_the_loading(scene: ModelScene) -> None:
    assert isinstance(scene.inspector, FakeInspector)
    scene.promote(scene.register())
    scene.inspector.trusted.clear()
    assert refused(scene, scene.load) == "artifact_untrusted_key"


def test_the_signers_own_end_ends_the_loading(scene: ModelScene) -> None:
    assert isinstance(scene.inspector, FakeInspector)
    scene.inspector.not_after_ns = scene.clock.now_ns() + DAY_NS
    scene.promote(scene.register())
    later(scene, 86_400)
    assert refused(scene, scene.load) == "model_expired"


def blob(scene: ModelScene, version: Version) -> Path:
    return scene.blobs._place(TENANT, version.files[0].sha256)


def test_a_file_that_is_gone_ends_the_loading(scene: ModelScene) -> None:
    version = scene.register()
    scene.promote(version)
    blob(scene, version).unlink()
    assert refused(scene, scene.load) == "model_file_missing"


def test_a_link_in_its_place_is_no_file(scene: ModelScene, tmp_path: Path) -> None:
    version = scene.register()
    scene.promote(version)
    (tmp_path / "evil").write_bytes(b"weighty")
    blob(scene, version).unlink()
    blob(scene, version).symlink_to(tmp_path / "evil")
    assert refused(scene, scene.load) == "model_file_missing"


@pytest.mark.parametrize("swapped", [b"WEIGHTS", b"weight", b"weights and more", b""])
def test_what_is_swapped_between_check_and_use_never_becomes_a_file(scene: ModelScene, swapped: bytes) -> None:
    version = scene.register()
    scene.promote(version)
    ticket = scene.load()
    place = blob(scene, version)
    place.chmod(0o600)
    place.write_bytes(swapped)
    got: list[bytes] = []

    def read() -> None:
        got.extend(scene.loader.read(ticket, version.files[0], DEPLOYER))

    assert refused(scene, read) == "model_file_swapped"
    assert b"".join(got) != swapped or not swapped


def test_another_version_than_the_one_begun_with_is_not_handed_out(scene: ModelScene) -> None:
    one, two = scene.register(b"one"), scene.register(b"two")
    scene.promote(one)
    scene.load()
    scene.promote(two)
    act = lambda: scene.loader.check(TENANT, NAME, STAGE, DEPLOYER, one.digest)  # noqa: E731
    assert refused(scene, act) == "model_changed"


@pytest.mark.parametrize(("kind", "member"), [("version", "trainer"), ("live", "digest"), ("live", "expires_ns")])
def test_a_row_that_was_changed_behind_the_logs_back_is_refused(scene: ModelScene, kind: str, member: str) -> None:
    scene.promote(scene.register())
    state = scene.log.store.state  # type: ignore[attr-defined] # what an attacker with the database has
    key = next(key for key in state.models if key[0] == kind)
    counter, kept = state.models[key]
    body = msgspec.json.decode(kept.body)
    body[member] = {"trainer": {"subject": "nobody"}, "digest": "sha256:" + "0" * 64, "expires_ns": 2**62}[member]
    state.models = {**state.models, key: (counter, Kept(msgspec.json.encode(body), kept.record_id))}
    assert refused(scene, scene.load) == "model_row_tampered"


def test_an_older_row_with_its_own_record_is_refused_too(scene: ModelScene) -> None:
    one, two = scene.register(b"one"), scene.register(b"two")
    scene.promote(one)
    state = scene.log.store.state  # type: ignore[attr-defined]
    old = dict(state.models)
    scene.promote(two)
    scene.load()
    key = next(key for key in old if key[0] == "live")
    state.models = {**state.models, key: old[key]}
    assert refused(scene, scene.load) == "model_rolled_back"


def test_another_tenants_model_is_as_unknown_as_none(scene: ModelScene) -> None:
    scene.promote(scene.register())
    codes = []
    for tenant, name in (("system", NAME), (TENANT, "never-was")):
        with pytest.raises(OstiaryError) as told:
            scene.loader.load(tenant, name, STAGE, DEPLOYER)
        codes.append((told.value.code, told.value.message.replace(name, "")))
    assert codes[0] == codes[1] == ("model_not_live", "no version of `` is live in `production`")


# When something is away.


def test_without_the_log_nothing_happens(scene: ModelScene) -> None:
    version = scene.register()
    asked = scene.approved(scene.asked(version))
    scene.log.close()
    for act in (change(scene, asked), scene.load, lambda: scene.register(b"more")):
        with pytest.raises(UnavailableError):
            act()
    assert scene.book.find_live(TENANT, NAME, STAGE) is None
    assert len(scene.book.versions(TENANT, NAME)) == 1


def test_a_change_that_nobody_waits_for_any_more_does_not_happen(
    scene: ModelScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.pipeline.registry.journal.WAIT_S", 0.05)
    held, begun, done = threading.Event(), threading.Event(), list[str]()

    def slow(_: Any) -> bytes:
        begun.set()
        held.wait(5)
        return b"{}"

    def late(record_id: str) -> Event:
        done.append(record_id)
        return Event(1, "promote", NAME)

    before = scene.log.append_effect(TENANT, "admin", "adm_slow", 1, slow)
    assert begun.wait(5)
    with pytest.raises(UnavailableError):
        scene.journal.change(TENANT, late)
    held.set()
    before.result(5)
    monkeypatch.setattr("ostiary.pipeline.registry.journal.WAIT_S", 10)
    scene.journal.change(TENANT, lambda _: Event(1, "withdraw", NAME))  # after the late one's turn
    assert done == []
    assert [one.action for one in recorded(scene)] == ["withdraw"]


def test_a_change_that_has_begun_is_waited_for(scene: ModelScene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scene.approved(scene.asked(scene.register()))
    original = scene.book.use_nonce

    def slow(*told: Any) -> bool:
        threading.Event().wait(0.2)
        return original(*told)

    monkeypatch.setattr(scene.book, "use_nonce", slow)
    monkeypatch.setattr("ostiary.pipeline.registry.journal.WAIT_S", 0.05)
    assert change(scene, asked)().counter == 1
    monkeypatch.setattr("ostiary.pipeline.registry.journal.WAIT_S", 10)
    assert scene.load().live.counter == 1


def test_without_the_people_file_nobody_counts(scene: ModelScene) -> None:
    scene.promote(scene.register())
    file = scene.root / "people" / f"{TENANT}.yaml"
    file.write_text("approvers: {not: a list}")
    with pytest.raises(UnavailableError) as told:
        scene.load()
    assert told.value.code == "people_unreadable"
    file.unlink()
    assert refused(scene, scene.load) == "report_untrusted"


def test_without_the_files_nothing_is_loaded(scene: ModelScene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.promote(scene.register())

    def away(*_: object) -> int:
        raise UnavailableError("blobs_unavailable", "gone fishing")

    monkeypatch.setattr(scene.blobs, "size", away)
    with pytest.raises(UnavailableError):
        scene.load()


@pytest.mark.parametrize("name", ["../etc", "a/b", "A", "", "a" * 65, "x\n", "fraud\x00"])
def test_odd_names_reach_nothing(scene: ModelScene, name: str) -> None:
    with pytest.raises(FaultyInputError):
        scene.load(name=name)
    with pytest.raises(FaultyInputError):
        scene.load(stage=name + "/")


@pytest.mark.parametrize("number", [0, -1, 2, 2**63, 2**200])
def test_a_number_that_was_never_given_is_unknown(scene: ModelScene, number: int) -> None:
    version = scene.register()
    asked = swap(scene.asked(version), number=number, approval=b"x")
    assert refused(scene, change(scene, asked)) == "model_version_unknown"
    with pytest.raises(OstiaryError, match="no version"):
        scene.warden.quarantine(TENANT, NAME, number, PROMOTER, "")


def test_events_of_one_model_are_told_apart(scene: ModelScene) -> None:
    scene.promote(scene.register())
    assert [one.event.action for one in events(scene.log, TENANT, NAME)] == ["register", "promote"]
    assert not list(events(scene.log, TENANT, "churn"))


def test_a_report_is_about_names_too_for_the_root_digest_is_not(scene: ModelScene) -> None:
    """The same bytes under other names have the same root: one file was judged, another is loaded."""
    version = scene.register()
    judged = msgspec.structs.replace(version, statement="sha256:" + "0" * 64)
    assert judged.digest == version.digest
    with pytest.raises(RefusedError) as no:
        check_report(scene.people.of, version, scene.report(judged))
    assert no.value.code == "report_other_model"

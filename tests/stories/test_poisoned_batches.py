"""Somebody wants his events to train: forged, replayed, reordered, cut, spliced, borrowed. None of them does."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.defence.batches import MAX_HEAD, IntakeSettings, Place, read_batch, seal
from ostiary.defence.producers import Producers, read_key
from ostiary.defence.provenance import KIND
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError, VerificationError
from ostiary.keys import SigningKey
from ostiary.signals import eventfile
from ostiary.testing.batches import SECOND_NS, BatchScene, Sender
from ostiary.vocabulary.approvals import Approved, Deed

if TYPE_CHECKING:
    from ostiary.defence.intake import Intake


@pytest.fixture
def scene(tmp_path: Path) -> BatchScene:
    return BatchScene(tmp_path)


def refused(scene: BatchScene, data: bytes, tenant: str = "acme") -> str:
    """Return the code with which a batch is refused, having seen that it trains nothing."""
    before = scene.history(tenant).read_bytes() if scene.history(tenant).exists() else b""
    with pytest.raises(OstiaryError) as fault:
        scene.take(data, tenant)
    after = scene.history(tenant).read_bytes() if scene.history(tenant).exists() else b""
    assert before == after
    assert scene.intake(tenant).refusals()[fault.value.code] >= 1
    return fault.value.code


def test_a_chain_of_batches_trains_and_says_where_each_row_came_from(scene: BatchScene) -> None:
    door, vpn = scene.sender("door"), scene.sender("vpn")
    scene.take(door.batch(scene.event(2), scene.event(1)))
    scene.take(vpn.batch(scene.event(3, "bob")))
    scene.take(door.batch(scene.event(4)))
    proven = scene.proven()
    assert [event.event_id for event in proven.events] == ["e1", "e2", "e3", "e4"]
    assert proven.producers == ["door", "door", "vpn", "door"]
    assert [(one.producer, one.rows, one.batches) for one in proven.sources] == [("door", 3, 2), ("vpn", 1, 1)]
    assert proven.batches.startswith("sha256:")


def test_events_in_no_batch_are_nobodys(scene: BatchScene) -> None:
    scene.sender()
    assert refused(scene, msgspec.json.encode(scene.event(1)) + b"\n") == "batch_unsigned"
    assert refused(scene, b"") == "batch_unsigned"


def test_a_batch_whose_signature_was_taken_off_is_refused(scene: BatchScene) -> None:
    head, _, body = scene.sender().batch(scene.event(1)).partition(b"\n")
    envelope = json.loads(head)
    envelope["signatures"] = []
    assert refused(scene, json.dumps(envelope).encode() + b"\n" + body) == "batch_unsigned"


def test_a_batch_signed_with_another_key_is_refused(scene: BatchScene) -> None:
    scene.sender("door")
    thief = Sender("door", "acme", scene.clock)
    assert refused(scene, thief.batch(scene.event(1))) == "batch_signature"


def test_a_stranger_and_another_tenants_producer_are_alike(scene: BatchScene) -> None:
    theirs = scene.sender("theirs", "rival")
    mine = Sender("theirs", "acme", scene.clock, theirs.key)
    assert refused(scene, mine.batch(scene.event(1))) == "producer_unknown"
    assert refused(scene, Sender("nobody", "acme", scene.clock).batch(scene.event(1))) == "producer_unknown"


def test_a_key_used_at_two_tenants_carries_no_batch_across(scene: BatchScene) -> None:
    here = scene.sender("door", "acme")
    there = scene.sender("door", "rival", here.key)
    assert refused(scene, there.batch(scene.event(1)), "acme") == "batch_foreign"
    assert scene.take(here.batch(scene.event(1))).events == 1


def test_a_header_that_was_changed_after_signing_is_refused(scene: BatchScene) -> None:
    head, _, body = scene.sender().batch(scene.event(1)).partition(b"\n")
    envelope = json.loads(head)
    header = json.loads(base64.b64decode(envelope["payload"]))
    header["sequence"] = 7
    envelope["payload"] = base64.b64encode(json.dumps(header).encode()).decode()
    assert refused(scene, json.dumps(envelope).encode() + b"\n" + body) == "batch_signature"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data[: data.rindex(b"\n", 0, -1) + 1],
        lambda data: data + data.splitlines()[-1] + b"\n",
        lambda data: data.replace(b'"ann"', b'"eve"'),
        lambda data: data + b"\n",
    ],
)
def test_a_body_that_was_cut_lengthened_or_changed_is_refused(
    scene: BatchScene, change: Callable[[bytes], bytes]
) -> None:
    whole = scene.sender().batch(scene.event(1), scene.event(2))
    assert refused(scene, change(whole)) == "batch_body"
    assert scene.take(whole).events == 2


def test_two_producers_batches_cannot_be_spliced(scene: BatchScene) -> None:
    door, vpn = scene.sender("door").batch(scene.event(1)), scene.sender("vpn").batch(scene.event(2))
    spliced = door.partition(b"\n")[0] + b"\n" + vpn.partition(b"\n")[2]
    assert refused(scene, spliced) == "batch_body"


def test_a_batch_sent_again_trains_once(scene: BatchScene) -> None:
    door = scene.sender()
    first = door.batch(scene.event(1))
    scene.take(first)
    assert refused(scene, first) == "batch_replayed"
    scene.take(door.batch(scene.event(2)))
    assert refused(scene, first) == "batch_replayed"
    assert len(scene.proven().events) == 2


def test_a_gap_is_refused_and_mended_by_what_is_missing(scene: BatchScene) -> None:
    door = scene.sender()
    first, second = door.batch(scene.event(1)), door.batch(scene.event(2))
    assert refused(scene, second) == "batch_gap"
    scene.take(first)
    assert scene.take(second).sequence == 2


def test_a_batch_that_forks_the_chain_is_refused(scene: BatchScene) -> None:
    door = scene.sender()
    scene.take(door.batch(scene.event(1)))
    fork = door.batch(scene.event(9), sequence=2, previous="sha256:" + "0" * 64)
    assert refused(scene, fork) == "batch_order"
    scene.take(door.batch(scene.event(2)))
    assert refused(scene, door.batch(scene.event(9), sequence=2, previous="")) == "batch_replayed"


@pytest.mark.parametrize("shift_s", [3_600, -8 * 86_400])
def test_a_batch_of_another_time_is_refused(scene: BatchScene, shift_s: int) -> None:
    when = scene.clock.now_ns() + shift_s * SECOND_NS
    assert refused(scene, scene.sender().batch(scene.event(-(10**6)), time_ns=when)) == "batch_clock"


def test_a_batch_before_the_one_it_follows_is_refused(scene: BatchScene) -> None:
    door = scene.sender()
    scene.take(door.batch(scene.event(1)))
    assert refused(scene, door.batch(scene.event(2), time_ns=scene.clock.now_ns() - SECOND_NS)) == "batch_clock"


def test_an_event_later_than_its_batch_is_refused(scene: BatchScene) -> None:
    assert refused(scene, scene.sender().batch(scene.event(86_400))) == "batch_clock"


def test_a_revoked_producers_old_batch_is_refused(scene: BatchScene) -> None:
    door = scene.sender()
    old = door.batch(scene.event(1))
    Producers(scene.producers).revoke("acme", "door", scene.clock.now_ns())
    assert refused(scene, old) == "producer_revoked"


def test_a_revoked_name_or_key_is_never_given_again(scene: BatchScene) -> None:
    door, book = scene.sender(), Producers(scene.producers)
    book.revoke("acme", "door", scene.clock.now_ns())
    with pytest.raises(RefusedError, match="was given before") as fault:
        book.draft("acme", "door", SigningKey.generate("x").public, 0)
    assert fault.value.code == "producer_exists"
    with pytest.raises(RefusedError) as again:
        book.draft("acme", "gate", door.key.public, 0)
    assert again.value.code == "producer_key_used"


def test_what_a_distrusted_producer_sent_trains_nothing_any_more(scene: BatchScene) -> None:
    door, vpn = scene.sender("door"), scene.sender("vpn")
    scene.take(door.batch(scene.event(1)))
    scene.take(vpn.batch(scene.event(2)))
    Producers(scene.producers).revoke("acme", "door", scene.clock.now_ns(), 0)
    proven = scene.proven()
    assert (proven.producers, proven.left_out) == (["vpn"], 1)


def test_an_oversized_batch_is_refused_unread(scene: BatchScene) -> None:
    small = scene.intake(settings=IntakeSettings(max_bytes=100, max_events=3))
    door = scene.sender()
    for data in (b"x" * (101 + MAX_HEAD), door.batch(*(scene.event(n) for n in range(9)))):
        with pytest.raises(FaultyInputError) as fault:
            small.take(data, scene.clock.now_ns())
        assert fault.value.code == "batch_too_large"
    with pytest.raises(FaultyInputError):
        seal(door.key, Place("acme", "door", 1, ""), b"{}\n" * 100_001, time_ns=0)


def test_deep_and_broken_records_refuse_the_whole_batch(scene: BatchScene) -> None:
    door, good = scene.sender(), msgspec.json.encode(scene.event(1))
    for bad in (b'{"a":' * 5000 + b"1" + b"}" * 5000, b"[]", b'{"event_id":1}', b"\xff", b"", b"null"):
        body = good + b"\n" + bad + b"\n"
        assert refused(scene, door.batch(body=body, sequence=1)) == "batch_events"


def test_two_for_one_place_and_one_is_taken(scene: BatchScene) -> None:
    door = scene.sender()
    one, other = door.batch(scene.event(1), sequence=1), door.batch(scene.event(2), sequence=1)
    late = scene.intake()
    seen = scene.producers.find("acme", "door")
    scene.take(one)
    assert seen is not None
    with pytest.raises(RefusedError) as fault:
        late._land(read_batch(other), seen, scene.clock.now_ns(), "")  # he looked before
    assert fault.value.code == "batch_order"
    assert [event.event_id for event in scene.proven().events] == ["e1"]


def test_a_batch_that_a_crash_cut_off_is_finished_when_it_comes_again(
    scene: BatchScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = scene.sender()
    data = door.batch(scene.event(1), scene.event(2))
    with monkeypatch.context() as patched:
        patched.setattr(eventfile, "write", _dies)
        with pytest.raises(UnavailableError):
            scene.take(data)
    assert scene.take(data).events == 2
    assert len(scene.proven().events) == 2
    assert refused(scene, data) == "batch_replayed"


def _dies(*_: object, **__: object) -> int:
    raise UnavailableError("events_unwritable", "the disk is full")


def test_an_edited_history_trains_nothing(scene: BatchScene) -> None:
    scene.take(scene.sender().batch(scene.event(1), scene.event(2)))
    file = scene.history()
    whole = file.read_bytes()
    copied = whole + whole.splitlines(keepends=True)[0]
    for edited in (whole.replace(b'"ann"', b'"eve"', 1), copied, whole + b"{}\n"):
        file.write_bytes(edited)
        with pytest.raises(RefusedError) as fault:
            scene.proven()
        assert fault.value.code == "provenance_missing"
    file.write_bytes(copied)
    assert len(scene.proven(only_proven=True).events) == 2
    file.write_bytes(whole.splitlines(keepends=True)[1])  # a person was forgotten: fewer rows are no forgery
    assert len(scene.proven().events) == 1


def test_a_history_without_its_statements_trains_nothing(scene: BatchScene) -> None:
    scene.take(scene.sender().batch(scene.event(1)))
    scene.store.kept.clear()
    with pytest.raises(RefusedError) as fault:
        scene.proven()
    assert fault.value.code == "provenance_missing"


def test_a_forged_statement_is_found(scene: BatchScene) -> None:
    landed = scene.take(scene.sender().batch(scene.event(1)))
    key = ("acme", KIND, landed.batch)
    found = msgspec.msgpack.decode(scene.store.kept[key])
    scene.store.kept[key] = msgspec.msgpack.encode({**found, "rows": found["rows"] * 2})
    with pytest.raises(VerificationError) as fault:
        scene.proven()
    assert fault.value.code == "provenance_tampered"
    scene.store.kept["acme", KIND, "sha256:" + "1" * 64] = msgspec.msgpack.encode(found)
    with pytest.raises(VerificationError):
        scene.proven()


class Agreed:
    """People who agreed to one deed."""

    def __init__(self, deed: Deed) -> None:
        self.deed = deed

    def check(self, deed: Deed, proposal_id: str, now_ns: int) -> Approved:
        if deed != self.deed:
            raise RefusedError("approval_for_another", f"`{proposal_id}` is for something else")
        return Approved("sha256:" + "a" * 64, "n", now_ns + 1, ("one", "two"))

    def use(self, deed: Deed, proposal_id: str, by: str) -> Approved:
        assert by == "ann"
        return self.check(deed, proposal_id, 0)


def test_quarantine_is_left_by_agreement_only(scene: BatchScene) -> None:
    door = scene.sender()
    scene.take(door.batch(scene.event(1)))
    lost = door.batch(scene.event(2))
    third = door.batch(scene.event(3))
    assert refused(scene, third) == "batch_gap"
    intake = scene.intake()
    (kept,) = intake.quarantine.all()
    deed = intake.deed(read_batch(third), "batch_gap")
    now = scene.clock.now_ns()
    for other in (intake.deed(read_batch(lost), "batch_gap"), msgspec.structs.replace(deed, tenant="rival")):
        with pytest.raises(RefusedError, match="something else"):
            intake.release(kept.digest, Agreed(other), "p", "ann", now)
    assert intake.release(kept.digest, Agreed(deed), "p", "ann", now).released.startswith("sha256:a")
    assert intake.quarantine.all() == []
    assert [event.event_id for event in scene.proven().events] == ["e1", "e3"]
    assert refused(scene, third) == "batch_replayed"
    assert scene.take(door.batch(scene.event(4))).sequence == 4


def test_what_nobody_signed_is_not_released_whoever_agrees(scene: BatchScene) -> None:
    scene.sender()
    refused(scene, Sender("door", "acme", scene.clock).batch(scene.event(1)))
    refused(scene, b'{"event_id":"1"}\n')
    intake = scene.intake()
    for kept in intake.quarantine.all():
        with pytest.raises(RefusedError) as fault:
            intake.release(kept.digest, Agreed(Deed("acme", "batch.release", "", {})), "p", "ann", 0)
        assert fault.value.code == "batch_not_releasable"


def test_a_private_key_or_another_kind_is_no_producers_key(scene: BatchScene) -> None:
    private = SigningKey.generate("x")
    with_private = b'{"kty":"OKP","crv":"Ed25519","x":"a","d":"b"}'
    for bad in (private.private_pem(), b"{}", with_private, b"x" * 9999, b"{" * 999):
        with pytest.raises(FaultyInputError) as fault:
            read_key(bad)
        assert fault.value.code == "key_malformed"
    with pytest.raises(FaultyInputError):
        Producers(scene.producers).draft("acme", "p", SigningKey.generate("x", "ES256").public, 0)
    assert read_key(json.dumps(private.public.jwk()).encode()) == private.public
    assert read_key(private.public.pem()) == private.public


@given(data=st.binary(max_size=400), keep=st.integers(0, 400), flip=st.integers(0, 400))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_but_the_signed_ones_land(tmp_path: Path, data: bytes, keep: int, flip: int) -> None:
    scene = BatchScene(tmp_path)
    intake: Intake = scene.intake("acme")
    sender = scene.producers.find("acme", "door")
    whole = Sender("door", "acme", scene.clock).batch(scene.event(1))
    broken = bytearray(whole)
    broken[flip % len(broken)] ^= 1 + keep % 255
    assert sender is None
    for each in (data, whole[:keep], bytes(broken), data + whole):
        with pytest.raises((RefusedError, FaultyInputError)):
            intake.take(each, scene.clock.now_ns())
    assert not scene.history().exists()

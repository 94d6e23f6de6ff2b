"""A device says that it is fine. Who lies about who he is, when it was, or how the machine is, is found out."""

import json
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.identity.algorithms import import_public
from ostiary.identity.attestation import PcrPolicy
from ostiary.identity.devices import DeviceChange, DeviceRefusal, DeviceRules, Standing
from ostiary.identity.devices.challenges import extra_for
from ostiary.identity.devices.envelope import ATTEST_TYPE, ENROL_TYPE, POSTURE_TYPE, write_message
from ostiary.identity.devices.speaking import Voice
from ostiary.keys import SigningKey
from ostiary.storage.sqlite import open_store
from ostiary.testing.device_registry import MemoryDeviceLog, MemoryDeviceRegistry
from ostiary.testing.devices import AUDIENCE, FINE, NOW_NS, SECOND_NS, FakeDevice, open_book
from ostiary.testing.tpm import SoftTpm

R = DeviceRefusal


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(OstiaryError) as caught:
        act()
    return caught.value.code


def laptop(**more: Any) -> FakeDevice:
    return FakeDevice(open_book(), tpm=SoftTpm.make()).enrol("acme", subjects=("user:alice",), **more)


def test_an_honest_device_rises_level_by_level() -> None:
    device = FakeDevice(open_book(), tpm=SoftTpm.make())
    assert device.book.device("acme", "dev_none", NOW_NS).trust == "unknown"
    device.enrol("acme", subjects=("user:alice",))
    facts = device.book.device("acme", device.device_id, device.now_ns)
    assert (facts.known, facts.trust, facts.compliant, facts.posture) == (True, "enrolled", None, None)
    device.report()
    facts = device.book.device("acme", device.device_id, device.now_ns)
    assert (facts.trust, facts.compliant, facts.subject) == ("attested", True, "user:alice")
    assert facts.key == device.voice.thumbprint
    assert facts.posture is not None
    assert facts.posture.attested is True
    device.wait(7 * 86_400)
    device.report()
    assert device.book.device("acme", device.device_id, device.now_ns).trust == "reported"
    device.attest()
    assert device.book.device("acme", device.device_id, device.now_ns).trust == "attested"


# who he is


def test_another_devices_key_signs_a_report() -> None:
    one, thief = laptop(), SigningKey.generate("thief", "ES256")
    forged = Voice(thief, AUDIENCE, "acme", one.device_id).report(FINE, 1, now_ns=one.now_ns)
    assert code_of(lambda: one.book.report(forged, one.now_ns)) == R.DEVICE_UNAUTHENTICATED
    other = FakeDevice(one.book).enrol("acme")
    posing = Voice(other.voice.key, AUDIENCE, "acme", one.device_id).report(FINE, 1, now_ns=one.now_ns)
    assert code_of(lambda: one.book.report(posing, one.now_ns)) == R.DEVICE_UNAUTHENTICATED
    assert one.book.device("acme", one.device_id, one.now_ns).trust == "enrolled"


def test_all_is_fine_without_the_key() -> None:
    one = laptop()
    good = one.message()
    head, body, signature = good.split(".")
    better = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    better["posture"]["edr_alive"] = True
    changed = urlsafe_b64encode(json.dumps(better).encode()).decode().rstrip("=")
    for lie in (f"{head}.{changed}.{signature}", f"{head}.{body}.", f"{head}.{body}.{'A' * 86}"):
        assert code_of(partial(one.book.report, lie, one.now_ns)) == R.DEVICE_UNAUTHENTICATED
    none = urlsafe_b64encode(json.dumps({"typ": POSTURE_TYPE, "alg": "none"}).encode()).decode().rstrip("=")
    assert code_of(lambda: one.book.report(f"{none}.{body}.", one.now_ns)) == R.DEVICE_ALGORITHM_NOT_ALLOWED


def test_a_report_for_another_tenant_is_one_of_nobody() -> None:
    one = laptop()
    FakeDevice(one.book).enrol("umbrella")
    elsewhere = Voice(one.voice.key, AUDIENCE, "umbrella", one.device_id).report(FINE, 1, now_ns=one.now_ns)
    nowhere = Voice(one.voice.key, AUDIENCE, "nowhere", "dev_never").report(FINE, 1, now_ns=one.now_ns)
    texts = set()
    for message in (elsewhere, nowhere):
        with pytest.raises(RefusedError) as caught:
            one.book.report(message, one.now_ns)
        texts.add((caught.value.code, caught.value.message))
    assert len(texts) == 1, "an unknown device and another tenant's sound alike"
    assert one.book.device("umbrella", one.device_id, one.now_ns).known is False
    assert code_of(lambda: one.book.find("umbrella", one.device_id)) == R.DEVICE_UNKNOWN
    assert code_of(lambda: one.book.quarantine("umbrella", one.device_id, now_ns=1, reason="x")) == R.DEVICE_UNKNOWN


def test_a_message_is_of_one_type_and_for_one_server() -> None:
    one = laptop()
    report = one.message()
    assert code_of(lambda: one.book.attest(report, one.now_ns)) == R.DEVICE_TYPE_WRONG
    assert code_of(lambda: one.book.enrol(report, one.now_ns)) == R.DEVICE_TYPE_WRONG
    assert code_of(lambda: one.book.report(one.attestation(), one.now_ns)) == R.DEVICE_TYPE_WRONG
    other = Voice(one.voice.key, "https://evil.example", "acme", one.device_id).report(FINE, 9, now_ns=one.now_ns)
    assert code_of(lambda: one.book.report(other, one.now_ns)) == R.DEVICE_AUDIENCE_WRONG


# when it was


def test_a_report_does_not_come_twice() -> None:
    one = laptop()
    first = one.message()
    one.book.report(first, one.now_ns)
    one.wait(10)
    assert code_of(lambda: one.book.report(first, one.now_ns)) == R.DEVICE_REPLAYED


def test_the_good_old_report_does_not_come_back() -> None:
    """The attacker keeps a report unsent, breaks the machine, lets it report, and then sends what he kept."""
    one = laptop()
    kept = one.message()
    one.report(**{**FINE, "disk_encrypted": False})
    assert code_of(lambda: one.book.report(kept, one.now_ns)) == R.DEVICE_SEQUENCE_ROLLBACK
    assert one.book.device("acme", one.device_id, one.now_ns).compliant is False


def test_of_two_at_once_with_one_number_one_counts() -> None:
    one = laptop()
    messages = [one.voice.report(FINE, 7, now_ns=one.now_ns) for _ in range(6)]
    ends: list[str] = []
    start = threading.Barrier(len(messages))

    def send(message: str) -> None:
        start.wait()
        try:
            one.book.report(message, one.now_ns)
            ends.append("taken")
        except RefusedError as no:
            ends.append(no.code)

    threads = [threading.Thread(target=send, args=(message,)) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == [R.DEVICE_SEQUENCE_ROLLBACK] * 5 + ["taken"]


@pytest.mark.parametrize(
    ("off_s", "code"),
    [(61, R.DEVICE_FROM_FUTURE), (3600, R.DEVICE_FROM_FUTURE), (-361, R.DEVICE_TOO_OLD), (-86_400, R.DEVICE_TOO_OLD)],
)
def test_the_clock_lies(off_s: int, code: str) -> None:
    one = laptop()
    lie = one.voice.report(FINE, 1, now_ns=one.now_ns + off_s * SECOND_NS)
    assert code_of(lambda: one.book.report(lie, one.now_ns)) == code


def test_a_clock_that_is_a_little_ahead_makes_no_report_younger() -> None:
    one = laptop()
    one.book.report(one.voice.report(FINE, 1, now_ns=one.now_ns + 50 * SECOND_NS), one.now_ns)
    assert one.book.device("acme", one.device_id, one.now_ns + SECOND_NS).posture_age_s == 1.0


def test_what_was_collected_long_ago_is_as_old_as_that() -> None:
    one = laptop()
    day = 86_400
    old = one.voice.report(FINE, 1, now_ns=one.now_ns, collected=one.now_ns // SECOND_NS - day)
    one.book.report(old, one.now_ns)
    facts = one.book.device("acme", one.device_id, one.now_ns)
    assert (facts.posture_age_s, facts.trust, facts.compliant) == (day, "enrolled", False)
    one.wait(10)
    ahead = one.voice.report(FINE, 2, now_ns=one.now_ns, collected=one.now_ns // SECOND_NS + 5)
    assert code_of(lambda: one.book.report(ahead, one.now_ns)) == R.DEVICE_CLAIM_INVALID


def test_a_manager_that_learned_nothing_new_may_say_so_again() -> None:
    one = laptop()
    collected = one.now_ns // SECOND_NS - 100
    for number in (1, 2):
        one.wait(60)
        one.book.report(one.voice.report(FINE, number, now_ns=one.now_ns, collected=collected), one.now_ns)
    assert one.book.device("acme", one.device_id, one.now_ns).posture_age_s == 220.0


def test_a_silent_device_falls_by_itself() -> None:
    told: list[DeviceChange] = []
    one = laptop()
    one.book.listen(told.append)
    one.report()
    assert one.book.sweep(one.now_ns + 86_399 * SECOND_NS) == 0
    one.wait(86_401)
    assert one.book.device("acme", one.device_id, one.now_ns).compliant is False, "at once, before any sweep"
    assert one.book.sweep(one.now_ns) == 1
    assert one.book.sweep(one.now_ns) == 0
    assert [(change.current, change.reason) for change in told] == [
        (Standing.COMPLIANT, "compliant"),
        (Standing.NOT_COMPLIANT, "posture_stale"),
    ]


def test_patches_grow_old_between_reports() -> None:
    book = open_book(DeviceRules(patch_max_age_s=3600, posture_max_age_s=86_400))
    one = FakeDevice(book).enrol("acme")
    one.report(**{**FINE, "patch_age_s": 3000})
    assert book.device("acme", one.device_id, one.now_ns).compliant is True
    assert book.device("acme", one.device_id, one.now_ns + 601 * SECOND_NS).compliant is False
    assert [one.why for one in [book.judge(book.find("acme", one.device_id), one.now_ns + 601 * SECOND_NS)]] == [
        ("patches_old",)
    ]
    assert book.sweep(one.now_ns + 601 * SECOND_NS) == 1


def test_a_device_that_floods_is_slowed_down() -> None:
    one = laptop()
    one.report()
    one.wait(1)
    assert code_of(lambda: one.book.report(one.message(), one.now_ns)) == R.DEVICE_TOO_SOON


# coming in


def test_a_code_is_used_once() -> None:
    one = FakeDevice(open_book())
    code = one.invite("acme")
    one.book.enrol(one.enrolment(code), one.now_ns)
    other = FakeDevice(one.book)
    assert code_of(lambda: one.book.enrol(other.enrolment(code), one.now_ns)) == R.DEVICE_CODE_INVALID


def test_a_code_is_raced() -> None:
    book = open_book()
    code = FakeDevice(book).invite("acme")
    runners = [FakeDevice(book) for _ in range(6)]
    messages = [runner.enrolment(code) for runner in runners]
    ends: list[str] = []
    start = threading.Barrier(len(messages))

    def run(message: str) -> None:
        start.wait()
        try:
            ends.append(book.enrol(message, NOW_NS).tenant)
        except RefusedError as no:
            ends.append(no.code)

    threads = [threading.Thread(target=run, args=(message,)) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["acme"] + [R.DEVICE_CODE_INVALID] * 5
    assert len(book.of_tenant("acme")) == 1


def test_codes_that_never_were_were_used_and_are_too_old_sound_alike() -> None:
    one = FakeDevice(open_book())
    used, old = one.invite("acme"), one.invite("acme")
    one.book.enrol(one.enrolment(used), one.now_ns)
    one.wait(3601)
    said = set()
    for code in (used, old, "acme.never", "umbrella." + old.partition(".")[2], "", "x" * 500, "acme."):
        other = FakeDevice(one.book, one.now_ns)
        with pytest.raises(RefusedError) as caught:
            one.book.enrol(other.enrolment(code), one.now_ns)
        said.add((caught.value.code, caught.value.message))
    assert len(said) == 1


def test_the_key_in_an_enrolment_must_sign_it() -> None:
    one, victim = FakeDevice(open_book()), SigningKey.generate("victim", "ES256")
    claims = {"aud": AUDIENCE, "iat": NOW_NS // SECOND_NS, "jti": "1", "code": one.invite("acme")}
    claims["nonce"] = one.book.challenge("enrol", NOW_NS)
    jwk = {name: value for name, value in victim.public.jwk().items() if name in {"kty", "crv", "x", "y"}}
    stolen = write_message(ENROL_TYPE, claims, one.voice.key, jwk)
    assert code_of(lambda: one.book.enrol(stolen, NOW_NS)) == R.DEVICE_UNAUTHENTICATED
    for key in (
        None,
        {"kty": "oct", "k": "c2VjcmV0"},
        {**jwk, "d": jwk["x"]},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    ):
        forged = write_message(ENROL_TYPE, claims, one.voice.key, key)
        assert code_of(partial(one.book.enrol, forged, NOW_NS)) == R.DEVICE_KEY_INVALID


def test_a_nonce_is_ours_for_one_purpose_for_a_while_and_once() -> None:
    one = FakeDevice(open_book())
    code = one.invite("acme")
    for nonce, when, wanted in (
        (one.book.challenge("attest", NOW_NS), 0, R.DEVICE_CHALLENGE_INVALID),
        ("made-up", 0, R.DEVICE_CHALLENGE_INVALID),
        ("\u00fc" * 54, 0, R.DEVICE_CHALLENGE_INVALID),
        (open_book().challenge("enrol", NOW_NS)[:-2] + "AA", 0, R.DEVICE_CHALLENGE_INVALID),
        (one.book.challenge("enrol", NOW_NS), 120, R.DEVICE_CHALLENGE_EXPIRED),
    ):
        message = one.enrolment(code, nonce)
        assert code_of(partial(one.book.enrol, message, NOW_NS + when * SECOND_NS)) == wanted
    nonce = one.book.challenge("enrol", NOW_NS)
    one.book.enrol(one.enrolment(code, nonce), NOW_NS)
    other = FakeDevice(one.book)
    again = other.enrolment(other.invite("acme"), nonce)
    assert code_of(lambda: one.book.enrol(again, NOW_NS)) == R.DEVICE_CHALLENGE_USED


def test_a_key_comes_in_once() -> None:
    one = laptop()
    again = one.enrolment(one.invite("acme"))
    one.tpm = None
    bare = one.enrolment(one.invite("acme"))
    assert code_of(lambda: one.book.enrol(again, one.now_ns)) == R.DEVICE_EXISTS
    assert code_of(lambda: one.book.enrol(bare, one.now_ns)) == R.DEVICE_EXISTS


# the TPM


def test_the_attestation_key_is_the_one_that_the_administrator_named() -> None:
    tpm = SoftTpm.make()
    one = FakeDevice(open_book(), tpm=SoftTpm.make())
    code = one.invite("acme", ak_name=tpm.name)
    assert code_of(lambda: one.book.enrol(one.enrolment(code), NOW_NS)) == R.DEVICE_ATTESTATION_KEY_WRONG
    bare = FakeDevice(one.book)
    assert code_of(lambda: one.book.enrol(bare.enrolment(code), NOW_NS)) == R.DEVICE_ATTESTATION_KEY_MISSING
    right = FakeDevice(one.book, tpm=tpm)
    assert one.book.enrol(right.enrolment(code), NOW_NS).ak_trust == "named"
    strict = open_book(DeviceRules(attestation_keys="named"))
    unnamed = FakeDevice(strict, tpm=SoftTpm.make())
    refused = unnamed.enrolment(unnamed.invite("acme"))
    assert code_of(lambda: strict.enrol(refused, NOW_NS)) == R.DEVICE_ATTESTATION_KEY_WRONG


def test_somebody_elses_tpm_is_not_taken_along() -> None:
    """A key's public half is no secret: to enrol it one must quote with it, for this nonce and this very device key."""
    victim, thief = SoftTpm.make(), FakeDevice(open_book(), tpm=SoftTpm.make())
    nonce = thief.book.challenge("enrol", NOW_NS)
    code = thief.invite("acme")
    assert thief.tpm is not None
    for evidence in (
        thief.tpm.quote(extra_for("enrol", nonce, thief.voice.thumbprint)),
        victim.quote(extra_for("enrol", nonce, "the victim's thumbprint")),
        victim.quote(extra_for("attest", nonce, thief.voice.thumbprint)),
    ):
        message = thief.voice.enrol(code, nonce, now_ns=NOW_NS, evidence=evidence, ak=victim.public)
        wanted = {"quote_signature_invalid", "quote_nonce_wrong"}
        assert code_of(partial(thief.book.enrol, message, NOW_NS)) in wanted


def test_a_quote_is_not_relayed_from_another_machine() -> None:
    one, clean = laptop(), FakeDevice(open_book(), tpm=SoftTpm.make())
    relayed = one.attestation(tpm=clean.tpm)
    assert code_of(lambda: one.book.attest(relayed, one.now_ns)) == "quote_signature_invalid"
    nonce = one.book.challenge("attest", one.now_ns)
    assert one.tpm is not None
    elsewhere = one.tpm.quote(extra_for("attest", nonce, "acme", "dev_other"))
    message = one.voice.attest(nonce, elsewhere, now_ns=one.now_ns)
    assert code_of(lambda: one.book.attest(message, one.now_ns)) == "quote_nonce_wrong"


def test_a_quote_does_not_come_twice() -> None:
    one = laptop()
    message = one.attestation()
    one.book.attest(message, one.now_ns)
    assert code_of(lambda: one.book.attest(message, one.now_ns)) == R.DEVICE_CHALLENGE_USED


def test_a_quote_that_fails_takes_the_level_away() -> None:
    one = laptop()
    one.report()
    assert one.tpm is not None
    assert one.book.device("acme", one.device_id, one.now_ns).trust == "attested"
    one.tpm.extend(4, b"a boot kit")
    assert code_of(one.attest) == "quote_pcr_changed"
    assert one.book.device("acme", one.device_id, one.now_ns).trust == "reported"
    one.book.release("acme", one.device_id, now_ns=one.now_ns, rebase=True)
    one.attest()
    assert one.book.device("acme", one.device_id, one.now_ns).trust == "attested"


def test_a_copy_of_the_tpms_state_is_found_out() -> None:
    one = laptop()
    assert one.tpm is not None
    copy = (one.tpm.clock, one.tpm.resets)
    one.tpm.reset()
    one.attest()
    one.tpm.clock, one.tpm.resets = copy
    assert code_of(one.attest) == "quote_reset_backwards"


def test_golden_registers_of_a_kind() -> None:
    clean = SoftTpm.make()
    golden = PcrPolicy(required=(7,), golden={7: frozenset({clean.values()["sha256", 7]})})
    book = open_book(DeviceRules(pcrs={"server": golden}))
    dirty = SoftTpm.make()
    dirty.extend(7, b"secure boot off")
    server = FakeDevice(book, tpm=dirty)
    refused = server.enrolment(server.invite("acme", kind="server"))
    assert code_of(lambda: book.enrol(refused, NOW_NS)) == "quote_pcr_not_golden"
    FakeDevice(book, tpm=dirty).enrol("acme", kind="laptop")
    FakeDevice(book, tpm=clean).enrol("acme", kind="server")


# quarantine


def test_a_quarantined_device_stays_out_whatever_it_says() -> None:
    told: list[DeviceChange] = []
    one = laptop()
    one.report()
    one.book.listen(told.append)
    one.book.quarantine("acme", one.device_id, now_ns=one.now_ns, reason="malware_found")
    one.report()
    one.attest()
    facts = one.book.device("acme", one.device_id, one.now_ns)
    assert (facts.quarantined, facts.compliant) == (True, False)
    assert [(change.current, change.reason, change.subject) for change in told] == [
        (Standing.QUARANTINED, "malware_found", "user:alice")
    ]
    one.book.quarantine("acme", one.device_id, now_ns=one.now_ns, reason="again")
    assert one.book.find("acme", one.device_id).quarantine_reason == "malware_found"
    one.book.release("acme", one.device_id, now_ns=one.now_ns)
    assert one.book.device("acme", one.device_id, one.now_ns).compliant is True
    assert [change.current for change in told] == [Standing.QUARANTINED, Standing.COMPLIANT]


def test_a_quarantined_device_does_not_come_back_under_another_name() -> None:
    one = laptop()
    one.book.quarantine("acme", one.device_id, now_ns=one.now_ns, reason="stolen")
    again = FakeDevice(one.book, one.now_ns, tpm=one.tpm)
    message = again.enrolment(again.invite("acme"))
    assert code_of(lambda: one.book.enrol(message, one.now_ns)) == R.DEVICE_ATTESTATION_KEY_TAKEN


def test_a_removed_device_is_unknown_at_once() -> None:
    told: list[DeviceChange] = []
    one = laptop()
    one.book.listen(told.append)
    one.report()
    one.book.remove("acme", one.device_id, now_ns=one.now_ns)
    assert one.book.device("acme", one.device_id, one.now_ns).known is False
    assert code_of(lambda: one.book.find("acme", one.device_id)) == R.DEVICE_UNKNOWN
    assert code_of(one.report) == R.DEVICE_UNAUTHENTICATED
    assert [(change.previous, change.current) for change in told[1:]] == [(Standing.COMPLIANT, Standing.REMOVED)]
    FakeDevice(one.book, one.now_ns, tpm=one.tpm).enrol("acme")


def test_a_removed_device_is_unknown_before_anybody_was_told() -> None:
    """Another process removes it: here nobody listens, so the row stays until the server has told its listeners."""
    registry = MemoryDeviceRegistry()
    one = FakeDevice(open_book(registry=registry)).enrol("acme")
    one.book.remove("acme", one.device_id, now_ns=one.now_ns)
    assert one.book.device("acme", one.device_id, one.now_ns).known is False
    assert one.book.of_tenant("acme") == []
    told: list[DeviceChange] = []
    server = open_book(registry=registry)
    server.listen(told.append)
    server.sweep(one.now_ns)
    assert [change.current for change in told] == [Standing.REMOVED]
    assert registry.find("acme", one.device_id) is None


def test_a_quarantine_is_not_lost_among_reports(tmp_path: Path) -> None:
    """Two processes on one database: one takes reports as fast as they come, the other one shuts the device out."""
    with open_store(tmp_path / "ostiary.db") as here, open_store(tmp_path / "ostiary.db") as there:
        serving = open_book(DeviceRules(interval_s=0), registry=here.devices)
        told: list[Standing] = []
        serving.listen(lambda change: told.append(change.current))
        one = FakeDevice(serving).enrol("acme")
        done = threading.Event()
        busy: list[str] = []

        def report() -> None:
            while not done.is_set():
                try:
                    one.report()
                except UnavailableError as lost:
                    busy.append(lost.code)

        thread = threading.Thread(target=report)
        thread.start()
        elsewhere = open_book(registry=there.devices)
        for _ in range(20):
            try:
                elsewhere.quarantine("acme", one.device_id, now_ns=one.now_ns, reason="stolen")
                break
            except UnavailableError as lost:
                busy.append(lost.code)
        done.set()
        thread.join()
        assert set(busy) <= {R.DEVICE_BUSY}
        one.report()
        assert serving.find("acme", one.device_id).standing is Standing.QUARANTINED
        serving.sweep(one.now_ns)
        assert told[-1] is Standing.QUARANTINED
        assert there.devices.due(one.now_ns) == []


# managers


def test_a_device_cannot_talk_over_what_its_manager_says() -> None:
    mdm = SigningKey.generate("mdm")
    key = import_public({k: v for k, v in mdm.public.jwk().items() if k in {"kty", "crv", "x"}})
    book = open_book(producers={("acme", "fleet"): key})
    one = FakeDevice(book).enrol("acme")
    one.report()
    manager = Voice(mdm, AUDIENCE, "acme", "fleet")
    book.report(manager.report({"disk_encrypted": False}, 1, now_ns=one.now_ns, sub=one.device_id), one.now_ns)
    one.report()
    assert book.judge(book.find("acme", one.device_id), one.now_ns).why == ("disk_encrypted_failed",)
    one.wait(86_400)
    one.report()
    why = book.judge(book.find("acme", one.device_id), one.now_ns).why
    assert why == ("posture_stale", "disk_encrypted_failed"), "nor wait until its manager is silenced"
    stranger = Voice(SigningKey.generate("x"), AUDIENCE, "acme", "fleet")
    forged = stranger.report(FINE, 2, now_ns=one.now_ns, sub=one.device_id)
    assert code_of(lambda: book.report(forged, one.now_ns)) == R.DEVICE_UNAUTHENTICATED
    foreign = Voice(mdm, AUDIENCE, "umbrella", "fleet").report(FINE, 2, now_ns=one.now_ns, sub=one.device_id)
    assert code_of(lambda: book.report(foreign, one.now_ns)) == R.DEVICE_UNAUTHENTICATED
    lost = manager.report(FINE, 2, now_ns=one.now_ns, sub="dev_never")
    assert code_of(lambda: book.report(lost, one.now_ns)) == R.DEVICE_UNKNOWN
    posing = Voice(mdm, AUDIENCE, "acme", one.device_id).report(FINE, 99, now_ns=one.now_ns)
    assert code_of(lambda: book.report(posing, one.now_ns)) == R.DEVICE_UNAUTHENTICATED


# the world is against us


def test_what_cannot_be_recorded_does_not_happen() -> None:
    log = MemoryDeviceLog()
    one = FakeDevice(open_book(log=log)).enrol("acme")
    log.full = UnavailableError("disk_full", "no room")
    before = one.book.find("acme", one.device_id)
    code = one.invite("acme")
    other = FakeDevice(one.book)
    for act in (
        one.report,
        lambda: one.book.quarantine("acme", one.device_id, now_ns=1, reason="x"),
        lambda: one.book.remove("acme", one.device_id, now_ns=1),
        lambda: one.book.enrol(other.enrolment(code), one.now_ns),
    ):
        assert code_of(act) == "disk_full"
    assert one.book.find("acme", one.device_id) == before
    log.full = None
    assert one.book.enrol(other.enrolment(code), one.now_ns).tenant == "acme"


def test_a_listener_that_fails_is_told_again() -> None:
    told: list[str] = []
    faults: list[str] = []
    one = FakeDevice(open_book(on_fault=lambda reason, _fault: faults.append(reason))).enrol("acme")

    def listener(change: DeviceChange) -> None:
        told.append(change.reason)
        if len(told) == 1:
            raise RuntimeError

    one.book.listen(listener)
    one.report()
    assert (told, faults) == (["compliant"], ["device_change_untold"])
    one.book.sweep(one.now_ns)
    one.book.sweep(one.now_ns)
    assert told == ["compliant", "compliant"]


def test_a_device_that_two_processes_change_at_once_asks_to_try_again() -> None:
    class Contended(MemoryDeviceRegistry):
        def replace(self, device, *, scrub=False):
            return False

    one = FakeDevice(open_book(registry=Contended())).enrol("acme")
    with pytest.raises(UnavailableError) as caught:
        one.report()
    assert caught.value.code == R.DEVICE_BUSY


def test_a_forgotten_person_is_on_no_device() -> None:
    one = laptop()
    assert one.book.forget_subject("acme", "user:alice", one.now_ns) == 1
    assert one.book.find("acme", one.device_id).subjects == ()
    assert b"alice" not in msgspec.json.encode(one.book.find("acme", one.device_id))


@pytest.mark.parametrize(
    "posture",
    [
        {"disk_encrypted": "yes"},
        {"disk_encrypted": 1},
        {"disk_encrypted": None},
        {"all_fine": True},
        {"patch_age_s": -1},
        {"patch_age_s": True},
        {"patch_age_s": 1e300},
        {"attested": True},
        {"report_age_s": 0},
    ],
)
def test_a_posture_that_is_none_is_refused(posture: dict[str, Any]) -> None:
    one = laptop()
    assert code_of(lambda: one.report(**posture)) == R.DEVICE_POSTURE_INVALID


def test_what_is_not_told_is_not_fine() -> None:
    one = laptop()
    one.wait(10)
    one.book.report(one.voice.report({}, 1, now_ns=one.now_ns), one.now_ns)
    why = one.book.judge(one.book.find("acme", one.device_id), one.now_ns).why
    assert why == (
        "disk_encrypted_untold",
        "firewall_untold",
        "not_rooted_untold",
        "screen_lock_untold",
        "patches_untold",
    )


@pytest.mark.parametrize("kind", [ENROL_TYPE, POSTURE_TYPE, ATTEST_TYPE])
def test_nothing_of_a_message_is_believed_that_is_odd(kind: str) -> None:
    one = laptop()
    act = {ENROL_TYPE: one.book.enrol, POSTURE_TYPE: one.book.report, ATTEST_TYPE: one.book.attest}[kind]
    for odd, code in {
        "": R.DEVICE_NOT_COMPACT,
        "a.b": R.DEVICE_NOT_COMPACT,
        "a.b.c.d.e": R.DEVICE_ENCRYPTED,
        '{"payload": ""}': R.DEVICE_NOT_COMPACT,
        "x" * 40_000: R.DEVICE_TOO_LARGE,
        "\u0661.a.b": R.DEVICE_CHARACTERS_INVALID,
    }.items():
        assert code_of(partial(act, odd, one.now_ns)) == code

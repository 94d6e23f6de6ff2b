"""Whatever a device says: it is taken, or refused with a code of ours; and no device gets better by waiting."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import RefusedError
from ostiary.identity.attestation import QuoteRefusal
from ostiary.identity.devices import Device, DeviceRefusal, DeviceRules, Standing
from ostiary.identity.devices.envelope import ENROL_TYPE, POSTURE_TYPE, write_message
from ostiary.identity.devices.judging import judge
from ostiary.identity.devices.model import Reported
from ostiary.identity.devices.posture import FLAGS, read_posture, told_members, worst_of
from ostiary.identity.devices.quoting import read_evidence
from ostiary.testing.devices import AUDIENCE, NOW_NS, SECOND_NS, FakeDevice, open_book
from ostiary.testing.tpm import SoftTpm
from ostiary.vocabulary.facts import PostureFacts

CODES = set(DeviceRefusal) | set(QuoteRefusal)
LEVELS = ("unknown", "enrolled", "reported", "attested")
DEVICE = FakeDevice(open_book(), tpm=SoftTpm.make()).enrol("acme")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
POSTURES = st.builds(
    PostureFacts,
    **{name: st.none() | st.booleans() for name in FLAGS},
    patch_age_s=st.none() | st.floats(0, 1e8),
)


def outcome(act, text: str) -> str:
    try:
        act(text, DEVICE.now_ns)
    except RefusedError as no:
        return no.code
    return ""


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.sampled_from(["seq", "posture", "os", "iat", "jti", "collected", "aud", "sub"]), JSON))
def test_a_report_with_any_claims_is_taken_or_refused(claims) -> None:
    base = {"iss": DEVICE.device_id, "tenant": "acme", "aud": AUDIENCE, "iat": NOW_NS // SECOND_NS, "jti": "x"}
    text = write_message(POSTURE_TYPE, {**base, **claims}, DEVICE.voice.key)
    assert outcome(DEVICE.book.report, text) in {*CODES, ""}


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(["code", "nonce", "quote", "name", "iat"]), JSON), JSON)
def test_an_enrolment_with_any_claims_is_refused_without_a_code(claims, jwk) -> None:
    base = {"aud": AUDIENCE, "iat": NOW_NS // SECOND_NS, "jti": "x", "nonce": DEVICE.book.challenge("enrol", NOW_NS)}
    for key in (DEVICE.voice.jwk, jwk if isinstance(jwk, dict) else {}):
        text = write_message(ENROL_TYPE, {**base, **claims}, DEVICE.voice.key, key)
        assert outcome(DEVICE.book.enrol, text) in CODES


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=200) | st.from_regex(r"\A[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\Z"))
def test_any_text_is_refused_with_a_code(text: str) -> None:
    for act in (DEVICE.book.report, DEVICE.book.enrol, DEVICE.book.attest):
        assert outcome(act, text) in CODES


@settings(max_examples=120, deadline=None)
@given(JSON)
def test_any_posture_and_any_quote_is_read_or_refused(value) -> None:
    for act in (lambda: read_posture(value), lambda: read_evidence({"quote": value})):
        try:
            act()
        except RefusedError as no:
            assert no.code in CODES  # noqa: PT017 - reading and refusing are both right


@given(POSTURES)
def test_what_a_posture_tells_is_read_back(posture: PostureFacts) -> None:
    assert read_posture(told_members(posture)) == posture


@given(st.lists(POSTURES, min_size=1, max_size=4), POSTURES)
def test_one_more_source_never_mends_anything(postures, another) -> None:
    before, after = worst_of(postures), worst_of([*postures, another])
    for name in ("disk_encrypted", "edr_alive", "firewall", "screen_lock", "secure_boot"):
        assert not (getattr(before, name) is False and getattr(after, name) is not False)
    assert not (before.rooted is True and after.rooted is not True)
    assert (after.patch_age_s or 0) >= (before.patch_age_s or 0)


@settings(max_examples=tries(100, 200))
@given(
    st.lists(st.tuples(POSTURES, st.integers(0, 200_000)), max_size=3),
    st.integers(0, 1_000_000),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_time_alone_never_makes_a_device_better(reports, attested_s: int, later_s: int, required: bool) -> None:  # noqa: FBT001
    managers = frozenset({("acme", f"source-{place}") for place in range(3)})
    rules = DeviceRules(attestation_required=required, producers=managers)
    kept = {
        f"source-{place}": Reported(NOW_NS - age * SECOND_NS, 1, posture)
        for place, (posture, age) in enumerate(reports)
    }
    device = Device(
        tenant="acme",
        device_id="d",
        key={},
        thumbprint="t",
        enrolled_ns=1,
        reports=kept,
        attested_ns=(NOW_NS - attested_s * SECOND_NS) if attested_s else 0,
    )
    now, later = judge(device, rules, NOW_NS), judge(device, rules, NOW_NS + later_s * SECOND_NS)
    assert LEVELS.index(later.trust) <= LEVELS.index(now.trust)
    assert not (later.standing is Standing.COMPLIANT and now.standing is not Standing.COMPLIANT)
    if now.due_ns == 0 or NOW_NS + later_s * SECOND_NS < now.due_ns:
        assert later.standing is now.standing, "only a due device is judged anew"
    shut = msgspec.structs.replace(device, quarantined_ns=1)
    assert judge(shut, rules, NOW_NS).standing is Standing.QUARANTINED

"""SPIFFE bundles rotate with an overlap, never go back, and fail closed when they grow old."""

import json
from typing import Any

import pytest

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.ports import KeySource
from ostiary.identity.reasons import Refusal
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import DpopSettings, JwksSettings, JwksSource
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.identity.workloads.bundle import BundleReader, Mark, MemoryMarks, SequenceMarks
from ostiary.testing.issuer import FakeKey, compact
from ostiary.testing.workloads import FakeSpiffe
from ostiary.vocabulary.entities import Subject

SECOND = 1_000_000_000
NOW_NS = 1_790_000_000 * SECOND
OLD, NEW = FakeKey.generate("old"), FakeKey.generate("new")
TD = FakeSpiffe(keys=[OLD])
SETTINGS = JwksSettings(refresh_s=300, max_stale_s=900, retry_s=5, miss_interval_s=1, unknown_s=1)


class Endpoint:
    """A bundle endpoint that serves what it is told to."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.away = False
        self.asked = 0

    def fetch(self) -> bytes:
        self.asked += 1
        if self.away:
            raise UnavailableError(Refusal.JWKS_UNAVAILABLE, "the endpoint is away")
        return self.document


class Door:
    """Verifies tokens of one trust domain, whose bundle comes from an endpoint."""

    def __init__(self, endpoint: Endpoint, marks: SequenceMarks | None = None) -> None:
        def opener(_place: JwksSource, _settings: JwksSettings) -> KeySource:
            return endpoint

        self.book = IssuerBook([TD.config(jwks=JwksSource(url="https://td.example/bundle"))], SETTINGS, opener, marks)
        self.verifier = SubjectVerifier(
            TokenMemory(self.book), DpopVerifier(DpopSettings(), MemoryReplay(since_ns=0, max_per_tenant=10))
        )

    def answer(self, key: FakeKey, at_s: int) -> str:
        """Return "in", or why not."""
        now_ns = NOW_NS + at_s * SECOND
        token = compact({"alg": "ES256", "kid": key.signer.kid}, TD.claims(now_ns), key.signer)
        pep = PepIdentity(pep_id="x", tenant="default")
        try:
            self.verifier.verify(pep, Subject("workload", TD.subject), PresentedSubject(token=token), now_ns)
        except OstiaryError as fault:
            return fault.code
        return "in"


def test_keys_rotate_with_an_overlap_and_the_old_one_goes() -> None:
    endpoint = Endpoint(TD.bundle(OLD, sequence=1))
    door = Door(endpoint)
    assert (door.answer(OLD, 0), door.answer(NEW, 0)) == ("in", "token_key_unknown")
    endpoint.document = TD.bundle(OLD, NEW, sequence=2)
    assert (door.answer(NEW, 2), door.answer(OLD, 2)) == ("in", "in")
    endpoint.document = TD.bundle(NEW, sequence=3)
    assert (door.answer(NEW, 63), door.answer(OLD, 63)) == ("in", "token_key_unknown")


def test_a_remembered_token_goes_with_its_key() -> None:
    endpoint = Endpoint(TD.bundle(OLD, sequence=1))
    door = Door(endpoint)
    now_ns = NOW_NS
    token = compact({"alg": "ES256", "kid": "old"}, TD.claims(now_ns), OLD.signer)
    ask = (PepIdentity(pep_id="x", tenant="default"), Subject("workload", TD.subject), PresentedSubject(token=token))
    door.verifier.verify(*ask, now_ns)
    endpoint.document = TD.bundle(NEW, sequence=2)
    assert door.book.refresh(now_ns + SECOND) == {}
    with pytest.raises(RefusedError) as refused:
        door.verifier.verify(*ask, now_ns + 2 * SECOND)
    assert refused.value.code == Refusal.TOKEN_KEY_UNKNOWN


def test_an_old_bundle_is_not_believed_again_even_after_a_restart() -> None:
    marks = MemoryMarks()
    endpoint = Endpoint(TD.bundle(NEW, sequence=7))
    door = Door(endpoint, marks)
    assert door.answer(NEW, 0) == "in"
    endpoint.document = TD.bundle(OLD, sequence=6)  # whoever holds the old key serves the old bundle
    assert door.answer(OLD, 65) == "jwks_unavailable"
    assert door.answer(NEW, 71) == "in"  # the last good one still serves
    assert Door(endpoint, marks).answer(OLD, 80) == "jwks_unavailable"
    assert Door(endpoint, MemoryMarks()).answer(OLD, 80) == "in"  # what a memory that forgets would do


def test_a_bundle_that_stays_away_fails_closed() -> None:
    endpoint = Endpoint(TD.bundle(OLD, sequence=1))
    door = Door(endpoint)
    assert door.answer(OLD, 0) == "in"
    endpoint.away = True
    assert door.answer(OLD, 899) == "in"
    assert door.answer(OLD, 900) == "jwks_unavailable"


def test_the_hint_makes_us_look_sooner_and_never_later() -> None:
    endpoint = Endpoint(TD.bundle(OLD, hint=30))
    door = Door(endpoint)
    for at in (0, 29, 30):
        assert door.answer(OLD, at) == "in"
    assert endpoint.asked == 2
    lazy = Endpoint(TD.bundle(OLD, hint=100_000))
    door = Door(lazy)
    for at in (0, 299, 300):
        assert door.answer(OLD, at) == "in"
    assert lazy.asked == 2


def test_a_hint_cannot_make_us_hammer() -> None:
    assert _read(TD.bundle(OLD, hint=0)).refresh_s == 10


def test_a_bundle_without_keys_is_believed_and_lets_nobody_in() -> None:
    endpoint = Endpoint(TD.bundle(OLD, sequence=1))
    door = Door(endpoint)
    assert door.answer(OLD, 0) == "in"
    endpoint.document = json.dumps({"keys": [], "spiffe_sequence": 2}).encode()
    assert door.answer(OLD, 61) == "token_key_unknown"


def _read(document: bytes, marks: SequenceMarks | None = None) -> Any:
    return BundleReader("default", "example.org", marks or MemoryMarks())(document)


@pytest.mark.parametrize("use", ["x509-svid", "sig", "JWT-SVID", "", "jwt-svid "])
def test_only_keys_for_jwt_svids_count(use: str) -> None:
    assert dict(_read(TD.bundle(OLD, use=use)).keys) == {}


def test_keys_for_certificates_may_share_an_id_and_two_for_tokens_may_not() -> None:
    ours = {**OLD.jwk, "use": "jwt-svid", "kid": "k"}
    theirs = {**NEW.jwk, "use": "x509-svid", "kid": "k"}
    assert set(_read(json.dumps({"keys": [ours, theirs]}).encode()).keys) == {"k"}
    twice = {**NEW.jwk, "use": "jwt-svid", "kid": "k"}
    assert set(_read(json.dumps({"keys": [ours, twice]}).encode()).keys) == set()


def test_private_and_unnamed_keys_are_left_out() -> None:
    unnamed = {name: value for name, value in OLD.jwk.items() if name != "kid"}
    private = {**OLD.jwk, "d": "AAAA"}
    entries = [{**entry, "use": "jwt-svid"} for entry in (unnamed, private)]
    assert dict(_read(json.dumps({"keys": [*entries, 7, None]}).encode()).keys) == {}


FAULTY: dict[str, bytes] = {
    "no JSON": b"keys",
    "a list": b"[]",
    "no keys": b"{}",
    "keys of another type": b'{"keys": {}}',
    "too many keys": json.dumps({"keys": [{}] * 101}).encode(),
    "said twice": b'{"keys": [], "spiffe_sequence": 1, "spiffe_sequence": 2}',
    "sequence as text": b'{"keys": [], "spiffe_sequence": "1"}',
    "sequence as truth": b'{"keys": [], "spiffe_sequence": true}',
    "sequence below zero": b'{"keys": [], "spiffe_sequence": -1}',
    "sequence beyond 64 bits": b'{"keys": [], "spiffe_sequence": 9223372036854775808}',
    "hint as a fraction": b'{"keys": [], "spiffe_refresh_hint": 1.5}',
}


@pytest.mark.parametrize("document", FAULTY.values(), ids=FAULTY)
def test_a_malformed_bundle_is_refused(document: bytes) -> None:
    marks = MemoryMarks()
    with pytest.raises(UnavailableError) as refused:
        _read(document, marks)
    assert refused.value.code == Refusal.JWKS_UNAVAILABLE
    assert marks.mark("default", "example.org") is None


def test_the_sequence_moves_on_or_nothing_does() -> None:
    marks = MemoryMarks()
    _read(TD.bundle(OLD, sequence=5), marks)
    before = marks.mark("default", "example.org")
    assert before is not None
    _read(TD.bundle(OLD, sequence=5), marks)  # the same again is no step back
    lost = json.dumps({"keys": [{**OLD.jwk, "use": "jwt-svid"}]}).encode()
    for document in (TD.bundle(NEW, sequence=5), TD.bundle(OLD, sequence=4), lost):
        with pytest.raises(UnavailableError):
            _read(document, marks)
        assert marks.mark("default", "example.org") == before
    _read(TD.bundle(NEW, sequence=6), marks)
    assert marks.mark("default", "example.org") != before
    assert marks.mark("other", "example.org") is None


def test_bundles_without_a_sequence_have_no_order() -> None:
    marks = MemoryMarks()
    document = json.dumps({"keys": [{**OLD.jwk, "use": "jwt-svid"}]}).encode()
    assert set(_read(document, marks).keys) == {"old"}
    assert marks.mark("default", "example.org") is None
    assert Mark(1, b"a") != Mark(1, b"b")

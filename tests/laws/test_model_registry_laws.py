"""Laws of the registry's parsers: whatever bytes come, they end in a stable code, and names reach nothing outside."""

import json
from pathlib import PurePosixPath
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.keys import SigningKey
from ostiary.pipeline.registry.approving import PREDICATE_TYPE, Deed, TwoKeyCheck, make_approval
from ostiary.pipeline.registry.loading import verified
from ostiary.pipeline.registry.model import ModelFile
from ostiary.pipeline.registry.naming import check_name, check_path, check_stage
from ostiary.pipeline.registry.people import People, Person, read_people
from ostiary.pipeline.registry.provenance import PREDICATE_TYPE as SLSA
from ostiary.pipeline.registry.provenance import Provenance
from ostiary.pipeline.registry.reporting import PREDICATE_TYPE as REPORT
from ostiary.pipeline.registry.reporting import Findings
from ostiary.pipeline.registry.sealed import MAX_BYTES, parse_envelope, read_statement, read_subjects
from ostiary.server.faces.models import place_of
from ostiary.vocabulary.approvals import Wanted
from ostiary_sdk.models import LoadError
from ostiary_sdk.models.mlflow import named

ALICE, BOB = SigningKey.generate("alice"), SigningKey.generate("bob", "ES256")
PEOPLE = People(tuple(Person(f"user:{key.kid}", frozenset(), (key.public,)) for key in (ALICE, BOB)))
DIGEST = "sha256:" + "a" * 64
WANTED = Wanted("acme", "promote", "fraud", 3, "production", DIGEST, "", "sha256:" + "b" * 64, "sha256:" + "c" * 64)
GOOD = make_approval(WANTED, issued_ns=10, expires_ns=10**12, nonce="n" * 32, keys=[ALICE, BOB])
CHECK = TwoKeyCheck(lambda _: PEOPLE, lambda *_: False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


def outcome(evidence: bytes, wanted: Wanted = WANTED, now_ns: int = 20) -> str:
    try:
        return CHECK.check(wanted, evidence, now_ns).digest
    except (RefusedError, FaultyInputError) as fault:
        return fault.code


GOOD_DIGEST = outcome(GOOD)


def test_the_approval_is_good() -> None:
    assert GOOD_DIGEST.startswith("sha256:")


@given(st.integers(0, 100_000), st.integers(1, 255))
@settings(max_examples=tries(100, 300), deadline=None)
def test_any_changed_byte_voids_an_approval(place: int, change: int) -> None:
    data = bytearray(GOOD)
    data[place % len(data)] ^= change
    found = outcome(bytes(data))
    if found == GOOD_DIGEST:  # spacing, or a hint at a key: no change of what was said or who signed
        assert parse_envelope(bytes(data)).payload == parse_envelope(GOOD).payload
    else:
        assert found.startswith(("approval_", "statement_"))


@given(st.sampled_from(sorted(Wanted.__struct_fields__)), st.text(max_size=8) | st.integers(0, 9))
@settings(deadline=None)
def test_an_approval_is_for_nothing_else(member: str, value: Any) -> None:
    if member in {"own", "own_keys"}:
        return
    other = msgspec.structs.replace(WANTED, **{member: value})
    assert (outcome(GOOD, other) == GOOD_DIGEST) == (getattr(WANTED, member) == value)


@given(st.integers(-(10**13), 10**13))
def test_an_approval_is_good_between_its_ends_alone(now_ns: int) -> None:
    skew_ns = 60 * 10**9
    good = 10 - skew_ns <= now_ns < 10**12
    assert outcome(GOOD, now_ns=now_ns) == (GOOD_DIGEST if good else "approval_expired")


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(deadline=None)
def test_odd_bytes_are_no_statement(data: bytes) -> None:
    with pytest.raises(FaultyInputError) as told:
        parse_envelope(data)
    assert told.value.code == "statement_malformed"


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(deadline=None)
def test_odd_payloads_are_none_either(data: bytes) -> None:
    for kind, struct in ((PREDICATE_TYPE, Deed), (REPORT, Findings), (SLSA, Provenance)):
        with pytest.raises(FaultyInputError) as told:
            read_subjects(data, kind, struct)
        assert told.value.code == "statement_malformed"


def test_a_statement_has_a_size_a_depth_and_a_number_of_subjects() -> None:
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    for data in (b"{" + b" " * MAX_BYTES + b"}", deep, b'{"payloadType":"x","payload":"=","signatures":[]}'):
        with pytest.raises(FaultyInputError):
            parse_envelope(data)
    with pytest.raises(FaultyInputError):
        read_statement(deep, PREDICATE_TYPE, Deed)
    subject = {"digest": {"sha256": "a" * 64}}
    for subjects in (
        [],
        [subject] * 2,
        [subject] * 2000,
        [{"digest": {"sha512": "a"}}],
        [{"digest": {"sha256": "A" * 64}}],
    ):
        said = {"_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": REPORT}
        told = {"tenant": "t", "model": "m", "metrics": {}, "passed": True, "made_ns": 1}
        with pytest.raises(FaultyInputError):
            read_statement(json.dumps({**said, "predicate": told}).encode(), REPORT, Findings)


@given(st.text(max_size=80))
def test_names_are_plain(text: str) -> None:
    for check in (check_name, check_stage, check_path):
        try:
            accepted = check(text)
        except FaultyInputError:
            continue
        parts = PurePosixPath(accepted).parts
        assert accepted.isascii()
        assert accepted.isprintable()
        assert not accepted.startswith(("/", "."))
        assert ".." not in parts
        assert "\\" not in accepted


@given(st.text(max_size=120))
def test_every_path_is_read_or_is_none_of_ours(path: str) -> None:
    found = place_of("/pipeline/acme/models/" + path)
    assert found is None or (found[0] == "acme" and found[1] == path.split("/", maxsplit=1)[0])


@given(st.text(max_size=60), st.text(max_size=30))
@example("/[x", "")
def test_every_address_is_a_model_or_refused(uri: str, rest: str) -> None:
    try:
        name, stage = named("ostiary:/" + uri, rest)
    except LoadError:
        return
    assert "/" not in name + stage


@given(st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(deadline=None)
def test_an_odd_people_file_lets_nobody_in(data: bytes) -> None:
    try:
        people = read_people("x.yaml", data)
    except FaultyInputError:
        return
    assert (*people.approvers, *people.validators, *people.builders) == ()


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.lists(st.binary(min_size=1, max_size=50), max_size=8)
)
def test_only_the_very_bytes_become_a_file(wanted: list[bytes], sent: list[bytes]) -> None:
    import hashlib  # noqa: PLC0415

    whole = b"".join(wanted)
    file = ModelFile("a", len(whole), hashlib.sha256(whole).hexdigest())
    got: list[bytes] = []
    try:
        got.extend(verified(iter(sent), file))
    except VerificationError:
        assert b"".join(sent) != whole
        assert len(b"".join(got)) < max(1, len(b"".join(sent)))
    else:
        assert b"".join(got) == whole

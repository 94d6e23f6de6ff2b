"""Whatever bytes come, the door's parsers answer with a value or with a code of their own, and never widen anything."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, VerificationError
from ostiary.keys import SigningKey
from ostiary.pipeline.datasets.listing import inside
from ostiary.pipeline.datasets.manifests import Manifests, sign_manifest
from ostiary.pipeline.datasets.names import check_name, is_below, printable
from ostiary.pipeline.datasets.places import Where, place_of
from ostiary.pipeline.datasets.ranges import read_range
from ostiary.pipeline.datasets.spec import DatasetSpec, read_spec
from ostiary.pipeline.datasets.statement import Entry, Manifest, encode_manifest, parse_manifest
from ostiary.pipeline.datasets.uploads import read_digest


def among(value: object, *known: object) -> None:
    assert value in known


segments = st.lists(st.text(max_size=12), max_size=5).map("/".join)
KEY = SigningKey.generate("ingest")


@given(segments | st.text(max_size=40))
def test_a_name_is_itself_or_refused(text: str) -> None:
    try:
        name = check_name(text)
    except FaultyInputError as no:
        among(no.code, "object_name_invalid")
        among(no.message.isprintable(), True)  # noqa: FBT003 - a value
        return
    assert name == text
    assert not {"", ".", ".."} & set(name.split("/"))
    assert printable(name).isprintable()


@given(st.text(max_size=60))
def test_what_is_printed_is_one_plain_line(text: str) -> None:
    assert printable(text).isascii()
    assert not set(printable(text)) & set("\r\n\t\x1b\x00")


@given(st.text(max_size=30) | st.from_regex(r"bytes=[0-9]{0,20}-[0-9]{0,20}(,[0-9]-[0-9])?"), st.integers(0, 2**50))
def test_a_range_stays_inside_the_object(header: str, size: int) -> None:
    try:
        span = read_range(header, size)
    except (FaultyInputError, RefusedError) as no:
        among(no.code, "range_invalid", "range_unsatisfiable")
        return
    assert 0 <= span.start < span.stop <= size


@given(segments, segments)
def test_a_listing_lies_below_the_token(asked: str, allowed: str) -> None:
    try:
        folder = inside(asked, allowed)
    except OstiaryError as no:
        among(no.code, "object_name_invalid", "outside_scope")
        return
    assert is_below(folder, allowed.removesuffix("/"))
    assert is_below(folder, asked.removesuffix("/"))


@given(st.text(max_size=60) | st.from_regex(r"sha-256=:[A-Za-z0-9+/]{40,46}={0,2}:"))
def test_a_digest_is_thirty_two_bytes(header: str) -> None:
    try:
        assert len(read_digest(header)) == 32
    except FaultyInputError as no:
        among(no.code, "digest_missing")


@given(st.text(max_size=60) | st.from_regex(r"(s3|gs|az|file|memory)://[a-z0-9./@:%-]{0,30}"))
def test_a_store_is_a_known_cloud_or_refused(store: str) -> None:
    try:
        place = place_of(store, "", "", Where())
    except FaultyInputError as no:
        among(no.code, "dataset_store_refused")
        return
    assert place.kind in {"s3", "gs", "az"}
    host = place.url.removeprefix("https://")
    assert host == "storage.googleapis.com" or host.endswith((".amazonaws.com", ".blob.core.windows.net"))
    assert "/" not in host


@given(st.binary(max_size=300))
def test_a_statement_is_read_or_refused(payload: bytes) -> None:
    with pytest.raises(VerificationError) as no:
        parse_manifest(payload)
    assert no.value.code == "manifest_invalid"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
members = st.sampled_from(["store", "prefix", "purposes", "producers", "reads", "endpoint", "max_read_bytes", "other"])


@given(st.dictionaries(members, json_values, max_size=6))
def test_a_spec_is_read_or_refused(value: dict[str, object]) -> None:
    try:
        read_spec(value)
    except FaultyInputError as no:
        among(no.code, "dataset_invalid", "object_name_invalid", "key_malformed")


names = st.lists(st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5})?", fullmatch=True), unique=True, max_size=6).map(sorted)


@given(names, st.integers(1, 2**40))
def test_what_is_signed_is_what_is_read(found: list[str], sequence: int) -> None:
    objects = tuple(Entry(name, len(name), "sha256", "ab" * 32) for name in found)
    made = Manifest("acme", "sales", "ingest", sequence, 1, objects)
    assert parse_manifest(encode_manifest(made)) == made


class Kept:
    """Keeps nothing."""

    def save(self, *_: object) -> None:
        raise AssertionError

    def load(self, *_: object) -> None:
        return None

    def all(self, *_: object) -> list[object]:
        return []

    def delete(self, *_: object) -> bool:
        return False


SPEC = DatasetSpec(store="memory:///x", producers={"ingest": KEY.public.pem().decode()})
ENVELOPE = sign_manifest(Manifest("acme", "sales", "ingest", 1, 1, (Entry("a", 1, "sha256", "ab" * 32),)), KEY)


@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_no_changed_byte_is_vouched_for(position: int, change: int) -> None:
    damaged = bytearray(ENVELOPE)
    damaged[position] ^= change
    manifests = Manifests(Kept(), lambda: 1)
    whole = manifests.check("acme", "sales", SPEC, ENVELOPE)
    try:
        found = manifests.check("acme", "sales", SPEC, bytes(damaged))
    except VerificationError:
        return
    assert found.digest == whole.digest  # a byte of the hint `keyid`, or white space: what was signed is the same


@given(json_values)
def test_no_made_up_envelope_is_vouched_for(value: object) -> None:
    with pytest.raises(VerificationError):
        Manifests(Kept(), lambda: 1).check("acme", "sales", SPEC, msgspec.json.encode(value))

"""Laws of model bundles: parsers of outside bytes refuse by name and never break; what is written is what is read."""

import base64
import json
from collections.abc import Callable, Collection
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.artifacts.oms import (
    KeySigner,
    ModelPolicy,
    Release,
    TrustedCertificate,
    TrustedIdentity,
    TrustedKey,
    TrustedSigner,
    read_trusted_root,
)
from ostiary.artifacts.oms.bundle import parse_bundle, tobase64
from ostiary.artifacts.oms.names import check_distinct, is_plain
from ostiary.artifacts.oms.policy_file import _parse
from ostiary.artifacts.oms.proving import prove
from ostiary.artifacts.oms.refusing import REASONS
from ostiary.artifacts.oms.release import read_release, write_release
from ostiary.artifacts.oms.statement import Covered, Piece, read_statement, write_statement
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys.certificates import Certificate, read_pems, text_of_utf8
from ostiary.keys.curves import CurveKey, CurvePublicKey
from ostiary.testing.sigstore import FakeSigstore

NOW = 1_795_000_000_000_000_000
KEY = CurveKey.generate()
SIGSTORE = FakeSigstore(NOW)
ROOT = read_trusted_root(SIGSTORE.trusted_root())
ROOT_CODES = {"trusted_root_malformed", "certificate_malformed"}
LEAF = SIGSTORE.certify(KEY.public, "a@example.org", "https://i").der
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
PART = st.text("aAbß\u00e9.-_1 /\u212b", min_size=1, max_size=6).filter(is_plain)
PATH = st.lists(PART.filter(lambda part: "/" not in part), min_size=1, max_size=3).map("/".join)
DIGEST = st.binary(min_size=32, max_size=32)
SEALED = KeySigner(KEY).seal(write_statement("m", [Covered("a", "sha256", (Piece(0, None, bytes(32)),))], "sha256", 0))
LOGGED = SIGSTORE.signer("a@example.org", "https://issuer.example").seal(
    write_statement("m", [Covered("a", "sha256", (Piece(0, None, bytes(32)),))], "sha256", 0)
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside a JSON document."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for name, value in inner for place in places(value, (*path, name)))]


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return the document with another value at ``path``."""
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


def code_of(call: Callable[[], object], known: Collection[str]) -> str:
    """Return the code with which ``call`` refused, a known one, or nothing when it did not."""
    try:
        call()
    except (VerificationError, FaultyInputError) as fault:
        return fault.code if fault.code in known else f"unknown: {fault.code}"
    return ""


def refuses(data: bytes) -> str:
    trusted: list[TrustedSigner] = [
        TrustedKey(KEY.public),
        TrustedIdentity(ROOT, "a@example.org", "https://issuer.example"),
    ]
    code = code_of(lambda: read_statement(prove(parse_bundle(data), trusted, NOW)[1]), REASONS)
    assert not code.startswith("unknown")
    return code


@given(st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    assert refuses(data)


@settings(max_examples=tries(100, 300))
@given(st.sampled_from([SEALED, LOGGED]), st.data())
def test_a_bundle_with_any_part_replaced_is_refused_or_means_the_same(sealed: bytes, data: st.DataObject) -> None:
    document = json.loads(sealed)
    place = data.draw(st.sampled_from(places(document)))
    value = data.draw(JSON)
    verdict = refuses(json.dumps(replaced(document, place, value)).encode())
    hints = {"hint", "rawBytes", "publicKey", "keyid", "tlogEntries", "origin", "timestampVerificationData"}
    if verdict == "":
        same = value == place_of(document, place) or (value in (None, "", []) and place)
        assert same or hints & set(map(str, place)), (place, value)


def place_of(document: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        document = document[name]
    return document


@given(st.integers(0, len(SEALED) * 8 - 1))
def test_no_flipped_bit_of_the_payload_or_signature_is_believed(bit: int) -> None:
    data = bytearray(SEALED)
    data[bit // 8] ^= 1 << bit % 8
    code = refuses(bytes(data))
    if code == "":  # the hint, the key id, white space and bits that base64 leaves over decide nothing
        assert believed(bytes(data)) == believed(SEALED)


def believed(data: bytes) -> tuple[bytes, bytes]:
    """Return payload and signature as they are read; a hint may be no UTF-8 any more."""
    envelope = json.loads(data.decode(errors="replace"))["dsseEnvelope"]
    return base64.b64decode(envelope["payload"]), base64.b64decode(envelope["signatures"][0]["sig"])


@given(st.dictionaries(PATH, DIGEST, min_size=1, max_size=6))
def test_what_is_written_is_what_is_read(files: dict[str, bytes]) -> None:
    try:
        check_distinct(files)
    except VerificationError:
        return
    covered = [Covered(path, "blake3", (Piece(0, None, digest),)) for path, digest in files.items()]
    statement = read_statement(write_statement("m", covered, "blake3", 0))
    assert {path: one.pieces[0].digest for path, one in statement.files.items()} == files


@given(JSON)
def test_any_statement_is_refused_by_name(value: Any) -> None:
    with pytest.raises(VerificationError) as caught:
        read_statement(json.dumps({"_type": "https://in-toto.io/Statement/v1", "predicate": value}).encode())
    assert caught.value.code in REASONS


@given(st.lists(st.tuples(st.integers(-5, 5000), st.integers(-5, 5000)), min_size=1, max_size=5))
def test_shards_cover_a_file_or_are_refused(ranges: list[tuple[int, int]]) -> None:
    pieces = tuple(Piece(start, end, bytes(32)) for start, end in ranges)
    payload = write_statement("m", [Covered("a", "sha256", pieces)], "sha256", 1000)
    if code := code_of(lambda: read_statement(payload), REASONS):
        assert code == "artifact_statement_malformed"
        return
    covered = [place for start, end in ranges for place in range(start, end)]
    assert covered == list(range(ranges[-1][1]))


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_release_is_refused_by_name(payload: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        read_release(payload, root="sha256:" + "0" * 64, digest="sha256:" + "0" * 64)
    assert caught.value.code in REASONS


@given(
    st.integers(1, 2**53), st.text(max_size=256), st.dictionaries(st.text(max_size=9), st.just("sha256:" + "1" * 64))
)
def test_a_release_is_read_as_it_was_written(version: int, label: str, datasets: dict[str, str]) -> None:
    release = Release("m", version, "production", 10, 1, label=label, datasets=datasets)
    root, digest = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    try:
        payload = write_release(release, root=root, digest=digest)
    except (FaultyInputError, UnicodeEncodeError):
        return
    assert read_release(payload, root=root, digest=digest) == release
    for other in ({"root": digest, "digest": digest}, {"root": root, "digest": root}):
        with pytest.raises(VerificationError) as caught:
            read_release(payload, **other)
        assert caught.value.code == "artifact_bundle_swapped"


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_trust_root_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(FaultyInputError) as caught:
        read_trusted_root(data)
    assert caught.value.code in {"trusted_root_malformed", "certificate_malformed"}


@settings(max_examples=tries(100, 300))
@given(st.data())
def test_a_trust_root_with_any_part_replaced_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(SIGSTORE.trusted_root())
    place = data.draw(st.sampled_from(places(document)))
    root = json.dumps(replaced(document, place, data.draw(JSON))).encode()
    assert code_of(lambda: read_trusted_root(root), ROOT_CODES) in {"", *ROOT_CODES}


@settings(max_examples=tries(100, 300))
@given(st.integers(0, len(LEAF) - 1), st.integers(1, 255))
def test_a_broken_certificate_is_read_or_refused(at: int, change: int) -> None:
    der = bytearray(LEAF)
    der[at] ^= change
    code = code_of(lambda: Certificate.from_der(bytes(der)), {"certificate_malformed"})
    assert code in {"", "certificate_malformed"}
    if not code:
        read = Certificate.from_der(bytes(der))
        assert isinstance(read.signs_code, bool)
        assert len(read.alternative_names()) <= read.count_alternative_names()
        assert read.not_before_ns <= 10**30
        assert read.not_after_ns <= 10**30
        assert isinstance(read.subject, str)


@settings(max_examples=tries(100, 300))
@given(st.integers(0, len(LEAF) - 1), st.integers(1, 255))
def test_a_broken_certificate_in_a_bundle_proves_nothing(at: int, change: int) -> None:
    """Whatever becomes of it, its own authority did not sign it so."""
    der = bytearray(LEAF)
    der[at] ^= change
    bundle = json.loads(SEALED)
    bundle["verificationMaterial"] = {"x509CertificateChain": {"certificates": [{"rawBytes": tobase64(bytes(der))}]}}
    signer = TrustedCertificate((SIGSTORE.authority.certificate.der,), "email", "a@example.org")
    sealed = json.dumps(bundle).encode()
    code = code_of(lambda: prove(parse_bundle(sealed), [signer], NOW), REASONS)
    assert code
    assert not code.startswith("unknown")


@given(st.binary(max_size=300))
def test_any_bytes_are_no_key_and_no_certificate(data: bytes) -> None:
    for read in (Certificate.from_der, read_pems, CurvePublicKey.from_der, CurvePublicKey.from_pem, CurveKey.from_pem):
        with pytest.raises(FaultyInputError):
            read(data)
    assert KEY.public.verify(data, b"x") is False


@given(st.text(max_size=300))
def test_a_utf8_string_is_read(text: str) -> None:
    data = text.encode()
    size = len(data)
    long = b"\x81" + bytes([size]) if 127 < size < 256 else b"\x82" + size.to_bytes(2, "big")
    head = bytes([size]) if size < 128 else long
    assert text_of_utf8(b"\x0c" + head + data) == text


@given(st.binary(max_size=200))
def test_any_policy_is_read_or_refused(data: bytes) -> None:
    assert code_of(lambda: _parse(data), {"model_policy_malformed"}) in {"", "model_policy_malformed"}


def test_a_policy_that_says_nothing_demands_a_release() -> None:
    assert ModelPolicy(signers=()).release_needed

"""A device says that its TPM says that all is well. Each way to lie about it has its own refusal.

The forger holds a software TPM whose fields he replaces before it signs: more than anybody can do with a real one,
which signs no structure of others. Where even that does not help him, nothing does.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from ostiary.errors import RefusedError
from ostiary.identity.attestation import Evidence, Expected, PcrPolicy, Quoted, QuoteRefusal, verify_quote
from ostiary.identity.attestation.public import read_key
from ostiary.testing.tpm import GOOD_KEY, HASH_IDS, NULL, SCHEME_IDS, SoftTpm, sized, u

R = QuoteRefusal
NONCE, OTHER = b"n" * 32, b"o" * 32
TPM = SoftTpm.make()
TPM.extend(7, b"secure boot policy")
RSA = SoftTpm.make("rsassa")
PSS = SoftTpm.make("rsapss")
GOOD = TPM.quote(NONCE)


def expected(tpm: SoftTpm = TPM, **more: Any) -> Expected:
    known: dict[str, Any] = {"key": tpm.public, "key_name": tpm.name, "extra": NONCE, "policy": PcrPolicy()}
    return Expected(**{**known, **more})


def forged(**fields: Any) -> Evidence:
    """A statement with some fields replaced, signed by the right key."""
    attest = msgspec.structs.replace(TPM.statement(NONCE), **fields).encode()
    return Evidence(attest, TPM.sign(attest), TPM.values())


def resigned(attest: bytes) -> Evidence:
    return Evidence(attest, TPM.sign(attest), TPM.values())


def selecting(*banks: tuple[str, int, bytes], **more: Any) -> Evidence:
    selection = tuple((HASH_IDS[bank], bits[:size]) for bank, size, bits in banks)
    return forged(selection=selection, **more)


def shaped(tpm: SoftTpm = TPM, **fields: Any) -> tuple[Evidence, Expected]:
    """A key of another shape, enrolled with this shape, so that only the shape is wrong."""
    other = SoftTpm(tpm._signer, tpm._scheme, tpm._hash, "sha256")
    other.shape = msgspec.structs.replace(tpm.shape, **fields)
    return other.quote(NONCE), expected(other)


def without(bit: int) -> int:
    return GOOD_KEY & ~(1 << bit)


def last(**changes: Any) -> Quoted:
    told = verify_quote(GOOD, expected())
    clock = replace(told.clock, **{k: v for k, v in changes.items() if k in {"clock", "resets", "restarts"}})
    return replace(told, clock=clock, **{k: v for k, v in changes.items() if k in {"signer", "firmware"}})


def _swapped() -> Evidence:
    return replace(GOOD, pcrs={**GOOD.pcrs, ("sha256", 7): TPM.quote(NONCE).pcrs["sha256", 0]})


def _digest_of_lie() -> Evidence:
    clean = SoftTpm.make()
    return Evidence(GOOD.attest, GOOD.signature, clean.values())


def _lying_bitmap() -> Evidence:
    """The digest is of a clean register 7, the bitmap says that 7 was not among them."""
    return selecting(("sha256", 3, (1 << 0 | 1 << 2 | 1 << 4).to_bytes(3, "little")))


BITS = (1 << 0 | 1 << 2 | 1 << 4 | 1 << 7).to_bytes(3, "little")
Lie = Callable[[], Evidence]
STATEMENTS: list[tuple[str, QuoteRefusal, Lie]] = [
    ("a register's value is forged", R.QUOTE_PCR_DIGEST_WRONG, _swapped),
    ("values of a clean machine beside a quote of this one", R.QUOTE_PCR_DIGEST_WRONG, _digest_of_lie),
    ("the digest is forged", R.QUOTE_PCR_DIGEST_WRONG, lambda: forged(digest=bytes(32))),
    ("the digest is cut short", R.QUOTE_PCR_DIGEST_WRONG, lambda: forged(digest=b"")),
    ("the nonce is of another day", R.QUOTE_NONCE_WRONG, lambda: forged(extra=OTHER)),
    ("there is no nonce", R.QUOTE_NONCE_WRONG, lambda: forged(extra=b"")),
    ("the nonce is only begun", R.QUOTE_NONCE_WRONG, lambda: forged(extra=NONCE[:-1])),
    ("the nonce has something after it", R.QUOTE_NONCE_WRONG, lambda: forged(extra=NONCE + b"\0")),
    ("an old quote with its nonce replaced", R.QUOTE_SIGNATURE_INVALID, lambda: replace(
        TPM.quote(OTHER), attest=TPM.quote(OTHER).attest.replace(OTHER, NONCE))),
    ("signed by another TPM", R.QUOTE_SIGNATURE_INVALID, lambda: SoftTpm.make().quote(NONCE)),
    ("one bit of the statement turned", R.QUOTE_SIGNATURE_INVALID, lambda: replace(
        GOOD, attest=GOOD.attest[:50] + bytes([GOOD.attest[50] ^ 1]) + GOOD.attest[51:])),
    ("the signature of another statement", R.QUOTE_SIGNATURE_INVALID, lambda: replace(
        GOOD, signature=TPM.quote(OTHER).signature)),
    ("a signature of zeros", R.QUOTE_SIGNATURE_INVALID, lambda: replace(
        GOOD, signature=u(0x0018, 2) + u(0x000B, 2) + sized(bytes(32)) * 2)),
    ("no signature", R.QUOTE_SIGNATURE_TRUNCATED, lambda: replace(GOOD, signature=b"")),
    ("something after the signature", R.QUOTE_SIGNATURE_TRAILING_BYTES, lambda: replace(
        GOOD, signature=GOOD.signature + b"\0")),
    ("a part of the signature that is too long", R.QUOTE_SIGNATURE_TOO_LONG, lambda: replace(
        GOOD, signature=u(0x0018, 2) + u(0x000B, 2) + sized(bytes(67)))),
    ("a signature without end", R.QUOTE_SIGNATURE_TOO_LONG, lambda: replace(GOOD, signature=bytes(1_000_000))),
    ("an HMAC instead of a signature", R.QUOTE_SIGNATURE_SCHEME_WRONG, lambda: replace(
        GOOD, signature=u(0x0005, 2) + GOOD.signature[2:])),
    ("no signature scheme", R.QUOTE_SIGNATURE_SCHEME_WRONG, lambda: replace(
        GOOD, signature=u(NULL, 2) + GOOD.signature[2:])),
    ("an RSA signature by a key that makes none", R.QUOTE_SIGNATURE_SCHEME_WRONG, lambda: replace(
        GOOD, signature=RSA.quote(NONCE).signature)),
    ("a signature over SHA-1", R.QUOTE_SIGNATURE_HASH_WRONG, lambda: replace(
        GOOD, signature=u(0x0018, 2) + u(HASH_IDS["sha1"], 2) + GOOD.signature[4:])),
    ("a signature over another hash than the key's", R.QUOTE_SIGNATURE_HASH_WRONG, lambda: replace(
        GOOD, signature=u(0x0018, 2) + u(HASH_IDS["sha512"], 2) + GOOD.signature[4:])),
    ("not made by a TPM", R.QUOTE_ATTEST_MAGIC_WRONG, lambda: forged(magic=0xFF544348)),
    ("a certification instead of a quote", R.QUOTE_ATTEST_TYPE_WRONG, lambda: forged(kind=0x8017)),
    ("a signed time instead of a quote", R.QUOTE_ATTEST_TYPE_WRONG, lambda: forged(kind=0x8019)),
    ("something after the statement", R.QUOTE_ATTEST_TRAILING_BYTES, lambda: resigned(GOOD.attest + b"\0")),
    ("a statement without end", R.QUOTE_ATTEST_TOO_LONG, lambda: resigned(GOOD.attest + bytes(1_000_000))),
    ("a name that is too long", R.QUOTE_ATTEST_TOO_LONG, lambda: forged(signer=bytes(67))),
    ("a nonce that is too long", R.QUOTE_ATTEST_TOO_LONG, lambda: forged(extra=bytes(67))),
    ("a digest that is too long", R.QUOTE_ATTEST_TOO_LONG, lambda: forged(digest=bytes(65))),
    ("nobody signed it", R.QUOTE_SIGNER_INVALID, lambda: forged(signer=b"")),
    ("the clock is maybe safe", R.QUOTE_CLOCK_SAFE_INVALID, lambda: forged(safe=2)),
    ("registers of the SHA-1 bank", R.QUOTE_PCR_BANK_NOT_ALLOWED, lambda: selecting(("sha1", 3, BITS))),
    ("one bank twice", R.QUOTE_PCR_BANK_TWICE, lambda: selecting(("sha256", 3, BITS), ("sha256", 3, BITS))),
    ("no register at all", R.QUOTE_PCR_SELECTION_EMPTY, lambda: forged(selection=())),
    ("a bank without registers", R.QUOTE_PCR_SELECTION_EMPTY, lambda: selecting(("sha256", 3, bytes(3)))),
    ("a selection of no bytes", R.QUOTE_PCR_SELECTION_INVALID, lambda: selecting(("sha256", 0, b""))),
    ("a selection of five bytes", R.QUOTE_PCR_SELECTION_INVALID, lambda: selecting(("sha256", 5, bytes(5)))),
    ("register 24", R.QUOTE_PCR_SELECTION_INVALID, lambda: selecting(("sha256", 4, b"\x95\0\0\x01"))),
    ("nine banks", R.QUOTE_PCR_SELECTION_INVALID, lambda: selecting(*[("sha256", 3, BITS)] * 9)),
    ("the bitmap leaves out a register that is told", R.QUOTE_PCR_NOT_SELECTED, _lying_bitmap),
    ("the bitmap names a register that is not told", R.QUOTE_PCR_MISSING, lambda: selecting(
        ("sha256", 3, b"\x95\x01\0"))),
    ("a register's value has the wrong length", R.QUOTE_PCR_LENGTH_WRONG, lambda: replace(
        GOOD, pcrs={**GOOD.pcrs, ("sha256", 7): b"short"})),
    ("two hundred registers", R.QUOTE_PCR_TOO_MANY, lambda: replace(
        GOOD, pcrs={("sha256", number): bytes(32) for number in range(200)})),
    ("the register that would tell is not quoted", R.QUOTE_PCR_REQUIRED, lambda: TPM.quote(NONCE, (0, 2, 4))),
]  # fmt: skip

KEYS: list[tuple[str, QuoteRefusal, Callable[[], tuple[Evidence, Expected]]]] = [
    ("an unrestricted key", R.QUOTE_KEY_UNRESTRICTED, lambda: shaped(attributes=without(16))),
    ("a key that can leave its TPM", R.QUOTE_KEY_MOVABLE, lambda: shaped(attributes=without(1))),
    ("a key whose parent can be changed", R.QUOTE_KEY_MOVABLE, lambda: shaped(attributes=without(4))),
    ("a key made outside", R.QUOTE_KEY_IMPORTED, lambda: shaped(attributes=without(5))),
    ("a key that decrypts", R.QUOTE_KEY_DECRYPTS, lambda: shaped(attributes=GOOD_KEY | 1 << 17)),
    ("a key that does not sign", R.QUOTE_KEY_NOT_SIGNING, lambda: shaped(attributes=without(18))),
    ("attributes that nobody defined", R.QUOTE_KEY_RESERVED_BITS, lambda: shaped(attributes=GOOD_KEY | 1 << 31)),
    ("a key named by SHA-1", R.QUOTE_KEY_HASH_NOT_ALLOWED, lambda: shaped(name_hash=HASH_IDS["sha1"])),
    ("a key that signs over SHA-1", R.QUOTE_KEY_HASH_NOT_ALLOWED, lambda: shaped(scheme_hash=HASH_IDS["sha1"])),
    ("a key without a scheme", R.QUOTE_KEY_SCHEME_MISSING, lambda: shaped(scheme=NULL)),
    ("a key with another kind's scheme", R.QUOTE_KEY_SCHEME_MISSING, lambda: shaped(scheme=SCHEME_IDS["rsassa"])),
    ("a storage key's symmetric part", R.QUOTE_KEY_INVALID, lambda: shaped(symmetric=u(6, 2) + u(128, 2) + u(0x43, 2))),
    ("a key derivation scheme", R.QUOTE_KEY_INVALID, lambda: shaped(kdf=0x0020)),
    ("an unknown curve", R.QUOTE_KEY_CURVE_NOT_ALLOWED, lambda: shaped(curve=0x0010)),
    ("a point that is not on its curve", R.QUOTE_KEY_INVALID, lambda: shaped(curve=0x0004)),
    ("a key of 1024 bits", R.QUOTE_KEY_WEAK, lambda: shaped(RSA, bits=1024)),
    ("a key of exponent three", R.QUOTE_KEY_WEAK, lambda: shaped(RSA, exponent=3)),
    ("a keyed hash instead of a key", R.QUOTE_KEY_KIND_NOT_ALLOWED, lambda: (
        GOOD, expected(key=sized(u(8, 2) + TPM.public[4:])))),
    ("something after the key", R.QUOTE_KEY_TRAILING_BYTES, lambda: (GOOD, expected(key=TPM.public + b"\0"))),
    ("something after the key, inside", R.QUOTE_KEY_TRAILING_BYTES, lambda: (
        GOOD, expected(key=sized(TPM.public[2:] + b"\0")))),
    ("a key without end", R.QUOTE_KEY_TOO_LONG, lambda: (GOOD, expected(key=bytes(1_000_000)))),
    ("no key", R.QUOTE_KEY_TRUNCATED, lambda: (GOOD, expected(key=b""))),
    ("another key than the enrolled one", R.QUOTE_KEY_NAME_WRONG, lambda: (GOOD, expected(key_name=RSA.name))),
    ("the same signature by PSS", R.QUOTE_SIGNATURE_SCHEME_WRONG, lambda: (PSS.quote(NONCE), expected(RSA))),
]  # fmt: skip

YOUNGER: list[tuple[str, QuoteRefusal, Quoted]] = [
    ("the clock goes backwards", R.QUOTE_CLOCK_BACKWARDS, last(clock=10**9)),
    ("fewer restarts", R.QUOTE_RESTART_BACKWARDS, last(restarts=9)),
    ("fewer resets", R.QUOTE_RESET_BACKWARDS, last(resets=9)),
    ("older firmware", R.QUOTE_FIRMWARE_BACKWARDS, last(firmware=2**63)),
    ("other parent keys", R.QUOTE_SIGNER_CHANGED, last(signer=b"\0\x0b" + bytes(32))),
]


def code_of(evidence: Evidence, wanted: Expected) -> str:
    with pytest.raises(RefusedError) as caught:
        verify_quote(evidence, wanted)
    return caught.value.code


def test_the_honest_quote_is_believed() -> None:
    told = verify_quote(GOOD, expected())
    assert told.pcrs == {number: GOOD.pcrs["sha256", number] for number in (0, 2, 4, 7)}
    for tpm in (RSA, PSS):
        assert verify_quote(tpm.quote(NONCE), expected(tpm)).clock.resets == 1


@pytest.mark.parametrize(("code", "lie"), [pytest.param(code, lie, id=name) for name, code, lie in STATEMENTS])
def test_a_forged_statement_is_refused(code: QuoteRefusal, lie: Lie) -> None:
    assert code_of(lie(), expected()) == code


@pytest.mark.parametrize(("code", "lie"), [pytest.param(code, lie, id=name) for name, code, lie in KEYS])
def test_a_key_that_may_not_quote_is_refused(code: QuoteRefusal, lie: Any) -> None:
    assert code_of(*lie()) == code


@pytest.mark.parametrize(("code", "before"), [pytest.param(code, before, id=name) for name, code, before in YOUNGER])
def test_a_tpm_does_not_grow_younger(code: QuoteRefusal, before: Quoted) -> None:
    assert code_of(TPM.quote(NONCE), expected(last=before)) == code


def test_every_code_was_provoked() -> None:
    seen = {code for _, code, _ in [*STATEMENTS, *KEYS, *YOUNGER]}
    by_name = {R.QUOTE_ATTEST_TRUNCATED, R.QUOTE_PCR_CHANGED, R.QUOTE_PCR_NOT_GOLDEN}  # below
    assert seen | by_name == set(QuoteRefusal)
    assert len([*STATEMENTS, *KEYS, *YOUNGER]) >= 70


def test_a_quote_cut_off_anywhere_is_refused() -> None:
    codes = {code_of(resigned(GOOD.attest[:end]), expected()) for end in range(len(GOOD.attest))}
    assert codes == {R.QUOTE_ATTEST_TRUNCATED}
    signatures = {code_of(replace(GOOD, signature=GOOD.signature[:end]), expected()) for end in range(72)}
    assert len(GOOD.signature) == 72
    assert signatures == {R.QUOTE_SIGNATURE_TRUNCATED}
    keys = {code_of(GOOD, expected(key=TPM.public[:end])) for end in range(len(TPM.public))}
    assert keys == {R.QUOTE_KEY_TRUNCATED}


def test_a_restart_and_a_reset_are_no_rollback() -> None:
    tpm = SoftTpm.make()
    first = verify_quote(tpm.quote(NONCE), expected(tpm))
    tpm.restarts += 1
    second = verify_quote(tpm.quote(NONCE), expected(tpm, last=first))
    tpm.reset()
    tpm.clock -= 1_500
    assert verify_quote(tpm.quote(NONCE), expected(tpm, last=second)).clock.resets == 2


def test_a_register_that_changed_since_enrolment_is_refused() -> None:
    tpm = SoftTpm.make()
    first = verify_quote(tpm.quote(NONCE), expected(tpm))
    tpm.extend(4, b"another boot loader")
    assert code_of(tpm.quote(NONCE), expected(tpm, baseline=first.pcrs)) == R.QUOTE_PCR_CHANGED
    shorter = {number: value for number, value in first.pcrs.items() if number != 4}
    assert code_of(tpm.quote(NONCE), expected(tpm, baseline=shorter)) == R.QUOTE_PCR_CHANGED


def test_golden_values_of_a_class_of_devices() -> None:
    good = {7: frozenset({TPM.values()["sha256", 7], bytes(32)})}
    told = verify_quote(GOOD, expected(policy=PcrPolicy(golden=good), baseline={7: b"long ago"}))
    assert told.pcrs[7] == TPM.values()["sha256", 7]
    bad = {7: frozenset({bytes(32)})}
    assert code_of(GOOD, expected(policy=PcrPolicy(golden=bad))) == R.QUOTE_PCR_NOT_GOLDEN
    unquoted = {14: frozenset({bytes(32)})}
    assert code_of(GOOD, expected(policy=PcrPolicy(golden=unquoted))) == R.QUOTE_PCR_NOT_GOLDEN


def test_the_name_of_a_key_is_the_tpms_own() -> None:
    for tpm in (TPM, RSA, PSS):
        assert read_key(tpm.public).name == tpm.name

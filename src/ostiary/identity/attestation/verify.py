"""Judges a quote: the enrolled key of one TPM says, now and for us, that its registers have these values.

What must be true, in the order in which it is checked:

1. statement, signature and key are well-formed and within bounds (``quote``, ``signature``, ``public``);
2. the key is the enrolled one, by its name, and may quote; scheme and hash of the signature are the key's own;
3. the signature over the whole statement is the key's;
4. the statement carries our nonce;
5. it was signed under the same parent keys as before (``qualifiedSigner``);
6. firmware version, resets, restarts and clock have not gone backwards since the last quote: a TPM does not grow
   younger, a copy of its state does;
7. the registers make the quoted digest and are as the policy wants them.

Whether the nonce is fresh and unused is the caller's question (``devices.challenges``), since it needs memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.identity.attestation.pcrs import PcrPolicy, Pcrs, check_digest, check_policy
from ostiary.identity.attestation.public import AttestationKey, read_key
from ostiary.identity.attestation.quote import ClockInfo, Quote, read_quote
from ostiary.identity.attestation.reasons import QuoteRefusal
from ostiary.identity.attestation.signature import TpmSignature, read_signature
from ostiary.identity.attestation.wire import refuse
from ostiary.keys.hashing import equal


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a device sends: the statement, its signature, and the registers that it says were quoted."""

    attest: bytes
    signature: bytes
    pcrs: Pcrs


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a good quote said; kept, so that the next one can be compared."""

    signer: bytes
    clock: ClockInfo
    firmware: int
    pcrs: Mapping[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is known beforehand.

    Attributes:
        key: the enrolled TPM2B_PUBLIC.
        key_name: its name at enrolment.
        extra: the bytes that the quote must carry for our nonce.
        policy: what the registers must be.
        baseline: the registers at the first attestation, or ``None``.
        last: the last good quote, or ``None``.
    """

    key: bytes
    key_name: bytes
    extra: bytes
    policy: PcrPolicy
    baseline: Mapping[int, bytes] | None = None
    last: Quoted | None = None


def verify_quote(evidence: Evidence, expected: Expected) -> Quoted:
    """Return what the quote said when all of it is true.

    Raises:
        RefusedError: a code of ``QuoteRefusal`` for each way to fail.
    """
    # 1, 2 form and key
    quote, signature, key = read_quote(evidence.attest), read_signature(evidence.signature), read_key(expected.key)
    if not equal(key.name, expected.key_name):
        refuse(QuoteRefusal.QUOTE_KEY_NAME_WRONG, "the attestation key is not the enrolled one")
    # 3 signature
    _check_signature(evidence.attest, signature, key)
    # 4 nonce
    if not equal(quote.extra, expected.extra):
        refuse(QuoteRefusal.QUOTE_NONCE_WRONG, "the quote was made for another nonce")
    # 5, 6 the same TPM, no younger
    if expected.last is not None:
        _check_continuity(quote, expected.last)
    # 7 registers
    check_digest(quote.selection, evidence.pcrs, key.hash, quote.digest)
    counted = check_policy(evidence.pcrs, expected.policy, expected.baseline)
    return Quoted(quote.signer, quote.clock, quote.firmware, counted)


def _check_signature(attest: bytes, signature: TpmSignature, key: AttestationKey) -> None:
    if signature.scheme != key.scheme:
        refuse(QuoteRefusal.QUOTE_SIGNATURE_SCHEME_WRONG, "the signature is not of the scheme that the key is for")
    if signature.hash != key.hash:
        refuse(QuoteRefusal.QUOTE_SIGNATURE_HASH_WRONG, "the signature is not over the hash that the key is for")
    if not key.key.verify(signature.parts, signature.scheme, signature.hash, attest):
        refuse(QuoteRefusal.QUOTE_SIGNATURE_INVALID, "the signature is not the attestation key's")


def _check_continuity(quote: Quote, last: Quoted) -> None:
    now, before = quote.clock, last.clock
    if quote.signer != last.signer:
        refuse(QuoteRefusal.QUOTE_SIGNER_CHANGED, "the quote was signed under other parent keys than before")
    if quote.firmware < last.firmware:
        refuse(QuoteRefusal.QUOTE_FIRMWARE_BACKWARDS, "the TPM's firmware is older than at the last quote")
    if now.resets < before.resets:
        refuse(QuoteRefusal.QUOTE_RESET_BACKWARDS, "the TPM was reset fewer times than at the last quote")
    if now.resets > before.resets:
        return  # restarts begin anew, and an unorderly shutdown may set the clock back a little (Part 1 §36.3)
    if now.restarts < before.restarts:
        refuse(QuoteRefusal.QUOTE_RESTART_BACKWARDS, "the TPM was restarted fewer times than at the last quote")
    if now.restarts == before.restarts and now.clock < before.clock:
        refuse(QuoteRefusal.QUOTE_CLOCK_BACKWARDS, "the TPM's clock has gone backwards since the last quote")

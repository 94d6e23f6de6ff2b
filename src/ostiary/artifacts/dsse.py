"""DSSE v1 envelopes: a signature over the payload's bytes and type, so that neither can be read as something else.

>>> pae("t", b"hello")
b'DSSEv1 1 t 5 hello'
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Final

import msgspec

from ostiary.artifacts.ports import Signer, Verifier
from ostiary.artifacts.statement import PAYLOAD_TYPE
from ostiary.errors import VerificationError


class EnvelopeSignature(msgspec.Struct, frozen=True):
    """One signature; ``keyid`` is a hint and decides nothing."""

    sig: str
    keyid: str = ""


class Envelope(msgspec.Struct, frozen=True, rename={"payload_type": "payloadType"}):
    """The envelope as it stands in the file."""

    payload_type: str
    payload: str
    signatures: list[EnvelopeSignature]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding, the bytes that are signed (DSSE v1)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, signers: Iterable[Signer]) -> bytes:
    """Return the envelope of an in-toto ``payload``, signed by every signer."""
    signed = pae(PAYLOAD_TYPE, payload)
    signatures = [EnvelopeSignature(sig=_encode(signer.sign(signed)), keyid=signer.kid) for signer in signers]
    envelope = Envelope(payload_type=PAYLOAD_TYPE, payload=_encode(payload), signatures=signatures)
    return msgspec.json.format(msgspec.json.encode(envelope), indent=1)


def unseal(data: bytes, trusted_keys: Iterable[Verifier], *, threshold: int, max_signatures: int) -> bytes:
    """Return the payload when at least ``threshold`` distinct trusted keys signed it.

    Raises:
        VerificationError: ``artifact_manifest_malformed``, ``artifact_untrusted_key``.
    """
    envelope = _parse(data, max_signatures)
    payload = _decode(envelope.payload)
    signed = pae(envelope.payload_type, payload)
    signatures = [_decode(one.sig) for one in envelope.signatures]
    good = sum(any(key.verify(signature, signed) for signature in signatures) for key in dict.fromkeys(trusted_keys))
    if good < max(threshold, 1):
        text = f"{good} trusted signatures on the artefact, {max(threshold, 1)} needed"
        raise VerificationError("artifact_untrusted_key", text)
    return payload


def _parse(data: bytes, max_signatures: int) -> Envelope:
    try:
        envelope = _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise _malformed(f"the manifest is no DSSE envelope: {fault}") from fault
    if envelope.payload_type != PAYLOAD_TYPE:
        raise _malformed(f"the manifest carries `{envelope.payload_type[:80]}`, not an in-toto statement")
    if len(envelope.signatures) > max_signatures:
        raise _malformed(f"{len(envelope.signatures)} signatures, {max_signatures} are allowed")
    return envelope


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise _malformed("the manifest holds text that is no base64") from fault


def _malformed(text: str) -> VerificationError:
    return VerificationError("artifact_manifest_malformed", text)


_DECODER: Final = msgspec.json.Decoder(Envelope)

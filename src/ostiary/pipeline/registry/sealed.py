r"""Signed statements (in-toto Statement v1 in a DSSE envelope) about one model: who signed, and what exactly.

- One subject, by the model's root digest; one predicate of the type that was asked for; unknown members are errors.
- Signatures are counted by who made them among the keys that may: an unknown signature decides nothing, whatever
  the envelope calls it.
- The statement's own digest is over its payload, so it names what was said, not how often it was signed.

>>> parse_envelope(b"{}")
Traceback (most recent call last):
ostiary.errors.FaultyInputError: the statement is no DSSE envelope: Object missing required field `payloadType`
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec

from ostiary.artifacts.dsse import Envelope, EnvelopeSignature, pae
from ostiary.artifacts.statement import PAYLOAD_TYPE, STATEMENT_TYPE
from ostiary.errors import FaultyInputError
from ostiary.keys import SigningKey, VerifyingKey, sha256_hex
from ostiary.pipeline.registry.naming import is_digest

MAX_BYTES: Final = 256 * 1024
MAX_SIGNATURES: Final = 16
MAX_SUBJECTS: Final = 1024
_CODE: Final = "statement_malformed"
Predicate = TypeVar("Predicate")


class Subject(msgspec.Struct, frozen=True):
    """What the statement is about, by name (a hint) and digest."""

    name: str = ""
    digest: dict[str, str] = {}


class RawStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An in-toto Statement v1 whose predicate nobody has read yet."""

    type: str = msgspec.field(name="_type")
    subject: list[Subject]
    predicate_type: str = msgspec.field(name="predicateType")
    predicate: msgspec.Raw


class Opened(msgspec.Struct, frozen=True):
    """An envelope taken apart; nothing in it is believed before ``signers`` names somebody."""

    payload: bytes
    signatures: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """Digest of the payload, ``sha256:…``."""
        return "sha256:" + sha256_hex(self.payload)

    def signers(self, keys: Iterable[VerifyingKey]) -> list[VerifyingKey]:
        """Return those of ``keys`` that signed, each once."""
        signed = pae(PAYLOAD_TYPE, self.payload)
        return [key for key in dict.fromkeys(keys) if any(key.verify(one, signed) for one in self.signatures)]


def parse_envelope(data: bytes) -> Opened:
    """Take an envelope apart.

    Raises:
        FaultyInputError: ``statement_malformed``.
    """
    if len(data) > MAX_BYTES:
        raise FaultyInputError(_CODE, f"a statement has at most {MAX_BYTES} bytes, this one has {len(data)}")
    try:
        envelope = _ENVELOPE.decode(data)
        payload = base64.b64decode(envelope.payload, validate=True)
        signatures = tuple(base64.b64decode(one.sig, validate=True) for one in envelope.signatures)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, binascii.Error, ValueError) as fault:
        raise FaultyInputError(_CODE, f"the statement is no DSSE envelope: {fault}") from fault
    if envelope.payload_type != PAYLOAD_TYPE or len(signatures) > MAX_SIGNATURES:
        raise FaultyInputError(_CODE, f"the statement is no in-toto statement with at most {MAX_SIGNATURES} signatures")
    return Opened(payload, signatures)


def read_subjects(payload: bytes, predicate_type: str, kind: type[Predicate]) -> tuple[tuple[str, ...], Predicate]:
    """Return the digests (``sha256:…``) of all subjects, and the predicate.

    Raises:
        FaultyInputError: ``statement_malformed``, also for a statement of another type.
    """
    try:
        statement = _STATEMENT.decode(payload)
        predicate = msgspec.json.decode(statement.predicate, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise FaultyInputError(_CODE, f"the signed statement is malformed: {fault}") from fault
    if statement.type != STATEMENT_TYPE or statement.predicate_type != predicate_type:
        text = f"this is a statement of `{statement.predicate_type[:80]}`, wanted is `{predicate_type}`"
        raise FaultyInputError(_CODE, text)
    digests = ["sha256:" + one.digest.get("sha256", "") for one in statement.subject]
    if not 0 < len(digests) <= MAX_SUBJECTS or not all(is_digest(one) for one in digests):
        raise FaultyInputError(_CODE, f"a statement has 1 to {MAX_SUBJECTS} subjects, each with its sha256")
    return tuple(digests), predicate


def read_statement(payload: bytes, predicate_type: str, kind: type[Predicate]) -> tuple[str, Predicate]:
    """Return the digest of the one subject, and the predicate.

    Raises:
        FaultyInputError: ``statement_malformed``, also for more than one subject.
    """
    digests, predicate = read_subjects(payload, predicate_type, kind)
    if len(digests) != 1:
        raise FaultyInputError(_CODE, "this statement must have one subject")
    return digests[0], predicate


def seal_statement(predicate_type: str, name: str, digest: str, predicate: object, keys: Iterable[SigningKey]) -> bytes:
    """Return a fresh envelope, signed by every one of ``keys``."""
    statement: dict[str, Any] = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": predicate_type,
        "predicate": msgspec.to_builtins(predicate),
    }
    return add_signatures(Opened(msgspec.json.encode(statement, order="sorted"), ()), keys)


def add_signatures(opened: Opened, keys: Iterable[SigningKey]) -> bytes:
    """Return the envelope of ``opened`` with the signatures of ``keys`` added to those that are there."""
    signed = pae(PAYLOAD_TYPE, opened.payload)
    old = [EnvelopeSignature(_b64(one)) for one in opened.signatures]
    fresh = [EnvelopeSignature(_b64(key.sign(signed)), key.public.thumbprint()) for key in keys]
    envelope = Envelope(payload_type=PAYLOAD_TYPE, payload=_b64(opened.payload), signatures=[*old, *fresh])
    return msgspec.json.format(msgspec.json.encode(envelope), indent=1)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_STATEMENT: Final = msgspec.json.Decoder(RawStatement)

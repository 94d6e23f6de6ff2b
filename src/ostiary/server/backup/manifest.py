"""The signed list of a backup: every file with size and digest, where the log stood, and what was left out.

1. It is an in-toto statement in a DSSE envelope, signed by the log's key: who can verify the log can verify its
   backups, and needs no further key. What DSSE signs begins with ``DSSEv1`` and can never be read as a checkpoint.
2. It has one spelling. An altered byte that no signature covers (white space, a hint, stray bits) refuses it as well.
"""

import base64
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec

from ostiary.artifacts.dsse import Envelope, EnvelopeSignature, seal, unseal
from ostiary.artifacts.statement import PAYLOAD_TYPE
from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT
from ostiary.audit.verifier.signed import Vkey
from ostiary.errors import VerificationError
from ostiary.keys import SigningKey

NAME: Final = "manifest.dsse.json"
SIZE_LIMIT: Final = 64 << 20
MAX_FILES: Final = 200_000
Word = Annotated[str, msgspec.Meta(max_length=1_024)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class LogState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the log stood: its name, number of entries, root in hexadecimal, checkpoint and verifier keys."""

    origin: Word
    size: Annotated[int, msgspec.Meta(ge=0)]
    root: Digest
    checkpoint: Annotated[str, msgspec.Meta(max_length=65_536)]
    keys: Annotated[list[Word], msgspec.Meta(min_length=1, max_length=64)]


class BackedUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the backup says of itself.

    Attributes:
        made_ns: when, UTC nanoseconds.
        version: of the Ostiary that made it.
        log: where the log stood.
        keys: ``sealed`` under a passphrase, or ``absent``.
        left_out: what of the data directory is not in it.
    """

    made_ns: int
    version: Word
    log: LogState
    keys: Literal["sealed", "absent"]
    left_out: list[Word] = []


class BackedUpFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: its path in the backup, its size in bytes, its SHA-256."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=4_096)]
    size: Annotated[int, msgspec.Meta(ge=0)]
    digest: Annotated[dict[str, Digest], msgspec.Meta(min_length=1, max_length=1)]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """in-toto Statement v1 over a backup."""

    subject: Annotated[list[BackedUpFile], msgspec.Meta(max_length=MAX_FILES)]
    predicate: BackedUp
    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(
        name="_type", default="https://in-toto.io/Statement/v1"
    )
    predicate_type: Literal["urn:ostiary:backup:v1"] = msgspec.field(
        name="predicateType", default="urn:ostiary:backup:v1"
    )


def sign_manifest(manifest: Manifest, key: SigningKey) -> bytes:
    """Return the manifest as it stands in the file."""
    return seal(msgspec.json.encode(manifest, order="sorted"), [key])


def claimed(data: bytes) -> Manifest:
    """Return what a manifest claims, before anything of it was verified: to look up which log's keys to ask.

    Raises:
        VerificationError: ``backup_malformed``.
    """
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
        return _manifest(base64.b64decode(envelope.payload, validate=True))
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        raise VerificationError("backup_malformed", f"the manifest cannot be read: {fault}") from fault


def read_manifest(data: bytes, trusted: Sequence[Vkey]) -> Manifest:
    """Return a manifest that one of the ``trusted`` log keys signed.

    Raises:
        VerificationError: ``backup_malformed``, ``backup_untrusted``.
    """
    for vkey in trusted:
        try:
            payload = unseal(data, [vkey.key], threshold=1, max_signatures=1)
        except VerificationError as fault:
            if fault.code == "artifact_manifest_malformed":
                raise VerificationError("backup_malformed", fault.message) from fault
            continue
        if not _one_spelling(data, payload, vkey):
            raise VerificationError("backup_malformed", "bytes of the manifest were altered that no signature covers")
        return _manifest(payload)
    raise VerificationError("backup_untrusted", "no key of this log signed the manifest, or it was altered")


def _one_spelling(data: bytes, payload: bytes, vkey: Vkey) -> bool:
    (given,) = msgspec.json.decode(data, type=Envelope).signatures
    again = Envelope(
        payload_type=PAYLOAD_TYPE,
        payload=base64.b64encode(payload).decode(),
        signatures=[
            EnvelopeSignature(
                sig=base64.b64encode(base64.b64decode(given.sig)).decode(),
                keyid=f"{SYSTEM_TENANT}.{LOG_PURPOSE}.{vkey.key.thumbprint()}",
            )
        ],
    )
    return msgspec.json.format(msgspec.json.encode(again), indent=1) == data


def _manifest(payload: bytes) -> Manifest:
    try:
        return msgspec.json.decode(payload, type=Manifest)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise VerificationError("backup_malformed", f"the signed list is malformed: {fault}") from fault

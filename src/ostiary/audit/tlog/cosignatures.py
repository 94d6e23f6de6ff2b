"""Cosignatures: a witness's dated word that it saw this checkpoint and that history only grew (C2SP tlog-cosignature).

Ed25519, type ``0x04``: the signed message is ``cosignature/v1``, ``time T`` and the checkpoint's text.
"""

import struct
from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.audit.tlog.notes import COSIGNATURE, Note, NoteKey, Signature
from ostiary.errors import VerificationError
from ostiary.keys import SigningKey

_SIGNATURE_BYTES: Final = 64
_TIME_LIMIT: Final = 2**63


class Cosigned(msgspec.Struct, frozen=True):
    """Who cosigned a checkpoint, and when (seconds since the Unix epoch)."""

    name: str
    time_s: int


def cosign(text: bytes, name: str, key: SigningKey, time_s: int) -> Signature:
    """Cosign a checkpoint's text as witness ``name`` at ``time_s``."""
    value = struct.pack(">Q", time_s) + key.sign(_message(text, time_s))
    return Signature(name, NoteKey(name, key.public, COSIGNATURE).key_id, value)


def verify_cosignatures(note: Note, witnesses: Sequence[NoteKey]) -> list[Cosigned]:
    """Return the known witnesses that cosigned; unknown ones are ignored.

    Raises:
        VerificationError: ``cosignature_invalid`` when a known witness's line does not verify.
    """
    claimed = [
        (witness, line)
        for line in note.signatures
        for witness in witnesses
        if witness.kind == COSIGNATURE and witness.made(line)
    ]
    return [Cosigned(witness.name, _verified_time(note.text, witness, line)) for witness, line in claimed]


def _verified_time(text: bytes, witness: NoteKey, line: Signature) -> int:
    value = line.value
    if line.canonical and len(value) == 8 + _SIGNATURE_BYTES:
        (time_s,) = struct.unpack(">Q", value[:8])
        if 0 < time_s < _TIME_LIMIT and witness.key.verify(value[8:], _message(text, time_s)):
            return int(time_s)
    raise VerificationError("cosignature_invalid", f"the cosignature of `{witness.name}` does not verify")


def _message(text: bytes, time_s: int) -> bytes:
    return b"cosignature/v1\ntime %d\n" % time_s + text

"""The verifier's own reading of notes, checkpoints, cosignatures and verifier keys; nothing is believed unverified.

A checkpoint comes out of here only with the list of keys that signed it.
"""

import base64
import hashlib
import struct
from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys import EDDSA, VerifyingKey

LOG_KEY: Final = 1
WITNESS_KEY: Final = 4
_NOTE_LIMIT: Final = 1 << 16
_LINES_LIMIT: Final = 64
_SIZE_DIGITS: Final = 19
_HASH: Final = 32
_COSIGNATURE: Final = 72
_MARK: Final = "\u2014"


class Vkey(msgspec.Struct, frozen=True):
    """A verifier key: who, which type, and the Ed25519 key."""

    text: str
    name: str
    kind: int
    key: VerifyingKey

    @property
    def mark(self) -> bytes:
        """The first four bytes of each of its signatures."""
        return _mark(self.name, self.kind, self.key.raw)


class Head(msgspec.Struct, frozen=True):
    """What a verified checkpoint says, and who says so."""

    origin: str
    size: int
    root: bytes
    note: bytes
    signers: tuple[str, ...]
    cosigners: tuple[tuple[str, int], ...] = ()


def read_vkey(text: str) -> Vkey:
    """Read ``name+id+base64``.

    Raises:
        FaultyInputError: ``vkey_malformed``.
    """
    fault = FaultyInputError("vkey_malformed", f"`{text[:120]}` is no verifier key")
    name, _, rest = text.strip().partition("+")
    mark, _, material = rest.partition("+")
    try:
        raw = unbase64(material)
        key = Vkey(text.strip(), name, raw[0], VerifyingKey.from_raw(name, EDDSA, raw[1:]))
    except (ValueError, IndexError, FaultyInputError):
        raise fault from None
    if key.mark.hex() != mark or key.kind not in {LOG_KEY, WITNESS_KEY} or not name or " " in name:
        raise fault
    return key


def read_checkpoint(note: bytes, trusted: Sequence[Vkey], witnesses: Sequence[Vkey] = ()) -> Head:
    """Verify a checkpoint's signatures, then read it.

    Raises:
        FaultyInputError: ``checkpoint_malformed``.
        VerificationError: ``checkpoint_unsigned``, ``signature_invalid``.
    """
    text, lines = _take_apart(note)
    origin, size, root = _read_body(text)
    ours = [key for key in trusted if key.kind == LOG_KEY and key.name == origin]
    signers = [key.text for key in ours for name, raw in lines if _signed(key, name, raw, text)]
    if not signers:
        raise VerificationError("checkpoint_unsigned", f"no trusted key of `{origin}` has signed this checkpoint")
    cosigners = [
        (key.name, _cosigned_at(key, raw, text)) for key in witnesses for name, raw in lines if _is(key, name, raw)
    ]
    return Head(origin, size, root, note, tuple(signers), tuple(cosigners))


def read_signed(note: bytes, trusted: Sequence[Vkey]) -> tuple[str, tuple[str, ...]]:
    """Return the text of any signed note and the keys that signed it, at least one of them trusted.

    Raises:
        FaultyInputError: ``checkpoint_malformed``.
        VerificationError: ``checkpoint_unsigned``, ``signature_invalid``.
    """
    text, lines = _take_apart(note)
    signers = tuple(key.text for key in trusted for name, raw in lines if _signed(key, name, raw, text))
    if not signers:
        raise VerificationError("checkpoint_unsigned", "no key that is trusted here has signed it")
    return text, signers


def unbase64(text: str) -> bytes:
    """Decode base64 that has exactly one spelling: no altered character may go unnoticed.

    Raises:
        ValueError: it is not base64, or not its one spelling.
    """
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError(text)
    return data


def origin_of(note: bytes) -> str:
    """Return the origin that a note claims, unverified: only for finding what is remembered of it.

    Raises:
        FaultyInputError: ``checkpoint_malformed``.
    """
    return _read_body(_take_apart(note)[0])[0]


def _signed(key: Vkey, name: str, raw: bytes, text: str) -> bool:
    if not _is(key, name, raw):
        return False
    if not key.key.verify(raw[4:], text.encode()):
        raise VerificationError("signature_invalid", f"the signature of `{name}` on the checkpoint does not verify")
    return True


def _cosigned_at(key: Vkey, raw: bytes, text: str) -> int:
    if len(raw) == 4 + _COSIGNATURE:
        (seconds,) = struct.unpack_from(">Q", raw, 4)
        if key.key.verify(raw[12:], f"cosignature/v1\ntime {seconds}\n{text}".encode()):
            return int(seconds)
    raise VerificationError("signature_invalid", f"the cosignature of `{key.name}` does not verify")


def _is(key: Vkey, name: str, raw: bytes) -> bool:
    return name == key.name and raw[:4] == key.mark


def _mark(name: str, kind: int, raw: bytes) -> bytes:
    return hashlib.sha256(name.encode() + bytes([0x0A, kind]) + raw).digest()[:4]


def _take_apart(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    fault = FaultyInputError("checkpoint_malformed", "this is no signed note")
    try:
        whole = note.decode() if len(note) <= _NOTE_LIMIT else ""
    except UnicodeDecodeError:
        raise fault from None
    at = whole.rfind("\n\n")
    rows = whole[at + 2 :].split("\n")
    if at < 0 or rows.pop() or not 0 < len(rows) <= _LINES_LIMIT or any(c < " " and c != "\n" for c in whole):
        raise fault
    lines = []
    for row in rows:
        mark, _, rest = row.partition(" ")
        name, _, coded = rest.partition(" ")
        try:
            raw = unbase64(coded)
        except ValueError:
            raise fault from None
        if mark != _MARK or not name or len(raw) < 5:  # noqa: PLR2004 - four bytes of key id and a signature
            raise fault
        lines.append((name, raw))
    return whole[: at + 1], lines


def _read_body(text: str) -> tuple[str, int, bytes]:
    rows = text.split("\n")
    fault = FaultyInputError("checkpoint_malformed", "the note is no checkpoint")
    if len(rows) < 4 or rows[-1] or not all(rows[:-1]):  # noqa: PLR2004 - three lines and the end of the last
        raise fault
    digits = rows[1]
    if not digits.isascii() or not digits.isdigit() or len(digits) > _SIZE_DIGITS or str(int(digits)) != digits:
        raise fault
    try:
        root = unbase64(rows[2])
    except ValueError:
        raise fault from None
    if len(root) != _HASH:
        raise fault
    return rows[0], int(digits), root

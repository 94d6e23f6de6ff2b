"""Signed notes: a text and signatures over it by named keys (C2SP signed-note v1.0.0).

- Key id = first four bytes of SHA-256(name, newline, type byte, public key).
- Signatures of unknown keys are ignored; a known key's signature that does not verify refuses the whole note.
- Limits: 64 KiB a note, 64 signatures, UTF-8 without control characters.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys import EDDSA, SigningKey, VerifyingKey, sha256

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
NOTE_LIMIT: Final = 65_536
SIGNATURE_LIMIT: Final = 64
_NAME_LIMIT: Final = 255
_ID_BYTES: Final = 4
_DASH: Final = "\N{EM DASH} "


class Signature(msgspec.Struct, frozen=True):
    """One signature line: whose it claims to be, and its bytes without the key id.

    ``canonical`` is false when the base64 has stray bits: such a line is read, but never verifies, so that no altered
    byte of a note goes unnoticed.
    """

    name: str
    key_id: bytes
    value: bytes
    canonical: bool = True


class Note(msgspec.Struct, frozen=True):
    """A parsed note. Nothing in it is to be believed before a signature was verified."""

    text: bytes
    signatures: tuple[Signature, ...]


class NoteKey(msgspec.Struct, frozen=True):
    """A public key as notes know it: name, type, Ed25519 key; written as a ``vkey``."""

    name: str
    key: VerifyingKey
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before each of the key's signatures."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key.raw)[:_ID_BYTES]

    def vkey(self) -> str:
        """Return the key as ``name+hex id+base64(type, key)``."""
        material = base64.b64encode(bytes([self.kind]) + self.key.raw).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def made(self, signature: Signature) -> bool:
        """Return whether the line claims to be by this key."""
        return signature.name == self.name and signature.key_id == self.key_id


def parse_vkey(text: str) -> NoteKey:
    """Read a verifier key.

    Raises:
        FaultyInputError: ``vkey_malformed``.
    """
    parts = text.strip().split("+", 2)
    try:
        name, key_id, material = parts
        raw = base64.b64decode(material, validate=True)
        key = NoteKey(check_name(name), VerifyingKey.from_raw(name, EDDSA, raw[1:]), raw[0])
    except (ValueError, IndexError, FaultyInputError) as fault:
        raise FaultyInputError("vkey_malformed", f"`{text[:120]}` is no verifier key") from fault
    if key.key_id.hex() != key_id or key.kind not in {ED25519, COSIGNATURE}:
        raise FaultyInputError("vkey_malformed", f"`{text[:120]}` has another key id or type than its key")
    return key


def check_name(name: str) -> str:
    """Return ``name`` when it may name a key: not empty, no spaces, no plus.

    Raises:
        FaultyInputError: ``key_name_invalid``.
    """
    if not name or len(name) > _NAME_LIMIT or "+" in name or any(char.isspace() or char < " " for char in name):
        raise FaultyInputError("key_name_invalid", f"`{name[:80]}` is no key name: no spaces, no plus, not empty")
    return name


def signature_line(signature: Signature) -> bytes:
    """Return one signature line with its newline."""
    return f"{_DASH}{signature.name} {base64.b64encode(signature.key_id + signature.value).decode()}\n".encode()


def sign_text(text: bytes, name: str, key: SigningKey) -> Signature:
    """Sign a note's text with an Ed25519 key."""
    return Signature(name, NoteKey(name, key.public).key_id, key.sign(text))


def write_note(text: bytes, signatures: Iterable[Signature]) -> bytes:
    """Return the note as bytes."""
    return text + b"\n" + b"".join(signature_line(signature) for signature in signatures)


def parse_note(data: bytes) -> Note:
    """Take a note apart, trusting nothing.

    Raises:
        FaultyInputError: ``note_malformed``.
    """
    text = _decode(data)
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise FaultyInputError("note_malformed", "a note ends in a blank line and signature lines")
    rows = lines[:-1].split("\n")
    if len(rows) > SIGNATURE_LIMIT:
        raise FaultyInputError("note_malformed", f"a note has at most {SIGNATURE_LIMIT} signatures")
    return Note((body + "\n").encode(), tuple(parse_signature_line(row) for row in rows))


def parse_signature_line(line: str) -> Signature:
    """Read one signature line without its newline.

    Raises:
        FaultyInputError: ``note_malformed``.
    """
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise FaultyInputError("note_malformed", f"`{line[:80]}` is no signature line")
    try:
        raw = base64.b64decode(encoded, validate=True)
        check_name(name)
    except (binascii.Error, ValueError, FaultyInputError) as fault:
        raise FaultyInputError("note_malformed", f"`{line[:80]}` is no signature line") from fault
    if len(raw) <= _ID_BYTES:
        raise FaultyInputError("note_malformed", f"`{line[:80]}` is no signature line")
    return Signature(name, raw[:_ID_BYTES], raw[_ID_BYTES:], base64.b64encode(raw).decode() == encoded)


def verify_note(note: Note, keys: Sequence[NoteKey]) -> list[NoteKey]:
    """Return the keys that signed; only Ed25519 note keys are looked at (cosignatures: see ``cosignatures``).

    Raises:
        VerificationError: ``note_signature_invalid`` for a known key's bad signature, ``note_unsigned`` when no known
            key signed.
    """
    signed: list[NoteKey] = []
    for signature in note.signatures:
        for key in keys:
            if key.kind == ED25519 and key.made(signature):
                if not signature.canonical or not key.key.verify(signature.value, note.text):
                    raise VerificationError("note_signature_invalid", f"the signature of `{key.name}` does not verify")
                signed.append(key)
    if not signed:
        raise VerificationError("note_unsigned", "no key that is trusted here has signed the note")
    return signed


def _decode(data: bytes) -> str:
    if len(data) > NOTE_LIMIT:
        raise FaultyInputError("note_malformed", f"a note of {len(data)} bytes is too large")
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        raise FaultyInputError("note_malformed", "a note is UTF-8 text") from fault
    if any(char < " " and char != "\n" for char in text):
        raise FaultyInputError("note_malformed", "a note holds no control characters")
    return text

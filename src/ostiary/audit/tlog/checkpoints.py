"""Checkpoints: the log's signed word on how many entries it has and what their root is (C2SP tlog-checkpoint).

>>> body = Checkpoint("example.com/log", 0, bytes(32)).body()
>>> parse_body(body).size
0
"""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from ostiary.audit.tlog.merkle import HASH_BYTES
from ostiary.audit.tlog.notes import sign_text, write_note
from ostiary.errors import FaultyInputError
from ostiary.keys import SigningKey

_SIZE: Final = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_LINES: Final = 3


class Checkpoint(msgspec.Struct, frozen=True):
    """A tree head: whose log, how many entries, which root. Extension lines are kept only to be shown."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def body(self) -> bytes:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()


def sign_checkpoint(checkpoint: Checkpoint, keys: Iterable[SigningKey]) -> bytes:
    """Return the checkpoint as a note, signed by each key under the log's origin."""
    body = checkpoint.body()
    return write_note(body, [sign_text(body, checkpoint.origin, key) for key in keys])


def parse_body(text: bytes) -> Checkpoint:
    """Read a checkpoint's text (from a parsed note).

    Raises:
        FaultyInputError: ``checkpoint_malformed``.
    """
    lines = text.decode(errors="replace").split("\n")
    if len(lines) <= _LINES or lines[-1] or not all(lines[:-1]):
        raise FaultyInputError("checkpoint_malformed", "a checkpoint has at least three lines that are not empty")
    return Checkpoint(lines[0], parse_size(lines[1]), parse_hash(lines[2]), tuple(lines[_LINES:-1]))


def parse_size(text: str) -> int:
    """Read a decimal number without leading zeros.

    Raises:
        FaultyInputError: ``checkpoint_malformed``.
    """
    if not _SIZE.match(text):
        raise FaultyInputError("checkpoint_malformed", f"`{text[:40]}` is no tree size")
    return int(text)


def parse_hash(text: str) -> bytes:
    """Read one base64 hash of 32 bytes.

    Raises:
        FaultyInputError: ``checkpoint_malformed``.
    """
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise FaultyInputError("checkpoint_malformed", f"`{text[:60]}` is no hash") from fault
    if len(value) != HASH_BYTES or base64.b64encode(value).decode() != text:
        raise FaultyInputError("checkpoint_malformed", f"`{text[:60]}` is no hash")
    return value

"""The body of ``add-checkpoint``: old size, consistency proof, checkpoint.

>>> body = encode_request(3, [bytes(32)], b"note")
>>> parse_request(body).old_size
3
"""

import base64
from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.audit.tlog.checkpoints import parse_hash, parse_size
from ostiary.errors import FaultyInputError

BODY_LIMIT: Final = 131_072
PROOF_LIMIT: Final = 63


class AddCheckpoint(msgspec.Struct, frozen=True):
    """A parsed request; nothing in it is verified."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes


def encode_request(old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """Return the body of a request."""
    lines = [f"old {old_size}", *(base64.b64encode(step).decode() for step in proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note


def parse_request(body: bytes) -> AddCheckpoint:
    """Read the body of a request.

    Raises:
        FaultyInputError: ``request_malformed`` or ``checkpoint_malformed``.
    """
    if len(body) > BODY_LIMIT:
        raise FaultyInputError("request_malformed", f"a request of {len(body)} bytes is too large")
    head, blank, note = body.partition(b"\n\n")
    lines = head.decode(errors="replace").split("\n")
    if not blank or not lines[0].startswith("old ") or len(lines) > PROOF_LIMIT + 1:
        raise FaultyInputError("request_malformed", "a request is an old size, at most 63 hashes, and a checkpoint")
    return AddCheckpoint(parse_size(lines[0].removeprefix("old ")), tuple(map(parse_hash, lines[1:])), note)

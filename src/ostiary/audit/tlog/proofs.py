"""The receipt for one entry: index, audit path and checkpoint in one text that verifies offline (C2SP tlog-proof).

The entry itself travels in the ``extra`` line; it is believed only because its hash is proved.
"""

import base64
import binascii
from typing import Final

import msgspec

from ostiary.audit.tlog.checkpoints import parse_hash, parse_size
from ostiary.errors import FaultyInputError

HEADER: Final = "c2sp.org/tlog-proof@v1"
PROOF_LIMIT: Final = 262_144
_PATH_LIMIT: Final = 64


class LogProof(msgspec.Struct, frozen=True):
    """A parsed or fresh proof. ``checkpoint`` is a signed note, kept byte for byte."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def text(self) -> bytes:
        """Return the proof as it is stored in a ``.tlog-proof`` file."""
        extra = [f"extra {base64.b64encode(self.extra).decode()}"] if self.extra else []
        path = [base64.b64encode(step).decode() for step in self.path]
        lines = [HEADER, *extra, f"index {self.index}", *path, ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.checkpoint


def parse_proof(data: bytes) -> LogProof:
    """Read a proof, trusting nothing.

    Raises:
        FaultyInputError: ``proof_malformed`` or ``checkpoint_malformed``.
    """
    if len(data) > PROOF_LIMIT:
        raise FaultyInputError("proof_malformed", f"a proof of {len(data)} bytes is too large")
    head, blank, checkpoint = data.partition(b"\n\n")
    lines = head.decode(errors="replace").split("\n")
    if not blank or lines[0] != HEADER:
        raise FaultyInputError("proof_malformed", f"a proof starts with `{HEADER}`")
    rest = lines[1:]
    extra = _extra(rest.pop(0)) if rest and rest[0].startswith("extra ") else b""
    if not rest or not rest[0].startswith("index ") or len(rest) > _PATH_LIMIT + 1:
        raise FaultyInputError("proof_malformed", "a proof has one index line and at most 64 hashes")
    return LogProof(parse_size(rest[0].removeprefix("index ")), tuple(map(parse_hash, rest[1:])), checkpoint, extra)


def _extra(line: str) -> bytes:
    coded = line.removeprefix("extra ")
    try:
        extra = base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise FaultyInputError("proof_malformed", "the extra line is not base64") from fault
    if base64.b64encode(extra).decode() != coded:
        raise FaultyInputError("proof_malformed", "the extra line is not base64")
    return extra

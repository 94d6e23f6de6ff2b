"""Taking an object in: its digest is declared first, checked while it comes, and nothing shows unless it is right.

- The digest comes as ``Repr-Digest: sha-256=:…:`` (RFC 9530 §3). Without one there is no upload: a name that whoever
  stands between could fill is none.
- Exactly as many bytes as were announced, and never more than the dataset allows.

>>> read_digest("sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:").hex()[:8]
'2cf24dba'
"""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from ostiary.artifacts.object_digest import Hasher, hasher
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.pipeline.datasets.ports import Objects, ObjectStat, Staged

DIGEST_ABSENT: Final = "digest_missing"
DIGEST_WRONG: Final = "digest_wrong"
TOO_LARGE: Final = "object_too_large"
_DIGEST: Final = re.compile(r"\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*\Z")


def read_digest(header: str | None) -> bytes:
    """Return the 32 bytes of a declared SHA-256.

    Raises:
        FaultyInputError: ``digest_missing``.
    """
    found = _DIGEST.match(header) if header is not None else None
    try:
        return base64.b64decode(found[1], validate=True) if found else _absent()
    except binascii.Error:
        return _absent()


def _absent() -> bytes:
    raise FaultyInputError(DIGEST_ABSENT, "declare the object's digest as `Repr-Digest: sha-256=:…:`")


class Taken(msgspec.Struct, frozen=True):
    """An object that was taken in."""

    stat: ObjectStat
    sha256: str


class Upload:
    """One object on its way in; end it by ``publish`` or ``discard``. Not for two threads at once."""

    def __init__(self, objects: Objects, declared: bytes, max_bytes: int) -> None:
        """Begin one.

        Raises:
            UnavailableError: ``dataset_store_unavailable``.
        """
        self._staged: Staged = objects.stage()
        self._declared = declared
        self._max = max_bytes
        self._digest: Hasher = hasher("sha256")
        self.size = 0

    def write(self, pieces: Iterable[bytes]) -> None:
        """Add bytes.

        Raises:
            FaultyInputError: ``object_too_large``.
        """
        for piece in pieces:
            self.size += len(piece)
            if self.size > self._max:
                raise FaultyInputError(TOO_LARGE, f"an object of this dataset has at most {self._max} bytes")
            self._digest.update(piece)
            self._staged.write(piece)

    def publish(self, name: str, *, replaces: str | None) -> Taken:
        """Make the object visible when its digest is the declared one.

        Raises:
            VerificationError: ``digest_wrong``.
            RefusedError: ``object_exists``, ``object_changed``.
        """
        if self._digest.digest() != self._declared:
            raise VerificationError(DIGEST_WRONG, "the bytes that came do not have the declared digest")
        stat = self._staged.publish(name, replaces=replaces)
        return Taken(stat, self._declared.hex())

    def discard(self) -> None:
        """Forget it; harmless after ``publish``."""
        self._staged.discard()

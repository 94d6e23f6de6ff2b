"""Digests of objects by name of algorithm: SHA-256, which everybody has, and BLAKE3, which is several times quicker.

>>> digest = hasher("sha256")
>>> digest.update(b"hello")
>>> digest.hexdigest()[:8]
'2cf24dba'
"""

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

from ostiary.errors import FaultyInputError, UnavailableError

if TYPE_CHECKING:
    from typing_extensions import Buffer

ALGORITHMS: Final = ("blake3", "sha256")


class Hasher(Protocol):
    """A digest that is being made."""

    def update(self, data: "Buffer", /) -> object:
        """Add bytes."""
        ...

    def hexdigest(self) -> str:
        """Return it in lower-case hexadecimal."""
        ...

    def digest(self) -> bytes:
        """Return its 32 bytes."""
        ...


def hasher(algorithm: str) -> Hasher:
    """Return a fresh digest.

    Raises:
        FaultyInputError: ``digest_unknown``.
        UnavailableError: ``blake3_missing``: the extra `pipeline` is not installed.
    """
    if algorithm == "sha256":
        return hashlib.sha256()
    if algorithm != "blake3":
        raise FaultyInputError("digest_unknown", f"`{algorithm[:20]}` is no digest of ours: use sha256 or blake3")
    try:
        from blake3 import blake3  # noqa: PLC0415 - an extra
    except ImportError as fault:
        raise UnavailableError("blake3_missing", "blake3 is missing: install `ostiary[pipeline]`") from fault
    return blake3()

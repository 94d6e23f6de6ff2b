"""Names that say nothing: ids of chunks and canaries, made with a secret of the tenant.

Whoever guesses a chunk's id of another tenant, or of a document it cannot see, guesses 160 bits. A canary is a word of
which the same is true; where it turns up in an answer, a text of that document went there.

>>> mine, other = (Names(lambda _: secret).of("t", "i", "s", "d") for secret in (b"a" * 32, b"b" * 32))
>>> mine.chunk("1", 0) != other.chunk("1", 0), mine.canary.startswith("ostc-")
(True, True)
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

import msgspec

_BYTES: Final = 20
_CANARY: Final = 10
CANARY: Final = re.compile(r"ostc-[a-z2-7]{20}")
"""What a canary looks like."""


class DocumentNames:
    """Names for one document."""

    def __init__(self, secret: bytes, parts: tuple[str, ...]) -> None:
        """Take the tenant's secret and whose names these are."""
        self._secret = secret
        self._parts = parts
        self.canary = "ostc-" + self._name("canary")[: 2 * _CANARY]

    def chunk(self, revision: str, at: int) -> str:
        """Return the id of one chunk of one revision."""
        return "chk_" + self._name("chunk", revision, str(at))

    def _name(self, *more: str) -> str:
        text = msgspec.json.encode((*self._parts, *more))
        raw = hmac.new(self._secret, text, hashlib.sha256).digest()[:_BYTES]
        return base64.b32encode(raw).decode("ascii").lower()


class Names:
    """Makes names by tenant."""

    def __init__(self, secret: Callable[[str], bytes]) -> None:
        """Take what tells a tenant's secret."""
        self._secret = secret

    def of(self, tenant: str, index: str, source: str, document: str) -> DocumentNames:
        """Return the names for a document."""
        return DocumentNames(self._secret(tenant), (tenant, index, source, document))

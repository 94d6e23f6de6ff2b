"""Key names, in one place: ``ostiary:{tenant}:kind:part…``.

- The braces are a cluster's hash tag: all keys of a tenant lie on one node, so that a script may use several.
- What somebody else named (tenants, subjects, models) is escaped: only letters, digits, ``-`` and ``_`` stand for
  themselves, so no name can close a brace, add a part or be a pattern. A long one becomes a digest behind ``~``, which
  no escaped name begins with.

>>> key("acme", "rate", "user:ann")
b'ostiary:{acme}:rate:user%3Aann'
>>> key("a}:used", "used")
b'ostiary:{a%7D%3Aused}:used'
>>> len(key("acme", "rate", "x" * 10_000))
61
"""

from typing import Final
from urllib.parse import quote

from ostiary.keys.hashing import sha256_hex

LONGEST: Final = 96
NEWS: Final = "ostiary:news"
"""The channel on which replicas tell each other that something was stored."""
_DIGEST: Final = 40


def key(tenant: str, kind: str, *parts: str) -> bytes:
    """Return the key of something of a tenant; ``kind`` is a word of ours."""
    return ":".join(("ostiary", "{" + escaped(tenant) + "}", kind, *map(escaped, parts))).encode()


def escaped(name: str) -> str:
    """Return a name as it may stand in a key."""
    text = quote(name.encode("utf-8", "surrogatepass"), safe="").replace(".", "%2E").replace("~", "%7E")
    if len(text) <= LONGEST:
        return text
    return "~" + sha256_hex(name.encode("utf-8", "surrogatepass"))[:_DIGEST]

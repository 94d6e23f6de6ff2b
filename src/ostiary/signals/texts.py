r"""Text from outside made harmless before it is kept or shown.

Rules:
- Control characters, line separators and bidirectional overrides become U+FFFD: a log line stays one line
  (CWE-117) and reads in the order it was written (CVE-2021-42574).
- Around a name only what keyboards and files put there is taken away (``BLANKS``): a name that ends in a no-break space
  is another account than the one without it.
- An identifier is never merely cut: two long names with one beginning would become one subject. Its tail is
  replaced by a digest.

>>> neutral("a\nb")
'a�b'
>>> len(identifier("x" * 600))
512
"""

import re
from hashlib import blake2b
from typing import Final

MAX_ID: Final = 512
BLANKS: Final = " \t\r\n"
MAX_SHOWN: Final = 80
_DIGEST_BYTES: Final = 8
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def neutral(text: str) -> str:
    """Return ``text`` with every character that could forge or reorder a line replaced by U+FFFD."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub("\ufffd", text)


def identifier(text: str, limit: int = MAX_ID) -> str:
    """Return ``text`` neutral and at most ``limit`` long; a longer one ends in a digest of the whole."""
    if len(text) <= limit:
        return neutral(text)
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
    return neutral(text[: limit - len(digest) - 1]) + "~" + digest


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """Return ``text`` fit for one line of words: neutral, and cut with an ellipsis."""
    clean = neutral(text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"

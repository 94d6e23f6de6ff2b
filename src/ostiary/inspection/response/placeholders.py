"""Values that look like secrets and are none: vendors' documented examples, and what stands where a secret would.

>>> is_placeholder("AKIAIOSFODNN7EXAMPLE"), is_placeholder("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
(True, True)
>>> is_placeholder("AKIAQ3EGPL5TZWR7XJ2M")
False
"""

import re
from typing import Final

_JWT_IO: Final = (  # the token that jwt.io shows
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
    ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)
_EXAMPLES: Final = frozenset(
    {
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
        "014df517-39d1-4453-b7b3-9930c563627c",
        _JWT_IO,
    }
)
_WORDS: Final = re.compile(
    r"example|placeholder|changeme|change[_-]me|your[_-]|[_-]here|dummy|sample|redacted|replace[_-]?me|insert[_-]|fake|"
    r"deadbeef|abcdefghijkl|0123456789|123456789|987654321|test[_-]?(?:key|token|secret)|xxxx|\*\*\*|\.\.\.|<|>|\$\{|\{\{|%\(",
    re.IGNORECASE,
)
_REPEATED: Final = re.compile(r"([^A])\1{7,}")  # A is what zeros are in base64
_LONG: Final = 80  # in a long random value a short word proves nothing


def is_placeholder(value: str) -> bool:
    """Return whether ``value`` is known to be no secret."""
    if value in _EXAMPLES or len(set(value)) < 4:  # noqa: PLR2004 - one letter over and over
        return True
    if len(value) > _LONG:
        return bool(_REPEATED.search(value)) and len(set(value)) < 12  # noqa: PLR2004 - a filler
    return bool(_WORDS.search(value) or _REPEATED.search(value))

"""Patterns that take linear time whatever stands in a text: ``re2``, behind one function.

>>> compiled("a+b").search("xaab").span()
(1, 4)
"""

from typing import Any

from ostiary.errors import UnavailableError


def compiled(pattern: str) -> Any:
    """Return ``pattern`` ready to search.

    Raises:
        UnavailableError: ``re2_missing``: the extra ``gateway`` is not installed.
    """
    try:
        import re2  # noqa: PLC0415 - an extra: without it there is no inspection, and callers fail closed
    except ImportError as missing:
        raise UnavailableError("re2_missing", "inspection needs the extra `gateway`") from missing
    return re2.compile(pattern)

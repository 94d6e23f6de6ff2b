"""What ``ostiary doctor`` says of what lets something through, grows stale, ends soon, or is signed by nobody.

Each remark is one sentence and the one command or change that mends it. A module yields those of its kind and reads
only; what it cannot read is itself something to say, and the check around it says it.
"""

from typing import Final

import msgspec

DAY_NS: Final = 86_400 * 1_000_000_000


class Remark(msgspec.Struct, frozen=True):
    """One thing to know; ``wrong`` when it keeps Ostiary from deciding or proving, now."""

    check: str
    text: str
    mend: str
    wrong: bool = False


def days(span_ns: int) -> str:
    """Return a span in whole days.

    >>> days(3 * DAY_NS), days(DAY_NS)
    ('3 days', '1 day')
    """
    number = span_ns // DAY_NS
    return f"{number} day{'' if number == 1 else 's'}"

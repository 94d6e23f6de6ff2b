r"""Escape sequences of terminals: an answer shown in one must not move the cursor or write links.

>>> judge_terminal(Region("", "\x1b[31m", ""))
[Find(start=0, end=5, rule='terminal.escape')]
"""

import re
from typing import Final

from ostiary.inspection.response.regions import Find, Pattern, Region

_SEQUENCE: Final = r"\x1b(?:[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\[?[0-?]*[ -/]*[@-~]?)"
_ESCAPE: Final = re.compile(_SEQUENCE)


def judge_terminal(region: Region) -> list[Find]:
    """Return the sequences of ECMA-48 in a region, whole or broken."""
    return [Find(*match.span(), "terminal.escape") for match in _ESCAPE.finditer(region.text)]


TERMINAL: Final = Pattern(_SEQUENCE, judge_terminal)

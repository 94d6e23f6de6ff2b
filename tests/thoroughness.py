"""How often a test tries: enough for every change, and more in a long run (``just long``, ``OSTIARY_LONG_TESTS=1``).

A long run draws more of the same: no behaviour is tested only there.
"""

import os
from typing import Final

LONG: Final = os.environ.get("OSTIARY_LONG_TESTS", "0") == "1"


def tries(usual: int, long: int) -> int:
    """Return how often to try here."""
    return long if LONG else usual

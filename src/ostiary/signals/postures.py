"""Which parts of a device's posture speak against it, as one small number that a session can remember.

>>> faults_of(PostureFacts(disk_encrypted=False, rooted=True, firewall=True))
66
>>> named(66)
['disk not encrypted', 'rooted']
"""

from operator import attrgetter
from typing import Final

from ostiary.vocabulary.facts import PostureFacts

CHECKS: Final = (
    ("attested", False, "not attested"),
    ("disk_encrypted", False, "disk not encrypted"),
    ("edr_alive", False, "endpoint protection not running"),
    ("firewall", False, "firewall off"),
    ("screen_lock", False, "no screen lock"),
    ("secure_boot", False, "secure boot off"),
    ("rooted", True, "rooted"),
)
"""Member, its bad value, and how a person calls that; the order is part of the profile format: append."""

_values_of: Final = attrgetter(*(member for member, _, _ in CHECKS))
_BAD: Final = tuple(bad for _, bad, _ in CHECKS)
_BITS: Final = tuple(1 << place for place in range(len(CHECKS)))


def checks_of(posture: PostureFacts) -> list[tuple[bool | None, bool]]:
    """Return for each check what is told and which answer is the bad one."""
    return list(zip(_values_of(posture), _BAD, strict=True))


def faults_of(posture: PostureFacts) -> int:
    """Return one bit per check that is told to have failed."""
    return sum([bit for value, bad, bit in zip(_values_of(posture), _BAD, _BITS, strict=True) if value is bad])


def named(faults: int) -> list[str]:
    """Return the failed checks in words."""
    return [words for place, (_, _, words) in enumerate(CHECKS) if faults >> place & 1]

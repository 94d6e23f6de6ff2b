"""Marks put in the order of an attack: which tactic each belongs to, and how far along it is.

Rules:
- The order is that of MITRE ATT&CK for Enterprise, from the first foothold to the damage.
- ``BITS`` is part of stored profiles: marks are appended there, never moved.

>>> named(tactics_of((Mark.LISTS, Mark.BULK)))
['discovery', 'exfiltration']
"""

from collections.abc import Iterable
from typing import Final

from ostiary.vocabulary.facts import Mark

TACTICS: Final = (
    "initial access",
    "execution",
    "persistence",
    "privilege escalation",
    "defence evasion",
    "credential access",
    "discovery",
    "collection",
    "exfiltration",
    "impact",
)
_MARKS: Final[dict[str, tuple[Mark, ...]]] = {
    "initial access": (Mark.ANONYMOUS, Mark.CHANGES_CODE, Mark.TOOL, Mark.WEAK_LOGIN),
    "execution": (Mark.INTERACTIVE, Mark.RUNS_CODE),
    "persistence": (Mark.ABOUT_ANOTHER, Mark.ADDS_CREDENTIAL, Mark.ADDS_PRINCIPAL),
    "privilege escalation": (Mark.ASSUMES_ROLE, Mark.CHANGES_POLICY, Mark.ESCAPES, Mark.GRANTS_PRIVILEGE, Mark.ROOT),
    "defence evasion": (
        Mark.CHANGES_NETWORK,
        Mark.CHANGES_TRUST,
        Mark.DISABLES_PROTECTION,
        Mark.ENCODED,
        Mark.HIDES_TRACES,
        Mark.SYSTEM,
    ),
    "credential access": (Mark.READS_SECRET,),
    "discovery": (Mark.LISTS,),
    "collection": (Mark.FORWARDS,),
    "exfiltration": (Mark.BULK, Mark.EXTERNAL, Mark.MAKES_PUBLIC, Mark.ON_PUBLIC),
    "impact": (Mark.DESTROYS,),
}
_TACTIC_OF: Final = {mark: 1 << TACTICS.index(tactic) for tactic, marks in _MARKS.items() for mark in marks}
BITS: Final[dict[Mark, int]] = {
    mark: 1 << place
    for place, mark in enumerate(
        (
            Mark.ADDS_CREDENTIAL,
            Mark.ADDS_PRINCIPAL,
            Mark.ANONYMOUS,
            Mark.ASSUMES_ROLE,
            Mark.BULK,
            Mark.CHANGES_CODE,
            Mark.CHANGES_NETWORK,
            Mark.CHANGES_POLICY,
            Mark.CHANGES_TRUST,
            Mark.DESTROYS,
            Mark.DISABLES_PROTECTION,
            Mark.ENCODED,
            Mark.ESCAPES,
            Mark.EXTERNAL,
            Mark.FLAGGED,
            Mark.FORWARDS,
            Mark.GRANTS_PRIVILEGE,
            Mark.HIDES_TRACES,
            Mark.INTERACTIVE,
            Mark.LISTS,
            Mark.MAKES_PUBLIC,
            Mark.READS_SECRET,
            Mark.ROOT,
            Mark.RUNS_CODE,
            Mark.SEVERE,
            Mark.SYSTEM,
            Mark.TOOL,
            Mark.WEAK_LOGIN,
            Mark.ABOUT_ANOTHER,
            Mark.ON_PUBLIC,
            Mark.BY_PLATFORM,
            Mark.MINOR,
            Mark.PROTECTS,
        )
    )
}
STRONG: Final = frozenset(Mark) - {
    Mark.LISTS,
    Mark.SYSTEM,
    Mark.EXTERNAL,
    Mark.INTERACTIVE,
    Mark.BY_PLATFORM,
    Mark.MINOR,
    Mark.PROTECTS,
}


def tactics_of(marks: Iterable[Mark]) -> int:
    """Return the tactics of ``marks``, one bit each in the order of ``TACTICS``."""
    bits = 0
    for mark in marks:
        bits |= _TACTIC_OF.get(mark, 0)
    return bits


def bits_of(marks: Iterable[Mark]) -> int:
    """Return ``marks`` as the bits that profiles keep."""
    bits = 0
    for mark in marks:
        bits |= BITS.get(mark, 0)
    return bits


def named(tactics: int) -> list[str]:
    """Return the names of some tactics in the order of an attack."""
    return [name for place, name in enumerate(TACTICS) if tactics >> place & 1]

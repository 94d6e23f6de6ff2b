"""What the catalogue file says of an account, as facts at the moment of an access.

Rules:
- Read from the ``properties`` of a subject: ``department``, ``manager``, ``privileged``, ``leaving``, ``break_glass``,
  ``created``, ``role_changed``, ``credential_changed`` (RFC 3339, or Unix seconds), ``confirmed_alerts``,
  ``false_alerts``. A property of the wrong type is not told.
- What the event tells itself wins: a log knows its own day better than a file of today.

>>> standing = Standing.of({"privileged": True, "created": "2026-01-01T00:00:00Z", "department": 7})
>>> facts = standing.at(1_767_312_000 * 10**9, None)
>>> facts.privileged, facts.age_s, facts.department
(True, 86400.0, None)
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.fields import flag, moment, number, text
from ostiary.vocabulary.facts import AccountFacts

_NS: Final = 1_000_000_000
_LATEST_S: Final = 7_258_118_400  # 2200-01-01
_DATES: Final = (
    ("created", "age_s"),
    ("role_changed", "role_changed_s"),
    ("credential_changed", "credential_changed_s"),
)
_FLAGS: Final = ("privileged", "leaving", "break_glass")
_COUNTS: Final = ("confirmed_alerts", "false_alerts")
_TEXTS: Final = ("department", "manager")


class Standing(NamedTuple):
    """What does not change between two accesses, and the moments from which ages are counted."""

    facts: dict[str, Any]
    dates: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> "Standing":
        """Read the properties of a subject."""
        record = dict(properties)
        facts: dict[str, Any] = {name: flag(record, name) for name in _FLAGS}
        facts |= {name: number(record, name) for name in _COUNTS}
        facts |= {name: text(record, name) for name in _TEXTS if isinstance(record.get(name), str)}
        dates = tuple((age, when) for name, age in _DATES if (when := _moment(record.get(name))) is not None)
        return cls({name: value for name, value in facts.items() if value is not None}, dates)

    def at(self, time_ns: int, told: AccountFacts | None) -> AccountFacts | None:
        """Return the facts at a moment, joined by what the event tells of the account itself."""
        if not self.facts and not self.dates:
            return told
        known = self.facts | {age: max(0.0, (time_ns - when) / _NS) for age, when in self.dates}
        if told is None:
            return AccountFacts(**known)
        own = {name: value for name in known if (value := getattr(told, name)) is not None}
        return msgspec.structs.replace(told, **(known | own))


def _moment(value: object) -> int | None:
    """Return a date as nanoseconds, or ``None`` when it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * _NS if 0 <= value < _LATEST_S else None
    try:
        return moment(value) if isinstance(value, str) else None
    except FaultyInputError:
        return None

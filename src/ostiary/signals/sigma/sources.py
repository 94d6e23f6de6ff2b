"""Which of our events a rule's ``logsource`` means, and what its field names mean there.

A source or field that is not in these tables is not supported: a rule over what is never there would only look well.

>>> SOURCES["okta", ""].fields["eventType"]
'action'
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import PlaceFacts

EVENTS: Final = "events"
DECISIONS: Final = "decisions"
_ACCESS: Final = frozenset(field.name for field in msgspec.structs.fields(AccessEvent))
_PLACE: Final = frozenset(f"place.{field.name}" for field in msgspec.structs.fields(PlaceFacts))
_NESTED: Final = frozenset(
    {"account", "behaviour", "data", "language", "place", "posture", "session", "tenant", "token", "workload"}
)
ACCESS_FIELDS: Final = (_ACCESS - _NESTED) | _PLACE
DECISION_FIELDS: Final = ACCESS_FIELDS | {"effect", "pep", "reasons", "refusal", "rules"}


class LogSource(msgspec.Struct, frozen=True):
    """One source: which store, which formats of it (none = all), and other names of fields."""

    store: str
    known: frozenset[str]
    formats: tuple[str, ...] = ()
    fields: Mapping[str, str] = {}

    def field(self, name: str) -> str | None:
        """Return our name of a field, ``None`` when it is not known."""
        mine = self.fields.get(name, name)
        return mine if mine in self.known else None


_OKTA: Final = {
    "actor.alternateId": "subject_id",
    "client.ipAddress": "ip",
    "eventType": "action",
    "eventtype": "action",
    "outcome.reason": "detail",
}
_GITHUB: Final = {"actor": "subject_id", "actor_ip": "ip", "repo": "resource_id"}
SOURCES: Final[Mapping[tuple[str, str], LogSource]] = {
    ("ostiary", "access"): LogSource(EVENTS, ACCESS_FIELDS),
    ("ostiary", "decision"): LogSource(DECISIONS, DECISION_FIELDS),
    ("okta", ""): LogSource(EVENTS, ACCESS_FIELDS, ("okta",), _OKTA),
    ("okta", "okta"): LogSource(EVENTS, ACCESS_FIELDS, ("okta",), _OKTA),
    ("github", ""): LogSource(EVENTS, ACCESS_FIELDS, ("github", "github_audit"), _GITHUB),
    ("github", "audit"): LogSource(EVENTS, ACCESS_FIELDS, ("github", "github_audit"), _GITHUB),
    ("linux", "auditd"): LogSource(EVENTS, ACCESS_FIELDS, ("auditd",)),
    ("linux", "sshd"): LogSource(EVENTS, ACCESS_FIELDS, ("sshd",)),
}


def facts_of(event: AccessEvent) -> dict[str, Any]:
    """Return an event as the fields of rules; what it does not tell has no member."""
    told: dict[str, Any] = msgspec.to_builtins(event)
    place = told.pop("place", None) or {}
    found = {name: value for name, value in told.items() if name in ACCESS_FIELDS}
    return {**found, **{f"place.{name}": value for name, value in place.items()}}

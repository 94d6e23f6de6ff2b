"""Stored facts for the decision: the catalogue, joined with what is registered at the pipeline's doors.

Every conversation is known, whether it is there or not: what is said of one tells nothing of the others. The parts of
the console are known, and each is as confidential as the most confidential thing it shows.

Where both know a resource, the stricter word counts: the higher sensitivity, all labels, critical if either says so.
Attributes that the catalogue gives stand, whatever the registration says.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ostiary.decision.moments import CatalogueDirectory
from ostiary.decision.ports import ResourceFacts, SubjectFacts
from ostiary.pipeline.registered import TYPES, Registered, Registry
from ostiary.server.console.routes import AREAS

CONVERSATION: Final = "conversation"
CONVERSATION_LEVEL: Final = 2
CONSOLE: Final = "console"
CONSOLE_LEVEL: Final = 2


class RegisteredDirectory:
    """A ``Directory`` over the catalogue and the registry."""

    def __init__(self, catalogue: CatalogueDirectory, registry: Registry) -> None:
        """Take both."""
        self._catalogue = catalogue
        self._registry = registry

    def subject(self, tenant: str, kind: str, name: str) -> SubjectFacts:
        """Return what is known of one subject."""
        return self._catalogue.subject(tenant, kind, name)

    def resource(self, tenant: str, kind: str, name: str) -> ResourceFacts:
        """Return what is known of one resource."""
        told = self._catalogue.resource(tenant, kind, name)
        if kind == CONVERSATION:
            level = CONVERSATION_LEVEL if told.sensitivity is None else max(told.sensitivity, CONVERSATION_LEVEL)
            return msgspec.structs.replace(told, known=True, sensitivity=level)
        if kind == CONSOLE and name in AREAS:  # nobody's catalogue can make Ostiary's own pages less than they are
            return ResourceFacts(known=True, sensitivity=CONSOLE_LEVEL, break_glass=False)
        one = self._registry.get(tenant, kind, name) if kind in TYPES else None
        return told if one is None else joined(told, one)

    def subjects(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of all subjects of a type, sorted."""
        return self._catalogue.subjects(tenant, kind)

    def resources(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of all resources of a type, sorted."""
        found = self._catalogue.resources(tenant, kind)
        mine = [one.id for known in TYPES if known == kind for one in self._registry.all(tenant, known)]
        return sorted({*found, *mine}) if mine else found

    def actions(self, tenant: str) -> Sequence[str]:
        """Return the names of all actions, sorted."""
        return self._catalogue.actions(tenant)


def joined(told: ResourceFacts, one: Registered) -> ResourceFacts:
    """Return what both say of a resource."""
    levels = [level for level in (told.sensitivity, one.sensitivity) if level is not None]
    owner: dict[str, Any] = {"owner": one.owner} if one.owner else {}
    return ResourceFacts(
        known=True,
        attributes={**owner, **one.attributes, **told.attributes},
        sensitivity=max(levels, default=None),
        critical=told.critical or one.critical,
        break_glass=told.break_glass and one.break_glass,
        labels=tuple(dict.fromkeys((*told.labels, *one.labels))),
    )

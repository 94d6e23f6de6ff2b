"""Signals and stored facts for the decision, from each tenant's catalogue and profiles.

- One enrichment, one profile read, one extraction for an event; nothing is learned here (that comes after the answer).
- A tenant that has no catalogue knows nothing: unknown resources are for policy to refuse.
"""

from collections.abc import Sequence
from typing import Protocol

from ostiary.decision.ports import Moment, ResourceFacts, SubjectFacts
from ostiary.signals import features
from ostiary.signals.enrichment import Enricher
from ostiary.signals.history import History
from ostiary.signals.settled import Book
from ostiary.vocabulary.events import AccessEvent

_NOTHING_OF_SUBJECT = SubjectFacts()
_NOTHING_OF_RESOURCE = ResourceFacts()


class TenantKnowledge(Protocol):
    """What is kept of each tenant."""

    def enricher(self, tenant: str) -> Enricher:
        """Return the tenant's enricher, which holds its catalogue."""
        ...

    def book(self, tenant: str) -> Book:
        """Return the tenant's profiles."""
        ...


class ProfiledSignals:
    """Reads signals from profiles; a ``SignalReader``."""

    def __init__(self, knowledge: TenantKnowledge) -> None:
        """Take what is kept of each tenant."""
        self._knowledge = knowledge

    def read(self, event: AccessEvent) -> Moment:
        """Return the moment of ``event``; its features come from earlier events only."""
        enricher = self._knowledge.enricher(event.tenant)
        known = enricher.enrich(event)
        history = self._knowledge.book(event.tenant).view(known)
        local = history.moment if history.moment.offset is not None else None
        return Moment(
            known,
            features.extract(known, history),
            history,
            features.SET_DIGEST,
            network_trusted=known.ip is not None and enricher.trusts(known.ip),
            local_hour=local.hour if local else None,
            weekday=local.weekday if local else None,
        )

    def words(self, moment: Moment, signal: str) -> str:
        """Return what a feature says of the moment, against the subject's own baseline."""
        place = features.INDEX.get(signal)
        if place is None or not isinstance(moment.history, History):
            return ""
        return features.describe(moment.event, signal, moment.history, moment.features[place])


class CatalogueDirectory:
    """Stored facts from each tenant's catalogue; a ``Directory``."""

    def __init__(self, knowledge: TenantKnowledge) -> None:
        """Take what is kept of each tenant."""
        self._knowledge = knowledge

    def subject(self, tenant: str, kind: str, name: str) -> SubjectFacts:
        """Return what the catalogue says of one subject."""
        entry = self._knowledge.enricher(tenant).catalogue.subject(kind, name)
        if entry is None:
            return _NOTHING_OF_SUBJECT
        return SubjectFacts(known=True, attributes=entry.properties, groups=entry.groups)

    def resource(self, tenant: str, kind: str, name: str) -> ResourceFacts:
        """Return what the catalogue says of one resource."""
        entry = self._knowledge.enricher(tenant).catalogue.resource(kind, name)
        if entry is None:
            return _NOTHING_OF_RESOURCE
        return ResourceFacts(
            known=True,
            attributes=entry.properties,
            sensitivity=entry.sensitivity,
            critical=entry.critical,
            break_glass=entry.break_glass,
            labels=entry.labels,
        )

    def subjects(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of all subjects of a type, sorted."""
        return self._knowledge.enricher(tenant).catalogue.subjects(kind)

    def resources(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of all resources of a type, sorted."""
        return self._knowledge.enricher(tenant).catalogue.resources(kind)

    def actions(self, tenant: str) -> Sequence[str]:
        """Return the names of all actions, sorted."""
        return self._knowledge.enricher(tenant).catalogue.actions()

"""Adds to an event what can be known without asking anybody: place, client software, sensitivity, groups, action class.

Rules:
- What the event tells is kept; only what it leaves out is filled in.
- Pure: the same event, catalogue and files give the same answer; nothing leaves the machine.
- Look-ups are cached, so that an address or a client seen before costs a dictionary look.

>>> from ostiary.vocabulary.events import AccessEvent
>>> bare = AccessEvent("1", "default", 0, "ann", "s3:GetObject", "bucket", "b", ip="8.8.8.8", user_agent="curl/8.0")
>>> event = Enricher().enrich(bare)
>>> event.country, event.ua_family, str(event.action_class)
('US', 'curl', 'read')
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from ua_parser import parse

from ostiary.errors import FaultyInputError
from ostiary.signals.actions import class_of
from ostiary.signals.deeds import deed_of
from ostiary.signals.hosting import HOSTING
from ostiary.signals.inventory import Catalogue, ResourceEntry
from ostiary.signals.network import read_address, read_prefixes
from ostiary.signals.places import Places
from ostiary.signals.standing import Standing
from ostiary.signals.texts import neutral
from ostiary.vocabulary.events import AccessEvent, ActionClass
from ostiary.vocabulary.facts import DataFacts, NetworkKind, PlaceFacts

_CACHE: Final = 16_384
_MAX_AGENT: Final = 512
_MAX_FAMILY: Final = 40
_MAX_LABELS: Final = 32


@lru_cache(maxsize=_CACHE)
def agent_of(user_agent: str) -> tuple[str, str | None]:
    """Return the family of a client and its operating system; an unknown client is called by its first word.

    Answers are cached by the whole text: the caller cuts it to a bound.
    """
    found = parse(user_agent)
    family = found.user_agent.family if found.user_agent else user_agent.partition("/")[0].strip()
    return neutral(family[:_MAX_FAMILY]) or "unknown", neutral(found.os.family[:_MAX_FAMILY]) if found.os else None


def _filled(told: PlaceFacts, found: PlaceFacts) -> PlaceFacts:
    """Return what is told, with what was found where it leaves something out."""
    gaps = {
        name: value
        for name in PlaceFacts.__struct_fields__
        if getattr(told, name) is None and (value := getattr(found, name)) is not None
    }
    return msgspec.structs.replace(told, **gaps) if gaps else told


def _owned(data: DataFacts | None, resource: ResourceEntry | None) -> DataFacts | None:
    """Return what is asked for, with the owner that the catalogue names where the event names none."""
    owner = resource.properties.get("owner") if resource is not None else None
    if not isinstance(owner, str) or not owner or (data is not None and data.owner is not None):
        return data
    return msgspec.structs.replace(data or DataFacts(), owner=owner)


class Enricher:
    """Adds what can be looked up offline. Holds caches, no state."""

    def __init__(
        self, catalogue: Catalogue | None = None, mmdb: tuple[Path, ...] = (), trusted: tuple[str, ...] = ()
    ) -> None:
        """Open the files.

        Args:
            catalogue: the tenant's resources and subjects; none by default.
            mmdb: MaxMind-format files with countries or autonomous systems.
            trusted: networks that count as the organisation's own.

        Raises:
            FaultyInputError: ``mmdb_malformed``, ``network_malformed``.
        """
        self.catalogue = catalogue or Catalogue()
        self._places = Places(*mmdb)
        try:
            self._trusted = read_prefixes(trusted)
        except ValueError as fault:
            raise FaultyInputError("network_malformed", f"a trusted network cannot be read: {fault}") from fault
        self._standing = lru_cache(maxsize=_CACHE)(self._stand)
        self.trusts = lru_cache(maxsize=_CACHE)(self._trusts)

    def enrich(self, event: AccessEvent) -> AccessEvent:
        """Return ``event`` with what could be added."""
        country, asn = event.country, event.asn
        if event.ip is not None and (country is None or asn is None):
            place = self._places.of(event.ip)
            country, asn = country or place.country, asn if asn is not None else place.asn
        family, system = event.ua_family, event.ua_os
        if event.user_agent and family is None:
            family, told = agent_of(event.user_agent[:_MAX_AGENT])
            system = system or told
        kind = event.action_class
        if kind is ActionClass.OTHER:
            kind = self.catalogue.action_class(event.action) or class_of(event.action[:_MAX_AGENT])
        sensitivity, labels = event.sensitivity, event.labels
        resource = self.catalogue.resource(event.resource_type, event.resource_id)
        if resource is not None:
            sensitivity = resource.sensitivity if sensitivity is None else sensitivity
            labels = labels or resource.labels[:_MAX_LABELS]
        account, data = event.account, _owned(event.data, resource)
        groups, offset = event.groups, event.tz_offset_min
        subject = self.catalogue.subject(event.subject_type, event.subject_id)
        if subject is not None:
            groups = groups or subject.groups[:_MAX_LABELS]
            offset = subject.tz_offset_min if offset is None else offset
            account = self._standing(event.subject_type, event.subject_id).at(event.time_ns, account)
        return msgspec.structs.replace(
            event,
            country=country,
            asn=asn,
            ua_family=family,
            ua_os=system,
            action_class=kind,
            sensitivity=sensitivity,
            labels=labels,
            groups=groups,
            marks=event.marks or deed_of(event.action[:_MAX_AGENT]).marks,
            tz_offset_min=offset,
            place=self._place(event, asn),
            account=account,
            data=data,
        )

    def _place(self, event: AccessEvent, asn: int | None) -> PlaceFacts | None:
        """Return the event's place with what the offline tables tell beside it."""
        told = event.place
        found = self._places.facts(event.ip) if event.ip is not None else None
        if asn in HOSTING and (found is None or found.kind is None):
            found = msgspec.structs.replace(found or PlaceFacts(), kind=NetworkKind.HOSTING)
        if told is None or found is None:
            return told or found
        if told.latitude is not None and told.longitude is not None:
            found = msgspec.structs.replace(found, latitude=None, longitude=None, radius_km=None)
        return _filled(told, found)

    def _stand(self, kind: str, name: str) -> Standing:
        entry = self.catalogue.subject(kind, name)
        return Standing.of(entry.properties if entry is not None else {})

    def _trusts(self, ip: str) -> bool:
        address = read_address(ip)
        return address is not None and any(address in network for network in self._trusted)

"""Measures how good a tenant's events are, over the imported history and then the log, and keeps the report signed.

The newest report is what a control needs to leave telemetry (``server.rollout``).
"""

from collections.abc import Callable, Iterator

import msgspec

from ostiary.server.reports import Report, Reports
from ostiary.server.rollout.gathering import QUALITY, QUALITY_ABOUT
from ostiary.server.wiring import House
from ostiary.signals import eventfile
from ostiary.signals.quality import Quality, QualityReport
from ostiary.vocabulary.events import AccessEvent

TELL_EVERY = 50_000


class _Told(msgspec.Struct):
    """The part of a decision record that is measured."""

    event: AccessEvent | None = None


_decode = msgspec.json.Decoder(_Told).decode


def measure(house: House, tenant: str, progress: Callable[[int], None] = lambda _count: None) -> QualityReport:
    """Return how good a tenant's events are; ``progress`` hears of how many were read.

    Raises:
        FaultyInputError: the history cannot be read.
    """
    now = house.clock.now_ns()
    catalogue = house.knowledge.enricher(tenant).catalogue
    subjects, resources = catalogue.names()
    found = Quality(house.settings.rollout.quality.rules(), subjects, resources)
    for count, event in enumerate(_events(house, tenant), 1):
        found.take(event, now)
        if count % TELL_EVERY == 0:
            progress(count)
    return found.report()


def keep(house: House, tenant: str, report: QualityReport) -> Report:
    """Sign and keep a report; gates read the newest."""
    body = msgspec.json.encode(report)
    return Reports(house.store.snapshots, house.ring).keep(tenant, QUALITY, QUALITY_ABOUT, body, house.clock.now_ns())


def _events(house: House, tenant: str) -> Iterator[AccessEvent]:
    history = house.places.history(tenant)
    if history.exists():
        yield from eventfile.read(history)
    for stored in house.log.iterate(tenant, "decision"):
        event = None if stored.payload is None else _decode(stored.payload).event
        if event is not None:
            yield event

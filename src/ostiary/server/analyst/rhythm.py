"""How far a subject has moved from its own ways: rhythm of typing and moving, and the days of its work.

1. Status alone is told: how well somebody is known, how the windows of a session speak, distances. No window, no text,
   and no words about how somebody types: those would let another one practise.
2. A calibrated ratio is told as it is kept (nats, averaged and capped); above 0 speaks for another person.
3. Who did not agree to be watched, or is excused, has no rhythm here: the page says which.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ostiary.biometrics.book import told_or
from ostiary.server.responses import Shown
from ostiary.server.wiring import House
from ostiary.sessions import Session, handle_of
from ostiary.vocabulary.verdicts import DecisionRecord

if TYPE_CHECKING:
    from ostiary.server.biometrics.watching import ModalityTold


class RhythmPoint(Shown):
    """What a session's windows said together at one access; ``llr`` in nats, more is worse."""

    time_ns: int
    llr: float
    confidence: float
    drift: float | None
    windows: int


class ModalityShown(Shown):
    """One modality in one living session.

    Attributes:
        llr: average of the windows' calibrated ratios, nats; above 0 speaks for another person.
        windows: how many windows that is worth.
        drift: how far the template that learns lies from its anchor, in deviations; ``None`` where there is no anchor.
    """

    session: str
    modality: str
    stage: str
    llr: float
    windows: float
    time_ns: int
    drift: float | None


class DaysShown(Shown):
    """The watch over slow drift of whole days; ``watched`` is false while there is no baseline."""

    watched: bool = False
    alarm: bool = False
    measures: tuple[str, ...] = ()
    days: int = 0
    fault: str = ""


class RhythmShown(Shown):
    """What is known; ``agreed`` and ``excused`` say whether anything may be."""

    agreed: bool
    excused: bool
    alarm: bool
    modalities: tuple[ModalityShown, ...]
    points: tuple[RhythmPoint, ...]
    days: DaysShown


def rhythm_of(
    house: House, tenant: str, subject: str, living: Sequence[Session], records: Sequence[DecisionRecord]
) -> RhythmShown:
    """Return the rhythm of a subject from its living sessions and its decisions, oldest first."""
    standing = told_or(house.templates, tenant, subject)
    watched = standing.watched
    kept = [record for record in records if record.biometrics is not None] if watched else []
    return RhythmShown(
        agreed=standing.agreed is not None,
        excused=standing.excused is not None,
        alarm=any(record.biometrics is not None and record.biometrics.alarm for record in kept[-1:]),
        modalities=tuple(_modalities(house, tenant, subject, living)) if watched else (),
        points=tuple(_points(kept)),
        days=_days(house, tenant, subject),
    )


def _points(records: Sequence[DecisionRecord]) -> Iterator[RhythmPoint]:
    for record in records:
        said = record.biometrics
        if said is not None:
            yield RhythmPoint(
                time_ns=record.receipt.received_ns,
                llr=said.llr,
                confidence=said.confidence,
                drift=said.drift,
                windows=said.windows,
            )


def _modalities(house: House, tenant: str, subject: str, living: Sequence[Session]) -> Iterator[ModalityShown]:
    if house.biometrics is None:
        return
    for session in living:
        for told in house.biometrics.sessions.by_modality(tenant, session.session_id, subject):
            yield _modality(handle_of(tenant, session.session_id), told)


def _modality(handle: str, told: "ModalityTold") -> ModalityShown:
    return ModalityShown(
        session=handle,
        modality=told.modality,
        stage=told.stage,
        llr=told.llr,
        windows=round(told.windows, 1),
        time_ns=told.at_ns,
        drift=told.drift,
    )


def _days(house: House, tenant: str, subject: str) -> DaysShown:
    found = house.drift.drift(tenant, subject)
    if found is None:
        return DaysShown()
    return DaysShown(watched=True, alarm=found.alarm, measures=found.measures, days=found.days, fault=found.fault)

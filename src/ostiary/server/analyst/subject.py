"""One subject: who it is, what it has, what it did, how risky it was, and what people said of it.

Another tenant's subject, and one that nobody ever heard of, is ``subject_unknown``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ostiary.errors import RefusedError
from ostiary.identity.devices import Device
from ostiary.server.analyst.curve import RiskCurve, curve_of
from ostiary.server.analyst.reading import decisions_of
from ostiary.server.analyst.rhythm import RhythmShown, rhythm_of
from ostiary.server.analyst.subjects import SubjectRow, row_of
from ostiary.server.feedback.book import WORDS, FeedbackBook
from ostiary.server.responses import CaseShown, Shown, case_shown
from ostiary.server.sessions import SessionShown, shown
from ostiary.server.wiring import House
from ostiary.sessions import Session
from ostiary.vocabulary.verdicts import DecisionRecord

_RECENT: Final = 50
_ENDED: Final = 50
_CASES: Final = 1_000
_NS: Final = 1_000_000_000
_HEAT_NS: Final = 30 * 86_400 * _NS


class RecentDecision(Shown):
    """One decision about a subject."""

    id: str
    time_ns: int
    effect: str
    action: str
    resource: str
    rules: tuple[str, ...]


class HeldDevice(Shown):
    """A device that a subject may use."""

    device: str
    name: str
    kind: str
    standing: str
    quarantined: bool


class HeldPasskey(Shown):
    """A passkey of a subject."""

    name: str
    attested: bool
    created_ns: int
    used_ns: int


class HeatCell(Shown):
    """How many accesses came on a weekday (0 = Monday) at an hour, in UTC."""

    weekday: int
    hour: int
    count: int


class SubjectShown(Shown):
    """Everything that an analyst sees of a subject.

    Attributes:
        groups, attributes: what the catalogue says; the first group is its peers.
        effects: how many of the decisions that were looked at had which effect.
        feedback: verdicts that count, by word.
        conversations: how many are kept; they are counted, never shown here.
        revoked_ns: the moment before which all that it began is over; 0 = never.
    """

    row: SubjectRow
    groups: tuple[str, ...]
    attributes: dict[str, Any]
    sessions: tuple[SessionShown, ...]
    ended: tuple[SessionShown, ...]
    devices: tuple[HeldDevice, ...]
    passkeys: tuple[HeldPasskey, ...]
    decisions: tuple[RecentDecision, ...]
    effects: dict[str, int]
    curve: RiskCurve
    heat: tuple[HeatCell, ...]
    cases: tuple[CaseShown, ...]
    feedback: dict[str, int]
    rhythm: RhythmShown
    conversations: int
    revoked_ns: int


def subject_of(house: House, tenant: str, subject: str) -> SubjectShown:
    """Return one subject.

    Raises:
        RefusedError: ``subject_unknown``.
    """
    kind, colon, name = subject.partition(":")
    row, records = row_of(house, tenant, subject), decisions_of(house, tenant, subject)
    if not (colon and kind and name) or not (row.known or row.state != "none" or records):
        raise RefusedError("subject_unknown", "there is no such subject")
    entry = house.knowledge.enricher(tenant).catalogue.subject(kind, name)
    living = house.ledger.of_subject(tenant, subject)
    ended = [one for one in house.ledger.over(tenant) if one.subject == subject]
    now, revocation = house.clock.now_ns(), house.ledger.revocation(tenant, subject)
    return SubjectShown(
        row=row,
        groups=() if entry is None else entry.groups,
        attributes={} if entry is None else entry.properties,
        sessions=_sessions(living, now),
        ended=_sessions(ended[:_ENDED], now),
        devices=tuple(_device(house, one) for one in house.devices.of_tenant(tenant) if subject in one.subjects),
        passkeys=_passkeys(house, tenant, subject),
        decisions=tuple(_recent(record) for record in records[: -_RECENT - 1 : -1]),
        effects=dict(Counter(record.outcome.effect.name for record in records)),
        curve=curve_of(house, tenant, records),
        heat=_heat(house, tenant, subject, records),
        cases=_cases(house, tenant, subject),
        feedback=_feedback(house, tenant, subject),
        rhythm=rhythm_of(house, tenant, subject, living, records),
        conversations=house.conversations.count(tenant, subject),
        revoked_ns=0 if revocation is None else revocation.before_ns,
    )


def _heat(house: House, tenant: str, subject: str, records: Sequence[DecisionRecord]) -> tuple[HeatCell, ...]:
    """Return how many accesses came at which weekday and hour, in UTC: of 30 days, or of what could be read."""
    since = house.clock.now_ns() - _HEAT_NS
    counts: Mapping[tuple[int, int], int] = house.store.decisions.heat(tenant, subject, since)
    if not counts:
        moments = (datetime.fromtimestamp(record.receipt.received_ns // _NS, UTC) for record in records)
        counts = Counter((moment.weekday(), moment.hour) for moment in moments)
    return tuple(HeatCell(weekday=day, hour=hour, count=count) for (day, hour), count in sorted(counts.items()))


def _cases(house: House, tenant: str, subject: str) -> tuple[CaseShown, ...]:
    found = house.response.cases.listed(tenant, "", _CASES)
    return tuple(case_shown(one) for one in found if one.subject == subject)


def _sessions(found: Sequence[Session], now_ns: int) -> tuple[SessionShown, ...]:
    return tuple(SessionShown.model_validate(shown(one, now_ns)) for one in found)


def _recent(record: DecisionRecord) -> RecentDecision:
    event = record.event
    return RecentDecision(
        id=record.receipt.decision_id,
        time_ns=record.receipt.received_ns,
        effect=record.outcome.effect.name,
        action="" if event is None else event.action,
        resource="" if event is None else f"{event.resource_type}:{event.resource_id}",
        rules=tuple(hit.rule for hit in record.outcome.rules),
    )


def _device(house: House, device: Device) -> HeldDevice:
    told = house.devices.judge(device, house.clock.now_ns())
    return HeldDevice(
        device=device.device_id,
        name=device.name,
        kind=device.kind,
        standing=told.standing.value,
        quarantined=device.quarantined_ns > 0,
    )


def _passkeys(house: House, tenant: str, subject: str) -> tuple[HeldPasskey, ...]:
    kept = house.store.authenticators.of_subject(tenant, subject)
    return tuple(
        HeldPasskey(name=one.name, attested=one.attested, created_ns=one.created_ns, used_ns=one.used_ns)
        for one in kept
    )


def _feedback(house: House, tenant: str, subject: str) -> dict[str, int]:
    said = [each for each in FeedbackBook(house).current(tenant).values() if each.subject == subject]
    return {word: sum(each.verdict == word for each in said) for word in WORDS}

"""One detection with all that belongs to it: the case, the rules and signals, findings, steps, and what people said."""

from typing import Any

import msgspec

from ostiary.errors import RefusedError
from ostiary.server.analyst.detections import (
    MOST,
    Detection,
    of_case,
    of_decision,
    of_inspection,
    of_run,
    of_sigma,
    quarantined,
    runs_of,
    techniques_of,
)
from ostiary.server.analyst.inspected import FindingShown, findings_shown, found_in
from ostiary.server.feedback.book import Feedback, FeedbackBook
from ostiary.server.responses import CaseShown, Shown, StepShown, case_shown, step_shown
from ostiary.server.sigma import KIND as SIGMA
from ostiary.server.sigma import Hit
from ostiary.server.wiring import House
from ostiary.vocabulary.verdicts import DecisionRecord


class RuleShown(Shown):
    """One rule that spoke, in the words of its annotations."""

    rule: str
    effect: str
    explanation: str
    remediation: str


class SignalShown(Shown):
    """One signal's share in a score, in words; ``weight`` in log-odds."""

    signal: str
    text: str
    weight: float


class SaidShown(Shown):
    """A verdict of somebody; the newest one counts."""

    id: str
    verdict: str
    reason: str
    by: str
    source: str
    time_ns: int


class DetectionWhole(Shown):
    """A detection with what belongs to it."""

    row: Detection
    case: CaseShown | None = None
    session: str = ""
    rules: tuple[RuleShown, ...] = ()
    signals: tuple[SignalShown, ...] = ()
    score: float | None = None
    findings: tuple[FindingShown, ...] = ()
    steps: tuple[StepShown, ...] = ()
    said: tuple[SaidShown, ...] = ()


def detection_of(house: House, tenant: str, name: str) -> DetectionWhole:
    """Return one detection by its id.

    Raises:
        RefusedError: ``detection_unknown``, the same for another tenant's.
    """
    kind = name.partition("_")[0]
    makers = {"case": _case, "dec": _decision, "ins": _inspection, "run": _run, "sig": _sigma, "batch": _batch}
    found = makers[kind](house, tenant, name) if kind in makers else None
    if found is None:
        raise RefusedError("detection_unknown", "there is no such detection")
    return found


def _case(house: House, tenant: str, name: str) -> DetectionWhole | None:
    try:
        case = house.response.cases.find(tenant, name)
    except RefusedError:
        return None
    linked = {link.partition(":")[2] for link in case.links}
    steps = [one for one in house.response.approvals.listed(tenant, (), MOST) if one.trigger.id in linked]
    return DetectionWhole(
        row=of_case(case, techniques_of(house, tenant)),
        case=case_shown(case),
        steps=tuple(step_shown(one) for one in steps),
    )


def _decision(house: House, tenant: str, name: str) -> DetectionWhole | None:
    stored = house.log.get(tenant, name)
    if stored is None or stored.kind != "decision" or stored.payload is None:
        return None
    record = msgspec.json.decode(stored.payload, type=DecisionRecord)
    book = list(FeedbackBook(house).all(tenant))
    risk = record.session_risk if record.session_risk is not None and record.session_risk.available else record.risk
    hits = (*record.outcome.rules, *(record.adaptive.hits if record.adaptive is not None else ()))
    rules = {hit.rule: RuleShown(**_hit(hit)) for hit in hits}
    shares = () if risk is None else risk.contributions
    return DetectionWhole(
        row=of_decision(record, {one.target: one for one in book}),
        session="" if record.event is None else record.event.session_id or "",
        rules=tuple(rules.values()),
        signals=tuple(SignalShown(signal=one.signal, text=one.text, weight=one.weight) for one in shares),
        score=None if risk is None else risk.score,
        said=_said(book, name),
    )


def _inspection(house: House, tenant: str, name: str) -> DetectionWhole | None:
    stored = house.log.get(tenant, name)
    if stored is None or stored.kind != "inspection" or stored.payload is None:
        return None
    told, book = found_in(stored.payload), list(FeedbackBook(house).all(tenant))
    row = of_inspection(name, stored.time_ns, told, {one.target: one for one in book})
    return DetectionWhole(row=row, findings=findings_shown(told), said=_said(book, row.decision))


def _sigma(house: House, tenant: str, name: str) -> DetectionWhole | None:
    stored = house.log.get(tenant, name)
    if stored is None or stored.kind != SIGMA or stored.payload is None:
        return None
    book = list(FeedbackBook(house).all(tenant))
    hit = msgspec.json.decode(stored.payload, type=Hit)
    row = of_sigma(name, hit, {one.target: one for one in book})
    return DetectionWhole(row=row, said=_said(book, row.decision))


def _run(house: House, tenant: str, name: str) -> DetectionWhole | None:
    for steps in runs_of(house.response.approvals.listed(tenant, (), MOST)):
        if f"run_{steps[0].name}" == name:
            row = of_run(steps, techniques_of(house, tenant))
            return DetectionWhole(row=row, steps=tuple(step_shown(one) for one in steps))
    return None


def _batch(house: House, tenant: str, name: str) -> DetectionWhole | None:
    row = next((one for one in quarantined(house, tenant) if one.id == name), None)
    return None if row is None else DetectionWhole(row=row)


def _said(book: list[Feedback], decision: str) -> tuple[SaidShown, ...]:
    mine = [one for one in book if one.target == f"decision:{decision}"]
    return tuple(
        SaidShown(id=one.id, verdict=one.verdict, reason=one.reason, by=one.by, source=one.source, time_ns=one.at_ns)
        for one in reversed(mine)
    )


def _hit(hit: Any) -> dict[str, Any]:
    return {
        "rule": hit.rule,
        "effect": hit.effect.name,
        "explanation": hit.explanation,
        "remediation": hit.remediation,
    }

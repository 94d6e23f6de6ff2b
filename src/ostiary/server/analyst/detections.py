"""Everything that somebody should look at, as one list: cases, decisions, alarms, findings, runs of playbooks.

1. Nothing is kept here: each detection is read from the record that it is about, and is named by that record's id.
2. A detection is open until somebody said what it was, or what it waits for is done.
3. Filters are joined by AND. The list goes back ``days``; a case that is open, and a step that waits for
   somebody, stays however old it is.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.response.cases import Case
from ostiary.response.plan import Planned, StepState
from ostiary.server.analyst.inspected import inspections
from ostiary.server.analyst.reading import findings_of
from ostiary.server.analyst.tags import kind_of, tags_of
from ostiary.server.batches import intake_of
from ostiary.server.decision_index.since import first_since
from ostiary.server.feedback.book import Feedback, FeedbackBook
from ostiary.server.responses import Shown
from ostiary.server.sigma import KIND as SIGMA
from ostiary.server.sigma import Hit
from ostiary.server.wiring import House
from ostiary.signals.sigma.sources import DECISIONS
from ostiary.signals.texts import neutral
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord

KINDS: Final = ("case", "denied", "drift", "extraction", "injection", "leak", "playbook", "poisoning", "risk", "sigma")
STATES: Final = ("open", "closed")
MOST: Final = 1_000
_DAY_NS: Final = 86_400 * 1_000_000_000
_WAITS: Final = frozenset({StepState.APPROVING, StepState.FAILED, StepState.WAITING})
_PLAYBOOK: Final = "playbook:"
_INJECTIONS: Final = ("AML.T0051", "AML.T0054", "AML.T0068")


class DetectionFilter(msgspec.Struct, frozen=True):
    """Which detections; an empty filter filters nothing."""

    kind: str = ""
    state: str = ""
    subject: str = ""
    tag: str = ""
    rule: str = ""
    days: float = 7.0

    def fits(self, one: "Detection") -> bool:
        """Return whether a detection is wanted."""
        pairs = ((self.kind, one.kind), (self.state, one.state), (self.subject, one.subject))
        exact = all(not wanted or wanted == told for wanted, told in pairs)
        tagged = not self.tag or any(tag == self.tag or tag.startswith(f"{self.tag}.") for tag in one.tags)
        return exact and tagged and (not self.rule or self.rule in one.rules)


class Detection(Shown):
    """One detection.

    Attributes:
        id: ``case_…``, ``dec_…``, ``ins_…``, ``run_…``, ``sig_…`` or ``batch_…``: the record that it is about.
        state: ``open`` or ``closed``.
        verdict: what people said of it; empty while nobody did.
        tags: techniques of MITRE ATLAS and ATT&CK, risks of the OWASP list.
        decision: the decision that it is about, for feedback; empty where there is none.
    """

    id: str
    kind: str
    time_ns: int
    title: str
    subject: str = ""
    effect: str = ""
    state: str = "open"
    verdict: str = ""
    assignee: str = ""
    tags: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    decision: str = ""


def detections_of(house: House, tenant: str, wanted: DetectionFilter, limit: int = MOST) -> list[Detection]:
    """Return the detections that fit, newest first."""
    since = house.clock.now_ns() - int(wanted.days * _DAY_NS)
    found = [one for one in _all(house, tenant, since) if (one.time_ns >= since or _stays(one)) and wanted.fits(one)]
    return sorted(found, key=lambda one: (-one.time_ns, one.id))[:limit]


def _stays(one: Detection) -> bool:
    return one.kind in {"case", "playbook"} and one.state == "open"


def _all(house: House, tenant: str, since_ns: int) -> Iterator[Detection]:
    said = FeedbackBook(house).current(tenant)
    techniques = techniques_of(house, tenant)
    for case in house.response.cases.listed(tenant, "", MOST):
        yield of_case(case, techniques)
    for record in findings_of(house, tenant, since_ns):
        yield of_decision(record, said)
    for name, time_ns, told in inspections(house, tenant, since_ns):
        yield of_inspection(name, time_ns, told, said)
    for stored in house.log.iterate(tenant, SIGMA, first_since(house, tenant, since_ns)):
        if stored.payload is not None:
            yield of_sigma(stored.record_id, msgspec.json.decode(stored.payload, type=Hit), said)
    for steps in runs_of(house.response.approvals.listed(tenant, (), MOST)):
        yield of_run(steps, techniques)
    yield from quarantined(house, tenant)


def techniques_of(house: House, tenant: str) -> dict[str, tuple[str, ...]]:
    """Return the techniques that each playbook in force answers."""
    return {book.name: book.techniques for book in house.response.shelf.playbooks(tenant)}


def of_case(case: Case, techniques: dict[str, tuple[str, ...]]) -> Detection:
    """Return a case as a detection."""
    playbook = case.opened_by.removeprefix(_PLAYBOOK)
    return Detection(
        id=case.case_id,
        kind="case",
        time_ns=case.opened_ns,
        title=case.title,
        subject=neutral(case.subject),
        state="open" if case.is_open else "closed",
        verdict=case.verdict.value if case.verdict else "",
        assignee=case.assignee,
        tags=techniques.get(playbook, ()),
    )


def of_decision(record: DecisionRecord, said: dict[str, Feedback]) -> Detection:
    """Return a decision as a detection."""
    hits = record.adaptive.hits if record.adaptive is not None else ()
    proposed = tuple(hit.rule for hit in hits if hit.effect > Effect.ALLOW)
    rules = tuple(dict.fromkeys((*(hit.rule for hit in record.outcome.rules if hit.effect > Effect.ALLOW), *proposed)))
    kind, effect, event = kind_of(rules), record.outcome.effect, record.event
    verdict = said.get(f"decision:{record.receipt.decision_id}")
    about = "" if event is None else f"{event.action} {event.resource_type}:{event.resource_id}"
    return Detection(
        id=record.receipt.decision_id,
        kind="denied" if kind == "risk" and record.outcome.floor >= effect > Effect.ALLOW else kind,
        time_ns=record.receipt.received_ns,
        title=about or record.refusal or record.kind,
        subject=record.subject_key,
        effect=effect.name,
        state="open" if verdict is None else "closed",
        verdict="" if verdict is None else verdict.verdict,
        tags=tags_of(rules),
        rules=rules,
        decision=record.receipt.decision_id,
    )


def of_inspection(name: str, time_ns: int, told: dict[str, Any], said: dict[str, Feedback]) -> Detection:
    """Return a record of inspected texts as a detection."""
    findings, decision = told["findings"], str(told.get("decision_id", ""))
    verdict = said.get(f"decision:{decision}")
    rules = tuple(dict.fromkeys(str(one.get("rule", "")) for one in findings))
    injection = any(str(one.get("atlas", "")).startswith(_INJECTIONS) for one in findings)
    tags = {tag for one in findings for tag in (one.get("atlas", ""), one.get("owasp", "")) if tag}
    return Detection(
        id=name,
        kind="injection" if injection else "leak",
        time_ns=time_ns,
        title=f"{len(findings)} found in {'a prompt' if told['in_prompt'] else 'an answer'}",
        subject=str(told.get("subject", "")),
        effect="",
        state="open" if verdict is None else "closed",
        verdict="" if verdict is None else verdict.verdict,
        tags=tuple(sorted(tags)),
        rules=rules,
        decision=decision,
    )


def of_sigma(name: str, hit: Hit, said: dict[str, Feedback]) -> Detection:
    """Return what a Sigma rule found as a detection."""
    decision = hit.about if hit.store == DECISIONS else ""
    verdict = said.get(f"decision:{decision}")
    return Detection(
        id=name,
        kind="sigma",
        time_ns=hit.time_ns,
        title=neutral(hit.title),
        subject=neutral(hit.subject),
        state="open" if verdict is None else "closed",
        verdict="" if verdict is None else verdict.verdict,
        tags=hit.attack,
        rules=(f"sigma.{hit.rule}", f"level.{hit.level}"),
        decision=decision,
    )


def runs_of(steps: Iterable[Planned]) -> list[list[Planned]]:
    """Return the steps that one trigger made of one playbook, together, in their order."""
    found: dict[tuple[str, str, str], list[Planned]] = {}
    for step in steps:
        found.setdefault((step.playbook, step.trigger.kind, step.trigger.id), []).append(step)
    return [sorted(each, key=lambda step: step.index) for each in found.values()]


def of_run(steps: list[Planned], techniques: dict[str, tuple[str, ...]]) -> Detection:
    """Return what a playbook did about one trigger as a detection."""
    first = steps[0]
    return Detection(
        id=f"run_{first.name}",
        kind="playbook",
        time_ns=first.at_ns,
        title=f"{first.playbook}: {', '.join(step.step.do.value.replace('_', ' ') for step in steps)}",
        subject=neutral(first.trigger.subject),
        state="open" if any(step.state in _WAITS for step in steps) else "closed",
        verdict="",
        tags=techniques.get(first.playbook, ()),
    )


def quarantined(house: House, tenant: str) -> Iterator[Detection]:
    """Yield the batches of events that nobody may learn from."""
    try:
        kept = intake_of(house, tenant).quarantine.all()
    except OstiaryError as fault:  # what cannot be read is told beside what can
        yield Detection(id="batch_", kind="poisoning", time_ns=house.clock.now_ns(), title=fault.message)
        return
    for one in kept:
        yield Detection(
            id=f"batch_{one.digest}",
            kind="poisoning",
            time_ns=one.at_ns,
            title=f"a batch of events was refused: {neutral(one.text)}",
            subject=f"producer:{neutral(one.producer)}" if one.producer else "",
            tags=("AML.T0020", "LLM04:2025"),
            rules=(one.code,),
        )

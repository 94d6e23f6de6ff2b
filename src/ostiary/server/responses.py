"""Responses as people see them: the same members for the API, the command line and the console.

Sessions are shown by their handles, texts from outside were made harmless when they came in, times are Unix seconds.
"""

from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.response.approving import Pending
from ostiary.response.cases import Case
from ostiary.response.obligations import Awaited
from ostiary.response.outbox import Letter
from ostiary.response.plan import Planned
from ostiary.response.playbook import Playbook, control_name
from ostiary.response.trigger import RULE, Trigger
from ostiary.server.sessions import find_session
from ostiary.server.wiring import House
from ostiary.sessions import handle_of
from ostiary.signals.texts import neutral

_NS: Final = 1_000_000_000
MAX_FACTS: Final = 32
RUN_KIND: Final = "admin:run"


class Shown(BaseModel):
    """Base of what is shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PlaybookShown(Shown):
    """One playbook in force."""

    name: str
    digest: str
    describe: str
    triggers: tuple[str, ...]
    steps: tuple[str, ...]
    approvals: tuple[str, ...]
    phase: str
    dry_run: bool
    techniques: tuple[str, ...]


class StepShown(Shown):
    """One step of one plan."""

    step: str
    do: str
    state: str
    playbook: str
    trigger: str
    trigger_id: str
    subject: str
    session: str
    device: str
    time: float
    attempts: int
    why: str
    by: str
    outcome: str
    fault: str


class PendingShown(StepShown):
    """A step that waits for a person: whom it would hit, and the digest to agree to."""

    digest: str
    sessions: tuple[str, ...]
    devices: tuple[str, ...]
    others: tuple[str, ...]
    count: int


class CommentShown(Shown):
    """What somebody wrote."""

    by: str
    time: float
    text: str


class CaseShown(Shown):
    """One case."""

    case: str
    title: str
    state: str
    subject: str
    assignee: str
    verdict: str
    opened: float
    opened_by: str
    closed: float | None
    closed_by: str
    links: tuple[str, ...]
    comments: tuple[CommentShown, ...]


class ObligationShown(Shown):
    """One obligation that an enforcement point answers for."""

    decision_id: str
    obligation: str
    type: str
    pep: str
    subject: str
    session: str
    standing: str
    decided: float
    due: float
    detail: str


class LetterShown(Shown):
    """One letter that was given up."""

    letter: str
    sink: str
    sequence: int
    kind: str
    attempts: int
    fault: str
    time: float


def playbook_shown(house: House, tenant: str, book: Playbook) -> PlaybookShown:
    """Return what is shown of a playbook; its phase is the one in force."""
    phase = house.response.phases.phase(tenant, control_name(book.name))
    return PlaybookShown(
        name=book.name,
        digest=book.digest,
        describe=book.describe,
        triggers=book.triggers,
        steps=tuple(step.do.value for step in book.steps),
        approvals=tuple(step.do.value for step in book.steps if step.approval),
        phase=phase.name.lower() if phase is not None else book.phase,
        dry_run=book.dry_run,
        techniques=book.techniques,
    )


def step_shown(step: Planned) -> StepShown:
    """Return what is shown of a step."""
    return StepShown(**_step(step))


def pending_shown(pending: Pending) -> PendingShown:
    """Return what is shown of a step that waits."""
    blast, tenant = pending.blast, pending.step.tenant
    return PendingShown(
        **_step(pending.step),
        digest=pending.digest,
        sessions=tuple(handle_of(tenant, name) for name in blast.sessions),
        devices=tuple(neutral(name) for name in blast.devices),
        others=tuple(neutral(name) for name in blast.others),
        count=blast.count,
    )


def case_shown(case: Case) -> CaseShown:
    """Return what is shown of a case."""
    return CaseShown(
        case=case.case_id,
        title=case.title,
        state="open" if case.is_open else "closed",
        subject=neutral(case.subject),
        assignee=case.assignee,
        verdict=case.verdict.value if case.verdict else "",
        opened=case.opened_ns / _NS,
        opened_by=case.opened_by,
        closed=case.closed_ns / _NS if case.closed_ns else None,
        closed_by=case.closed_by,
        links=case.links,
        comments=tuple(CommentShown(by=one.by, time=one.at_ns / _NS, text=one.text) for one in case.comments),
    )


def obligation_shown(awaited: Awaited) -> ObligationShown:
    """Return what is shown of an obligation."""
    return ObligationShown(
        decision_id=awaited.decision_id,
        obligation=awaited.obligation_id,
        type=awaited.kind,
        pep=awaited.pep,
        subject=neutral(awaited.subject),
        session=handle_of(awaited.tenant, awaited.session_id) if awaited.session_id else "",
        standing=awaited.standing.value,
        decided=awaited.decided_ns / _NS,
        due=awaited.due_ns / _NS,
        detail=awaited.detail,
    )


def letter_shown(letter: Letter) -> LetterShown:
    """Return what is shown of a letter."""
    return LetterShown(
        letter=letter.letter_id,
        sink=letter.sink,
        sequence=letter.sequence,
        kind=letter.kind,
        attempts=letter.attempts,
        fault=letter.fault,
        time=letter.time_ns / _NS,
    )


def run_trigger(
    house: House,
    tenant: str,
    record_id: str,
    *,
    subject: str = "",
    session: str = "",
    device: str = "",
    facts: dict[str, str] | None = None,
) -> Trigger:
    """Return the trigger of a playbook that an administrator runs.

    Raises:
        RefusedError: ``session_unknown``.
        FaultyInputError: ``facts_too_many``.
    """
    if len(facts or {}) > MAX_FACTS:
        raise FaultyInputError("facts_too_many", f"at most {MAX_FACTS} facts are allowed")
    found = find_session(house.ledger, tenant, session) if session else None
    if session and found is None:
        raise RefusedError("session_unknown", "there is no such session")
    name = found.session_id if found else ""
    about = subject or (found.subject if found else "")
    told = {**(facts or {}), "by": RULE}
    return Trigger(record_id, tenant, RUN_KIND, about, name, device, told, house.clock.now_ns())


def rows(shown: Iterable[Shown]) -> list[dict[str, Any]]:
    """Return plain values for the command line."""
    return [one.model_dump(mode="json") for one in shown]


def _step(step: Planned) -> dict[str, Any]:
    trigger = step.trigger
    return {
        "step": step.name,
        "do": step.step.do.value,
        "state": step.state.value,
        "playbook": step.playbook,
        "trigger": trigger.kind,
        "trigger_id": trigger.id,
        "subject": neutral(trigger.subject),
        "session": handle_of(step.tenant, trigger.session_id) if trigger.session_id else "",
        "device": neutral(trigger.device_id),
        "time": step.at_ns / _NS,
        "attempts": step.attempts,
        "why": step.why,
        "by": step.by,
        "outcome": step.outcome,
        "fault": step.fault,
    }

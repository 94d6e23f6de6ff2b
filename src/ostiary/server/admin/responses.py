"""Responses: playbooks, what they did, what waits for a person, obligations that were not carried out."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from ostiary.errors import RefusedError
from ostiary.response.plan import StepState
from ostiary.response.playbook import control_name
from ostiary.response.trigger import Trigger
from ostiary.server.admin.context import Desk, Model, Proposal, Tenant, Who
from ostiary.server.admin.rollout import change_by_hand
from ostiary.server.consented import approve_by
from ostiary.server.responses import (
    MAX_FACTS,
    LetterShown,
    ObligationShown,
    PendingShown,
    PlaybookShown,
    StepShown,
    letter_shown,
    obligation_shown,
    pending_shown,
    playbook_shown,
    run_trigger,
    step_shown,
)
from ostiary.server.settings.sections import PhaseName
from ostiary.vocabulary.effects import Phase

router = APIRouter(tags=["responses"])
Limit = Annotated[int, Query(ge=1, le=1000)]
Text = Annotated[str, Field(max_length=2048)]
Facts = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=MAX_FACTS)
]


class RunBody(Model):
    """Whom a playbook is run for; with ``dry_run`` nothing is even written down."""

    subject: Text = ""
    session: Text = ""
    device: Text = ""
    facts: Facts = Field(default_factory=dict)
    dry_run: bool = False


class DigestBody(Model):
    """The digest that was shown with the step; another step has another one."""

    digest: Annotated[str, Field(min_length=1, max_length=128)]


class PhaseBody(Model):
    """How far a playbook is rolled out."""

    phase: PhaseName


@router.get("/tenants/{tenant}/response/playbooks")
def list_playbooks(tenant: Tenant, desk: Desk) -> list[PlaybookShown]:
    """List the playbooks in force."""
    return [playbook_shown(desk.house, tenant, book) for book in desk.house.response.shelf.playbooks(tenant)]


@router.put("/tenants/{tenant}/response/playbooks/{name}/phase")
def set_phase(tenant: Tenant, name: str, body: PhaseBody, who: Who, desk: Desk) -> PlaybookShown:
    """Take a playbook down; it goes up by ``…/rollout/promote``."""
    found = [book for book in desk.house.response.shelf.playbooks(tenant) if book.name == name]
    if not found:
        raise RefusedError("playbook_unknown", "there is no such playbook")
    change_by_hand(desk, who, tenant, {control_name(name): Phase[body.phase.upper()]})
    return playbook_shown(desk.house, tenant, found[0])


@router.post("/tenants/{tenant}/response/playbooks/{name}/run")
def run_playbook(tenant: Tenant, name: str, body: RunBody, who: Who, desk: Desk) -> list[StepShown]:
    """Run one playbook by hand, or show what it would do; steps that ask for approval still do."""
    house = desk.house

    def trigger(record_id: str) -> Trigger:
        named = {"subject": body.subject, "session": body.session, "device": body.device}
        return run_trigger(house, tenant, record_id, facts=dict(body.facts), **named)

    planned = house.response.executor.run(name, trigger("dry"), dry=True)
    if not body.dry_run:
        record = desk.record(who, tenant, "playbook.run", playbook=name)
        planned = house.response.executor.run(name, trigger(record), dry=False)
    return [step_shown(step) for step in planned]


@router.get("/tenants/{tenant}/response/steps")
def list_steps(
    tenant: Tenant,
    desk: Desk,
    state: Annotated[tuple[StepState, ...], Query()] = (),
    limit: Limit = 100,
) -> list[StepShown]:
    """List the newest steps, newest first."""
    return [step_shown(step) for step in desk.house.response.approvals.listed(tenant, state, limit)]


@router.get("/tenants/{tenant}/response/pending")
def list_pending(tenant: Tenant, desk: Desk, limit: Limit = 100) -> list[PendingShown]:
    """List the steps that wait for a person, with whom each would hit now."""
    return [pending_shown(one) for one in desk.house.response.approvals.pending(tenant, limit)]


@router.post("/tenants/{tenant}/response/steps/{step}/approve")
def approve_step(
    tenant: Tenant, step: str, body: DigestBody, who: Who, desk: Desk, proposal: Proposal = ""
) -> StepShown:
    """Agree to one step; it is done at the next turn."""
    return step_shown(approve_by(desk.house, who.key_id, tenant, step, body.digest, proposal))


@router.post("/tenants/{tenant}/response/steps/{step}/reject")
def reject_step(tenant: Tenant, step: str, body: DigestBody, who: Who, desk: Desk) -> StepShown:
    """Refuse one step for good."""
    return step_shown(desk.house.response.approvals.reject(tenant, step, body.digest, who.key_id))


@router.post("/tenants/{tenant}/response/steps/{step}/undo")
def undo_step(tenant: Tenant, step: str, who: Who, desk: Desk) -> StepShown:
    """Take back what a step did: let a device out of quarantine, a token or a model in again."""
    return step_shown(desk.house.response.approvals.undo(tenant, step, who.key_id))


@router.get("/tenants/{tenant}/response/obligations")
def list_obligations(
    tenant: Tenant,
    desk: Desk,
    unexecuted: Annotated[bool, Query()] = False,  # noqa: FBT002 - a query string has no keywords
    limit: Limit = 100,
) -> list[ObligationShown]:
    """List the obligations that enforcement points answer for, newest first."""
    found = desk.house.response.obligations.listed(tenant, unexecuted=unexecuted, limit=limit)
    return [obligation_shown(one) for one in found]


@router.get("/tenants/{tenant}/response/letters/dead")
def list_dead_letters(tenant: Tenant, desk: Desk) -> list[LetterShown]:
    """List the letters that were given up."""
    return [letter_shown(one) for one in desk.house.response.outbox.dead(tenant)]


@router.post("/tenants/{tenant}/response/letters/{letter}/again")
def send_again(tenant: Tenant, letter: str, who: Who, desk: Desk) -> LetterShown:
    """Send a dead letter again, under its old number."""
    if letter not in {one.letter_id for one in desk.house.response.outbox.dead(tenant)}:
        raise RefusedError("letter_unknown", "there is no such dead letter")
    desk.record(who, tenant, "letter.again", letter=letter)
    return letter_shown(desk.house.response.outbox.again(tenant, letter))

"""The rollout of a tenant: where controls stand, promotion, demotion, the kill switch, what was done.

The signed statement in the log is the record of what an administrator does here; nothing counts before it is on disk.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from ostiary.errors import RefusedError
from ostiary.server.admin.context import Desk, Model, Office, Tenant, Who
from ostiary.server.admins import Administrator
from ostiary.server.approving.asking import Asker, ask
from ostiary.server.approving.shown import APPROVE
from ostiary.server.rollout.changing import MAX_NAME, MAX_WHY, Wish
from ostiary.server.rollout.desk import RolloutDesk, rollout_desk
from ostiary.server.rollout.projecting import MAX_DAYS, projection
from ostiary.server.rollout.shown import (
    ChangeShown,
    ControlShown,
    ProspectShown,
    StatusShown,
    change_shown,
    control_shown,
    prospect_shown,
    status_shown,
)
from ostiary.server.settings.sections import PhaseName
from ostiary.server.step_up.party import step_up_base
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.rollout import Scope

router = APIRouter(tags=["rollout"])
Text = Annotated[str, Field(max_length=MAX_NAME)]
_NAMES: dict[Phase, PhaseName] = {
    Phase.TELEMETRY: "telemetry",
    Phase.SHADOW: "shadow",
    Phase.LOW_RISK: "low_risk",
    Phase.HIGH_IMPACT: "high_impact",
}


class ScopeBody(Model):
    """A part of the tenant's requests; everything that is named must hold."""

    resource_class: Text = ""
    group: Text = ""
    percent: Annotated[int, Field(ge=1, le=100)] = 100

    def scope(self) -> Scope:
        """Return the scope."""
        return Scope(self.resource_class, self.group, self.percent)


class WishBody(Model):
    """What is to be moved, and why."""

    control: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    scope: ScopeBody = ScopeBody()
    to: PhaseName | None = None
    why: Annotated[str, Field(max_length=MAX_WHY)] = ""

    def phase(self) -> Phase | None:
        """Return the phase that is named."""
        return None if self.to is None else Phase[self.to.upper()]


class RaiseBody(WishBody):
    """What is to go up; with ``dry_run`` it is only told what that would need."""

    proposal: Text = ""
    dry_run: bool = False


class ProposeBody(WishBody):
    """What people are asked to agree to: going up, or with ``reviving`` bringing back what was switched off."""

    reviving: bool = False


class ProposedShown(Model):
    """The proposal that people were asked to agree to, and the page where they do, empty without a public address."""

    proposal: str
    control: str
    after: PhaseName
    url: str


class ProjectionShown(Model):
    """Decisions by effect as they came, and as they would have come with one control live; whole hours."""

    control: str
    since_ns: int
    until_ns: int
    decisions: int
    disagreements: int
    now: dict[str, int]
    projected: dict[str, int]


class KillBody(Model):
    """Whose switch is pulled: a control, ``playbook:NAME``, or ``*`` for everything of the models."""

    control: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] = "*"
    why: Annotated[str, Field(max_length=MAX_WHY)] = ""


@router.get("/tenants/{tenant}/rollout")
def show_rollout(tenant: Tenant, desk: Desk) -> StatusShown:
    """Show where every control stands and what keeps it there."""
    return status_shown(_desk(desk), tenant)


@router.get("/tenants/{tenant}/rollout/history")
def show_history(tenant: Tenant, desk: Desk, limit: Annotated[int, Query(ge=1, le=256)] = 100) -> list[ChangeShown]:
    """List the newest changes, newest first."""
    return [change_shown(state) for state in desk.house.rollout.chain.history(tenant)[:limit]]


@router.get("/tenants/{tenant}/rollout/projection")
def show_projection(
    tenant: Tenant,
    desk: Desk,
    control: Annotated[str, Query(min_length=1, max_length=MAX_NAME)],
    days: Annotated[int, Query(ge=1, le=MAX_DAYS)] = 14,
) -> ProjectionShown:
    """Show what came of requests, and what would have come of them with a control of the models live."""
    found = projection(desk.house, tenant, control, days)
    return ProjectionShown.model_validate(msgspec.structs.asdict(found))


@router.post("/tenants/{tenant}/rollout/propose", status_code=201)
def propose_change(tenant: Tenant, body: ProposeBody, who: Who, desk: Desk) -> ProposedShown:
    """Ask people to agree to what promoting or reviving takes now; the deed is made here, of what is known here."""
    rollout, wish = _desk(desk), _wish(tenant, body, who)
    to = (body.phase() or Phase.LOW_RISK) if body.reviving else body.phase()
    found = rollout.changes.prospect(wish, to, reviving=body.reviving)
    if found.deed is None:
        raise RefusedError("approval_not_needed", "nobody need agree to this: promote it")
    made = ask(desk.house, found.deed, Asker(who.key_id), why=body.why)
    base = step_up_base(desk.house.settings)
    url = f"{base}{APPROVE}{tenant}/{made.proposal_id}" if base else ""
    return ProposedShown(proposal=made.proposal_id, control=wish.control, after=_NAMES[found.after], url=url)


@router.post("/tenants/{tenant}/rollout/promote")
def promote(tenant: Tenant, body: RaiseBody, who: Who, desk: Desk) -> ProspectShown | ControlShown:
    """Take a control one phase further, through its gate and by people's agreement."""
    rollout, wish = _desk(desk), _wish(tenant, body, who, body.proposal)
    if body.dry_run:
        return prospect_shown(rollout, wish, rollout.changes.prospect(wish, body.phase()))
    rollout.changes.promote(wish, body.phase())
    return control_shown(rollout, tenant, wish.control, wish.scope)


@router.post("/tenants/{tenant}/rollout/revive")
def revive(tenant: Tenant, body: RaiseBody, who: Who, desk: Desk) -> ProspectShown | ControlShown:
    """Bring back a control whose switch was pulled, through its gate and by people's agreement."""
    rollout, wish, to = _desk(desk), _wish(tenant, body, who, body.proposal), body.phase() or Phase.LOW_RISK
    if body.dry_run:
        return prospect_shown(rollout, wish, rollout.changes.prospect(wish, to, reviving=True))
    rollout.changes.revive(wish, to)
    return control_shown(rollout, tenant, wish.control, wish.scope)


@router.post("/tenants/{tenant}/rollout/demote")
def demote(tenant: Tenant, body: WishBody, who: Who, desk: Desk) -> ControlShown:
    """Take a control down at once."""
    rollout, wish = _desk(desk), _wish(tenant, body, who)
    rollout.changes.demote(wish, body.phase())
    return control_shown(rollout, tenant, wish.control, wish.scope)


@router.post("/tenants/{tenant}/rollout/kill")
def kill(tenant: Tenant, body: KillBody, who: Who, desk: Desk) -> StatusShown:
    """Pull the switch of one control or of everything that a model may cause, at once."""
    rollout = _desk(desk)
    rollout.changes.kill(Wish(tenant, body.control, by=who.key_id, why=body.why))
    return status_shown(rollout, tenant)


def change_by_hand(desk: Office, who: Administrator, tenant: str, wanted: Mapping[str, Phase]) -> None:
    """Take controls down to phases; one that stands there already is left alone.

    Raises:
        RefusedError: ``phase_needs_promotion`` for one that would go up; then nothing was changed.
    """
    changes = _desk(desk).changes
    below = {control: phase for control, phase in wanted.items() if phase != changes.before(tenant, control)}
    for control, phase in below.items():
        if phase > changes.before(tenant, control):
            raise RefusedError("phase_needs_promotion", f"`{control}` goes up through its gate and people: promote it")
    for control, phase in below.items():
        changes.demote(Wish(tenant, control, by=who.key_id), phase)


def _desk(desk: Office) -> RolloutDesk:
    return rollout_desk(desk.house, _nothing_told)


def _nothing_told(reason: str, fault: BaseException) -> None:
    """Hear of a fault of watching: the worker's own chore tells of it."""
    del reason, fault


def _wish(tenant: str, body: WishBody, who: Administrator, proposal: str = "") -> Wish:
    return Wish(tenant, body.control, body.scope.scope(), who.key_id, body.why, proposal)

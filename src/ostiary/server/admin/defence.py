"""Self-defence: budgets of questions, slow drift, canaries, and what the newest red-team report says."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path
from pydantic import Field

from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.approving.asking import Asker, ask
from ostiary.server.defending.asking import questions_of
from ostiary.server.defending.drifts import drifts_of, replace, replacement
from ostiary.server.defending.stored import canaries_of, scores_of
from ostiary.server.wiring import House

router = APIRouter(tags=["defence"])
SubjectId = Annotated[str, Path(min_length=3, max_length=2048, description="A subject as `type:id`.")]
Why = Annotated[str, Field(min_length=1, max_length=500, description="Why; for whoever must agree.")]


class UsedShown(Model):
    """How much of a budget is used in its window."""

    subject: str
    used: int
    limit: int


class StoppedShown(Model):
    """How often a rule stopped somebody in the window, 10,000 at most."""

    rule: str
    count: int


class QuestionsShown(Model):
    """The budgets of questions that could map a scorer."""

    on: bool
    window_s: int
    tenant: UsedShown
    askers: list[UsedShown]
    stopped: list[StoppedShown]


class DriftingShown(Model):
    """How far a subject is from its frozen baseline; ``worst`` is a share of what is an alarm."""

    subject: str
    alarms: list[str]
    worst: float
    moved: float
    measure: str
    days: int
    fault: str


class WatchingShown(Model):
    """Who is watched, and who moved furthest; ``all_seen`` is false when there are more baselines than were read."""

    subjects: int
    alarms: int
    all_seen: bool
    rows: list[DriftingShown]


class AttackShown(Model):
    """One attack of the red-team report: rates of success without the defence and with it."""

    attack: str
    atlas: str
    describe: str
    without: float
    guarded: float
    tries: int
    passed: bool
    fault: str


class ScoresShown(Model):
    """The newest red-team report; with a ``fault`` nothing of it is believed."""

    digest: str
    at_ns: int
    about: str
    passed: bool
    attacks: list[AttackShown]
    fault: str


class SaidShown(Model):
    """A canary that a model was made to say."""

    rule: str
    at_ns: int
    subject: str
    decision_id: str
    outcome: str


class DefenceShown(Model):
    """Everything that is known of the self-defence."""

    questions: QuestionsShown
    drift: WatchingShown
    canaries: list[SaidShown]
    redteam: ScoresShown | None


class ReplaceBody(Model):
    """The proposal by which enough people agreed, and why."""

    proposal: Annotated[str, Field(min_length=1, max_length=128)]
    why: Why


class AskBody(Model):
    """Why another baseline is wanted."""

    why: Why


class AskedShown(Model):
    """The proposal that people were asked to agree to."""

    proposal: str


class BaselineShown(Model):
    """The baseline in force."""

    subject: str
    serial: int
    digest: str


@router.get("/tenants/{tenant}/defence")
def show_defence(tenant: Tenant, desk: Desk) -> DefenceShown:
    """Show what the self-defence stands at, from what is stored."""
    house = desk.house
    told: dict[str, Any] = {
        "questions": msgspec.to_builtins(questions_of(house, tenant)),
        "drift": msgspec.to_builtins(drifts_of(house, tenant)),
        "canaries": [msgspec.structs.asdict(one) for one in canaries_of(house, tenant)],
        "redteam": _scores(house, tenant),
    }
    return DefenceShown.model_validate(told)


@router.post("/tenants/{tenant}/defence/baselines/{subject}/propose", status_code=201)
def propose_baseline(tenant: Tenant, subject: SubjectId, body: AskBody, who: Who, desk: Desk) -> AskedShown:
    """Ask people to let a subject's latest quiet days become its baseline; the subject is none of them."""
    deed, _ = replacement(desk.house, tenant, subject)
    return AskedShown(proposal=ask(desk.house, deed, Asker(who.key_id), why=body.why).proposal_id)


@router.post("/tenants/{tenant}/defence/baselines/{subject}/replace")
def replace_baseline(tenant: Tenant, subject: SubjectId, body: ReplaceBody, who: Who, desk: Desk) -> BaselineShown:
    """Put the latest quiet days in the baseline's place, if people agreed to exactly that."""
    replacement(desk.house, tenant, subject)
    desk.record(who, tenant, "baseline.replace", proposal=body.proposal, why=body.why)
    made = replace(desk.house, tenant, subject, body.proposal)
    return BaselineShown(subject=made.subject, serial=made.serial, digest=made.digest)


def _scores(house: House, tenant: str) -> dict[str, Any] | None:
    found = scores_of(house, tenant)
    if found is None:
        return None
    attacks = [
        {
            "attack": one.line.attack,
            "atlas": one.line.atlas,
            "describe": one.describe,
            "without": one.line.without,
            "guarded": one.line.guarded,
            "tries": one.line.n,
            "passed": one.passed,
            "fault": one.fault,
        }
        for one in found.attacks
    ]
    return {**msgspec.structs.asdict(found), "attacks": attacks}

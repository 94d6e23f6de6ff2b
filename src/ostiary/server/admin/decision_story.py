"""One decision from every side: its rules' places, what became of it, its proof checked, and what it would be now."""

from typing import Any, Literal

import msgspec
from fastapi import APIRouter
from pydantic import Field

from ostiary.decision.ocsf import ocsf_of
from ostiary.errors import FaultyInputError
from ostiary.response.from_decision import session_name
from ostiary.server.admin.context import Desk, Model, Tenant
from ostiary.server.why.again import decided_again
from ostiary.server.why.chain import chain_of
from ostiary.server.why.executed import obligations_of, steps_of
from ostiary.server.why.finding import find_decision
from ostiary.server.why.law import law_of
from ostiary.server.why.places import places_of
from ostiary.server.why.proving import check_proof
from ostiary.sessions import handle_of

router = APIRouter(tags=["decisions"])


class RulePlace(Model):
    """A rule that acted, or that would have allowed; ``file`` is empty where the bundle that decided is not here."""

    rule: str
    applied: bool
    effect: str
    title: str
    explanation: str
    remediation: str
    file: str
    line: int


class LawShown(Model):
    """The sum with its parts kept apart: effects by their names."""

    floor: str
    proposal: str
    phase_ceiling: str
    policy_ceiling: str
    applied_proposal: str
    final: str


class ObligationState(Model):
    """An obligation and what its enforcement point said; times are Unix seconds, 0 = none."""

    obligation: str
    type: str
    properties: dict[str, Any]
    pep: str
    standing: str
    due: float
    answered: float
    detail: str


class LinkShown(Model):
    """A related record; ``effect`` is of a decision, else empty."""

    relation: Literal["rests_on", "asked_by", "proof", "next", "caused"]
    kind: str
    record: str
    index: int
    time_ns: int
    what: str
    effect: str


class Story(Model):
    """What surrounds a decision; ``session`` is the handle of its session, empty without one."""

    decision_id: str
    rules: list[RulePlace]
    law: LawShown
    obligations: list[ObligationState]
    steps: list[dict[str, Any]]
    chain: list[LinkShown]
    session: str


class ProofCheck(Model):
    """Whether the inclusion proof of a record holds, and against which checkpoint."""

    record: str
    good: bool
    code: str
    text: str
    index: int
    size: int
    origin: str
    checkpoint: str
    commit: str


class ReplayShown(Model):
    """A decision under what is in force now; digests are empty where there was, or is, none."""

    decision_id: str
    before: str
    after: str
    reasons_before: list[str]
    reasons_after: list[str]
    changed: bool
    refused_before_policy: bool = Field(description="It never reached policy: it replays as itself.")
    bundle_before: str
    bundle_after: str
    model_before: str
    model_after: str
    rescored: bool = Field(description="False: the recorded score was kept.")


@router.get("/tenants/{tenant}/decisions/{decision_id}/story")
def show_story(tenant: Tenant, decision_id: str, desk: Desk) -> Story:
    """Show where the rules of a decision stand, what became of its obligations, and the records around it."""
    stored, record = find_decision(desk.house, tenant, decision_id)
    name = session_name(record) if record.event is not None else ""
    return Story(
        decision_id=decision_id,
        rules=[RulePlace(**one) for one in places_of(desk.house, record)],
        law=LawShown(**law_of(record)),
        obligations=[ObligationState(**one) for one in obligations_of(desk.house, record)],
        steps=steps_of(desk.house, record),
        chain=[LinkShown(**msgspec.to_builtins(one)) for one in chain_of(desk.house, stored, record)],
        session=handle_of(tenant, name) if name else "",
    )


@router.get("/tenants/{tenant}/decisions/{decision_id}/proof/check")
def check_decision_proof(tenant: Tenant, decision_id: str, desk: Desk) -> ProofCheck:
    """Make the inclusion proof of a decision and check it here: entry, path, signed checkpoint, commitment."""
    find_decision(desk.house, tenant, decision_id)
    return ProofCheck(**check_proof(desk.house, tenant, decision_id))


@router.get("/tenants/{tenant}/decisions/{decision_id}/replay")
def replay_decision(tenant: Tenant, decision_id: str, desk: Desk) -> ReplayShown:
    """Decide the same record again under the bundle and the model in force; nothing comes of it."""
    _, record = find_decision(desk.house, tenant, decision_id)
    return ReplayShown(**decided_again(desk.house, record))


@router.get("/tenants/{tenant}/decisions/{decision_id}/ocsf")
def show_ocsf(tenant: Tenant, decision_id: str, desk: Desk) -> dict[str, Any]:
    """Show the access as an OCSF 1.8 event, without the score."""
    _, record = find_decision(desk.house, tenant, decision_id)
    told = ocsf_of(record)
    if told is None:
        raise FaultyInputError("decision_no_access", "this request never became an access: it has no OCSF event")
    return told

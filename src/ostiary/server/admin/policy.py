"""Policy bundles, models, profiles and phases of a tenant: show, reload, change."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import model_validator

from ostiary.errors import FaultyInputError
from ostiary.server.activating import activate_bundle, activate_model
from ostiary.server.admin.context import Desk, Model, Proposal, Tenant, Who
from ostiary.server.admin.rollout import change_by_hand
from ostiary.server.policies import BundleStatus
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.rollout import NOWHERE

router = APIRouter(tags=["policy"])
_NOT_SO: dict[int | str, dict[str, Any]] = {409: {"description": "It is refused; the code says why."}}
Digest = Annotated[str, Query(max_length=80, description="Digest of a report.")]
PhaseName = Literal["telemetry", "shadow", "low_risk", "high_impact"]


class BundleShown(Model):
    """The policy bundle in force; ``source`` says whose it is: ``own``, ``configured`` or ``shipped``."""

    digest: str
    revision: str
    rules: int
    source: str


class ModelShown(Model):
    """The risk model in force; empty when there is none."""

    digest: str


class ProfilesShown(Model):
    """The profiles in force: how many subjects they know, and how many events they have just learned."""

    subjects: int
    learned: int


class Phases(Model):
    """How far each control is rolled out; a change names only what changes."""

    step_up: PhaseName | None = None
    session_lifetime: PhaseName | None = None
    reduce: PhaseName | None = None
    deny: PhaseName | None = None
    terminate: PhaseName | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, told: object) -> object:
        if isinstance(told, dict) and None in told.values():
            msg = "a phase is a name"
            raise ValueError(msg)
        return told


def _shown(status: BundleStatus) -> BundleShown:
    return BundleShown.model_validate(msgspec.to_builtins(status))


def _phases(desk: Desk, tenant: str) -> Phases:
    table = desk.house.rollout.phases(tenant, NOWHERE)
    return Phases.model_validate({c: p.name.lower() for c, p in table.phases.items()})


@router.get("/tenants/{tenant}/bundle")
def show_bundle(tenant: Tenant, desk: Desk) -> BundleShown:
    """Show the policy bundle in force."""
    return _shown(desk.house.policies.status(tenant))


@router.post("/tenants/{tenant}/bundle/reload", responses=_NOT_SO)
def reload_bundle(tenant: Tenant, who: Who, desk: Desk, proposal: Proposal = "", impact: Digest = "") -> BundleShown:
    """Put the tenant's bundle as it is on disk in force, if it passes its own tests; no decision is dropped.

    Where the tenant has people, `proposal` names what they agreed to, and `impact` the report that they were shown.
    """
    return _shown(activate_bundle(desk.house, who.key_id, tenant, proposal, impact))


@router.post("/tenants/{tenant}/model/reload", responses=_NOT_SO)
def reload_model(tenant: Tenant, who: Who, desk: Desk, proposal: Proposal = "") -> ModelShown:
    """Load the tenant's risk model as it is on disk, if a trusted key signed it and the tenant's people agreed."""
    return ModelShown(digest=activate_model(desk.house, who.key_id, tenant, proposal))


@router.post("/tenants/{tenant}/profiles/reload")
def reload_profiles(tenant: Tenant, who: Who, desk: Desk) -> ProfilesShown:
    """Learn the imported history as it is on disk, then the log; what was learned before is worked out anew."""
    house = desk.house
    learned = house.knowledge.restore(tenant, house.store.snapshots, house.log)
    desk.record(who, tenant, "profiles.reload", learned=learned)
    return ProfilesShown(subjects=len(house.knowledge.book(tenant)), learned=learned)


@router.get("/tenants/{tenant}/phases")
def show_phases(tenant: Tenant, desk: Desk) -> Phases:
    """Show how far each control is rolled out."""
    return _phases(desk, tenant)


@router.patch("/tenants/{tenant}/phases")
def change_phases(tenant: Tenant, body: Phases, who: Who, desk: Desk) -> Phases:
    """Take some controls down; what goes up goes by ``…/rollout/promote``."""
    wanted = {c: Phase[p.upper()] for c, p in body.model_dump(exclude_none=True).items()}
    if not wanted:
        raise FaultyInputError("request_invalid", "name at least one control")
    change_by_hand(desk, who, tenant, wanted)
    return _phases(desk, tenant)

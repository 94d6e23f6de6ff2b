"""Hypothetical requests: decided now and under a draft, side by side; only the question is on record.

For administrators alone: whoever may not administer a tenant learns no more here than that it is unknown.
"""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter
from pydantic import Field

from ostiary.errors import FaultyInputError
from ostiary.server.admin.context import Desk, Model, Office, Tenant, Who, living_tenant
from ostiary.server.impact.candidates import SHADOW_MODEL, bundle_of, candidates_of, model_of
from ostiary.server.impact.supposed import Facts
from ostiary.server.impact.whatif import Draft, draft_of, what_if
from ostiary.vocabulary.ids import check_tenant

router = APIRouter(tags=["whatif"])
_NOT_SO: dict[int | str, dict[str, Any]] = {409: {"description": "The draft is refused; the code says why."}}


class DraftBody(Model):
    """What would be in force instead: a bundle's texts by path, or a candidate that lies there; phases by control."""

    candidate: Literal["", "shadow-bundle", "shadow-model", "folder-bundle"] = ""
    bundle: Annotated[dict[str, str] | None, Field(max_length=512)] = None
    phases: Annotated[dict[str, str], Field(max_length=64, default_factory=dict)]


class WhatIfBody(Model):
    """An AuthZEN access evaluation request, what is supposed, and the draft."""

    request: dict[str, Any]
    tenant: str = "default"
    facts: Annotated[dict[str, Any], Field(default_factory=dict)]
    draft: Annotated[DraftBody, Field(default_factory=lambda: DraftBody.model_validate({}))]


class CandidateShown(Model):
    """What lies at the server to be tried out."""

    name: str
    what: Literal["bundle", "model"]
    digest: str


@router.get("/tenants/{tenant}/candidates")
def list_candidates(tenant: Tenant, desk: Desk) -> list[CandidateShown]:
    """List what a hypothetical request, or an impact study, can be asked of by name."""
    return [CandidateShown.model_validate(msgspec.structs.asdict(one)) for one in candidates_of(desk.house, tenant)]


@router.post("/whatif", responses=_NOT_SO)
def ask_what_if(body: WhatIfBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Decide one hypothetical request as things are, and as they would be under a draft."""
    tenant = living_tenant(check_tenant(body.tenant), who, desk)
    try:
        facts = msgspec.convert(body.facts, Facts)
    except (msgspec.ValidationError, ValueError) as fault:
        raise FaultyInputError("fact_invalid", f"the facts cannot be supposed: {str(fault)[:200]}") from fault
    draft = _draft(desk, tenant, body.draft)
    told: dict[str, Any] = msgspec.to_builtins(what_if(desk.house, who.key_id, tenant, body.request, facts, draft))
    return told


def _draft(desk: Office, tenant: str, body: DraftBody) -> Draft:
    if not body.candidate:
        return draft_of(body.bundle, body.phases)
    if body.bundle is not None:
        raise FaultyInputError("request_invalid", "name a candidate or send a bundle, not both")
    if body.candidate == SHADOW_MODEL:
        return Draft(None, model_of(desk.house, tenant), body.phases)
    return Draft(bundle_of(desk.house, tenant, body.candidate), None, body.phases)

"""Hypothetical requests: decided now and under a draft, side by side; only the question is on record.

For administrators alone: whoever may not administer a tenant learns no more here than that it is unknown.
"""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import Field

from ostiary.errors import FaultyInputError
from ostiary.server.admin.context import Desk, Model, Who, living_tenant
from ostiary.server.impact.supposed import Facts
from ostiary.server.impact.whatif import draft_of, what_if
from ostiary.vocabulary.ids import check_tenant

router = APIRouter(tags=["whatif"])
_NOT_SO: dict[int | str, dict[str, Any]] = {409: {"description": "The draft is refused; the code says why."}}


class DraftBody(Model):
    """What would be in force instead: a bundle's texts by path, phases by control."""

    bundle: Annotated[dict[str, str] | None, Field(max_length=512)] = None
    phases: Annotated[dict[str, str], Field(max_length=64, default_factory=dict)]


class WhatIfBody(Model):
    """An AuthZEN access evaluation request, what is supposed, and the draft."""

    request: dict[str, Any]
    tenant: str = "default"
    facts: Annotated[dict[str, Any], Field(default_factory=dict)]
    draft: Annotated[DraftBody, Field(default_factory=lambda: DraftBody.model_validate({}))]


@router.post("/whatif", responses=_NOT_SO)
def ask_what_if(body: WhatIfBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Decide one hypothetical request as things are, and as they would be under a draft."""
    tenant = living_tenant(check_tenant(body.tenant), who, desk)
    try:
        facts = msgspec.convert(body.facts, Facts)
    except (msgspec.ValidationError, ValueError) as fault:
        raise FaultyInputError("fact_invalid", f"the facts cannot be supposed: {str(fault)[:200]}") from fault
    draft = draft_of(body.draft.bundle, body.draft.phases)
    told: dict[str, Any] = msgspec.to_builtins(what_if(desk.house, who.key_id, tenant, body.request, facts, draft))
    return told

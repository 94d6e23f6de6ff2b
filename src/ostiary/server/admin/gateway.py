"""The gateway to language models from outside: figures, and conversations without a word of them."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query

from ostiary.server.admin.context import Desk, Everyones, Tenant
from ostiary.server.gateway_shown.figures import figures_of
from ostiary.server.gateway_shown.talks import talk_of, talks_of

router = APIRouter(tags=["gateway"])
Moment = Annotated[int, Query(ge=0, le=2**62, description="Nanoseconds since 1970.")]
Below = Annotated[int | None, Query(ge=0, le=2**62, description="Where the page before ended.")]
_TENANTS = 100
_EACH = 1_000


@router.get("/tenants/{tenant}/gateway")
def show_gateway(tenant: Tenant, desk: Desk, from_ns: Moment = 0) -> dict[str, Any]:
    """Count requests, findings, tokens, searches and withheld tools, of the newest records since a moment."""
    told: dict[str, Any] = msgspec.to_builtins(figures_of(desk.house, tenant, from_ns))
    return told


@router.get("/gateway/tenants")
def list_gateway_tenants(who: Everyones, desk: Desk, from_ns: Moment = 0) -> list[dict[str, Any]]:
    """Count requests by tenant; at most 1,000 of the newest each."""
    del who
    rows = []
    for tenant in [row.tenant for row in desk.house.tenants.living()][:_TENANTS]:
        found = figures_of(desk.house, tenant, from_ns, _EACH)
        tokens = sum(one.tokens_in + one.tokens_out for one in found.models)
        rows.append({"tenant": tenant, "requests": found.requests, "tokens": tokens, "whole": found.whole})
    return rows


@router.get("/tenants/{tenant}/gateway/conversations")
def list_gateway_conversations(
    tenant: Tenant,
    desk: Desk,
    from_ns: Moment = 0,
    below: Below = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """List conversations from outside, the one that changed last first; an administrator does not read them."""
    told: dict[str, Any] = msgspec.to_builtins(talks_of(desk.house, tenant, from_ns, below, limit))
    return told


@router.get("/tenants/{tenant}/gateway/conversations/{conversation}")
def show_gateway_conversation(
    tenant: Tenant, conversation: Annotated[str, Path(max_length=100)], desk: Desk
) -> dict[str, Any]:
    """Show one conversation from outside."""
    told: dict[str, Any] = msgspec.to_builtins(talk_of(desk.house, tenant, conversation))
    return told

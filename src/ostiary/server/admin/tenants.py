"""Tenants: list, create, delete."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from ostiary.server.admin.context import Desk, Everyones, Model, Proposal, Tenant, Who
from ostiary.server.consented import may_erase
from ostiary.server.forgetting import forget_tenant

router = APIRouter(tags=["tenants"])
LegalReason = Annotated[str, Query(max_length=500, description="The legal reason, where people must agree to it.")]


class TenantBody(Model):
    """A tenant to make."""

    tenant: Annotated[str, Field(pattern="^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]


class TenantShown(Model):
    """A tenant."""

    tenant: str
    created_ns: int


class Deleted(Model):
    """What deleting did."""

    tenant: str
    records_erased: int
    record_id: str


@router.get("/tenants")
def list_tenants(who: Who, desk: Desk) -> list[TenantShown]:
    """List the tenants that this key may act for."""
    living = desk.house.tenants.living()
    return [TenantShown(tenant=row.tenant, created_ns=row.created_ns) for row in living if who.may(row.tenant)]


@router.post("/tenants", status_code=201, responses={409: {"description": "The id is or was in use."}})
def create_tenant(body: TenantBody, who: Everyones, desk: Desk) -> TenantShown:
    """Make a tenant; its id can never be used again after deletion."""
    row = desk.house.tenants.create(body.tenant)
    desk.record(who, row.tenant, "tenant.create")
    desk.house.policies.load(row.tenant)
    return TenantShown(tenant=row.tenant, created_ns=row.created_ns)


@router.get("/tenants/{tenant}")
def show_tenant(tenant: Tenant, desk: Desk) -> TenantShown:
    """Show one tenant."""
    row = desk.house.tenants.find(tenant)
    return TenantShown(tenant=tenant, created_ns=row.created_ns if row else 0)


@router.delete("/tenants/{tenant}")
def delete_tenant(
    tenant: Tenant, who: Everyones, desk: Desk, proposal: Proposal = "", reason: LegalReason = ""
) -> Deleted:
    """Delete a tenant for good: its keys are destroyed, proofs of its records stay valid.

    Where it has people, they must have agreed, and to the legal reason.
    """
    consent = may_erase(desk.house, who.key_id, tenant, f"tenant:{tenant}", reason, proposal)
    desk.record(who, tenant, "tenant.delete", **consent.told)
    erased = forget_tenant(desk.house, tenant)
    return Deleted(tenant=tenant, records_erased=erased.count, record_id=erased.record_id)

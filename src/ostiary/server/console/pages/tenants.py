"""Tenants: list, make, delete for good. For whoever looks after the deployment."""

from typing import Final

from ostiary.server.admin.context import living_tenant
from ostiary.server.admin.tenants import TenantBody, create_tenant, delete_tenant, list_tenants
from ostiary.server.console.asked import check_typed, reason_of
from ostiary.server.console.people import people_of
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/tenants"


def show(visit: Visit) -> Reply:
    """Show all tenants."""
    house = visit.house
    rows = [
        {
            "tenant": one.tenant,
            "made": stamp(one.created_ns),
            "people": len(house.approvals.room.law(one.tenant).people),
            "console": len(people_of(house).all(one.tenant)),
            "peps": len(house.store.peps.of_tenant(one.tenant)),
            "here": one.tenant == visit.tenant,
        }
        for one in list_tenants(visit.who, visit.desk)
    ]
    return visit.page("tenants.html", HERE, rows=rows)


def create(visit: Visit) -> Reply:
    """Make a tenant."""
    body = TenantBody.model_validate({"tenant": visit.form.get("tenant", "").strip()})
    made = create_tenant(body, visit.who, visit.desk)
    return visit.done(HERE, f"{made.tenant} is there; its first owner comes by `ostiary console invite`")


def delete(visit: Visit) -> Reply:
    """Delete a tenant for good."""
    tenant = living_tenant(visit.told["tenant"], visit.who, visit.desk)
    check_typed(visit.form, tenant)
    reason, proposal = reason_of(visit.form), visit.form.get("proposal", "").strip()
    gone = delete_tenant(tenant, visit.who, visit.desk, proposal, reason)
    return visit.done(HERE, f"{tenant} is gone for good, and {gone.records_erased} records with it")


ROUTES = (
    Route("GET", HERE, "deployment", show),
    Route("POST", HERE, "deployment", create, "change"),
    Route("POST", "/tenants/{tenant}/delete", "deployment", delete, "change"),
)

"""What every administrators' route shares: who is asking, for which tenant, and the record of what was done."""

from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict

from ostiary.audit import SYSTEM_TENANT
from ostiary.errors import RefusedError
from ostiary.server.admins import Administrator
from ostiary.server.authzen import RefusalSink
from ostiary.server.deeds import record_deed
from ostiary.server.wiring import House


class Model(BaseModel):
    """Base of every body: unknown members are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(Model):
    """An error: a stable code and one sentence."""

    code: str
    message: str


class Office:
    """What the routes work with."""

    def __init__(self, house: House, refusals: RefusalSink) -> None:
        """Take the house and whom to tell of unproven callers."""
        self.house = house
        self.refusals = refusals

    def record(self, who: Administrator, tenant: str, action: str, **told: Any) -> str:
        """Write down what an administrator does, and wait until it is on disk; return the record's id."""
        return record_deed(self.house, who.key_id, tenant, action, **told)


def office(request: Request) -> Office:
    """Return the office of this application."""
    found: Office = request.app.state.office
    return found


def administrator(request: Request, desk: Annotated[Office, Depends(office)]) -> Administrator:
    """Return who is asking.

    Raises:
        RefusedError: ``admin_unauthenticated``.
    """
    try:
        return desk.house.admins.authenticate(request.headers.get("authorization"))
    except RefusedError as no:
        desk.refusals.count(no.code, request.client.host if request.client else None)
        raise


Who = Annotated[Administrator, Depends(administrator)]
Desk = Annotated[Office, Depends(office)]
TenantId = Annotated[str, Path(pattern="^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$", description="The tenant's id.")]


def living_tenant(tenant: TenantId, who: Who, desk: Desk) -> str:
    """Return a tenant that is there and that the caller may see.

    Raises:
        RefusedError: ``tenant_unknown``, the same for one that is not his and for one that never was.
    """
    if not who.may(tenant) or tenant == SYSTEM_TENANT or desk.house.tenants.find(tenant) is None:
        raise RefusedError("tenant_unknown", "there is no such tenant")
    return tenant


def everyones(who: Who) -> Administrator:
    """Return an administrator of the whole deployment.

    Raises:
        RefusedError: ``admin_not_allowed``.
    """
    if who.tenant != SYSTEM_TENANT:
        raise RefusedError("admin_not_allowed", "this needs a key for the whole deployment")
    return who


Tenant = Annotated[str, Depends(living_tenant)]
Proposal = Annotated[str, Query(max_length=128, description="What people agreed to, where the tenant has people.")]
Everyones = Annotated[Administrator, Depends(everyones)]

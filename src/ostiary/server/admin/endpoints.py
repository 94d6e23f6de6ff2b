"""Endpoints of models: register, list, show, remove, and how much of their budgets is taken."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from ostiary.pipeline.inference.endpoint import TYPE
from ostiary.pipeline.registered import Registered
from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.inference.registering import budget_of, find_endpoint, register_endpoint, remove_endpoint

router = APIRouter(tags=["endpoints"])
Level = Annotated[int | None, Field(ge=0, le=4)]
Label = Annotated[str, Field(min_length=1, max_length=128)]


class EndpointBody(Model):
    """An endpoint to register, or to change whole; ``spec`` is what the door needs to know."""

    spec: dict[str, Any]
    sensitivity: Level = None
    critical: bool = False
    break_glass: bool = True
    labels: Annotated[tuple[Label, ...], Field(max_length=64)] = ()
    owner: Annotated[str, Field(max_length=256)] = ""
    attributes: Annotated[dict[str, Any], Field(default_factory=dict, max_length=64)]


class EndpointShown(EndpointBody):
    """A registered endpoint."""

    id: str


class BudgetShown(Model):
    """How much is taken of a budget."""

    taken: int
    limit: int
    window_s: int


class SubjectBudgetShown(BudgetShown):
    """How much is taken of one subject's budget."""

    subject: str


class BudgetsShown(Model):
    """How much is taken of an endpoint's budgets."""

    endpoint: str
    tenant: BudgetShown
    subject: SubjectBudgetShown | None = None


def _shown(one: Registered) -> EndpointShown:
    return EndpointShown.model_validate({name: getattr(one, name) for name in EndpointShown.model_fields})


@router.get("/tenants/{tenant}/endpoints")
def list_endpoints(tenant: Tenant, desk: Desk) -> list[EndpointShown]:
    """List a tenant's endpoints."""
    return [_shown(one) for one in desk.house.registry.all(tenant, TYPE)]


@router.get("/tenants/{tenant}/endpoints/{endpoint}")
def show_endpoint(tenant: Tenant, endpoint: str, desk: Desk) -> EndpointShown:
    """Show one endpoint."""
    return _shown(find_endpoint(desk.house, tenant, endpoint)[0])


@router.put("/tenants/{tenant}/endpoints/{endpoint}")
def put_endpoint(tenant: Tenant, endpoint: str, body: EndpointBody, who: Who, desk: Desk) -> EndpointShown:
    """Register an endpoint, or change it whole."""
    told = {**body.model_dump(), "id": endpoint}
    return _shown(register_endpoint(desk.house, who.key_id, tenant, told))


@router.delete("/tenants/{tenant}/endpoints/{endpoint}", status_code=204)
def delete_endpoint(tenant: Tenant, endpoint: str, who: Who, desk: Desk) -> None:
    """Remove an endpoint; it is unknown from then on."""
    remove_endpoint(desk.house, who.key_id, tenant, endpoint)


@router.get("/tenants/{tenant}/endpoints/{endpoint}/budget")
def show_budget(tenant: Tenant, endpoint: str, desk: Desk, subject: str = "") -> BudgetsShown:
    """Show how much is taken of the budgets; with `subject` (`type:id`) of that subject's, too."""
    return BudgetsShown.model_validate(budget_of(desk.house, tenant, endpoint, subject))

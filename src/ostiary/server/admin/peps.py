"""Enforcement points: list, register, remove."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from ostiary.errors import RefusedError
from ostiary.identity.ports import RegisteredPep
from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.peps import NewPep, register

router = APIRouter(tags=["enforcement points"])


class PepBody(Model):
    """An enforcement point to register; without certificates and token it gets an API key."""

    pep_id: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]
    subjects: Literal["asserted", "token"] = "token"
    proof_required: Literal["", "dpop", "mtls"] = ""
    certificates: Annotated[tuple[str, ...], Field(max_length=8)] = ()
    token_issuer: str = ""
    token_subject: str = ""
    receipts: bool = False
    receipt_key: Annotated[str, Field(max_length=4096)] = ""


class PepShown(Model):
    """An enforcement point; secrets are never shown again."""

    pep_id: str
    subjects: str
    proof_required: str
    certificates: tuple[str, ...]
    token_issuer: str
    token_subject: str
    expires_ns: int
    disabled: bool
    receipts: bool


class PepCreated(PepShown):
    """A fresh enforcement point and its API key, shown this once."""

    api_key: str


def _shown(pep: RegisteredPep) -> dict[str, object]:
    return {name: getattr(pep, name) for name in PepShown.model_fields}


@router.get("/tenants/{tenant}/peps")
def list_peps(tenant: Tenant, desk: Desk) -> list[PepShown]:
    """List a tenant's enforcement points."""
    return [PepShown.model_validate(_shown(pep)) for pep in desk.house.store.peps.of_tenant(tenant)]


@router.post("/tenants/{tenant}/peps", status_code=201, responses={409: {"description": "The id is taken."}})
def add_pep(tenant: Tenant, body: PepBody, who: Who, desk: Desk) -> PepCreated:
    """Register an enforcement point."""
    made = register(desk.house, NewPep(tenant=tenant, **body.model_dump()))
    desk.record(who, tenant, "pep.add", pep=made.pep.pep_id, subjects=made.pep.subjects)
    return PepCreated.model_validate({**_shown(made.pep), "api_key": made.api_key})


@router.delete("/tenants/{tenant}/peps/{pep_id}", status_code=204)
def remove_pep(tenant: Tenant, pep_id: str, who: Who, desk: Desk) -> None:
    """Remove an enforcement point; it is unknown from then on."""
    if pep_id not in {pep.pep_id for pep in desk.house.store.peps.of_tenant(tenant)}:
        raise RefusedError("pep_unknown", "there is no such enforcement point")
    desk.record(who, tenant, "pep.remove", pep=pep_id)
    desk.house.store.peps.delete(tenant, pep_id)

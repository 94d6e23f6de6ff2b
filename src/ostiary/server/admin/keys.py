"""Administrators' keys of a tenant: list, make, revoke."""

from fastapi import APIRouter

from ostiary.errors import RefusedError
from ostiary.server.admin.context import Desk, Model, Proposal, Tenant, Who
from ostiary.server.consented import may_add_administrator

router = APIRouter(tags=["administrators"])


class NewKey(Model):
    """A fresh key; the key itself is shown this once."""

    key_id: str
    key: str


class AdminKeyShown(Model):
    """A key, without its secret; ``made_ns`` is 0 and ``by`` empty where that was not kept yet."""

    key_id: str
    by: str
    made_ns: int


@router.get("/whoami")
def whoami(who: Who) -> dict[str, str]:
    """Tell whose key this is and for which tenant; ``system`` means every tenant."""
    return {"key_id": who.key_id, "tenant": who.tenant}


@router.get("/tenants/{tenant}/admin-keys")
def list_keys(tenant: Tenant, desk: Desk) -> list[AdminKeyShown]:
    """List the keys that may administer this tenant and no other."""
    found = desk.house.admins.of_tenant(tenant)
    return [AdminKeyShown(key_id=one.key_id, by=one.by, made_ns=one.made_ns) for one in found]


@router.post("/tenants/{tenant}/admin-keys", status_code=201)
def create_key(tenant: Tenant, who: Who, desk: Desk, proposal: Proposal = "") -> NewKey:
    """Make a key that may administer this tenant and no other; where it has people, they must have agreed."""
    consent = may_add_administrator(desk.house, who.key_id, tenant, proposal)
    key = desk.house.admins.create(tenant, who.key_id)
    key_id = key.partition(".")[0]
    desk.record(who, tenant, "admin_key.create", key_id=key_id, **consent.told)
    return NewKey(key_id=key_id, key=key)


@router.delete("/tenants/{tenant}/admin-keys/{key_id}", status_code=204)
def revoke_key(tenant: Tenant, key_id: str, who: Who, desk: Desk) -> None:
    """Revoke a key of this tenant."""
    if desk.house.admins.tenant_of(key_id) != tenant:
        raise RefusedError("key_unknown", "there is no such key")
    desk.record(who, tenant, "admin_key.revoke", key_id=key_id)
    desk.house.admins.revoke(key_id)

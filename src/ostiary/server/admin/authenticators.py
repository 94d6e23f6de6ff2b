"""Passkeys of people: list, invite, rename, remove; and beginning anew, which takes two administrators."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from ostiary.identity.webauthn.ports import Recovery
from ostiary.identity.webauthn.types import Authenticator, clean_name, clean_subject
from ostiary.server.admin.context import Desk, Model, Proposal, Tenant, Who
from ostiary.server.step_up import inviting

router = APIRouter(tags=["authenticators"])
_TAKEN: dict[int | str, dict[str, Any]] = {409: {"description": "It is refused; the code says why."}}
Subject = Annotated[str, Field(min_length=3, max_length=2048, description="The person as type:id, such as user:ann.")]
Asked = Annotated[str, Query(min_length=3, max_length=2048, description="The person as type:id, such as user:ann.")]
CredentialId = Annotated[str, Path(max_length=1400, description="The passkey's id, as listed.")]
RecoveryId = Annotated[str, Path(max_length=64, description="The recovery's id.")]


class AuthenticatorShown(Model):
    """A passkey as it is shown; ``model`` is its AAGUID, believed only when ``attested``."""

    id: str
    subject: str
    name: str
    model: str
    attestation: str
    attested: bool
    transports: tuple[str, ...]
    backed_up: bool
    sign_count: int
    created_ns: int
    used_ns: int


Reason = Annotated[str, Query(max_length=500, description="Why, for the log.")]


class InvitationBody(Model):
    """Whom to invite."""

    subject: Subject


class InvitationMade(Model):
    """A link to add a passkey, shown this once; it is good once, until ``expires_ns``."""

    url: str
    subject: str
    expires_ns: int


class NameBody(Model):
    """A passkey's new name."""

    subject: Subject
    name: Annotated[str, Field(min_length=1, max_length=64)]


class RecoveryBody(Model):
    """Who has lost all passkeys, and how that is known."""

    subject: Subject
    reason: Annotated[str, Field(max_length=500)] = ""


class RecoveryShown(Model):
    """A recovery that waits for a second administrator."""

    id: str
    subject: str
    requested_by: str
    reason: str
    created_ns: int
    expires_ns: int


class RecoveryApproved(Model):
    """What approving did: the lost passkeys are gone, and there is a link for a new one."""

    removed: int
    url: str
    subject: str
    expires_ns: int


def shown(one: Authenticator) -> dict[str, Any]:
    """Return a passkey without its keys."""
    names = ("subject", "name", "attestation", "attested", "transports", "backed_up", "sign_count")
    told = {name: getattr(one, name) for name in names}
    ids = {"id": one.credential_id, "model": one.aaguid}
    return {**ids, **told, "created_ns": one.created_ns, "used_ns": one.used_ns}


def recovery_shown(one: Recovery) -> dict[str, Any]:
    """Return a recovery under its public names."""
    told = {name: getattr(one, name) for name in ("subject", "requested_by", "reason", "created_ns", "expires_ns")}
    return {"id": one.recovery_id, **told}


@router.get("/tenants/{tenant}/authenticators")
def list_authenticators(tenant: Tenant, subject: Asked, desk: Desk) -> list[AuthenticatorShown]:
    """List a person's passkeys, oldest first."""
    kept = desk.house.store.authenticators.of_subject(tenant, subject)
    return [AuthenticatorShown.model_validate(shown(one)) for one in kept]


@router.post("/tenants/{tenant}/authenticators/invitations", status_code=201, responses=_TAKEN)
def invite(tenant: Tenant, body: InvitationBody, who: Who, desk: Desk, proposal: Proposal = "") -> InvitationMade:
    """Make a link by which a person can add a passkey; one who has some confirms with one of them first."""
    made = inviting.invite(desk.house, tenant, clean_subject(body.subject), who.key_id, proposal=proposal)
    return InvitationMade(url=made.url, subject=made.subject, expires_ns=made.expires_ns)


@router.get("/tenants/{tenant}/authenticators/recoveries")
def list_recoveries(tenant: Tenant, desk: Desk) -> list[RecoveryShown]:
    """List the recoveries that wait for a second administrator."""
    return [RecoveryShown.model_validate(recovery_shown(one)) for one in inviting.open_recoveries(desk.house, tenant)]


@router.post("/tenants/{tenant}/authenticators/recoveries", status_code=201, responses=_TAKEN)
def request_recovery(tenant: Tenant, body: RecoveryBody, who: Who, desk: Desk) -> RecoveryShown:
    """Ask that a person who has lost all passkeys may begin anew."""
    made = inviting.request_recovery(desk.house, tenant, clean_subject(body.subject), who.key_id, body.reason)
    return RecoveryShown.model_validate(recovery_shown(made))


@router.post("/tenants/{tenant}/authenticators/recoveries/{recovery_id}/approval", responses=_TAKEN)
def approve_recovery(
    tenant: Tenant, recovery_id: RecoveryId, who: Who, desk: Desk, proposal: Proposal = ""
) -> RecoveryApproved:
    """Approve a recovery; whoever asked for it cannot. Where the tenant has people, enough of them must have agreed."""
    done = inviting.approve_recovery(desk.house, tenant, recovery_id, who.key_id, proposal)
    link = done.invited
    return RecoveryApproved(removed=done.removed, url=link.url, subject=link.subject, expires_ns=link.expires_ns)


@router.patch("/tenants/{tenant}/authenticators/{credential_id}", status_code=204, responses=_TAKEN)
def rename(tenant: Tenant, credential_id: CredentialId, body: NameBody, who: Who, desk: Desk) -> None:
    """Give a passkey another name."""
    inviting.rename(desk.house, tenant, body.subject, credential_id, clean_name(body.name), who.key_id)


@router.delete("/tenants/{tenant}/authenticators/{credential_id}", status_code=204)
def remove(tenant: Tenant, credential_id: CredentialId, subject: Asked, who: Who, desk: Desk, why: Reason = "") -> None:
    """Forget a passkey; from then on it confirms nothing."""
    inviting.remove(desk.house, tenant, subject, credential_id, who.key_id, why)

"""People of the console: list, enter with roles, take off."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from ostiary.server.admin.context import Desk, Everyones, Model, Tenant, Who
from ostiary.server.console.above import check_not_above
from ostiary.server.console.leaving import give_roles, let_go
from ostiary.server.console.oidc.standing import guests_of
from ostiary.server.console.people import ConsolePerson, people_of
from ostiary.server.console.stamps import stamp

router = APIRouter(tags=["console"])
Role = Literal["owner", "analyst", "approver", "auditor", "developer"]
Subject = Annotated[str, Path(max_length=256, description="The person, such as `user:ann`.")]


class PersonShown(Model):
    """One person of the console; ``since`` is RFC 3339."""

    subject: str
    roles: tuple[str, ...]
    deployment: bool
    since: str
    by: str


class GuestShown(Model):
    """One person whom a provider signed in, and nobody entered; ``since`` is RFC 3339."""

    subject: str
    roles: tuple[str, ...]
    provider: str
    since: str


class RolesBody(Model):
    """What a person is to be."""

    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=5)]


def _shown(one: ConsolePerson) -> PersonShown:
    return PersonShown(
        subject=one.subject, roles=one.roles, deployment=one.deployment, since=stamp(one.since_ns), by=one.by
    )


@router.get("/tenants/{tenant}/console/people")
def list_console_people(tenant: Tenant, desk: Desk) -> list[PersonShown]:
    """List who may sign in at the console."""
    return [_shown(one) for one in people_of(desk.house).all(tenant)]


@router.get("/tenants/{tenant}/console/guests")
def list_console_guests(tenant: Tenant, desk: Desk) -> list[GuestShown]:
    """List who is signed in by a provider's word alone, with the roles that the mapping gives now."""
    return [
        GuestShown(subject=one.subject, roles=one.roles, provider=one.by, since=stamp(one.since_ns))
        for one in guests_of(desk.house, tenant)
    ]


@router.put("/tenants/{tenant}/console/people/{subject}")
def enter_console_person(tenant: Tenant, subject: Subject, body: RolesBody, who: Who, desk: Desk) -> PersonShown:
    """Give a person roles, instead of those it had; whoever looks after the deployment goes on doing so.

    Keys that a person made as an owner end when it is none any more.
    """
    check_not_above(desk.house, who, tenant, subject)
    known = people_of(desk.house).find(tenant, subject)
    kept = known is not None and known.deployment
    return _shown(give_roles(desk.house, tenant, subject, body.roles, who.key_id, deployment=kept))


@router.put("/tenants/{tenant}/console/people/{subject}/deployment")
def let_look_after(tenant: Tenant, subject: Subject, body: RolesBody, who: Everyones, desk: Desk) -> PersonShown:
    """Let a person look after the whole deployment, with these roles."""
    return _shown(give_roles(desk.house, tenant, subject, body.roles, who.key_id, deployment=True))


@router.delete("/tenants/{tenant}/console/people/{subject}", status_code=204)
def remove_console_person(tenant: Tenant, subject: Subject, who: Who, desk: Desk) -> None:
    """Take all roles from a person, end its sessions, which do not come back with it, and the keys that it made."""
    check_not_above(desk.house, who, tenant, subject)
    let_go(desk.house, tenant, subject, who.key_id)

"""A person's rights: see what is kept, be forgotten."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import Field

from ostiary.audit.subjects import SubjectAdmin
from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.consented import may_erase
from ostiary.server.forgetting import forget

router = APIRouter(tags=["subjects"])
Name = Annotated[str, Field(min_length=1, max_length=2048)]


class SubjectBody(Model):
    """Whom it is about, as enforcement points name him."""

    type: Name
    id: Name


class EraseBody(SubjectBody):
    """Whom to forget, and for what legal reason; where the tenant has people, they must have agreed to both."""

    reason: Annotated[str, Field(max_length=500)] = ""
    proposal: Annotated[str, Field(max_length=128)] = ""


class Exported(Model):
    """Everything the log holds of a subject, oldest first."""

    subject: str
    records: list[dict[str, Any]]
    conversations: int


class Erased(Model):
    """What forgetting did; ``record_id`` tells of it in the log without a name."""

    records_erased: int
    record_id: str


@router.post("/tenants/{tenant}/subjects/export")
def export_subject(tenant: Tenant, body: SubjectBody, who: Who, desk: Desk) -> Exported:
    """Export what the log holds of a subject.

    Conversations are counted, not shown: an administrator does not read them. Their owner exports them at the door
    ``/conversations``, or whoever may open the data directory by ``ostiary subject export``.
    """
    key = f"{body.type}:{body.id}"
    records = SubjectAdmin(desk.house.log, desk.house.clock).export(tenant, key)
    found = [msgspec.to_builtins(record) for record in records]
    kept = desk.house.conversations.count(tenant, key)
    desk.record(who, tenant, "subject.export", records=len(found))
    return Exported(subject=key, records=found, conversations=kept)


@router.post("/tenants/{tenant}/subjects/erase")
def erase_subject(tenant: Tenant, body: EraseBody, who: Who, desk: Desk) -> Erased:
    """Forget a subject: its key is destroyed and its profile erased; proofs of its records stay valid."""
    target = f"{body.type}:{body.id}"
    consent = may_erase(desk.house, who.key_id, tenant, target, body.reason, body.proposal)
    desk.record(who, tenant, "subject.erase", **consent.told)
    erased = forget(desk.house, tenant, body.type, body.id)
    return Erased(records_erased=erased.count, record_id=erased.record_id)

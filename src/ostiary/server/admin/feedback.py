"""Verdicts on decisions and sessions, the labels they become, and suppressions with their preview."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.feedback.book import FeedbackBook
from ostiary.server.feedback.labels import labels_of
from ostiary.server.feedback.silencing import add, preview, remove
from ostiary.server.feedback.suppressions import Wish

router = APIRouter(tags=["feedback"])
_NOT_SO: dict[int | str, dict[str, Any]] = {409: {"description": "It is refused; the code says why."}}
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}


class FeedbackBody(Model):
    """What somebody says of a decision (``decision:dec_…``) or a session (``session:…``)."""

    target: Annotated[str, Field(min_length=9, max_length=310)]
    verdict: Literal["confirm", "dismiss", "safe"]
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]


class WishBody(Model):
    """What is to be silenced: a rule or a signal, for whom, until when, and why."""

    kind: Literal["rule", "signal"]
    name: Annotated[str, Field(min_length=1, max_length=256)]
    expires_ns: Annotated[int, Field(gt=0, lt=2**62)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    subject: Annotated[str, Field(max_length=256)] = ""
    group: Annotated[str, Field(max_length=256)] = ""
    resource_class: Annotated[str, Field(max_length=256)] = ""
    proposal: Annotated[str, Field(max_length=256)] = ""

    def wish(self) -> Wish:
        """Return it as the room knows it."""
        return Wish(**self.model_dump())


def _plain(told: object) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(told)
    return found


@router.post("/tenants/{tenant}/feedback", responses=_NOT_SO)
def give_feedback(tenant: Tenant, body: FeedbackBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Say what a decision or a session turned out to be; a later verdict replaces an earlier one, both stay."""
    book = FeedbackBook(desk.house)
    return _plain(book.say(tenant, body.target, body.verdict, body.reason, by=who.key_id, source="api"))


@router.get("/tenants/{tenant}/feedback")
def list_feedback(
    tenant: Tenant, desk: Desk, limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000
) -> list[dict[str, Any]]:
    """List verdicts, newest first, replaced ones too."""
    return [_plain(said) for said in list(FeedbackBook(desk.house).all(tenant))[::-1][:limit]]


@router.get("/tenants/{tenant}/feedback/precision")
def show_precision(tenant: Tenant, desk: Desk) -> list[dict[str, Any]]:
    """Show how many judged proposals of each adaptive rule were right."""
    return [{**_plain(row), "precision": row.precision} for row in FeedbackBook(desk.house).precision(tenant)]


@router.get("/tenants/{tenant}/feedback/labels", response_class=Response, responses=_CSV)
def export_labels(
    tenant: Tenant, who: Who, desk: Desk, most_share: Annotated[float, Query(gt=0, le=1)] = 1.0
) -> Response:
    """Export verdicts as labels for training; their digest is told, and on record."""
    data, provenance = labels_of(FeedbackBook(desk.house).by_event(tenant), most_share)
    desk.record(who, tenant, "feedback.export", digest=provenance.digest, labels=provenance.labels, by=provenance.by)
    return Response(data, media_type="text/csv; charset=utf-8", headers={"Ostiary-Digest": provenance.digest})


@router.get("/tenants/{tenant}/suppressions")
def list_suppressions(tenant: Tenant, desk: Desk) -> list[dict[str, Any]]:
    """List suppressions, expired ones too."""
    now = desk.house.clock.now_ns()
    return [{**_plain(each), "in_force": now < each.expires_ns} for each in desk.house.suppressions.listed(tenant)]


@router.post("/tenants/{tenant}/suppressions", responses=_NOT_SO)
def add_suppression(tenant: Tenant, body: WishBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Silence a model's proposals for a while; one that names no subject needs an approval."""
    return _plain(add(desk.house, desk.house.suppressions, tenant, body.wish(), who.key_id))


@router.post("/tenants/{tenant}/suppressions/preview", responses=_NOT_SO)
def preview_suppression(
    tenant: Tenant, body: WishBody, who: Who, desk: Desk, days: Annotated[float, Query(gt=0, le=3_650)] = 30.0
) -> dict[str, Any]:
    """Show what a suppression would have done in the last days, and which true alarms it would have hidden."""
    return _plain(preview(desk.house, desk.house.suppressions, tenant, body.wish(), who.key_id, days))


@router.delete("/tenants/{tenant}/suppressions/{suppression}")
def remove_suppression(tenant: Tenant, suppression: str, who: Who, desk: Desk) -> dict[str, Any]:
    """End a suppression at once."""
    return _plain(remove(desk.house, desk.house.suppressions, tenant, suppression, who.key_id))

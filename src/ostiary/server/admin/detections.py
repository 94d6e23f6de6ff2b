"""Detections: what somebody should look at, as one list, and one with all that belongs to it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from ostiary.server.admin.context import Desk, Tenant
from ostiary.server.analyst.detections import Detection, DetectionFilter, detections_of
from ostiary.server.analyst.finding import DetectionWhole, detection_of

router = APIRouter(tags=["detections"])
Part = Annotated[str, Query(max_length=256)]
Kind = Literal[
    "", "case", "denied", "drift", "extraction", "injection", "leak", "playbook", "poisoning", "risk", "sigma"
]


@router.get("/tenants/{tenant}/detections")
def list_detections(
    tenant: Tenant,
    desk: Desk,
    kind: Kind = "",
    state: Literal["", "open", "closed"] = "",
    subject: Part = "",
    tag: Part = "",
    rule: Part = "",
    days: Annotated[float, Query(gt=0, le=366)] = 7.0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[Detection]:
    """List detections, newest first; filters are joined by AND."""
    return detections_of(desk.house, tenant, DetectionFilter(kind, state, subject, tag, rule, days), limit)


@router.get("/tenants/{tenant}/detections/{detection}")
def show_detection(tenant: Tenant, detection: str, desk: Desk) -> DetectionWhole:
    """Show one detection: its case, rules, signals, findings, steps, and what people said of it."""
    return detection_of(desk.house, tenant, detection)

"""How things stand: what was decided, what was changed, where the models' controls are, what is open to anybody."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from ostiary.decision.index.ports import HOUR_NS
from ostiary.server.admin.context import Desk, Model, Tenant
from ostiary.server.composed import fail_open
from ostiary.server.console.stamps import stamp
from ostiary.server.marks import marks_of
from ostiary.vocabulary.effects import Effect

router = APIRouter(tags=["overview"])
_DAY_H = 24
_TOP = 5
_REFUSED = (Effect.STEP_UP, Effect.DENY, Effect.TERMINATE)


class Series(Model):
    """Counts by effect, one a step; ``times`` are milliseconds since the Unix epoch, where each step begins."""

    step_h: int
    times: list[int]
    counts: dict[str, list[int]]


class MarkShown(Model):
    """Something that was changed; ``at`` is RFC 3339."""

    at: str
    at_ms: int
    text: str
    by: str
    record: str


class Often(Model):
    """What came most often among decisions that asked again, refused or ended."""

    field: Literal["subject", "resource", "rule"]
    value: str
    count: int


class Overview(Model):
    """How things stand.

    Attributes:
        totals: decisions by effect in the span.
        before: the same for the span before it.
        open: options by which something goes through that could not be checked or recorded.
    """

    since: str
    totals: dict[str, int]
    before: dict[str, int]
    series: Series
    marks: list[MarkShown]
    often: list[Often]
    height: int
    open: tuple[str, ...]


@router.get("/tenants/{tenant}/overview")
def show_overview(tenant: Tenant, desk: Desk, days: Annotated[int, Query(ge=1, le=90)] = 1) -> Overview:
    """Show how things stand, over the last days."""
    house = desk.house
    now_ns, span_h = house.clock.now_ns(), days * _DAY_H
    end = now_ns // HOUR_NS + 1
    index = house.store.decisions
    counted = index.hours(tenant, end - 2 * span_h, end)
    step_h = 1 if days == 1 else 6 if days <= 7 else _DAY_H  # noqa: PLR2004 - what a chart can show
    series, totals, before = _series(step_h, end - span_h, end), _nothing(), _nothing()
    for one in counted:
        now = one.hour >= end - span_h
        (totals if now else before)[one.effect.name] += one.count
        if now:
            series.counts[one.effect.name][(one.hour - (end - span_h)) // step_h] += one.count
    since_ns = (end - span_h) * HOUR_NS
    marks = [
        MarkShown(at=stamp(m.at_ns), at_ms=m.at_ns // 1_000_000, text=m.text, by=m.by, record=m.record)
        for m in marks_of(house, tenant, since_ns)
    ]
    often = [
        Often(field=field, value=value, count=count)
        for field in ("subject", "resource", "rule")
        for value, count in index.top(tenant, field, _REFUSED, since_ns, _TOP)
        if value
    ]
    return Overview(
        since=stamp(since_ns),
        totals=totals,
        before=before,
        series=series,
        marks=marks,
        often=often,
        height=house.log.head().size,
        open=fail_open(house.settings),
    )


def _nothing() -> dict[str, int]:
    return {effect.name: 0 for effect in Effect}


def _series(step_h: int, start: int, end: int) -> Series:
    times = [hour * HOUR_NS // 1_000_000 for hour in range(start, end, step_h)]
    return Series(step_h=step_h, times=times, counts={effect.name: [0] * len(times) for effect in Effect})

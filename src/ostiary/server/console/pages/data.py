"""Datasets and feature sets: what is registered, who may read which column, what was read, and when."""

from typing import Any, Final
from urllib.parse import urlencode

from ostiary.errors import FaultyInputError
from ostiary.server.admin.datasets import list_datasets, show_dataset
from ostiary.server.admin.features import (
    dataset_heat,
    dataset_reads,
    feature_heat,
    feature_reads,
    list_feature_sets,
    show_access,
    who_reads,
)
from ostiary.server.admin.training import list_tokens
from ostiary.server.column_access.heat import DAYS
from ostiary.server.column_access.readers import READ
from ostiary.server.console.asked import place_of
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/data"
READS: Final = 25
BUDGETS: Final = 10
_LONGEST: Final = 256


def show(visit: Visit) -> Reply:
    """Show all datasets and feature sets."""
    return visit.page(
        "data.html",
        HERE,
        datasets=[one.model_dump() for one in list_datasets(visit.tenant, visit.desk)],
        sets=[one.model_dump() for one in list_feature_sets(visit.tenant, visit.desk)],
    )


def dataset(visit: Visit) -> Reply:
    """Show one dataset: how its manifest stands, budgets of tokens, what was read."""
    tenant, name, desk = visit.tenant, visit.told["dataset"], visit.desk
    shown = show_dataset(tenant, name, desk)
    reads = dataset_reads(tenant, name, desk, place_of(visit.query), READS)
    tokens = list_tokens(tenant, desk, None, BUDGETS, name, "")
    budgets = [_budget(one) for one in tokens.tokens if one.get("used") is not None]
    return visit.page(
        "dataset.html",
        HERE,
        dataset=shown.model_dump(),
        reads=[_read(one) for one in reads.reads],
        next=reads.next,
        budgets=budgets,
        heat=_heat(dataset_heat(tenant, name, desk).model_dump()),
    )


def features(visit: Visit) -> Reply:
    """Show one feature set: columns by roles, who may read one column, accesses by hour."""
    tenant, name, desk = visit.tenant, visit.told["view"], visit.desk
    column, stage, purpose = (visit.query.get(each, "")[:_LONGEST] for each in ("column", "stage", "purpose"))
    access = show_access(tenant, name, desk, purpose).model_dump()
    if stage and stage not in access["stages"]:
        raise FaultyInputError("console_stage_unknown", f"no table names that stage: {', '.join(access['stages'])}")
    found = _who(visit, name, column, stage, purpose) if column else None
    reads = feature_reads(tenant, name, desk, place_of(visit.query), READS)
    roles = sorted({one["role"] for one in access["grants"]})
    return visit.page(
        "feature_set.html",
        HERE,
        name=name,
        access=access,
        roles=[{"name": role, "when": _when(access["grants"], role)} for role in roles],
        cells=access["cells"][stage],
        stage=stage,
        purpose=purpose,
        column=column,
        found=found,
        reads=[_read(one) for one in reads.reads],
        next=reads.next,
        heat=_heat(feature_heat(tenant, name, desk).model_dump()),
    )


def _who(visit: Visit, name: str, column: str, stage: str, purpose: str) -> dict[str, Any]:
    told = who_reads(visit.tenant, name, visit.desk, column, stage, purpose).model_dump()
    asked = {"action": READ, "resource": f"feature_set:{name}"}
    told["readers"] = [
        {**one, "verify": f"/explain?{urlencode({'subject': one['subject'], **asked})}"} for one in told["readers"]
    ]
    return told


def _when(grants: list[dict[str, Any]], role: str) -> list[list[str]]:
    """Return what each of a role's grants asks for besides; one that asks for nothing makes the others moot."""
    wanted = [list(one["when"]) for one in grants if one["role"] == role]
    return [] if [] in wanted else wanted


def _heat(told: dict[str, Any]) -> dict[str, Any]:
    return {
        **told,
        "days": DAYS,
        "since": stamp(told["since_ns"]) if told["counted"] else "",
        "until": stamp(told["until_ns"]) if told["counted"] else "",
        "table": _table(told["cells"]),
    }


def _table(cells: list[tuple[int, int, int]]) -> list[dict[str, Any]]:
    """Return the heat map as rows of a table: one a day that has accesses."""
    by_day: dict[int, dict[int, int]] = {}
    for hour, day, count in cells:
        by_day.setdefault(day, {})[hour] = count
    return [
        {"day": DAYS[day], "all": sum(hours.values()), "busiest": max(hours, key=lambda hour: hours[hour])}
        for day, hours in sorted(by_day.items())
    ]


def _read(told: dict[str, Any]) -> dict[str, Any]:
    absent = {
        "action": "",
        "object": "",
        "outcome": "",
        "code": "",
        "bytes": 0,
        "rows": None,
        "decision": "",
        "token": "",
    }
    more = {"operation": "", "columns": [], "manifest": ""}
    return {**absent, **more, **told, "at": stamp(told["at_ns"])}


def _budget(told: dict[str, Any]) -> dict[str, Any]:
    detail, used = told["detail"], told["used"]
    return {
        "at": stamp(told["at_ns"]),
        "token": str(told.get("token_id", "")),
        "subject": str(told.get("subject", "")),
        "bytes": used["bytes"],
        "most_bytes": int(detail.get("max_bytes", 0)),
        "objects": used["objects"],
        "most_objects": int(detail.get("max_objects", 0)),
    }


ROUTES = (
    Route("GET", HERE, "data", show),
    Route("GET", "/data/datasets/{dataset}", "data", dataset),
    Route("GET", "/data/features/{view}", "data", features),
)

"""Pipelines: what was trained by whom from which commit, in which sandbox; tokens; where models come from."""

from typing import Any, Final
from urllib.parse import quote

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.admin.commits import list_commits
from ostiary.server.admin.lineage import show_lineage
from ostiary.server.admin.models import list_models
from ostiary.server.admin.training import RunShown, list_runs, list_tokens, show_run
from ostiary.server.console.asked import place_of
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/pipelines"
RUNS: Final = 25
TOKENS: Final = 25
CONNECTIONS: Final = 200
_LONGEST: Final = 256
_NO_CALL: Final = {"host": "", "port": 0, "sni": "", "address": "", "bytes_up": 0, "bytes_down": 0, "duration_ms": 0}
_PAGES: Final = {"dataset": "/data/datasets/", "run": "/sandboxes/", "model": "/models/", "identity": "/subjects/"}


def show(visit: Visit) -> Reply:
    """Show runs, tokens and approved commits."""
    tenant, desk = visit.tenant, visit.desk
    resource, subject = (visit.query.get(name, "")[:_LONGEST] for name in ("resource", "subject"))
    runs = list_runs(tenant, desk, place_of(visit.query), RUNS)
    tokens = list_tokens(tenant, desk, place_of(visit.query, "tokens"), TOKENS, resource, subject)
    return visit.page(
        "pipelines.html",
        HERE,
        runs=[_run(one) for one in runs.runs],
        next=runs.next,
        tokens=[_token(one) for one in tokens.tokens],
        more_tokens=tokens.next,
        resource=resource,
        subject=subject,
        commits=[
            {**one.model_dump(), "until": stamp(one.until_ns), "over": one.until_ns <= visit.now_ns}
            for one in list_commits(tenant, desk)
        ],
    )


def sandbox(visit: Visit) -> Reply:
    """Show one run."""
    run = _run(show_run(visit.tenant, visit.told["run"], visit.desk))
    calls = run["connections"]
    return visit.page(
        "sandbox.html",
        HERE,
        run=run,
        calls=[{**_NO_CALL, **one, "at": stamp(one["at_ns"])} for one in calls[:CONNECTIONS]],
        refused=sum(one["verdict"] != "allowed" for one in calls),
        most=CONNECTIONS,
    )


def lineage(visit: Visit) -> Reply:
    """Show where a model, or everything that is live, comes from."""
    name = visit.query.get("model", "")[:_LONGEST]
    try:
        found = show_lineage(visit.tenant, visit.desk, name)
    except FaultyInputError:
        raise RefusedError("model_unknown", "there is no such model") from None
    nodes = {one.name: {**one.model_dump(), "href": _page_of(one.kind, one.id)} for one in found.nodes}
    links = [{**one.model_dump(), "from": nodes[one.source], "to": nodes[one.target]} for one in found.links]
    return visit.page(
        "lineage.html",
        HERE,
        model=name,
        models=list_models(visit.tenant, visit.desk),
        nodes=list(nodes.values()),
        links=links,
        cut=found.cut,
        picture={
            "nodes": [{"name": one.name, "href": nodes[one.name]["href"]} for one in found.nodes],
            "links": [{"source": one.source, "target": one.target, "value": 1} for one in found.links],
        },
    )


def _page_of(kind: str, id_: str) -> str:
    """Return where a thing has its page; a token has its row in the list, an endpoint its own of the gateway."""
    return f"{_PAGES[kind]}{quote(id_, safe='')}" if kind in _PAGES else ""


def _run(shown: RunShown) -> dict[str, Any]:
    told = shown.run
    absent = {
        "phase": "",
        "pipeline": "",
        "command": [],
        "commit": "",
        "datasets": [],
        "egress": [],
        "sandbox": "",
        "limits": {},
        "probes": 0,
        "status": None,
        "timed_out": False,
        "peak_memory": 0,
        "connections": [],
        "turned_away": 0,
        "egress_log": "",
        "bytes_up": 0,
        "bytes_down": 0,
        "outputs": [],
        "outputs_digest": "",
        "provenance": "",
        "delivered": "",
        "code": "",
        "reasons": [],
        "environment": None,
        "decision_id": "",
        "told_by": "",
        "start_ms": {},
        "user": -1,
    }
    ended = told.get("ended_ns", 0)
    return {
        **absent,
        **told,
        "stands": shown.commit.model_dump(),
        "began": stamp(min(told["phases"].values())),
        "ended": stamp(ended) if ended else "",
        "times": [(phase, stamp(at)) for phase, at in told["phases"].items()],
        "until": stamp(shown.commit.until_ns) if shown.commit.until_ns else "",
        "state": _state(told),
        "calls_refused": sum(one["verdict"] != "allowed" for one in told.get("connections", ())),
    }


def _state(told: dict[str, Any]) -> tuple[str, str]:
    """Return how a run stands in words, and the kind of tag that says it."""
    phase = told.get("phase", "")
    if phase == "refused":
        return "refused", "bad"
    if phase != "ended":
        return ("granted", "wait") if phase == "granted" else ("never came back, or runs", "wait")
    if told.get("timed_out"):
        return "ended for its time", "bad"
    status = told.get("status")
    return ("done", "good") if status == 0 else (f"failed with {status}", "bad")


def _token(told: dict[str, Any]) -> dict[str, Any]:
    detail, origin = told.get("detail") or {}, told.get("origin") or {}
    return {
        "at": stamp(told["at_ns"]),
        "action": str(told.get("action", "")),
        "subject": str(told.get("subject", "")),
        "first": f"{origin.get('sub_type', '')}:{origin['sub']}" if origin.get("sub") else "",
        "issuer": str(origin.get("iss", "")),
        "token": str(told.get("token_id", "")),
        "type": str(detail.get("type", "")).removeprefix("ostiary_"),
        "resource": str(detail.get("identifier", "")),
        "actions": [str(one) for one in detail.get("actions", ())],
        "stage": str(detail.get("stage", "")),
        "purpose": str(detail.get("purpose", "")),
        "columns": [str(one) for one in detail.get("datatypes", ())],
        "until": stamp(told["expires_ns"]) if told.get("expires_ns") else "",
        "bound": sorted(told.get("bound") or {}),
        "decisions": [str(one) for one in told.get("decisions", ())],
        "by": str(told.get("by", "")),
        "most_bytes": int(detail.get("max_bytes", 0)),
        "used": told.get("used"),
    }


ROUTES = (
    Route("GET", HERE, "pipelines", show),
    Route("GET", "/pipelines/lineage", "pipelines", lineage),
    Route("GET", "/sandboxes/{run}", "pipelines", sandbox),
)

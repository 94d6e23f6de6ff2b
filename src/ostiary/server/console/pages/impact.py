"""Impact: what a candidate would have done with the true decisions of the last days; started here, kept, and read."""

from typing import Any, Final

from ostiary.decision.impact import DIRECTIONS
from ostiary.server.admin.impact import RunShown, WishBody, list_impact, show_impact, show_impact_page, start_impact
from ostiary.server.admin.whatif import list_candidates
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.impact.page import WORDS
from ostiary.server.impact.runs import KEPT, MOST_DAYS
from ostiary.server.wire import Reply

HERE: Final = "/impact"
_MODEL: Final = "shadow-model"
_SHOWN: Final = 50


def show(visit: Visit) -> Reply:
    """Show what was studied, and what can be."""
    return visit.page(
        "impact.html",
        HERE,
        runs=[_row(one) for one in list_impact(visit.tenant, visit.desk)],
        candidates=list_candidates(visit.tenant, visit.desk),
        kept=KEPT,
        most_days=int(MOST_DAYS),
    )


def start(visit: Visit) -> Reply:
    """Start a study of a candidate."""
    candidate = visit.form.get("candidate", "")
    told = {"about": "model" if candidate == _MODEL else "policy", "candidate": candidate}
    body = WishBody.model_validate({**told, "days": visit.form.get("days", "30")})
    run = start_impact(visit.tenant, body, visit.who, visit.desk)
    return visit.done(f"{HERE}/{run.run}", "The study has begun")


def show_run(visit: Visit) -> Reply:
    """Show one study: how far it is, or its report."""
    found = show_impact(visit.tenant, visit.told["run"], visit.desk)
    report = found.report
    flips = {one["direction"]: one for one in report["flips"]} if report else {}
    return visit.page(
        "impact_run.html",
        HERE,
        run=_row(found.run),
        report=report,
        made=stamp(report["made_ns"]) if report else "",
        columns=sorted({after for row in report["agreement"].values() for after in row}) if report else [],
        ways=[(way, WORDS[way], flips[way]["count"]) for way in DIRECTIONS if way in flips],
        samples=[(way, WORDS[way], _sample(flips[way])) for way in DIRECTIONS if way in flips and flips[way]["count"]],
        words=WORDS,
    )


def progress(visit: Visit) -> Reply:
    """Tell how far a study is: a part of its page, which asks again until it is over."""
    found = show_impact(visit.tenant, visit.told["run"], visit.desk)
    return visit.part("impact_progress.html", run=_row(found.run))


def report_page(visit: Visit) -> Reply:
    """Hand the report out, as one page of HTML without a script."""
    name = visit.told["run"]
    made = show_impact_page(visit.tenant, name, visit.desk)
    kept = tuple(
        (header.encode("ascii"), made.headers[header].encode("ascii"))
        for header in ("content-type", "content-security-policy", "x-content-type-options")
    )
    named = (b"content-disposition", b'attachment; filename="impact.html"')
    return Reply(200, bytes(made.body), (*kept, named, (b"cache-control", b"no-store")))


def _row(run: RunShown) -> dict[str, Any]:
    ended = stamp(run.ended_ns) if run.ended_ns else ""
    return {**run.model_dump(), "started": stamp(run.started_ns), "ended": ended}


def _sample(flips: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**one, "at": stamp(one["time_ns"])} for one in flips["shown"][:_SHOWN]]


ROUTES = (
    Route("GET", HERE, "impact", show),
    Route("POST", HERE, "impact", start, "propose"),
    Route("GET", "/impact/{run}", "impact", show_run),
    Route("GET", "/impact/{run}/progress", "impact", progress),
    Route("GET", "/impact/{run}/report.html", "impact", report_page),
)

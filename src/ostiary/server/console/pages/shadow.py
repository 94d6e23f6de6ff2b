"""Candidates beside the live ones, and the shadow report: what a control or a candidate would have done to people.

1. Names of people are told to owners and analysts; everybody else, and every file that is taken away, has pseudonyms.
2. Nobody reads of himself why he would have been stopped: one's own row is left out.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

import msgspec

from ostiary.decision.counts import LIVE
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.admin.shadow import (
    PictureShown,
    ReportBody,
    StartBody,
    What,
    kept,
    list_candidates,
    shadow_pictures,
    shadow_report,
    start_candidate,
    stop_candidate,
)
from ostiary.server.console.acting import text_of
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.shadow.report.page import page
from ostiary.server.shadow.report.paper import paper
from ostiary.server.shadow.report.sheet import Sheet
from ostiary.server.shadow.report.words import facts, precision_words, sentence, title, warnings
from ostiary.server.wire import Reply
from ostiary.signals.texts import shown as harmless
from ostiary.vocabulary.effects import Control, Effect

HERE: Final = "/rollout/shadow"
WHATS: Final[tuple[What, ...]] = get_args(What)
SPANS: Final = ("1", "7", "14", "30", "90")
NAMED: Final = frozenset({"owner", "analyst"})
_CANDIDATE: Final = "candidate-"
_NS: Final = 1_000_000_000
_SAFE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"sandbox"),
)
_KINDS: Final = {"html": b"text/html; charset=utf-8", "pdf": b"application/pdf"}


def show(visit: Visit) -> Reply:
    """Show the candidates, and what was compared."""
    days = _days(visit.query.get("days", "14"))
    found = list_candidates(visit.tenant, visit.desk)
    pictures = shadow_pictures(visit.tenant, visit.desk, days)
    names = {LIVE: "the live model, every control live", **{one.digest: f"the candidate {one.what}" for one in found}}
    return visit.page(
        "shadow.html",
        "/rollout",
        candidates=[{"one": one, "since": stamp(int(one.since * _NS))} for one in found],
        idle=[what for what in WHATS if what not in {one.what for one in found}],
        days=str(days),
        spans=SPANS,
        controls=[one.value for one in Control],
        effects=[effect.name for effect in Effect],
        matrices=[_matrix(one, names[one.about]) for one in pictures],
        histogram=_histogram(pictures, names),
    )


def start(visit: Visit) -> Reply:
    """Let a candidate run beside the live one."""
    what = _what(visit.told["what"])
    start_candidate(visit.tenant, what, StartBody(why=text_of(visit, "why", "say why")), visit.who, visit.desk)
    return visit.done(HERE, f"The candidate {what} runs beside the live one")


def stop(visit: Visit) -> Reply:
    """Let a candidate run no more."""
    what = _what(visit.told["what"])
    stop_candidate(visit.tenant, what, StartBody(why=text_of(visit, "why", "say why")), visit.who, visit.desk)
    return visit.done(HERE, f"The candidate {what} runs no more")


def report(visit: Visit) -> Reply:
    """Show what a control or a candidate would have done."""
    asked = _asked({name: value for name, value in visit.query.items() if value})
    named = bool(NAMED & set(visit.person.roles))
    told = shadow_report(
        visit.tenant,
        visit.who,
        visit.desk,
        control=asked.control,
        candidate=asked.candidate,
        days=asked.days,
        budget=asked.budget,
        names=named,
    )
    sheet = _sheet(told)
    people = [one for one in sheet.people if one.name not in set(map(harmless, visit.own_names))]
    return visit.page(
        "shadow_report.html",
        "/rollout",
        sheet=sheet,
        title=title(sheet),
        sentence=sentence(sheet),
        warnings=list(warnings(sheet)),
        facts=facts(sheet),
        precision=precision_words(sheet),
        people=people,
        left_out=len(sheet.people) - len(people),
        named=named,
        asked=asked,
        spans=SPANS,
        controls=[one.value for one in Control],
        export=f"{HERE}/reports/{asked.control or _CANDIDATE + asked.candidate}/{asked.days}",
        pictures=_pictures(sheet),
        patterns=_by_kind(sheet),
    )


def export(visit: Visit) -> Reply:
    """Keep a report, and hand it out as a file; it has pseudonyms."""
    about, form = visit.told["about"], visit.told["form"]
    if form not in _KINDS:
        raise RefusedError("report_form_unknown", "a report is html or pdf")
    candidate = about.removeprefix(_CANDIDATE) if about.startswith(_CANDIDATE) else ""
    asked = ReportBody.model_validate(
        {"control": "" if candidate else about, "candidate": candidate, "days": visit.told["days"]}
    )
    sheet, digest = kept(visit.tenant, asked, visit.who, visit.desk)
    body = page(sheet, digest).encode() if form == "html" else paper(sheet, digest)
    name = f'attachment; filename="shadow-report.{form}"'.encode("ascii")
    return Reply(200, body, ((b"content-type", _KINDS[form]), (b"content-disposition", name), *_SAFE))


def _asked(told: Mapping[str, str]) -> ReportBody:
    asked = ReportBody.model_validate({name: told[name] for name in ReportBody.model_fields if name in told})
    return asked if asked.control or asked.candidate else asked.model_copy(update={"control": "step_up"})


def _sheet(told: dict[str, Any]) -> Sheet:
    return msgspec.convert(told, Sheet)


def _what(name: str) -> What:
    if name not in WHATS:
        raise RefusedError("candidate_unknown", "a candidate is a `model` or a `bundle`")
    return name


def _days(text: str) -> int:
    if text not in SPANS:
        raise FaultyInputError("request_invalid", f"`days` is one of {', '.join(SPANS)}")
    return int(text)


def _matrix(one: PictureShown, name: str) -> dict[str, Any]:
    counts = {(pair.before, pair.after): pair.count for pair in one.pairs}
    return {"name": name, "counts": counts, "total": sum(counts.values())}


def _histogram(pictures: Iterable[PictureShown], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the scores of the live model and of the candidate, in percent of each; empty without any."""
    told = [one for one in pictures if one.scores]
    short = {one.about: "live" if one.about == LIVE else names[one.about] for one in told}
    tones = ("brand", "reduce", "step-up")
    return {
        "labels": [f"{edge:.2g}" for edge in told[0].edges] if told else [],
        "series": {short[one.about]: [round(100 * count / sum(one.scores), 2) for count in one.scores] for one in told},
        "tones": {short[one.about]: tones[at % len(tones)] for at, one in enumerate(told)},
        "x": "score",
        "y": "% of its scores",
        "most": None,
    }


def _pictures(sheet: Sheet) -> dict[str, Any]:
    return {
        "daily": {
            "labels": [day.day for day in sheet.daily],
            "series": {
                "interrupted": [day.interrupts for day in sheet.daily],
                "of these, blocked": [day.blocks for day in sheet.daily],
            },
            "tones": {"interrupted": "step-up", "of these, blocked": "deny"},
            "x": "day (UTC)",
            "y": "accesses",
            "most": sheet.budget.asked,
        },
        "calibration": {
            "bands": [
                {
                    "predicted": one.predicted,
                    "seen": one.seen,
                    "low": one.seen_low,
                    "high": one.seen_high,
                    "rows": one.rows,
                }
                for one in sheet.reliability
            ]
        },
        "steps": [
            {
                "threshold": one.threshold,
                "a_day": one.a_day,
                "users": one.users,
                "precision": one.precision,
                "recall": one.recall,
            }
            for one in sheet.steps
        ],
    }


def _by_kind(sheet: Sheet) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in sheet.patterns:
        found.setdefault("hour (UTC)" if one.of == "hour" else one.of, []).append(one)
    return found


ROUTES = (
    Route("GET", HERE, "rollout", show),
    Route("POST", f"{HERE}/{{what}}/start", "rollout", start, "change"),
    Route("POST", f"{HERE}/{{what}}/stop", "rollout", stop, "change"),
    Route("GET", f"{HERE}/report", "rollout", report),
    Route("GET", f"{HERE}/reports/{{about}}/{{days}}/{{form}}", "rollout", export, "export"),
)

"""Detections: the list with its filters and the precision of each rule; one with feedback; working on a case."""

import csv
import io
from typing import Any, get_args

from ostiary.errors import FaultyInputError
from ostiary.server.admin.cases import (
    AssignBody,
    CloseBody,
    CommentBody,
    assign_case,
    close_case,
    comment_case,
    show_case,
)
from ostiary.server.admin.detections import Kind, list_detections, show_detection
from ostiary.server.admin.feedback import FeedbackBody, give_feedback, show_precision
from ostiary.server.analyst.detections import Detection
from ostiary.server.console.acting import check_not_own, text_of
from ostiary.server.console.links import detection_path, session_path, subject_path, with_filters
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.decision_index.shown import guarded
from ostiary.server.wire import Reply

HERE = "/detections"
MOST = 100
EVERY = 1_000
FILTERS = ("kind", "state", "subject", "tag", "rule", "days")
SPANS = ("1", "7", "30", "90")
COLUMNS = ("id", "kind", "time", "title", "subject", "effect", "state", "verdict", "assignee", "tags", "rules")


def show(visit: Visit) -> Reply:
    """Show the list."""
    asked = _asked(visit)
    rows = _rows(visit, asked, MOST + 1)
    return visit.page(
        "detections.html",
        HERE,
        rows=rows[:MOST],
        more=len(rows) > MOST,
        asked=asked,
        kinds=[one for one in get_args(Kind) if one],
        spans=SPANS,
        chips=[(name, value, with_filters(HERE, asked, **{name: ""})) for name, value in asked.items() if value],
        query=with_filters("", asked),
        precision=show_precision(visit.tenant, visit.desk),
        path_of=detection_path,
        subject_path=subject_path,
        filtered=lambda **changed: with_filters(HERE, asked, **changed),
        stamp=stamp,
    )


def export(visit: Visit) -> Reply:
    """Give the list away as a table; that it was done is recorded."""
    asked = _asked(visit)
    visit.desk.record(visit.who, visit.tenant, "detections.export", filters=[name for name in asked if asked[name]])
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    table.writerows(_cells(one) for one in _rows(visit, asked, EVERY))
    headers = (
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="detections.csv"'),
    )
    return Reply(200, text.getvalue().encode(), headers)


def show_one(visit: Visit) -> Reply:
    """Show one detection; of oneself without scores and signals."""
    found = show_detection(visit.tenant, visit.told["detection"], visit.desk)
    return visit.page(
        "detection.html",
        HERE,
        one=found,
        mine=found.row.subject in visit.own_names,
        path=detection_path(found.row.id),
        subject_path=subject_path(found.row.subject) if found.row.subject else "",
        links=[_link(text) for text in found.case.links] if found.case else [],
        stamp=stamp,
        at=lambda seconds: stamp(int(seconds * 1_000_000_000)),
    )


def say(visit: Visit) -> Reply:
    """Say what the decision behind a detection turned out to be."""
    row = show_detection(visit.tenant, visit.told["detection"], visit.desk).row
    if not row.decision:
        raise FaultyInputError("feedback_invalid", "there is no decision behind this: close its case instead")
    check_not_own(visit, row.subject)
    verdict = {"target": f"decision:{row.decision}", "verdict": visit.form.get("verdict", "")}
    told: dict[str, Any] = {**verdict, "reason": text_of(visit, "why", "say why")}
    give_feedback(visit.tenant, FeedbackBody.model_validate(told), visit.who, visit.desk)
    return visit.done(detection_path(row.id), "Your verdict is kept, and counts from now on")


def assign(visit: Visit) -> Reply:
    """Give a case to somebody; to oneself where nobody is named."""
    name, whom = visit.told["detection"], visit.form.get("assignee", "").strip() or visit.person.subject
    assign_case(visit.tenant, name, AssignBody(assignee=whom), visit.who, visit.desk)
    return visit.done(detection_path(name), f"{whom} looks into it")


def comment(visit: Visit) -> Reply:
    """Add a comment."""
    name, text = visit.told["detection"], text_of(visit, "text", "write a comment")
    comment_case(visit.tenant, name, CommentBody(text=text), visit.who, visit.desk)
    return visit.done(detection_path(name), "Your comment was added")


def close(visit: Visit) -> Reply:
    """Close a case with a verdict; the reason is kept as its last comment."""
    name, why = visit.told["detection"], text_of(visit, "why", "say why")
    check_not_own(visit, show_case(visit.tenant, name, visit.desk).subject)
    told: dict[str, Any] = {"verdict": visit.form.get("verdict", "")}
    body = CloseBody.model_validate(told)
    comment_case(visit.tenant, name, CommentBody(text=why), visit.who, visit.desk)
    close_case(visit.tenant, name, body, visit.who, visit.desk)
    return visit.done(detection_path(name), f"The case is closed: {body.verdict.value.replace('_', ' ')}")


def _asked(visit: Visit) -> dict[str, str]:
    asked = {name: visit.query.get(name, "").strip()[:256] for name in FILTERS}
    if asked["kind"] not in get_args(Kind) or asked["state"] not in {"", "open", "closed"}:
        raise FaultyInputError("filter_invalid", "there is no such kind or state")
    if asked["days"] not in {"", *SPANS}:
        raise FaultyInputError("filter_invalid", f"days are one of {', '.join(SPANS)}")
    return asked


def _rows(visit: Visit, asked: dict[str, str], limit: int) -> list[Detection]:
    """Return what fits, without decisions about who looks: that one is here tells what a model proposed of it."""
    texts: dict[str, Any] = {name: asked[name] for name in ("kind", "state", "subject", "tag", "rule")}
    found = list_detections(visit.tenant, visit.desk, **texts, days=float(asked["days"] or 7), limit=limit)
    me = visit.own_names
    return [one for one in found if one.id != one.decision or one.subject not in me]


def _cells(one: Detection) -> list[str]:
    plain = one.model_dump()
    told = {**plain, "time": stamp(one.time_ns), "tags": " ".join(one.tags), "rules": " ".join(one.rules)}
    return [guarded(str(told[name])) for name in COLUMNS]


def _link(text: str) -> tuple[str, str]:
    """Return a case's link as a path, empty where there is no page of it, and as a text."""
    kind, _, name = text.partition(":")
    paths = {"decision": f"/decisions/{name}", "session": session_path(name), "device": f"/devices/{name}"}
    return (paths.get(kind, "") if name.replace("_", "").isalnum() else ""), text


ROUTES = (
    Route("GET", HERE, "detections", show),
    Route("GET", "/detections/export", "detections", export, "export"),
    Route("GET", "/detections/{detection}", "detections", show_one),
    Route("POST", "/detections/{detection}/feedback", "detections", say, "triage"),
    Route("POST", "/detections/{detection}/assign", "detections", assign, "triage"),
    Route("POST", "/detections/{detection}/comment", "detections", comment, "triage"),
    Route("POST", "/detections/{detection}/close", "detections", close, "triage"),
)

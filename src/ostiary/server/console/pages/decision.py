"""One decision, told from the sentence down to its proof; replayed, asked about otherwise, and judged by people.

1. Who was scored sees no score of himself, nor what made it: neither in words nor in the raw record.
2. What is shown is what ``/api/v1`` tells; nothing here changes a decision.
3. A person judges others' accesses: a verdict becomes a label, and nobody labels himself (``feedback_own``).
"""

from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from ostiary.decision.explain import Explanation, explain
from ostiary.decision.index.query import DecisionQuery
from ostiary.decision.index.words import query_of, words
from ostiary.decision.ocsf import ocsf_of
from ostiary.errors import FaultyInputError
from ostiary.server.admin.decision_story import (
    check_decision_proof,
    replay_decision,
    show_story,
)
from ostiary.server.admin.decisions import list_decisions, prove_decision
from ostiary.server.admin.feedback import FeedbackBody, give_feedback
from ostiary.server.console.pages.decisions import unscored
from ostiary.server.console.plain_json import seen
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.feedback.book import FeedbackBook
from ostiary.server.why.finding import find_decision
from ostiary.server.wire import Reply
from ostiary.vocabulary.verdicts import DecisionRecord

HERE: Final = "/decisions"
MOST_LINK: Final = 4_000
MOST_SIGNALS: Final = 6
_HIDDEN: Final = ("adaptive", "biometrics", "feature_set", "features", "plain_risk", "risk", "session_risk")
_PLACES: Final = frozenset({"after", "before", "limit"})
_NS: Final = 1_000_000_000


class _Subject(msgspec.Struct, frozen=True):
    type: str = ""
    id: str = ""


class _Named(msgspec.Struct, frozen=True):
    name: str = ""


class _Input(msgspec.Struct, frozen=True):
    """What of a recorded input makes up a request again."""

    subject: _Subject = _Subject()
    action: _Named = _Named()
    resource: _Subject = _Subject()
    context: dict[str, Any] = {}


def show(visit: Visit) -> Reply:
    """Show everything that is known of one decision."""
    name = visit.told["decision"]
    stored, record = find_decision(visit.house, visit.tenant, name)
    story = show_story(visit.tenant, name, visit.desk)
    own = record.subject_key in visit.own_names
    told = explain(record)
    said = FeedbackBook(visit.house).about(visit.tenant, name, record.subject_key, stored.index)
    return visit.page(
        "decision.html",
        HERE,
        own=own,
        told=told,
        when=stamp(told.time_ns),
        index=stored.index,
        record=record,
        story=story,
        deciding=next((one for one in story.rules if one.applied), None),
        signals=[] if own else signals_of(told),
        raw_record=_pretty(raw_of(record, hidden=own)),
        ocsf=_pretty(ocsf_of(record)) if record.event is not None else "",
        chain=[{**one.model_dump(), "at": stamp(one.time_ns)} for one in story.chain],
        obligations=[{**one.model_dump(), "answered_at": _stamp_s(one.answered)} for one in story.obligations],
        whatif=whatif_link(record),
        neighbours=_neighbours(visit, stored.index),
        verdict=msgspec.to_builtins(said) if said else None,
    )


def replay(visit: Visit) -> Reply:
    """Show what the decision would be under what is in force."""
    name = visit.told["decision"]
    found = replay_decision(visit.tenant, name, visit.desk)
    return visit.page("decision_replay.html", HERE, name=name, found=found)


def proof(visit: Visit) -> Reply:
    """Make the inclusion proof, check it here, and show the checkpoint."""
    name = visit.told["decision"]
    found = check_decision_proof(visit.tenant, name, visit.desk)
    return visit.page("decision_proof.html", HERE, name=name, found=found)


def proof_file(visit: Visit) -> Reply:
    """Hand the proof out, as a file that verifies offline."""
    name = visit.told["decision"]
    made = prove_decision(visit.tenant, name, visit.desk)
    return _file(bytes(made.body), f"{name}.tlog-proof", b"text/plain; charset=utf-8")


def record_file(visit: Visit) -> Reply:
    """Hand the raw record out."""
    name = visit.told["decision"]
    _, record = find_decision(visit.house, visit.tenant, name)
    told = raw_of(record, hidden=record.subject_key in visit.own_names)
    return _file(_pretty(told).encode(), f"{name}.json", b"application/json")


def judge(visit: Visit) -> Reply:
    """Take what somebody says that the decision was."""
    name = visit.told["decision"]
    find_decision(visit.house, visit.tenant, name)
    verdict, reason = visit.form.get("verdict", ""), visit.form.get("reason", "").strip()
    if not reason:
        raise FaultyInputError("feedback_invalid", "give a reason: it is kept with the verdict")
    body = FeedbackBody.model_validate({"target": f"decision:{name}", "verdict": verdict, "reason": reason})
    give_feedback(visit.tenant, body, visit.who, visit.desk)
    return visit.done(f"{HERE}/{name}", "Your verdict is on record")


def signals_of(told: Explanation) -> list[dict[str, Any]]:
    """Return the signals that weighed most, each with its share of them all."""
    whole = sum(abs(one["weight"]) for one in told.signals) or 1.0
    found = sorted(told.signals, key=lambda one: -abs(one["weight"]))[:MOST_SIGNALS]
    return [{**one, "share": round(abs(one["weight"]) / whole, 3)} for one in found]


def raw_of(record: DecisionRecord, *, hidden: bool) -> dict[str, Any]:
    """Return a record as plain values; with ``hidden`` without the score and all that made it."""
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(record))
    return {name: value for name, value in told.items() if not hidden or name not in _HIDDEN}


def whatif_link(record: DecisionRecord) -> str:
    """Return the way to the same request as a question; without its context where that is too long for an address."""
    if record.event is None:
        return ""
    asked = msgspec.json.decode(bytes(record.input), type=_Input)
    told = {
        "subject": f"{asked.subject.type}:{asked.subject.id}",
        "action": asked.action.name,
        "resource": f"{asked.resource.type}:{asked.resource.id}",
        "time": stamp(record.receipt.received_ns),
    }
    context = msgspec.json.encode(asked.context).decode() if asked.context else ""
    full = f"/explain?{urlencode({**told, 'context': context} if context else told)}"
    return full if len(full) <= MOST_LINK else f"/explain?{urlencode(told)}"


def _neighbours(visit: Visit, index: int) -> dict[str, str]:
    """Return the ways to the decisions beside this one in the list that it was opened from.

    Raises:
        FaultyInputError: ``filter_unknown``, ``filter_invalid``, ….
    """
    told = query_of((name, value) for name, value in visit.query.items() if value and name not in _PLACES)
    asked = unscored(told, visit)
    text = words(msgspec.structs.replace(asked, limit=DecisionQuery().limit))
    found = {}
    for name, place in (("newer", {"after": index}), ("older", {"before": index})):
        page = list_decisions(visit.tenant, visit.desk, msgspec.structs.replace(asked, limit=1, **place))
        rows = page.decisions
        found[name] = f"{HERE}/{quote(rows[0].id)}{'?' + text if text else ''}" if rows else ""
    return found


def _pretty(told: object) -> str:
    return seen(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())


def _stamp_s(moment: float) -> str:
    return stamp(int(moment * _NS)) if moment else ""


def _file(body: bytes, name: str, kind: bytes) -> Reply:
    disposition = f'attachment; filename="{name}"'.encode("ascii", "replace")
    return Reply(
        200,
        body,
        (
            (b"content-type", kind),
            (b"content-disposition", disposition),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ),
    )


ROUTES = (
    Route("GET", "/decisions/{decision}", "decisions", show),
    Route("GET", "/decisions/{decision}/replay", "decisions", replay),
    Route("GET", "/decisions/{decision}/proof", "decisions", proof),
    Route("GET", "/decisions/{decision}/proof.tlog", "decisions", proof_file),
    Route("GET", "/decisions/{decision}/record.json", "decisions", record_file, "export"),
    Route("POST", "/decisions/{decision}/feedback", "detections", judge, "triage"),
)

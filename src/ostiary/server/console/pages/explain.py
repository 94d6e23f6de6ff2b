"""What if: one hypothetical request, now and under a candidate; the whole question stands in a link.

1. Opening a link asks nothing: it fills the form in. The question is a deed of its own, on record, and decides nothing.
2. Whoever asks about himself is told what would be decided, and no score; and may suppose neither score nor signals.
"""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from ostiary.decision.index.query import DecisionQuery
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.server.admin.context import Fault
from ostiary.server.admin.decisions import list_decisions
from ostiary.server.admin.whatif import DraftBody, WhatIfBody, ask_what_if, list_candidates
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.console.replying import sentence
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.feedback.silencing import adaptive_rules
from ostiary.server.wire import Reply
from ostiary.vocabulary.effects import Control, Phase

HERE: Final = "/explain"
FIELDS: Final = ("subject", "action", "resource", "device", "time", "context", "facts", "candidate")
CHECKS: Final = 30
_CONTROLS: Final = tuple(control.value for control in Control)
_PHASES: Final = tuple(phase.name.lower() for phase in Phase)
_SECRET: Final = frozenset({"score", "signals"})
_MODEL: Final = "shadow-model"
_OWN: Final = "whatif_own"
_NS: Final = 1_000_000_000


def show(visit: Visit) -> Reply:
    """Show the form as the link fills it in."""
    return _page(visit, _asked(visit.query))


def ask(visit: Visit) -> Reply:
    """Ask, and show both answers; what was typed stays, whatever comes of it."""
    asked = _asked(visit.form)
    try:
        found = answered(visit, asked)
    except OstiaryError as no:
        return _page(visit, asked, wrong=Fault(code=no.code, message=sentence(no.message)))
    return _page(visit, asked, found=found)


def answered(visit: Visit, asked: dict[str, str]) -> dict[str, Any]:
    """Return both answers, as far as the asker may see them.

    Raises:
        OstiaryError: it cannot be asked.
    """
    request, facts = _request(asked), _facts(asked)
    own = asked["subject"].strip() in visit.own_names
    if own and _SECRET & set(facts) | _SECRET & set(_session(facts)):
        raise RefusedError(_OWN, "nobody supposes scores or signals of their own: it would tell how to stay below")
    phases = {control: asked[f"phase-{control}"] for control in _CONTROLS if asked.get(f"phase-{control}")}
    if own and (phases or asked["candidate"] == _MODEL):
        raise RefusedError(_OWN, "nobody tries other phases or models on their own: it would tell how to stay below")
    draft = DraftBody.model_validate({"candidate": asked["candidate"], "phases": phases})
    body = WhatIfBody.model_validate({"request": request, "tenant": visit.tenant, "facts": facts, "draft": draft})
    told = ask_what_if(body, visit.who, visit.desk)
    for side in (told["current"], told["projected"]):
        if own and side is not None:
            side |= {"score": None, "level": "", "rules": _not_adaptive(visit, side["rules"])}
    return told


def _not_adaptive(visit: Visit, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules that ask for no score: which of the others applied tells in which band it lies."""
    asking = adaptive_rules(visit.house, visit.tenant)
    return [one for one in rules if one["rule"] not in asking and not one.get("file", "").startswith("adaptive")]


def _page(
    visit: Visit, asked: dict[str, str], found: dict[str, Any] | None = None, wrong: Fault | None = None
) -> Reply:
    subject = asked["subject"].strip()
    status = 200 if wrong is None else 400
    return visit.page(
        "explain.html",
        HERE,
        status,
        asked=asked,
        found=found,
        wrong=wrong,
        link=f"{HERE}?{urlencode({name: value for name, value in asked.items() if value})}",
        candidates=list_candidates(visit.tenant, visit.desk),
        controls=_CONTROLS,
        phases=_PHASES,
        own=subject in visit.own_names,
        checks=_checks(visit, subject),
    )


def _checks(visit: Visit, subject: str) -> list[dict[str, Any]]:
    """Return the last decisions about a subject, newest first."""
    if not subject or len(subject) > 300:  # noqa: PLR2004 - what a filter takes
        return []
    page = list_decisions(visit.tenant, visit.desk, DecisionQuery(subject=subject, limit=CHECKS))
    return [{**one.model_dump(), "at": stamp(one.time_ns)} for one in page.decisions]


def _asked(told: Any) -> dict[str, str]:
    names = (*FIELDS, *(f"phase-{control}" for control in _CONTROLS))
    return {name: told.get(name, "") for name in names}


def _request(asked: dict[str, str]) -> dict[str, Any]:
    context = _object(asked["context"], "context")
    device = asked["device"].strip()
    if device:
        known = context.get("device")
        context["device"] = {**(known if isinstance(known, dict) else {}), "id": device}
    return {
        "subject": _named(asked["subject"], "subject"),
        "action": {"name": asked["action"].strip()},
        "resource": _named(asked["resource"], "resource"),
        **({"context": context} if context else {}),
    }


def _facts(asked: dict[str, str]) -> dict[str, Any]:
    facts, moment = _object(asked["facts"], "facts"), asked["time"].strip()
    if not moment:
        return facts
    try:
        read = datetime.fromisoformat(moment)
        at = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as fault:
        raise FaultyInputError("fact_invalid", "the time is none: write it as 2026-11-27T02:00:00Z") from fault
    return {"at_ns": int(at) * _NS, **facts}


def _session(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what is supposed of the session, its risk being a score as well."""
    told = facts.get("session")
    return {"score": 1} if isinstance(told, dict) and told.get("risk") is not None else {}


def _object(text: str, name: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        return parse_object(text.encode(errors="replace"), BodyLimits())
    except FaultyInputError as fault:
        raise FaultyInputError(fault.code, f"`{name}`: {fault.message}") from fault


def _named(text: str, name: str) -> dict[str, str]:
    kind, mark, ident = text.strip().partition(":")
    if not mark or not kind or not ident:
        raise FaultyInputError("request_invalid", f"`{name}` is written as type:id, such as user:ada")
    return {"type": kind, "id": ident}


ROUTES = (Route("GET", HERE, "whatif", show), Route("POST", HERE, "whatif", ask, "propose"))

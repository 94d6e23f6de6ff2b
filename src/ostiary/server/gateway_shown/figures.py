"""What came through the gateway, counted from its records: requests, findings, tokens, searches, withheld tools.

1. Texts are told by digest in the log, so there is none to be shown here.
2. Of a search its passages are counted. A document that its asker may not see is never read, so nobody counts or names
   it: what is refused here are whole searches.
3. Only so many of the newest records are counted; how many is said.
"""

from collections import Counter
from typing import Any, Final

import msgspec

from ostiary.decision.index.query import DecisionQuery
from ostiary.server.auditing.walking import MOST_SHOWN, Found, Wanted, walk
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect

MOST_COUNTED: Final = 5_000
INSPECTION: Final = "inspection"
RETRIEVAL: Final = "retrieval"
INDEX: Final = "index"
_ANSWERED: Final = "answered"
_EFFECTS: Final = {"access_denied": "denied", "step_up_needed": "asked again"}
_NAMED: Final = 50
_SHORT: Final = 200


class ModelFigures(msgspec.Struct):
    """Requests to one model by what came of them, and its tokens; ``estimated`` where its server counted none."""

    model: str
    answered: int = 0
    denied: int = 0
    asked_again: int = 0
    stopped: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    estimated: int = 0


class FindingFigures(msgspec.Struct, frozen=True):
    """How often a rule found something, and under which ids of ATLAS and OWASP."""

    rule: str
    atlas: str
    owasp: str
    count: int


class SearchFigures(msgspec.Struct):
    """Searches of one caller: let happen, refused, and how many passages they showed."""

    subject: str
    allowed: int = 0
    refused: int = 0
    passages: int = 0


class Withheld(msgspec.Struct, frozen=True):
    """Something of an MCP server that did not pass: a tool that was called, or some of a list."""

    time_ns: int
    server: str
    method: str
    name: str
    verdict: str
    rules: tuple[str, ...]


class GatewayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; ``whole`` when no record of the period was left out."""

    requests: int
    models: list[ModelFigures]
    findings: list[FindingFigures]
    searches: list[SearchFigures]
    withheld: list[Withheld]
    outcomes: dict[str, int]
    looked: int
    whole: bool


def figures_of(house: House, tenant: str, from_ns: int, most: int = MOST_COUNTED) -> GatewayFigures:
    """Count what came through the gateway since a moment."""
    found, whole = newest(house, tenant, INSPECTION, from_ns, most)
    models: dict[str, ModelFigures] = {}
    findings: Counter[tuple[str, str, str]] = Counter()
    outcomes: Counter[str] = Counter()
    withheld: list[Withheld] = []
    requests = 0
    for one in found:
        told = one.told or {}
        findings.update(findings_in(told))
        if told.get("door") == "mcp":
            if told.get("withheld") and len(withheld) < _NAMED:
                withheld.append(_withheld(one, told))
        elif told:
            requests += 1
            outcome = _text(told.get("outcome"))
            outcomes[outcome] += 1
            _count(models.setdefault(_text(told.get("model")), ModelFigures(_text(told.get("model")))), outcome, told)
    return GatewayFigures(
        requests=requests,
        models=sorted(models.values(), key=_most_asked),
        findings=[FindingFigures(*key, count) for key, count in findings.most_common(_NAMED)],
        searches=_searches(house, tenant, from_ns, most),
        withheld=withheld,
        outcomes=dict(outcomes.most_common(_NAMED)),
        looked=len(found),
        whole=whole,
    )


def newest(house: House, tenant: str, kind: str, from_ns: int, most: int) -> tuple[list[Found], bool]:
    """Return the newest records of a kind since a moment, and whether that is all of them."""
    found: list[Found] = []
    below: int | None = None
    while len(found) < most:
        walked = walk(house, tenant, Wanted(kind=kind, from_ns=from_ns), below, min(MOST_SHOWN, most - len(found)))
        found += walked.found
        below = walked.below
        if not below:
            return found, True
    return found, False


def findings_in(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return rule, ATLAS and OWASP id of everything that was found in a prompt and an answer, or at an MCP server."""
    seen = told.get("seen")
    several = [one.get("findings") for one in seen if isinstance(one, dict)] if isinstance(seen, list) else []
    flat = [one for part in (*several, told.get("findings")) if isinstance(part, list) for one in part]
    rules = told.get("rules") if told.get("door") == "mcp" else None
    named = [{"rule": rule} for rule in rules] if isinstance(rules, list) else []
    return [
        (_text(one.get("rule")), _text(one.get("atlas")), _text(one.get("owasp")))
        for one in (*flat, *named)
        if isinstance(one, dict)
    ]


def _count(model: ModelFigures, outcome: str, told: dict[str, Any]) -> None:
    effect = _ANSWERED if outcome == _ANSWERED else _EFFECTS.get(outcome, "stopped")
    model.answered += effect == _ANSWERED
    model.denied += effect == "denied"
    model.asked_again += effect == "asked again"
    model.stopped += effect == "stopped"
    usage = told.get("usage")
    if isinstance(usage, dict):
        model.tokens_in += _number(usage.get("tokens_in"))
        model.tokens_out += _number(usage.get("tokens_out"))
        model.estimated += not usage.get("told")


def _searches(house: House, tenant: str, from_ns: int, most: int) -> list[SearchFigures]:
    passages = {
        _text(told.get("decision")): len(told.get("passages") or ())
        for told in (one.told or {} for one in newest(house, tenant, RETRIEVAL, from_ns, most)[0])
    }
    found: dict[str, SearchFigures] = {}
    query = DecisionQuery(resource_type=INDEX, since_ns=from_ns, limit=1000)
    for row in house.store.decisions.rows(tenant, query):
        one = found.setdefault(row.subject, SearchFigures(row.subject))
        one.allowed += row.effect <= Effect.REDUCE
        one.refused += row.effect > Effect.REDUCE
        one.passages += passages.get(row.id, 0)
    return sorted(found.values(), key=_most_searched)[:_NAMED]


def _withheld(found: Found, told: dict[str, Any]) -> Withheld:
    rules = told.get("rules")
    return Withheld(
        found.row.time_ns,
        _text(told.get("server")),
        _text(told.get("method")),
        _text(told.get("name")),
        _text(told.get("verdict")),
        tuple(_text(rule) for rule in rules) if isinstance(rules, list) else (),
    )


def _most_asked(one: ModelFigures) -> tuple[int, str]:
    return -(one.answered + one.denied + one.asked_again + one.stopped), one.model


def _most_searched(one: SearchFigures) -> tuple[int, str]:
    return -(one.allowed + one.refused), one.subject


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _text(value: object) -> str:
    return value[:_SHORT] if isinstance(value, str) else ""

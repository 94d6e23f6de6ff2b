"""Decisions and their proofs: list, show, explain, prove; and the log's checkpoint."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response

from ostiary.audit.pending import StoredRecord
from ostiary.audit.ports import Selection
from ostiary.decision.explain import explain
from ostiary.decision.index.query import DecisionQuery
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.admin.context import Desk, Model, Office, Tenant, Who
from ostiary.server.admin.filtering import Asked
from ostiary.server.decision_index.shown import next_key, told
from ostiary.server.why.finding import find_decision
from ostiary.vocabulary.verdicts import DecisionRecord

router = APIRouter(tags=["decisions"])
_WINDOW = 20
_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {}}}}


class DecisionRow(Model):
    """One decision in a list."""

    id: str
    index: int
    time_ns: int
    pep: str
    subject: str
    effect: str
    reasons: tuple[str, ...]
    kind: str


class DecisionPage(Model):
    """Decisions, oldest first; ask again with ``since=next`` for more."""

    decisions: list[DecisionRow]
    next: int


class IndexedRow(DecisionRow):
    """One decision in a filtered list; what was not told is empty, ``risk`` is from 0 to 1."""

    session: str
    action: str
    action_class: str
    resource_type: str
    resource_id: str
    rule: str
    risk: float | None
    ip: str


class IndexedPage(Model):
    """Decisions that match.

    Newest first, ask again with ``before=next`` until it is null; oldest first, with ``after=next`` for ever.
    ``indexed`` is the index of the log up to which decisions can be found here; ``complete`` says that none in the log
    is missing. It is false for up to half a second after a decision, and while a long log is first followed.
    """

    decisions: list[IndexedRow]
    next: int | None
    indexed: int
    complete: bool


def _decode(stored: StoredRecord) -> DecisionRecord | None:
    return None if stored.payload is None else msgspec.json.decode(stored.payload, type=DecisionRecord)


def _row(stored: StoredRecord, record: DecisionRecord) -> DecisionRow:
    return DecisionRow(
        id=stored.record_id,
        index=stored.index,
        time_ns=stored.time_ns,
        pep=record.pep,
        subject=record.subject_key,
        effect=record.outcome.effect.name,
        reasons=record.outcome.reasons,
        kind=record.kind,
    )


@router.get("/tenants/{tenant}/decisions")
def list_decisions(
    tenant: Tenant,
    desk: Desk,
    query: Asked,
    since: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DecisionPage | IndexedPage:
    """List decisions.

    Without a filter: from an index of the log on (``since``), oldest first, or some of the newest. With filters: those
    that match all of them, newest first, or oldest first after an index (``after``).
    """
    if query is not None:
        if since is not None:
            raise FaultyInputError("query_malformed", "`since` lists without filters: use `after` or `since_ns`")
        return _indexed(desk, tenant, query)
    size = desk.house.log.head().size
    start = max(0, size - limit * _WINDOW) if since is None else since
    rows: list[DecisionRow] = []
    for stored in desk.house.log.iterate(tenant, "decision", start):
        record = _decode(stored)
        if record is not None:
            rows.append(_row(stored, record))
        if since is not None and len(rows) >= limit:
            break
    rows = rows[-limit:]
    return DecisionPage(decisions=rows, next=rows[-1].index + 1 if rows else max(start, size))


def _indexed(desk: Office, tenant: str, query: DecisionQuery) -> IndexedPage:
    index = desk.house.store.decisions
    indexed = index.cursor(tenant)
    missing = desk.house.log.store.select(Selection(tenant, "decision", since_index=indexed), 1)
    rows = index.rows(tenant, query)
    shown = [IndexedRow(**told(row)) for row in rows]
    return IndexedPage(decisions=shown, next=next_key(query, rows), indexed=indexed, complete=not missing)


@router.get("/tenants/{tenant}/decisions/{decision_id}")
def show_decision(tenant: Tenant, decision_id: str, desk: Desk) -> dict[str, Any]:
    """Show the whole record of one decision, score included: this is for administrators."""
    stored, record = find_decision(desk.house, tenant, decision_id)
    return {"index": stored.index, "record": msgspec.to_builtins(record)}


@router.get("/tenants/{tenant}/decisions/{decision_id}/why")
def why_decision(tenant: Tenant, decision_id: str, desk: Desk) -> dict[str, Any]:
    """Explain one decision: the sentence, the rule, what was missing, the signals, the law, the obligations."""
    _, record = find_decision(desk.house, tenant, decision_id)
    words: dict[str, Any] = msgspec.to_builtins(explain(record))
    return words


@router.get("/tenants/{tenant}/decisions/{decision_id}/proof", response_class=Response, responses=_TEXT)
def prove_decision(tenant: Tenant, decision_id: str, desk: Desk) -> Response:
    """Prove that the record of one decision is in the log: a C2SP tlog-proof that verifies offline."""
    find_decision(desk.house, tenant, decision_id)
    proof = desk.house.log.prove(tenant, decision_id)
    if proof is None:
        raise RefusedError("decision_unknown", "there is no such decision, or it was erased")
    return Response(proof.text(), media_type="text/plain; charset=utf-8")


@router.get("/audit/checkpoint", response_class=Response, responses=_TEXT)
def checkpoint(who: Who, desk: Desk) -> Response:
    """Return the newest signed checkpoint, a note."""
    del who
    return Response(desk.house.log.checkpoint(), media_type="text/plain; charset=utf-8")

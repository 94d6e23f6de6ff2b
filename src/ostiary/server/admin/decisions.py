"""Decisions and their proofs: list, show, explain, prove; and the log's checkpoint."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response

from ostiary.audit.pending import StoredRecord
from ostiary.decision.explain import explain
from ostiary.errors import RefusedError
from ostiary.server.admin.context import Desk, Model, Tenant, Who
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


def _find(desk: Desk, tenant: str, decision_id: str) -> tuple[StoredRecord, DecisionRecord]:
    stored = desk.house.log.get(tenant, decision_id)
    record = _decode(stored) if stored is not None and stored.kind == "decision" else None
    if stored is None or record is None:
        raise RefusedError("decision_unknown", "there is no such decision, or it was erased")
    return stored, record


@router.get("/tenants/{tenant}/decisions")
def list_decisions(
    tenant: Tenant,
    desk: Desk,
    since: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DecisionPage:
    """List decisions from an index of the log on; without one, some of the newest."""
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


@router.get("/tenants/{tenant}/decisions/{decision_id}")
def show_decision(tenant: Tenant, decision_id: str, desk: Desk) -> dict[str, Any]:
    """Show the whole record of one decision, score included: this is for administrators."""
    stored, record = _find(desk, tenant, decision_id)
    return {"index": stored.index, "record": msgspec.to_builtins(record)}


@router.get("/tenants/{tenant}/decisions/{decision_id}/why")
def why_decision(tenant: Tenant, decision_id: str, desk: Desk) -> dict[str, Any]:
    """Explain one decision: the sentence, the rule, what was missing, the signals, the law, the obligations."""
    _, record = _find(desk, tenant, decision_id)
    told: dict[str, Any] = msgspec.to_builtins(explain(record))
    return told


@router.get("/tenants/{tenant}/decisions/{decision_id}/proof", response_class=Response, responses=_TEXT)
def prove_decision(tenant: Tenant, decision_id: str, desk: Desk) -> Response:
    """Prove that the record of one decision is in the log: a C2SP tlog-proof that verifies offline."""
    _find(desk, tenant, decision_id)
    proof = desk.house.log.prove(tenant, decision_id)
    if proof is None:
        raise RefusedError("decision_unknown", "there is no such decision, or it was erased")
    return Response(proof.text(), media_type="text/plain; charset=utf-8")


@router.get("/audit/checkpoint", response_class=Response, responses=_TEXT)
def checkpoint(who: Who, desk: Desk) -> Response:
    """Return the newest signed checkpoint, a note."""
    del who
    return Response(desk.house.log.checkpoint(), media_type="text/plain; charset=utf-8")

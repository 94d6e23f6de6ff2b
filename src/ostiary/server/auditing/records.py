"""Records of the log as a person reads them: one line each, or one whole with the proof that it is in the log.

The proof is made and then verified, by the verifier that believes nothing but keys, before a page calls it good.
"""

from typing import Any, Final

import msgspec

from ostiary.audit.entry import LogEntry
from ostiary.audit.verifier.receipt import verify_receipt
from ostiary.audit.verifier.signed import read_vkey
from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.server.auditing.walking import Found, actor_of, told_of
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect

MAX_PAYLOAD_SHOWN: Final = 65_536
_SHORT: Final = 200


class Line(msgspec.Struct, frozen=True):
    """One record in a list.

    Attributes:
        index: its place in the log.
        by, subject, what: who did it, whom it is about, what it was; empty where the record does not say.
        effect: of a decision, such as ``DENY``.
        erased: whether its payload is gone for good; its entry and proof stay.
    """

    id: str
    index: int
    kind: str
    time_ns: int
    by: str
    subject: str
    what: str
    effect: str
    erased: bool


class Proved(msgspec.Struct, frozen=True):
    """Whether a record is in the log, as the verifier finds it.

    Attributes:
        holds: whether the audit path leads from the entry to the signed root.
        size, origin: the log that the checkpoint covers.
        path: the hashes of the path, hex.
        why: what is wrong, empty when nothing is.
    """

    holds: bool
    size: int
    origin: str
    path: tuple[str, ...]
    receipt: str
    why: str = ""


class Whole(msgspec.Struct, frozen=True):
    """One record with all that is known of it; ``payload`` is ``None`` when it was erased."""

    line: Line
    entry: dict[str, Any]
    written_ns: int
    payload: dict[str, Any] | None
    proof: Proved


def line_of(found: Found) -> Line:
    """Return one record in a list."""
    told = found.told or {}
    row = found.row
    return Line(
        row.record_id,
        row.idx,
        row.kind,
        row.time_ns,
        actor_of(told),
        _text(told.get("subject_key") or told.get("subject") or told.get("target")),
        _what(row.kind, told),
        _effect(told),
        found.told is None,
    )


def whole_of(house: House, tenant: str, record_id: str) -> Whole:
    """Return one record of a tenant.

    Raises:
        RefusedError: ``record_unknown``, for another tenant's as for none.
    """
    row = house.log.store.find_record(tenant, record_id)
    proof = None if row is None else house.log.prove(tenant, record_id)
    if row is None or proof is None:
        raise RefusedError("record_unknown", "there is no such record")
    found = Found(row, told_of(house, row))
    entry = msgspec.json.decode(row.entry, type=LogEntry)
    path = tuple(step.hex() for step in proof.path)
    return Whole(line_of(found), msgspec.to_builtins(entry), entry.at, found.told, _proved(house, proof.text(), path))


def _proved(house: House, receipt: bytes, path: tuple[str, ...]) -> Proved:
    keys = [read_vkey(key.vkey()) for key in house.log.public_keys()]
    text = receipt.decode()
    try:
        found = verify_receipt(receipt, keys)
    except (VerificationError, FaultyInputError) as no:
        return Proved(holds=False, size=0, origin="", path=path, receipt=text, why=no.message)
    return Proved(holds=True, size=found.size, origin=found.origin, path=path, receipt=text)


def _what(kind: str, told: dict[str, Any]) -> str:
    event = told.get("event") or told.get("request")
    if kind == "decision" and isinstance(event, dict):
        return _asked(event)
    action = _text(told.get("action") or told.get("outcome") or told.get("door"))
    about = _text(told.get("model") or told.get("conversation") or told.get("kind") or told.get("index"))
    return " ".join(part for part in (action, about) if part) or _text(told.get("type")) or kind


def _asked(event: dict[str, Any]) -> str:
    """Return what a decision was about, of an event or of the request that never became one."""
    action, resource = event.get("action"), event.get("resource")
    if isinstance(action, dict):
        action = action.get("name")
    named = resource if isinstance(resource, dict) else {}
    kind, name = event.get("resource_type") or named.get("type"), event.get("resource_id") or named.get("id")
    return " ".join(part for part in (_text(action), _text(kind), _text(name)) if part)


def _effect(told: dict[str, Any]) -> str:
    outcome = told.get("outcome")
    number = outcome.get("effect") if isinstance(outcome, dict) else None
    try:
        return Effect(number).name if isinstance(number, int) else ""
    except ValueError:
        return ""


def _text(value: object) -> str:
    return value[:_SHORT] if isinstance(value, str) else ""

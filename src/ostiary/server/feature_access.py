"""One access to a feature set: what it needs, whether it may, what it gets, and the record of it.

Everything that is said before the decision is a function of the request alone: whoever may not see a feature set learns
nothing of it, not even that it is there.
"""

from collections.abc import Awaitable, Callable, Container, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.identity.exchange.grant import grant_of
from ostiary.keys import random_bytes, sha256_hex
from ostiary.pipeline.features.analysis import Analysis
from ostiary.pipeline.features.budget import Budget, weight
from ostiary.pipeline.features.door import FeatureDoor
from ostiary.pipeline.features.readings import Readings
from ostiary.pipeline.features.view import UNDERSTOOD, View, view_of
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Asked, Caller, Passed, TurnedAway
from ostiary.server.feature_tables import ARROW, digest_of, read_table, to_arrow, to_json
from ostiary.server.wire import JSON, Reply, Request, json_reply
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

MAX_JSON: Final = 1_048_576
MAX_NAMES: Final = 1000
RECORD_WAIT_S: Final = 10.0
KIND: Final = "feature"
# Whether a query fails so may hang on the rows: each such answer tells something of them.
_TELLING: Final = frozenset({"query_invalid", "query_too_large", "query_too_long"})
_LIMITS: Final = BodyLimits(MAX_JSON, 8)
Beside = Callable[[Callable[[], Any]], Awaitable[Any]]


class Act(StrEnum):
    """What can be done with a feature set."""

    EXPLAIN = "explain"
    HISTORICAL = "historical"
    ONLINE = "online"
    QUERY = "query"
    SHOW = "show"
    WRITE = "write"

    @classmethod
    def of(cls, method: str, name: str) -> "Act | None":
        """Return what a method and the last part of a path mean."""
        if method == "GET":
            return cls.SHOW if not name else None
        return cls(name) if method == "POST" and name in set(cls) - {cls.SHOW} else None

    @property
    def action(self) -> str:
        """The name under which policy knows it."""
        return "features.write" if self is Act.WRITE else "features.read"


class Body(msgspec.Struct, frozen=True):
    """What came with a request: a SQL text, names of columns, an Arrow table or rows."""

    sql: str = ""
    columns: tuple[str, ...] = ()
    rows: list[dict[str, Any]] | None = None
    table: Any = None


class Wanted(msgspec.Struct, frozen=True):
    """What a request was found to want. A ``fault`` is told after the decision, to be on record like any other."""

    body: Body = Body()
    columns: tuple[str, ...] = ()
    analysis: Analysis | None = None
    fault: OstiaryError | None = None


class Told(msgspec.Struct, frozen=True):
    """What is answered: a table or a document."""

    decision_id: str = ""
    table: Any = None
    document: Any = None
    watermark: str = ""


class Access:
    """Carries out accesses; safe for several threads."""

    def __init__(self, desk: FaceDesk, door: FeatureDoor, budget: Budget) -> None:
        """Take the door and who keeps it."""
        self.keeper = desk.keeper("features", understands=UNDERSTOOD)
        self._house = desk.house
        self._door = door
        self._budget = budget
        self._readings = Readings()
        self._receive_s = desk.receive_timeout_s

    async def wanted(self, request: Request, caller: Caller, name: str, act: Act, beside: Beside) -> Wanted:
        """Return what a request wants; never raises for what is wrong with it."""
        try:
            body = await self._body(request, act)
            wanted: Wanted = await beside(lambda: self._wanted(caller, name, act, body))
        except (FaultyInputError, RefusedError) as fault:
            return Wanted(fault=fault)
        return wanted

    async def _body(self, request: Request, act: Act) -> Body:
        """Return what came with a request.

        Raises:
            FaultyInputError: it is malformed or too large.
        """
        if act is Act.SHOW:
            return Body()
        kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
        if kind == ARROW and act in {Act.HISTORICAL, Act.WRITE}:
            raw = await request.body(self._door.limits.max_bytes, self._receive_s)
            asked = request.query.get("columns", "")
            return Body(columns=names_of(asked.split(",") if asked else []), table=read_table(raw))
        if not request.is_json():
            raise FaultyInputError("request_invalid", "the content type must be application/json, or Arrow's stream")
        return _document(parse_object(await request.body(MAX_JSON, self._receive_s), _LIMITS), act)

    def _wanted(self, caller: Caller, name: str, act: Act, body: Body) -> Wanted:
        """Return which columns are asked for, as far as the request alone tells."""
        if act in {Act.QUERY, Act.EXPLAIN}:
            # Which SQL a set speaks is told to those alone whose token is for it.
            known = caller.detail is not None and caller.detail.identifier == name
            dialect = self._door.dialect(caller.tenant, name) if known else "duckdb"
            who = (caller.tenant, caller.identity.subject_type, caller.identity.subject_id)
            analysis = self._readings.of(who, body.sql, name, dialect)
            return Wanted(body, analysis.needs if act is Act.QUERY else (), analysis)
        if act is Act.WRITE:
            table = body.table
            names = table.column_names if table is not None else [key for row in body.rows or () for key in row]
            return Wanted(body, names_of(list(dict.fromkeys(names))))
        return Wanted(body, body.columns)

    async def ask(self, caller: Caller, name: str, act: Act, wanted: Wanted) -> Passed:
        """Return the permission.

        Raises:
            TurnedAway: with what a query needs, which is what its own text says.
        """
        told: dict[str, Any] = {"operation": act.value}
        if wanted.analysis is not None:
            told |= {"may": list(wanted.analysis.may), "whole_rows": wanted.analysis.whole}
        asked = Asked(act.action, "feature_set", name, columns=wanted.columns, properties=told)
        try:
            return await self.keeper.ask(caller, asked)
        except TurnedAway as no:
            raise TurnedAway(_explained(no.reply, wanted)) from no

    def do(self, caller: Caller, name: str, act: Act, wanted: Wanted, passed: Passed) -> Told:
        """Do what was permitted, within what was permitted.

        Raises:
            OstiaryError: with a code; the attempt is on record.
        """
        once = _Once(caller, name, act, passed)
        try:
            if wanted.fault is not None:
                raise wanted.fault
            view = self._view(once)
            told = self._done(once, wanted, view)
        except OstiaryError as fault:
            self._record(once, {"outcome": "refused", "code": fault.code})
            raise
        return msgspec.structs.replace(told, watermark=view.watermark)

    def forget_others(self, living: Container[str]) -> None:
        """Drop what the door keeps in memory of tenants that are gone."""
        self._door.forget_others(living)

    def _view(self, once: "_Once") -> View:
        spec = self._door.spec(once.caller.tenant, once.name)
        detail = once.caller.detail
        return view_of(spec, detail.datatypes if detail is not None else (), once.passed.obligations)

    def _done(self, once: "_Once", wanted: Wanted, view: View) -> Told:
        tenant, name, door, body = once.caller.tenant, once.name, self._door, wanted.body
        found, columns = wanted.analysis, list(body.columns)
        if once.act is Act.WRITE:
            return self._write(once, body, view)
        if once.act is Act.SHOW:
            spec = door.spec(tenant, name)
            shown: dict[str, Any] = {"feature_set": name, "columns": view.types(spec), "entities": list(spec.entities)}
            shown |= {"masked": sorted(view.masks), "rows_filtered": bool(view.rows)}
            return self._read(once, view, Told(document=shown), 0)
        if once.act is Act.EXPLAIN and found is not None:
            return self._read(once, view, Told(document=explained(found, view)), 0)
        view = self._within_budget(once.caller, view)
        if once.act is Act.QUERY and found is not None:
            table = self._queried(once, view, found, body.sql)
            seen = {"sql_sha256": sha256_hex(body.sql.encode()), "needs": list(found.needs)}
            return self._read(once, view, Told(table=table), table.num_rows, weight(table, len(view.columns)), **seen)
        if once.act is Act.HISTORICAL:
            table = door.historical(tenant, name, view, _table(body), columns)
            return self._read(once, view, Told(table=table), table.num_rows, needs=columns)
        rows = door.online(tenant, name, view, body.rows or [], columns)
        return self._read(once, view, Told(document={"rows": rows}), len(rows), needs=columns)

    def _queried(self, once: "_Once", view: View, found: Analysis, sql: str) -> Any:
        """Return a query's answer; one that fails on the rows counts for a row, or yes and no could be had for free."""
        try:
            return self._door.query(once.caller.tenant, once.name, view, found, sql)
        except (FaultyInputError, RefusedError) as fault:
            if fault.code in _TELLING:
                self._spend(once.caller, 1)
            raise

    def _spend(self, caller: Caller, rows: int) -> None:
        grant, until_ns = grant_of(caller.identity), caller.identity.expires_ns
        until_ns = until_ns if grant is None else max(until_ns, grant.until_ns)
        self._budget.spend(caller.tenant, _token(caller), rows, until_ns, self._house.clock.now_ns())

    def _within_budget(self, caller: Caller, view: View) -> View:
        left = self._budget.left(caller.tenant, _token(caller))
        if left is None:
            return view
        return msgspec.structs.replace(view, max_rows=left if view.max_rows is None else min(view.max_rows, left))

    def _read(self, once: "_Once", view: View, told: Told, rows: int, cost: int = 0, **seen: Any) -> Told:
        self._spend(once.caller, max(rows, cost))
        self._record(once, {"outcome": "read", "rows": rows, **_seen(view), **seen})
        return msgspec.structs.replace(told, decision_id=once.passed.decision_id)

    def _write(self, once: "_Once", body: Body, view: View) -> Told:
        now_ns, tenant = self._house.clock.now_ns(), once.caller.tenant
        rows = self._door.check_write(tenant, once.name, view, _table(body), now_ns)
        more = {"outcome": "written", "rows": rows.num_rows, "columns": rows.column_names, "sha256": digest_of(rows)}
        # On record before it counts: what stands in history without a record was put there by somebody else.
        self._record(once, {**more, "producer": once.subject})
        self._door.write(tenant, once.name, view, rows, now_ns)
        return Told(once.passed.decision_id, document={"rows": rows.num_rows})

    def _record(self, once: "_Once", more: Mapping[str, Any]) -> None:
        """Write down what came of a decision, and wait until it is on disk."""
        now_ns = self._house.clock.now_ns()
        told = {"v": 1, "decision": once.passed.decision_id, "feature_set": once.name, "operation": once.act.value}
        ident = make_id("feat", now_ns, random_bytes(RANDOM_BYTES))
        payload, tenant = msgspec.json.encode({**told, **more}), once.caller.tenant
        self._house.log.append(tenant, KIND, ident, now_ns, payload, once.subject).result(timeout=RECORD_WAIT_S)


class _Once(msgspec.Struct, frozen=True):
    """One permitted access."""

    caller: Caller
    name: str
    act: Act
    passed: Passed

    @property
    def subject(self) -> str:
        """Who it is."""
        return f"{self.caller.identity.subject_type}:{self.caller.identity.subject_id}"


def explained(found: Analysis, view: View) -> dict[str, Any]:
    """Return what a query needs and what of it the caller lacks: hidden, not in the token or not there."""
    lacking = [name for name in found.needs if name not in view.columns]
    words = " and ".join(f"`{name[:80]}`" for name in lacking[:20])
    told = f"this query needs {words}, which you do not have" if lacking else "this query needs nothing that you lack"
    have = {"columns": list(view.columns), "masked": sorted(view.masks), "rows_filtered": bool(view.rows)}
    return {
        "needs": list(found.needs),
        "may_need": list(found.may),
        "whole_rows": found.whole,
        "lacking": lacking,
        "you_have": have,
        "message": told,
    }


def answer_of(told: Told, request: Request) -> Reply:
    """Return the reply: a table as Arrow, or as JSON to whoever accepts only that."""
    head = (b"x-ostiary-decision", told.decision_id.encode("ascii"))
    if told.table is None:
        return json_reply(200, {"decision_id": told.decision_id, **told.document}, head)
    accepted = next((value for name, value in request.raw_headers if name == b"accept"), b"*/*")
    if accepted.split(b";")[0].strip() == b"application/json":
        return Reply(200, to_json(told.table, told.decision_id), (JSON, head))
    return Reply(200, to_arrow(told.table, told.watermark), ((b"content-type", ARROW.encode("ascii")), head))


def names_of(value: object) -> tuple[str, ...]:
    """Return names of columns.

    Raises:
        FaultyInputError: ``request_invalid``.
    """
    if not isinstance(value, list) or len(value) > MAX_NAMES or not all(isinstance(one, str) and one for one in value):
        raise FaultyInputError("request_invalid", f"`columns` is a list of at most {MAX_NAMES} names")
    return tuple(dict.fromkeys(one[:256] for one in value))


def _document(given: dict[str, Any], act: Act) -> Body:
    members = {Act.QUERY: {"sql"}, Act.EXPLAIN: {"sql"}, Act.HISTORICAL: {"columns", "entities"}}
    wanted = members.get(act, {"columns", "keys"} if act is Act.ONLINE else {"rows"})
    if set(given) != wanted:
        raise FaultyInputError("request_invalid", f"the body has the members {', '.join(sorted(wanted))} and no others")
    if "sql" in wanted:
        if not isinstance(given["sql"], str):
            raise FaultyInputError("request_invalid", "`sql` is a text")
        return Body(sql=given["sql"])
    rows = given[next(iter(wanted - {"columns"}))]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FaultyInputError("request_invalid", "rows are a list of objects")
    return Body(columns=names_of(given.get("columns", [])), rows=rows)


def _table(body: Body) -> Any:
    return body.table if body.table is not None else read_table(body.rows or [])


def _token(caller: Caller) -> str:
    token, grant = caller.identity.token, grant_of(caller.identity)
    if grant is not None:  # a workload that exchanges again has no fresh budget
        return grant.id
    return caller.identity.session_id or (token.token_id if token is not None else "")


def _seen(view: View) -> dict[str, Any]:
    return {"columns": list(view.columns), "masked": sorted(view.masks), "row_filter": bool(view.rows)}


def _explained(reply: Reply, wanted: Wanted) -> Reply:
    if wanted.analysis is None:
        return reply
    told = msgspec.json.decode(reply.body)
    return msgspec.structs.replace(reply, body=msgspec.json.encode({**told, "needs": list(wanted.analysis.needs)}))

"""One request's way to a language model, numbered as it goes.

1. Who comes, by a verified token; then what it asks, read and labelled, and every text looked at: beside the loop.
2. One decision with labels and verdict as properties; its record is on disk.
3. Budgets: what it could cost at most is taken.
4. The model's server is asked; what it answers leaves through the scans, and no further than the decision let it.
5. Calls of tools are decided on, one decision each; then the record of the whole, on disk; then the end leaves.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import msgspec

from ostiary.decision.decide import known_of
from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.gateway.inspectors import Turn, look
from ostiary.gateway.models import LanguageModel
from ostiary.gateway.openai.asked import Face, LlmAsked
from ostiary.gateway.openai.history import labelled
from ostiary.gateway.openai.reading import read
from ostiary.gateway.ports import CallAsked, CallJudged
from ostiary.gateway.record import inspection_record
from ostiary.gateway.spending import Pace, Taken
from ostiary.gateway.tools import read_calls
from ostiary.gateway.tools.conversation import label_of
from ostiary.gateway.upstreams.ports import ToUpstream
from ostiary.gateway.usage import tokens_of
from ostiary.keys import random_bytes
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Asked, Caller, Keeper, Passed, TurnedAway
from ostiary.server.doors.caller import caller_of
from ostiary.server.doors.keeper import request_of
from ostiary.server.llm.directory import TOOL, TYPE
from ostiary.server.llm.entrance import Slot
from ostiary.server.llm.keeping import Keeping, response_id
from ostiary.server.llm.labels import label_document
from ostiary.server.llm.live import Streams
from ostiary.server.llm.room import LlmRoom
from ostiary.server.wire import Request
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt

DOOR: Final = "llm"
ACTIONS: Final[Mapping[Face, str]] = {"chat": "llm.chat", "responses": "llm.chat", "embeddings": "llm.embed"}
LIMITS: Final = "llm_limits"
REDUCE: Final = "reduce"
UNDERSTOOD: Final = frozenset({LIMITS, REDUCE})
_DEPTH: Final = 32
_SMALL: Final = 65_536
_NONCE: Final = 18
_MINUTE_NS: Final = 60_000_000_000
_REDUCED: Final = 1024
Entered = tuple[Caller, "Turn | FaultyInputError"]


class NotThisModel(TurnedAway):
    """The decision does not let a caller in; ``model`` is the name by which it asked."""

    def __init__(self, no: TurnedAway, model: str) -> None:
        """Keep the name."""
        super().__init__(no.reply)
        self.model = model


class Visit(msgspec.Struct, frozen=True):
    """One request that may go to its model."""

    caller: Caller
    turn: Turn
    model: LanguageModel
    passed: Passed
    taken: Taken
    to: ToUpstream
    id: str
    created: int
    estimated: int


class Visits:
    """Takes requests as far as the model's server."""

    def __init__(self, desk: FaceDesk, room: LlmRoom, streams: Streams, threads: ThreadPoolExecutor) -> None:
        """Keep the door."""
        self._desk, self._room, self._streams, self._threads = desk, room, streams, threads
        self.keeper: Keeper = desk.keeper(DOOR, understands=UNDERSTOOD, bound=False)
        self._keeping = Keeping(room.keeper, room.settings.max_messages)
        self._limits = BodyLimits(room.settings.max_body_bytes, _DEPTH)

    async def open(self, request: Request, tenant: str, face: Face, slot: Slot) -> Visit:
        """Return a request that may go on; it takes its place once its caller is proven and its body is here.

        Raises:
            TurnedAway: who comes proved nothing, or the decision says no.
            OstiaryError: what it asks cannot be asked.
        """
        # 1. Who comes, and what it asks. A body of any size is read only for somebody who proved who he is.
        if not request.is_json():
            raise FaultyInputError("content_type", "the content type must be application/json")
        told = request.header(b"content-length") or ""
        if told.isdigit() and len(told) < 6 and int(told) <= _SMALL:  # noqa: PLR2004
            raw = await request.body(_SMALL, self._desk.receive_timeout_s)
            caller, turn = await self._beside(partial(self._enter, request, tenant, face, raw, slot))
        else:
            known = await self.keeper.caller(request, tenant)
            raw = await request.body(self._limits.max_bytes, self._desk.receive_timeout_s)
            caller, turn = await self._beside(partial(self._read, known, face, raw, slot))
        if isinstance(turn, FaultyInputError):
            raise turn
        return await self._decided(caller, turn)

    async def open_as(self, caller: Caller, face: Face, raw: bytes, slot: Slot) -> Visit:
        """Return a question that a face asks for a caller who has proved himself.

        Raises:
            TurnedAway: the decision says no.
            OstiaryError: it cannot be asked.
        """
        _, turn = await self._beside(partial(self._read, caller, face, raw, slot))
        if isinstance(turn, FaultyInputError):
            raise turn
        return await self._decided(caller, turn)

    async def _decided(self, caller: Caller, turn: Turn) -> Visit:
        asked, found = turn.asked, self._room.models.find(caller.tenant, turn.asked.model)
        # 2. The decision; a name that stands for nothing is asked about like any other.
        passed = await self._ask(caller, turn, found)
        if found is None or ("embeddings" if asked.face == "embeddings" else "chat") not in found.kinds:
            no = FaultyInputError("unsupported_value", "this model does not do that", "model")
            raise await self._fail(turn, found, passed, no)
        _reduce(asked, passed)
        # 3. Budgets.
        earlier = (msgspec.json.encode(one).decode() for one in asked.earlier)
        tokens_in = tokens_of((*(piece.text for piece in asked.pieces), *earlier))
        try:
            taken = await self._take(caller, turn, found, tokens_in, asked.output * asked.choices)
        except OstiaryError as no:
            raise await self._fail(turn, found, passed, no) from no
        asked.body["model"] = found.target
        return Visit(
            caller=caller,
            turn=turn,
            model=found,
            passed=passed,
            taken=taken,
            to=ToUpstream(asked.face, asked.body, passed.decision_id),
            id=response_id(asked, turn.nonce) if asked.face == "responses" else f"chatcmpl-{turn.nonce}",
            created=passed.at_ns // 1_000_000_000,
            estimated=tokens_in,
        )

    async def judge(self, visit: Visit, calls: Mapping[Any, CallAsked]) -> None:
        """Have calls of tools decided on: one decision each, as for any access.

        Raises:
            TurnedAway: nobody can decide now.
        """
        turn = visit.turn
        turn.calls = dict(calls)
        if not calls:
            return
        wanted = list(calls.values())
        facts = await self._beside(partial(self._facts, turn, wanted))
        offered = set(turn.asked.tools)
        turn.judged = [
            await self._judged(visit, call, one)
            if call.name in offered
            else CallJudged(call.name, "DENY", ("tool-unknown",))
            for call, one in zip(wanted, facts, strict=True)
        ]

    def watch(self, visit: Visit) -> Any:
        """Watch the session of a stream from now on; call what comes back at its end."""
        caller, asked = visit.caller, visit.turn.asked
        request = request_of(caller, Asked(ACTIONS[asked.face], TYPE, visit.model.name))
        receipt = Receipt(visit.passed.decision_id, visit.passed.at_ns, caller.ip, None)
        known = known_of(self._desk.house.decider.parts, receipt, request, caller.identity)
        return self._streams.enter(known.asked, caller.identity.expires_ns, visit.to.stop)

    async def settle(self, visit: Visit, usage: Any) -> None:
        """Give back what a request did not cost."""
        if visit.taken.wants and not self._room.spending.settle_at_hand(visit.taken, usage):
            try:
                await self._beside(partial(self._room.spending.settle, visit.taken, usage))
            except OstiaryError as fault:  # what was taken stays taken
                self._desk.faults(fault.code, fault)

    def settle_later(self, visit: Visit, usage: Any) -> None:
        """Give back what a request did not cost, without waiting: its caller went, and the loop has others."""
        if visit.taken.wants and not self._room.spending.settle_at_hand(visit.taken, usage):
            with contextlib.suppress(RuntimeError):  # the threads have ended: what was taken stays taken
                work = self._threads.submit(self._room.spending.settle, visit.taken, usage)
                work.add_done_callback(self._settled)

    def _settled(self, work: Future[None]) -> None:
        fault = None if work.cancelled() else work.exception()
        if fault is not None:  # what was taken stays taken
            self._desk.faults(getattr(fault, "code", type(fault).__name__), fault)

    async def keep(self, visit: Visit, answer: str, calls: Sequence[CallAsked]) -> None:
        """Keep question and answer, where conversations are kept and this one is to be.

        Raises:
            OstiaryError: they are not kept.
        """
        if visit.turn.asked.conversation:
            await self._beside(partial(self._keeping.keep, visit.turn, answer, calls, visit.passed.decision_id))

    # 1.

    def _enter(self, request: Request, tenant: str, face: Face, raw: bytes, slot: Slot) -> Entered:
        return self._read(caller_of(self._desk.doors, DOOR, request, tenant, bound=False), face, raw, slot)

    def _read(self, caller: Caller, face: Face, raw: bytes, slot: Slot) -> Entered:
        slot.take()
        tenant, identity = caller.tenant, caller.identity
        subject = f"{identity.subject_type}:{identity.subject_id}"
        try:
            asked = read(face, parse_object(raw, self._limits), self._room.reader(tenant, subject))
            label = self._keeping.before(tenant, subject, asked)
            minute = self._desk.house.clock.now_ns() // _MINUTE_NS
            nonce = random_bytes(_NONCE).hex()
            turn = Turn(tenant=tenant, subject=subject, asked=asked, label=label, nonce=nonce, minute=minute)
            look(self._room.inspectors, turn)
        except FaultyInputError as fault:
            return caller, fault
        return caller, turn

    # 2.

    async def _ask(self, caller: Caller, turn: Turn, model: LanguageModel | None) -> Passed:
        asked = turn.asked
        properties = {
            "labels": label_document(turn.label),
            "inspection": {"available": turn.available, "verdict": turn.verdict.value, "rules": turn.rules},
            "tools": len(asked.tools),
            "stream": asked.stream,
        }
        name = model.name if model is not None else asked.model
        try:
            return await self.keeper.ask(caller, Asked(ACTIONS[asked.face], TYPE, name, properties=properties))
        except TurnedAway as no:
            told = msgspec.json.decode(no.reply.body)
            if "decision_id" in told:
                record = inspection_record(turn, name, told["decision_id"], told.get("code", "access_denied"))
                await self._room.record(turn.tenant, record)
            raise NotThisModel(no, asked.model) from no

    async def _fail(self, turn: Turn, model: LanguageModel | None, passed: Passed, no: OstiaryError) -> OstiaryError:
        name = model.name if model is not None else turn.asked.model
        await self._room.record(turn.tenant, inspection_record(turn, name, passed.decision_id, no.code))
        return no

    # 3.

    async def _take(self, caller: Caller, turn: Turn, model: LanguageModel, tokens_in: int, out: int) -> Taken:
        spending, pacing, now_ns = self._room.spending, self._room.pacing, self._desk.house.clock.now_ns()
        pace = Pace(model.requests_per_minute, model.burst)
        if pacing.bounds(pace):
            await self._beside(partial(pacing.take, caller.tenant, turn.subject, model.name, pace, now_ns))
        asked = (caller.tenant, turn.subject, model.price, tokens_in, out, now_ns)
        if not spending.bounded:
            return spending.take(*asked)
        # What was taken ahead is at hand: only every thousandth request or so has to wait for the store.
        at_hand = spending.take_at_hand(*asked)
        return at_hand if at_hand is not None else await self._beside(partial(spending.take, *asked))

    # 5.

    def _facts(self, turn: Turn, calls: list[CallAsked]) -> tuple[Any, ...]:
        told = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
        manifest, tenant = self._room.manifest, turn.tenant
        said, labels = labelled(turn.asked.messages, tenant, lambda name: label_of(manifest.find(name), tenant))
        messages = [*said, {"role": "assistant", "tool_calls": told}]
        return read_calls(manifest, messages, tenant=tenant, before=turn.label, labels=labels)

    async def _judged(self, visit: Visit, call: CallAsked, facts: Any) -> CallJudged:
        looked = {"available": visit.turn.available, "verdict": visit.turn.verdict.value}
        properties = {**facts.properties(), "inspection": looked}
        asked = Asked("tool.call", TOOL, call.name[:256], properties=properties)
        try:
            await self.keeper.ask(visit.caller, asked)
        except TurnedAway as no:
            told = msgspec.json.decode(no.reply.body)
            if "decision_id" not in told:
                raise
            effect = "STEP_UP" if no.reply.status == 401 else "DENY"  # noqa: PLR2004
            return CallJudged(call.name, effect, tuple(told.get("reasons", ())), facts.tainted)
        return CallJudged(call.name, "ALLOW", (), facts.tainted)

    async def _beside(self, work: Any) -> Any:
        return await asyncio.wrap_future(self._threads.submit(work))


def _reduce(asked: LlmAsked, passed: Passed) -> None:
    """Carry out what a reduced permission takes away: length, and tools."""
    limits = passed.obligations(LIMITS)
    if passed.decided.record.outcome.effect == Effect.REDUCE:
        limits = [*limits, {"max_tokens": _REDUCED, "tools": False}]
    for one in limits:
        most = one.get("max_tokens")
        if isinstance(most, int) and 0 < most < asked.output:
            asked.output = most
            asked.body["max_output_tokens" if asked.face == "responses" else "max_completion_tokens"] = most
        if one.get("tools") is False:
            asked.tools = ()
            for name in ("tools", "tool_choice", "parallel_tool_calls"):
                asked.body.pop(name, None)

"""An answer on its way out: what leaves was scanned, and the end leaves after its record is on disk.

- A stream that is stopped (revoked, expired, the server drains) ends with an error event; what was held back stays.
- One that breaks off, at the model's server or by a fault of ours, ends with an error event too: never as if whole.
- A caller that goes ends the question at the model's server; the record says so.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final, Self

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.gateway.inspectors import Ask, look_back
from ostiary.gateway.openai.chat_answer import ChatAnswer, Head
from ostiary.gateway.openai.collected import Collected, Stopped
from ostiary.gateway.openai.errors import error
from ostiary.gateway.openai.events import LAST, event
from ostiary.gateway.openai.responses_answer import ResponsesAnswer
from ostiary.gateway.ports import CallAsked
from ostiary.gateway.record import inspection_record
from ostiary.gateway.usage import Usage, usage_document, usage_of
from ostiary.keys.hashing import sha256_hex
from ostiary.server.doors import TurnedAway
from ostiary.server.llm.room import LlmRoom
from ostiary.server.llm.telling import message_of, param_of, status_of
from ostiary.server.llm.visit import Visit, Visits
from ostiary.vocabulary.inspecting import Verdict

BLOCKED: Final = "answer_blocked"
HELD: Final = "answer_held"
GONE: Final = "client_gone"
Answer = ChatAnswer | ResponsesAnswer
_WORDS: Final = {
    BLOCKED: "the answer held something that must not leave",
    HELD: "the answer holds something that may leave only when you have proved yourself again",
    "tool_call_step_up": "a call of a tool needs your approval: sign in again",
    "session_terminated": "the session has ended",
    "session_expired": "the session has ended",
    "subject_revoked": "the subject's sessions were revoked",
    "session_step_up": "the session must be proven again",
    "session_reduced": "the session was reduced",
    "token_expired": "the token has expired",
    "server_draining": "the server is about to end",
}


class Outgoing:
    """One answer; lives in the loop."""

    def __init__(self, visits: Visits, room: LlmRoom, visit: Visit, first_text: Callable[[float], None]) -> None:
        """Answer ``visit``; ``first_text`` is told when the first text left."""
        self._visits, self._room, self._visit, self._first = visits, room, visit, first_text
        asked = visit.turn.asked
        self._begun = time.monotonic()
        self._first_ms = 0.0
        self.collected = Collected(lambda escaped: room.scan(visit.turn.canary, visit.turn.cited, escaped=escaped))
        head = Head(visit.id, asked.model, visit.created)
        if asked.face == "responses":
            self._answer: Answer = ResponsesAnswer(head, self.collected, _echoed(visit))
        else:
            self._answer = ChatAnswer(head, self.collected, asked.choices, usage_wanted=asked.usage_wanted)
        self._named = asked.face == "responses"
        self._recorded = False
        self._spent: Usage | None = None
        self._leave: Callable[[], None] | None = None
        self.outcome = ""

    def watch(self) -> None:
        """Watch the asker's session from now on: before the model's server is asked, so that no change is missed."""
        if self._leave is None:
            self._leave = self._visits.watch(self._visit)

    async def whole(self) -> dict[str, Any]:
        """Return the answer as one object; its record is on disk.

        Raises:
            OstiaryError: there is none.
            TurnedAway: a call needs more than a permission.
        """
        self.watch()
        stop = self._visit.to.stop
        try:
            self._answer.take(await self._room.upstream(self._visit.model).whole(self._visit.to))
            self._answer.close()
            await self._judge()
            usage = self._usage()
            if stop.reason:
                raise _stopped(stop.reason)
            await self._settled("answered", usage)
            return self._answer.whole(self._visit.turn.calls)
        except Stopped as no:
            code = HELD if no.verdict is Verdict.ASK else BLOCKED
            await self._settled(code, self._usage())
            raise RefusedError(code, _WORDS[code]) from no
        except OstiaryError as no:
            await self._settled(stop.reason or no.code, self._usage())
            if stop.reason:
                raise _stopped(stop.reason) from no
            raise
        finally:
            self._lost()

    def stream(
        self, events: AsyncGenerator[dict[str, Any], None], first: dict[str, Any] | None, ended: Callable[[], None]
    ) -> "Pieces":
        """Return the pieces of a stream that has begun with ``first``; ``ended`` is called however it ends."""
        return Pieces(self._pieces(events, first), events, self._lost, ended)

    async def failed(self, no: OstiaryError) -> None:
        """Record a question that its server refused."""
        try:
            await self._settled(self._visit.to.stop.reason or no.code, Usage())
        finally:
            self.abandoned()

    def abandoned(self) -> None:
        """Record a question whose asker went before anything came back."""
        self._lost()

    async def _pieces(
        self, events: AsyncGenerator[dict[str, Any], None], first: dict[str, Any] | None
    ) -> AsyncGenerator[bytes, None]:
        self.watch()
        stop = self._visit.to.stop
        try:
            async with aclosing(events):
                told = first
                while told is not None and not stop.reason:
                    out = self._answer.feed(told)
                    if out:
                        self._left()
                        yield b"".join([event(one, named=self._named) for one in out])
                    told = await anext(events, None)
            async for piece in self._end():
                yield piece
        except Stopped as no:
            code = HELD if no.verdict is Verdict.ASK else BLOCKED
            yield await self._broken(RefusedError(code, _WORDS[code]))
        except TurnedAway:
            yield await self._broken(UnavailableError("decision_unavailable", "nobody can decide now"))
        except OstiaryError as no:
            yield await self._broken(_stopped(stop.reason) if stop.reason else no)
        finally:
            self._lost()

    async def _end(self) -> AsyncGenerator[bytes, None]:
        """Yield the rest, then the end; what must be recorded is on disk between the two."""
        if self._visit.to.stop.reason:
            raise _stopped(self._visit.to.stop.reason)
        rest = self._answer.close()
        if rest:
            self._left()
            yield b"".join([event(one, named=self._named) for one in rest])
        await self._judge()
        usage = self._usage()
        if self._visit.to.stop.reason:
            raise _stopped(self._visit.to.stop.reason)
        await self._settled("answered", usage)
        last = [event(one, named=self._named) for one in self._answer.finish(self._visit.turn.calls)]
        yield b"".join(last) + (b"" if self._named else LAST)

    async def _judge(self) -> None:
        await self._visits.judge(self._visit, self.collected.calls())
        action = look_back(self._room.inspectors, self._visit.turn)
        if isinstance(action, Ask):
            raise RefusedError(action.code, _WORDS[action.code])
        calls = self._visit.turn.calls
        ids = "\n".join(call.id for call in calls.values())
        told = ids and self.collected.once(ids) == ids  # some models choose them, and could say something by them
        for number, (name, call) in enumerate(calls.items()):
            own = call.id if told else f"call_{self._visit.turn.nonce}_{number}"
            calls[name] = type(call)(own, call.name, self.collected.once(call.arguments))

    async def _broken(self, no: OstiaryError) -> bytes:
        """Return the last event of a stream that ends before its time."""
        status = status_of(no)
        told = error(status, no.code, message_of(no, status), param_of(no), decision_id=self._visit.passed.decision_id)
        await self._settled(no.code, self._usage())
        if self._named:
            body = {"code": no.code, "message": told["error"]["message"], "param": None, "sequence_number": 0}
            return event({"type": "error", **body}, named=True)
        return event(told)

    async def _settled(self, outcome: str, usage: Usage) -> None:
        """Record what came of it, and give back what it did not cost."""
        if self._recorded:
            return
        self._recorded, self.outcome = True, outcome
        visit = self._visit
        record = inspection_record(visit.turn, visit.model.name, visit.passed.decision_id, outcome, **self._told(usage))
        try:
            await self._room.record(visit.caller.tenant, record)
            if outcome == "answered":
                await self._visits.keep(visit, *self._said())
        finally:
            if usage.told or not visit.to.stop.reason:
                await self._visits.settle(visit, usage)

    def _lost(self) -> None:
        """Record an answer whose caller went, without waiting: nobody hears an answer any more."""
        if self._leave is not None:
            self._leave()
            self._leave = None
        if self._recorded:
            return
        self._recorded, self.outcome = True, self._visit.to.stop.reason or GONE
        visit, usage = self._visit, self._usage()
        record = inspection_record(
            visit.turn, visit.model.name, visit.passed.decision_id, self.outcome, **self._told(usage)
        )
        self._room.append(visit.caller.tenant, record)
        # Who goes before the server has counted gets nothing back: else nobody would wait for the last chunk.
        if visit.taken.wants and usage.told:
            self._visits.settle_later(visit, usage)

    def _told(self, usage: Usage) -> dict[str, Any]:
        ms = (round(self._first_ms, 1), round((time.monotonic() - self._begun) * 1000, 1))
        return {
            "release": self.collected.verdict,
            "findings": self.collected.findings,
            "usage": usage,
            "units": self._visit.model.price.units(usage.tokens_in, usage.tokens_out),
            "output": "sha256:" + sha256_hex(self._text().encode("utf-8", "surrogatepass")),
            "ms": ms,
        }

    def _text(self) -> str:
        return "\n".join(self.collected.text(name) or "" for name in self.collected.names())

    def _said(self) -> tuple[str, list[CallAsked]]:
        """Return what a conversation keeps: the words and calls of the answer, of several answers the first."""
        chat, calls = self._visit.turn.asked.face == "chat", self._visit.turn.calls.items()
        names = [(0, "content")] if chat else [one for one in self.collected.names() if one[-1] == "output_text"]
        text = "\n".join(self.collected.text(name) or "" for name in names)
        return text, [call for name, call in calls if not chat or name[0] == 0]

    def _usage(self) -> Usage:
        """Return what it cost, as it stands when it is asked for first: at the end."""
        if self._spent is None:
            self._spent = usage_of(self._answer.usage, self._visit.estimated, self.collected.in_bytes)
            self._answer.usage = usage_document(self._visit.turn.asked.face, self._spent)
        return self._spent

    def _left(self) -> None:
        if not self._first_ms and self.collected.out_length:
            self._first_ms = (time.monotonic() - self._begun) * 1000
            self._first(self._first_ms / 1000)


class Pieces:
    """The pieces of one stream; closing them ends everything, also when it was never begun."""

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        events: AsyncGenerator[dict[str, Any], None],
        lost: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        """Take the pieces, where they come from, and whom to tell."""
        self._pieces, self._events, self._lost, self._ended = pieces, events, lost, ended

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece."""
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """End the question at the model's server, and record what nobody waited for."""
        try:
            await self._pieces.aclose()
            await self._events.aclose()
        finally:
            self._lost()
            self._ended()


def _stopped(reason: str) -> RefusedError:
    return RefusedError(reason, _WORDS.get(reason, "the stream was ended"))


def _echoed(visit: Visit) -> dict[str, Any]:
    body, asked = visit.to.body, visit.turn.asked
    names = ("temperature", "top_p", "tool_choice", "tools", "parallel_tool_calls", "max_output_tokens", "truncation")
    said = {name: body[name] for name in names if name in body}
    return {**said, "store": bool(asked.conversation), "previous_response_id": asked.previous or None}

"""What both clients share around the I/O: which grant is at hand, what is sent, what comes of the reply."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from ostiary_sdk.answers import Decision
from ostiary_sdk.grants import Grants
from ostiary_sdk.questions import Entity, Question, QuestionError, question
from ostiary_sdk.revocation import RevocationList
from ostiary_sdk.settings import Settings
from ostiary_sdk.wire import (
    EVALUATION,
    EVALUATIONS,
    INTERNAL,
    TIMEOUT,
    UNREACHABLE,
    Credential,
    Reply,
    encode,
    headers,
    life_s,
    new_request_id,
    read_decision,
    read_decisions,
)

log = logging.getLogger("ostiary_sdk")
MAX_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to be made; its ``repr`` holds no secrets."""

    path: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    request_id: str
    mark: int | None
    begun: float


class Asking:
    """The part of a client that does no I/O."""

    def __init__(self, credential: Credential, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Ask with ``credential``."""
        self._credential = credential
        self._settings = settings
        self._clock = clock
        self.fallen = RevocationList(settings.max_stale_s, clock)
        self.grants = Grants(self.fallen, settings.max_cached, clock)

    def kept(self, asked: Question) -> Decision | None:
        """Return a grant at hand."""
        return self.grants.find(asked) if self._settings.cache_s > 0 else None

    def call(self, path: str, body: object) -> Call:
        """Return a request; what falls from now on is not covered by its answer."""
        request_id = new_request_id()
        mark = self.fallen.mark()
        return Call(path, encode(body), headers(self._credential, request_id), request_id, mark, self._clock())

    def one(self, asked: Question) -> Call:
        """Return the request of one question."""
        return self.call(EVALUATION, asked.body())

    def many(self, asked: Sequence[Question]) -> Call:
        """Return the request of a batch."""
        return self.call(EVALUATIONS, {"evaluations": [one.body() for one in asked]})

    def answered(self, asked: Question, call: Call, reply: Reply) -> Decision:
        """Return the decision, and keep it where that is right."""
        decision = read_decision(reply, call.request_id)
        self._keep(asked, decision, call, reply)
        return decision

    def all_answered(self, asked: Sequence[Question], call: Call, reply: Reply) -> list[Decision]:
        """Return the decisions of a batch, and keep them where that is right."""
        decisions = read_decisions(reply, call.request_id, len(asked))
        for one, decision in zip(asked, decisions, strict=True):
            self._keep(one, decision, call, reply)
        return decisions

    def time_left_s(self, call: Call) -> float:
        """Return how long a request may still take.

        Raises:
            TimeoutError: no longer.
        """
        left = self._settings.timeout_s - (self._clock() - call.begun)
        if left <= 0:
            raise TimeoutError
        return left

    def _keep(self, asked: Question, decision: Decision, call: Call, reply: Reply) -> None:
        if decision.allowed and self._settings.cache_s > 0:
            spent = self._clock() - call.begun
            self.grants.keep(asked, decision, call.mark, life_s(asked, decision, reply, self._settings.cache_s) - spent)


def prepared(action: str, resource: Entity, who: dict[str, Any]) -> Question | Decision:
    """Return the question, or the denial of one that cannot be put."""
    try:
        return question(action, resource, **who)
    except QuestionError as wrong:
        return Decision.failed(str(wrong))
    except (TypeError, ValueError):
        return Decision.failed("question_invalid")


def why(fault: BaseException) -> str:
    """Return the reason code of a fault; the log is told its kind, never its text, which may hold what was sent."""
    if isinstance(fault, TimeoutError | httpx.TimeoutException):
        return TIMEOUT
    if isinstance(fault, httpx.TransportError):
        return UNREACHABLE
    if isinstance(fault, TooLongError):
        return "pdp_answer_too_long"
    if isinstance(fault, AnotherLoopError):
        return "another_loop"
    log.error("a question could not be put: %s", type(fault).__name__)
    return INTERNAL


class TooLongError(Exception):
    """An answer is longer than any answer is."""


class AnotherLoopError(Exception):
    """An asynchronous client belongs to one event loop, and so do its connections and its feed."""

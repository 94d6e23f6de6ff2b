"""Writes down every answer that a client got, judges it at once, and later compares it with what the log says.

It shares nothing with the server: it knows what was asked, what came back and when, and when an end was acknowledged.

1. No answer is looser than the oracle says, nor allowed in a session or by a token whose end was acknowledged before
   it was asked.
2. Each answer that names a decision has exactly one record, of the right tenant, with the effect that was told.
3. No question has two records, answered or not; no decision is told twice.
"""

import threading
import time
from collections import Counter
from typing import Any, Final

import msgspec
from benchmarks.faults.broken import BrokenInvariantError
from benchmarks.faults.scene import KINDS, Question

from ostiary.vocabulary.effects import Effect

ALLOWED: Final = (Effect.ALLOW, Effect.REDUCE)


class Answer(msgspec.Struct, frozen=True):
    """One answer as its caller got it."""

    request_id: str
    tenant: str
    kind: str
    decision_id: str
    effect: str


class Recorded(msgspec.Struct, frozen=True):
    """One decision as the verified log holds it."""

    decision_id: str
    tenant: str
    request_id: str
    effect: str


class Bookkeeper:
    """The books of one deployment; safe for many threads."""

    def __init__(self) -> None:
        """Begin with empty books."""
        self._lock = threading.Lock()
        self._open: dict[str, Answer] = {}
        self._told: set[str] = set()
        self._owners: dict[str, str] = {}
        self._records: dict[str, Recorded] = {}
        self._asked_of: dict[str, str] = {}
        self._ended: dict[str, float] = {}
        self._acts: set[str] = set()
        self._act_records: set[str] = set()
        self.broken: BrokenInvariantError | None = None
        self.counts: Counter[str] = Counter()

    # What clients tell.

    def answered(self, question: Question, request_id: str, sent: float, status: int, told: dict[str, Any]) -> None:
        """Write an answer down; ``sent`` is the monotonic second before the question left."""
        context = told.get("context", {})
        effect = str(context.get("effect", "DENY"))
        allowed = told.get("decision") is True
        with self._lock:
            self.counts["answered"] += 1
            self.counts["allowed"] += allowed
            self.counts[f"status_{status}"] += 1
            self._judge(question, sent, effect, allowed=allowed)
            decision_id = str(context.get("id", ""))
            if not decision_id:
                if allowed:
                    self._break("lost", f"an answer that allows names no decision: {told}")
                return
            if decision_id in self._told:
                self._break("doubled", f"decision {decision_id} was told twice")
            self._told.add(decision_id)
            self._owners[decision_id] = question.tenant
            self._open[decision_id] = Answer(request_id, question.tenant, question.kind, decision_id, effect)

    def unanswered(self) -> None:
        """Count a question whose answer never came: it may have a record, but not two."""
        with self._lock:
            self.counts["unanswered"] += 1

    def ended(self, *names: str) -> None:
        """Note that the end of a session or subject was acknowledged just now."""
        with self._lock:
            self.counts["ends_acknowledged"] += 1
            for name in names:
                self._ended.setdefault(name, time.monotonic())

    def acted(self, record_id: str) -> None:
        """Note a record that an administrator was told of."""
        with self._lock:
            self.counts["acts_acknowledged"] += 1
            self._acts.add(record_id)

    def shown(self, tenant: str, decision_ids: list[str]) -> None:
        """Judge what was shown to an administrator of one tenant: nothing of another one."""
        with self._lock:
            self.counts["shown"] += len(decision_ids)
            for one in decision_ids:
                owner = self._owners.get(one, tenant)
                if owner != tenant:
                    self._break("crossed", f"tenant `{tenant}` was shown {one} of tenant `{owner}`")

    def hidden(self, tenant: str, what: str, status: int, unknown: int) -> None:
        """Judge what was answered about something of another tenant: the same as about something unknown."""
        with self._lock:
            self.counts["foreign_asked"] += 1
            if status != unknown:
                self._break("crossed", f"tenant `{tenant}` was answered {status} about {what}, {unknown} if unknown")

    def owned(self, tenant: str) -> str:
        """Return some decision of ``tenant``, or an empty string."""
        with self._lock:
            return next((one for one in reversed(self._owners) if self._owners[one] == tenant), "")

    # What the log tells.

    def recorded(self, found: Recorded) -> None:
        """Write down what a verified log holds."""
        with self._lock:
            self.counts["recorded"] += 1
            if found.decision_id in self._records:
                self._break("doubled", f"decision {found.decision_id} has two records")
            self._records[found.decision_id] = found
            if not found.request_id:
                return
            first = self._asked_of.setdefault(found.request_id, found.decision_id)
            if first != found.decision_id:
                self._break("doubled", f"question {found.request_id} has two records: {first}, {found.decision_id}")

    def act_recorded(self, record_id: str) -> None:
        """Write down that an administrator's act is in a verified log."""
        with self._lock:
            self._act_records.add(record_id)

    def waiting(self) -> tuple[list[str], set[str]]:
        """Return decisions and acts that were told and not yet found; ask before the log is read."""
        with self._lock:
            return list(self._open), set(self._acts)

    def missing(self, decisions: list[str]) -> bool:
        """Return whether any of these was not read in a log yet."""
        with self._lock:
            return any(one not in self._records for one in decisions)

    def settle(self, decisions: list[str], acts: set[str]) -> None:
        """Compare what waited before the log was read with what was found in it."""
        with self._lock:
            for one in decisions:
                self._compare(self._open.pop(one))
            lost = acts - self._act_records
            if lost:
                self._break("lost", f"acts that were acknowledged have no record: {sorted(lost)[:5]}")
            self._acts -= acts

    def check(self) -> None:
        """Stop at the first broken invariant.

        Raises:
            BrokenInvariantError: which, and what was seen.
        """
        if self.broken is not None:
            raise self.broken

    def _judge(self, question: Question, sent: float, effect: str, *, allowed: bool) -> None:
        loosest = KINDS[question.kind]
        if allowed != (effect in {one.name for one in ALLOWED}):
            self._break("loosened", f"`{question.kind}`: decision {allowed} with effect {effect}")
        if allowed and loosest not in ALLOWED:
            self._break("loosened", f"`{question.kind}` of `{question.tenant}` was answered {effect}")
        for name in (question.session, f"{question.tenant}/{question.subject}"):
            if allowed and sent > self._ended.get(name, float("inf")):
                self._break("loosened", f"{effect} for `{name}`, whose end was acknowledged before it was asked")

    def _compare(self, answer: Answer) -> None:
        found = self._records.get(answer.decision_id)
        if found is None:
            self._break("lost", f"{answer.decision_id} was told {answer.effect} and has no record")
            return
        told = (answer.tenant, answer.request_id, answer.effect)
        if told != (found.tenant, found.request_id, found.effect):
            self._break("lost", f"{answer.decision_id} was told as {told} and recorded as {found}")

    def _break(self, invariant: str, text: str) -> None:
        if self.broken is None:
            self.broken = BrokenInvariantError(invariant, text)

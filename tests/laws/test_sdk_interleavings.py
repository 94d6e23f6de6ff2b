"""Whatever the order of questions, answers, falls and broken feeds: no grant outlives its session by more than allowed.

A model of one session at the server, one enforcement point, and two channels between them that keep their order and
nothing else: answers and the feed arrive when hypothesis says so. The server's clock is a minute off.
"""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.thoroughness import tries

from ostiary_sdk import Decision, Effect, question
from ostiary_sdk.grants import Grants
from ostiary_sdk.revocation import FeedError, RevocationList
from ostiary_sdk.sse import SseEvent

STALE_S = 5.0
SKEW_S = 60.0
ASKED = question("read", "doc:1", subject="user:alice", session_id="s1")
ALLOW = Decision(allowed=True, effect=Effect.ALLOW)
DENY = Decision(allowed=False, effect=Effect.DENY)


class Interleavings(RuleBasedStateMachine):
    """Each rule is one thing that happens next."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.fallen = RevocationList(STALE_S, lambda: self.now, most=20)
        self.grants = Grants(self.fallen, 10, lambda: self.now)
        self.epoch, self.seq, self.ring = 0, 0, list[tuple[int, str]]()
        self.fell_at: float | None = None  # when the server let the session fall, unless it has risen since
        self.channel: list[SseEvent] | None = None
        self.slow = 0.0
        self.questions: list[int | None] = []
        self.answers: list[tuple[Decision, int | None]] = []

    # The enforcement point and the server.

    @rule()
    def use(self) -> None:
        """The common case: a grant at hand, or a question that is answered at once."""
        if self.grants.find(ASKED) is None:
            self.grants.keep(ASKED, DENY if self.fell_at is not None else ALLOW, self.fallen.mark(), 3600)

    @rule()
    def ask(self) -> None:
        self.questions.append(self.fallen.mark())

    @precondition(lambda self: self.questions)
    @rule()
    def decide(self) -> None:
        self.answers.append((DENY if self.fell_at is not None else ALLOW, self.questions.pop(0)))

    @precondition(lambda self: self.answers)
    @rule(which=st.integers(0, 50))
    def answer_arrives(self, which: int) -> None:
        decision, mark = self.answers.pop(which % len(self.answers))
        self.grants.keep(ASKED, decision, mark, 3600)

    @rule(name=st.sampled_from(["s1", "user\nalice\ns1"]), kind=st.sampled_from(["terminated", "step_up", "reduced"]))
    def fall(self, name: str, kind: str) -> None:
        self.fell_at = self.now if self.fell_at is None else self.fell_at
        self._tell({"kind": kind, "session": name})

    @precondition(lambda self: self.fell_at is not None)
    @rule()
    def rise(self) -> None:
        self.fell_at = None
        self._tell({"kind": "proven", "session": "s1"})

    @rule(number=st.integers(0, 40))
    def another_falls(self, number: int) -> None:
        self._tell({"kind": "terminated", "session": f"other-{number}"})

    @precondition(lambda self: self.seq > 3)
    @rule()
    def restart(self) -> None:
        self.epoch, self.seq, self.ring, self.channel = self.epoch + 1, 0, [], None
        self.fallen.lost()

    # The feed.

    @initialize()
    def begin(self) -> None:
        self.connect()

    @precondition(lambda self: self.channel is None or self.channel)
    @rule()
    def connect(self) -> None:
        self.fallen.lost()
        place = self.fallen.place
        self.channel = []
        self.fallen.begin()
        kept = {seq for seq, _ in self.ring} | {self.seq}
        if place.startswith(f"{self.epoch}-") and int(place.split("-")[1]) + 1 in kept | {self.seq + 1}:
            seq = int(place.split("-")[1])
            self._send("resumed", {"epoch": str(self.epoch), "seq": seq, "newest": self.seq})
            for number, told in self.ring:
                if number > seq:
                    self.channel.append(SseEvent("change", told, f"{self.epoch}-{number}"))
        else:
            ended = [{"session": "s1"}] if self.fell_at is not None else []
            self._send("snapshot", {"epoch": str(self.epoch), "seq": self.seq, "ended": ended})
        self._arrive(1)  # the first moment of a connection is prompt, and no more than that

    @rule()
    def beat(self) -> None:
        if self.channel is not None:
            self._beat()

    @rule(count=st.integers(1, 8))
    def arrive(self, count: int) -> None:
        self._arrive(count)

    @precondition(lambda self: self.channel)
    @rule()
    def cut(self) -> None:
        self.channel = None
        self.fallen.lost()

    @rule(seconds=st.sampled_from([6.0, 12.0, 1.0, 4.9]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def no_grant_outlives_its_session(self) -> None:
        if self.fell_at is not None and self.now - self.fell_at > 2 * STALE_S:
            assert self.grants.find(ASKED) is None

    @invariant()
    def told_is_gone(self) -> None:
        """Once the fall has arrived, no grant from before it is used, not for a moment."""
        if self.fell_at is not None and self.channel == [] and self.fallen.fresh():
            assert self.grants.find(ASKED) is None

    def _tell(self, told: dict[str, str]) -> None:
        self.seq += 1
        text = json.dumps(told)
        self.ring = [*self.ring, (self.seq, text)][-6:]
        if self.channel is not None:
            self.channel.append(SseEvent("change", text, f"{self.epoch}-{self.seq}"))

    def _beat(self) -> None:
        self._send("beat", {"seq": self.seq, "clock_ms": int((self.now + SKEW_S) * 1000)})

    def _send(self, name: str, told: dict[str, object]) -> None:
        assert self.channel is not None
        self.channel.append(SseEvent(name, json.dumps(told), ""))

    def _arrive(self, count: int) -> None:
        for _ in range(count):
            if not self.channel:
                return
            try:
                self.fallen.apply(self.channel.pop(0))
            except FeedError:
                self.channel = None
                self.fallen.lost(forget=True)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=tries(100, 200), stateful_step_count=30, deadline=None)

"""A slow receiver, and a transmitter that promises for ever, have their turn and no more."""

import json
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.response.ssf.limits import StreamRules
from ostiary.response.ssf.polling import Poller, Source
from ostiary.response.ssf.ports import Outgoing
from ostiary.response.ssf.pushing import Pusher
from ostiary.response.ssf.sending import Answer
from ostiary.response.ssf.streams import PUSH, Delivery, Stream
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.signal_store import MemorySignalStore

SLOW_S = 4
SECOND_NS = 1_000_000_000


class Now(Executor):
    """Runs at once: one thread for everybody."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Slow:
    """Answers each POST after a while; remembers to whom and when."""

    def __init__(self, clock: FakeClock, answer: Answer) -> None:
        self.clock, self.answer = clock, answer
        self.sent: list[tuple[str, int]] = []

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        del body, headers
        self.sent.append((url, self.clock.now_ns()))
        self.clock.advance(SLOW_S)
        return self.answer


def test_a_slow_receiver_keeps_a_thread_for_one_turn_only() -> None:
    clock, store = FakeClock(), MemorySignalStore()
    network, began = Slow(clock, Answer(202, b"")), clock.now_ns()
    for tenant in ("acme", "globex"):
        delivery = Delivery(PUSH, f"https://{tenant}.example/")
        store.add_stream(Stream(tenant, "s", "pep", ("pep",), delivery, 1), of_owner=9, of_tenant=9)
    store.put_out([Outgoing("acme", "s", f"jti-{number}", "t", 1) for number in range(50)], 999)
    store.put_out([Outgoing("globex", "s", "jti", "t", 1)], 999)
    away: Any = None
    push = Pusher(
        store,
        clock,
        away,
        network,
        Now(),
        on_refused=lambda *_told: None,
        on_fault=lambda *_told: None,
        pause=lambda *_told: None,
        welcome=lambda _stream: True,
        rules=StreamRules(),
    )
    push.turn()
    (reached,) = [at for url, at in network.sent if "globex" in url]
    assert reached - began <= 3 * SLOW_S * SECOND_NS
    for _ in range(40):
        push.turn()
    assert store.count_all_waiting() == 0


@pytest.mark.parametrize("sets", [{}, {"a": "t"}])
def test_who_promises_more_for_ever_keeps_the_others_waiting_for_one_turn_only(sets: dict[str, str]) -> None:
    clock = FakeClock()
    network = Slow(clock, Answer(200, json.dumps({"sets": sets, "moreAvailable": True}).encode()))
    sources = {name: Source(poll_url=f"https://{name}.example/poll") for name in ("one", "two")}
    taken = SimpleNamespace(jti="a")
    intake: Any = SimpleNamespace(receivers=dict.fromkeys(sources, object()), take=lambda _receiver, _text: taken)
    Poller(intake, sources, network, clock, lambda *_told: None).turn()
    (first, *_) = [at for url, at in network.sent if "two" in url]
    assert first - network.sent[0][1] <= 4 * SLOW_S * SECOND_NS

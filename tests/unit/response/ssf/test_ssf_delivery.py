"""Delivery: pushes in order with patience, polls with acknowledgement, and what becomes of what nobody wants."""

from concurrent.futures import Executor, Future
from typing import Any

import msgspec
import pytest

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.secevent.reasons import ERRORS
from ostiary.response.ssf.desk import Caller
from ostiary.response.ssf.limits import MAX_ACKED
from ostiary.response.ssf.mailbox import Poll, SetError, read_poll
from ostiary.response.ssf.pushing import LONGEST_WAIT_S, Pusher
from ostiary.response.ssf.sending import Answer
from ostiary.response.ssf.streams import PUSH
from ostiary.response.ssf.upkeep import Upkeep

PUSHED = {"method": PUSH, "endpoint_url": "https://93.184.216.34/events", "authorization_header": "Bearer s3cret"}
OK = Answer(202, b"")


class Now(Executor):
    """Runs at once, so that a test sees what happened."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def said(err: str, description: str = "") -> Answer:
    return Answer(400, msgspec.json.encode({"err": err, "description": description}))


@pytest.fixture
def push(domain: Any, network: Any) -> Pusher:
    return Pusher(
        domain.store,
        domain.clock,
        domain.secrets,
        network,
        Now(),
        on_refused=domain.refuse,
        on_fault=lambda code, fault: domain.faults.append((code, fault)),
        pause=domain.desk.set_status,
        welcome=lambda _stream: True,
        rules=domain.rules,
    )


@pytest.fixture
def stream(domain: Any, owner: Caller) -> Any:
    return domain.desk.create(owner, {"delivery": PUSHED})


def ask(domain: Any, owner: Caller, stream: Any, count: int) -> None:
    for number in range(count):
        domain.clock.advance(60)
        domain.desk.verify(owner, stream.stream_id, f"state-{number}")


def test_tokens_are_pushed_in_order_with_what_the_receiver_gave_us(
    domain: Any, owner: Caller, network: Any, push: Pusher, stream: Any
) -> None:
    ask(domain, owner, stream, 3)
    tokens = [row.token for row in domain.store.waiting("acme", stream.stream_id, 9)]
    network.answers = [OK, Answer(200, b""), OK]
    assert push.turn() == 1
    assert [body.decode() for _, body, _ in network.sent] == tokens
    assert {url for url, _, _ in network.sent} == {"https://93.184.216.34/events"}
    headers = network.sent[0][2]
    assert headers == {"content-type": "application/secevent+jwt", "authorization": "Bearer s3cret"}
    assert domain.waiting(stream) == []
    assert push.turn() == 0


def test_a_receiver_that_is_away_is_asked_less_and_less_and_nothing_is_lost_or_overtaken(
    domain: Any, owner: Caller, network: Any, push: Pusher, stream: Any
) -> None:
    ask(domain, owner, stream, 2)
    tries: list[int] = []
    for second in range(1000):
        if push.turn():
            tries.append(second)
        domain.clock.advance(1)
    assert tries == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811]
    first = {body for _, body, _ in network.sent}
    assert len(first) == 1
    network.answers = [OK, OK]
    domain.clock.advance(LONGEST_WAIT_S)
    push.turn()
    assert domain.waiting(stream) == []
    assert all(code == "signal_not_delivered" for code, _ in domain.faults)


@pytest.mark.parametrize("err", sorted(ERRORS - {"authentication_failed", "access_denied", "invalid_key"}))
def test_a_token_that_the_receiver_refuses_is_recorded_and_gone(
    domain: Any, owner: Caller, network: Any, push: Pusher, stream: Any, err: str
) -> None:
    ask(domain, owner, stream, 2)
    jti = domain.store.waiting("acme", stream.stream_id, 1)[0].jti
    network.answers = [said(err, "no\nforged line"), OK]
    push.turn()
    ((gone, code, description),) = domain.refused
    assert (gone, code) == (jti, err)
    assert "\n" not in description
    assert domain.waiting(stream) == []


@pytest.mark.parametrize(
    "answer",
    [
        said("authentication_failed"),
        said("access_denied"),
        said("invalid_key"),
        said("of_their_own"),
        Answer(400, b"not json"),
        Answer(302, b""),
        Answer(401, b""),
        Answer(503, b""),
        RefusedError("address_refused", "leads inside"),
        ValueError("a bug"),
    ],
)
def test_everything_else_is_tried_again(
    domain: Any, owner: Caller, network: Any, push: Pusher, stream: Any, answer: Any
) -> None:
    ask(domain, owner, stream, 1)
    network.answers = [answer]
    push.turn()
    assert (len(domain.waiting(stream)), domain.refused) == (1, [])
    network.answers = [OK]
    domain.clock.advance(2)
    push.turn()
    assert domain.waiting(stream) == []


def test_one_slow_stream_does_not_hold_up_another(domain: Any, owner: Caller, network: Any, push: Pusher) -> None:
    first, second = (domain.desk.create(owner, {"delivery": PUSHED}) for _ in range(2))
    ask(domain, owner, first, 1)
    push.turn()
    ask(domain, owner, second, 1)
    push._lines["acme", first.stream_id].busy = True
    network.answers = [OK]
    assert push.turn() == 1
    assert (len(domain.waiting(first)), domain.waiting(second)) == (1, [])


def test_a_stream_without_any_delivery_for_a_day_is_paused_and_keeps_its_events(
    domain: Any, owner: Caller, network: Any, push: Pusher, stream: Any
) -> None:
    ask(domain, owner, stream, 1)
    push.turn()
    domain.clock.advance(90_000)
    push.turn()
    found = domain.desk.find(owner, stream.stream_id)
    assert (found.status, found.reason) == ("paused", "not delivered: receiver_away")
    assert "verification" in {one.event.name for one in domain.waiting(stream)}
    sent = len(network.sent)
    domain.clock.advance(400)
    network.answers = [OK]
    push.turn()
    assert len(network.sent) == sent + 1  # only the news of the pause itself
    assert [one.event.name for one in domain.waiting(stream)] == ["verification"]
    assert domain.deeds[-1]["by"] == "transmitter"


def test_a_poll_gives_what_waits_until_it_is_acknowledged(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    ask(domain, owner, stream, 3)
    answer = domain.mailbox.answer(stream, Poll(max_events=2))
    assert (len(answer.sets), answer.more_available) == (2, True)
    assert domain.mailbox.answer(stream, Poll(max_events=2)) == answer
    domain.mailbox.settle(stream, Poll(ack=(*answer.sets, "made-up")))
    answer = domain.mailbox.answer(stream, Poll())
    assert (len(answer.sets), answer.more_available) == (1, False)
    assert domain.mailbox.answer(stream, Poll(max_events=0)).sets == {}
    assert msgspec.json.decode(msgspec.json.encode(answer)).keys() == {"sets", "moreAvailable"}


@pytest.mark.parametrize("err", [*sorted(ERRORS), "of_their_own"])
def test_what_the_receiver_could_not_read_is_recorded_and_gone(domain: Any, owner: Caller, err: str) -> None:
    stream = domain.desk.create(owner, {})
    ask(domain, owner, stream, 1)
    (jti,) = domain.mailbox.answer(stream, Poll()).sets
    domain.mailbox.settle(stream, Poll(set_errs={jti: SetError(err, "why\nforged"), "made-up": SetError("x")}))
    ((gone, code, description),) = domain.refused
    assert (gone, code) == (jti, err if err in ERRORS else "unknown")
    assert "\n" not in description
    assert domain.mailbox.answer(stream, Poll()).sets == {}


def test_a_paused_stream_gives_nothing_and_keeps_everything(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    ask(domain, owner, stream, 1)
    paused = domain.desk.set_status(owner, stream.stream_id, "paused")
    assert domain.mailbox.answer(paused, Poll()).sets == {}
    enabled = domain.desk.set_status(owner, stream.stream_id, "enabled")
    assert len(domain.mailbox.answer(enabled, Poll()).sets) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"maxEvents": -1},
        {"maxEvents": "many"},
        {"returnImmediately": 1},
        {"ack": "all"},
        {"ack": [7]},
        {"ack": ["x"] * (MAX_ACKED + 1)},
        {"setErrs": {"x": "bad"}},
        {"setErrs": {"x": {}}},
    ],
)
def test_a_malformed_poll_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(FaultyInputError) as fault:
        read_poll(body)
    assert fault.value.code == "poll_invalid"


def test_a_poll_is_read_with_its_defaults() -> None:
    assert read_poll({"unknown": 1}) == Poll()
    told = {"maxEvents": 5, "returnImmediately": True, "ack": ["a"], "setErrs": {"b": {"err": "invalid_key"}}}
    assert read_poll(told) == Poll(5, return_immediately=True, ack=("a",), set_errs={"b": SetError("invalid_key")})


def test_a_silent_receivers_stream_is_paused_and_what_is_over_is_forgotten(make_domain: Any, owner: Caller) -> None:
    domain = make_domain(inactivity_s=600)
    upkeep = Upkeep(domain.store, domain.clock, domain.desk.set_status, domain.rules)
    silent, heard = domain.desk.create(owner, {}), domain.desk.create(owner, {})
    domain.store.mark("acme", "idp", "taken", b"x", domain.clock.now_ns() + 1, 9)
    domain.clock.advance(599)
    assert upkeep.turn() == 0
    domain.desk.heard(owner, heard.stream_id)
    domain.clock.advance(1)
    assert upkeep.turn() == 1
    assert domain.desk.find(owner, silent.stream_id).status == "paused"
    assert domain.desk.find(owner, heard.stream_id).status == "enabled"
    assert domain.store.forget_marks(domain.clock.now_ns()) == 0
    domain.desk.heard(owner, heard.stream_id)
    assert Upkeep(domain.store, domain.clock, domain.desk.set_status, make_domain().rules).turn() == 0

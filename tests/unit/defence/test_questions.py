"""The watch of questions about accesses: what is new, what is near, what closes in on a flip; all of it bounded."""

import math

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.decision.probing import question_of
from ostiary.defence.questions import Question, QuestionLimits, QuestionWatch
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import BehaviourFacts, PlaceFacts, PostureFacts

SECOND = 1_000_000_000
EVE = ("user:eve",)


def event(**told: object) -> AccessEvent:
    usual = AccessEvent("e", "acme", 1, "eve", "read", "database", "sales")
    common: dict[str, object] = {"ip": "192.0.2.7", "device_id": "d1", "user_agent": "Firefox", "count": 10.0}
    return msgspec.structs.replace(usual, **{**common, **told})


def ask(watch: QuestionWatch, question: Question, outcome: str = "ALLOW", now_ns: int = 0) -> tuple[bool, int, int]:
    look = watch.look("acme", EVE, question, now_ns)
    watch.keep(look)
    watch.told(look, outcome)
    return look.maps, look.seen.near, look.seen.walking


def test_another_resource_another_amount_and_passing_time_are_no_other_situation() -> None:
    base = question_of(event())
    same = [
        event(resource_id="orders"),
        event(count=11.0),
        event(ip="192.0.2.200"),
        event(session_id="s-2"),
        event(posture=PostureFacts(report_age_s=12.0)),
        event(behaviour=BehaviourFacts(llr=0.3)),
        event(place=PlaceFacts(rtt_ms=31.0)),
    ]
    assert {question_of(one).situation for one in same[:4]} == {base.situation}
    assert question_of(same[4]).facts == base.facts


def test_what_an_asker_can_vary_about_himself_is_another_situation() -> None:
    varied = [
        event(),
        event(ip="192.0.3.7"),
        event(ip="2001:db8::1"),
        event(device_id="d2"),
        event(device_managed=True),
        event(user_agent="curl"),
        event(tz_offset_min=60),
        event(place=PlaceFacts(city="Oslo")),
        event(posture=PostureFacts(firewall=False)),
    ]
    assert len({question_of(one).situation for one in varied}) == len(varied)
    watch = QuestionWatch()
    told = [ask(watch, question_of(one)) for one in varied]
    assert [maps for maps, _, _ in told] == [False] + [True] * (len(varied) - 1)
    assert told[-1][1] == len(varied) - 1, "each differs in one fact or two from the first"


def test_halving_an_amount_between_two_answers_is_seen_at_each_step() -> None:
    watch, low, high, seen = QuestionWatch(), 1.0, 1e9, []
    flip = 77_777.0
    ask(watch, question_of(event(count=low)), "ALLOW")
    ask(watch, question_of(event(count=high)), "STEP_UP")
    for _ in range(8):
        middle = math.sqrt(low * high)
        seen.append(ask(watch, question_of(event(count=middle)), "STEP_UP" if middle > flip else "ALLOW"))
        low, high = (low, middle) if middle > flip else (middle, high)
    assert [maps for maps, _, _ in seen[:5]] == [True] * 5
    assert seen[-1][2] >= 5


def test_honest_amounts_beside_one_flip_make_few_steps() -> None:
    from random import Random  # noqa: PLC0415

    for seed in range(10):
        watch, luck = QuestionWatch(), Random(seed)  # noqa: S311 - made amounts
        ask(watch, question_of(event(count=5e7)), "STEP_UP")
        last = [ask(watch, question_of(event(count=luck.lognormvariate(5, 2)))) for _ in range(400)][-1]
        assert last[2] <= 8


def test_an_answer_that_tells_nothing_of_a_model_makes_no_flip() -> None:
    watch = QuestionWatch()
    for number in range(1, 60):
        maps, _, walking = ask(watch, question_of(event(count=float(number * 100))), "" if number % 2 else "ALLOW")
        assert (maps, walking) == (False, 0)


def test_counts_go_by_with_the_window() -> None:
    watch = QuestionWatch(QuestionLimits(window_s=60))
    for number in range(5):
        ask(watch, question_of(event(device_id=f"d{number}")))
    assert ask(watch, question_of(event(device_id="new")), now_ns=62 * SECOND)[1] == 1


def test_many_who_ask_the_same_new_question_all_pay_until_one_was_granted() -> None:
    watch = QuestionWatch()
    ask(watch, question_of(event()))
    looks = [watch.look("acme", EVE, question_of(event(device_id="x")), 0) for _ in range(5)]
    assert all(look.maps for look in looks)
    watch.keep(looks[0])
    assert not watch.look("acme", EVE, question_of(event(device_id="x")), 0).maps


texts = st.none() | st.text(max_size=4)
events = st.builds(
    event,
    ip=st.sampled_from([None, "192.0.2.1", "::1", "fe80::1", "198.51.100.3"]),
    device_id=texts,
    user_agent=texts,
    count=st.none() | st.floats(0, 2**53),
    bytes=st.none() | st.integers(0, 2**53),
    behaviour=st.none() | st.builds(BehaviourFacts, llr=st.none() | st.floats(allow_nan=True, allow_infinity=True)),
)


@given(st.lists(st.tuples(events, st.sampled_from(["ALLOW", "DENY", ""])), max_size=80))
@settings(max_examples=60, deadline=None)
def test_the_watch_is_bounded_pure_and_total(asked: list[tuple[AccessEvent, str]]) -> None:
    one, other = QuestionWatch(), QuestionWatch()
    for told, outcome in asked:
        question = question_of(told)
        assert question == question_of(told)
        assert ask(one, question, outcome) == ask(other, question, outcome)
        asker = one._tenants["acme"]["user:eve"]
        assert len(asker.situations) <= 32
        assert len(asker.matters) <= 8
        assert all(len(matter.asked) <= 16 for matter in asker.matters.values())

"""Laws of profiles: history played back equals what was seen online, and everything is bounded."""

import math
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.dimensions import CAPS
from ostiary.signals.profiles import (
    MAX_CODES,
    MAX_COLLEAGUES,
    MAX_FAVOURITES,
    MAX_HOMES,
    MAX_RECENT,
    MAX_SESSIONS,
    MAX_TOKENS,
)
from ostiary.signals.replay import replay
from ostiary.signals.shelf import VERSION, unpacked
from ostiary.testing.organisation import Organisation
from ostiary.testing.profile_store import MemoryProfileStore
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome
from ostiary.vocabulary.facts import (
    AccountFacts,
    BehaviourFacts,
    DataFacts,
    LanguageFacts,
    PlaceFacts,
    PostureFacts,
    TokenFacts,
    WorkloadFacts,
)

DAY_NS = 86_400 * 10**9
BASE = AccessEvent("e", "default", 1_700_000_000 * 10**9, "ann", "read", "database", "db/orders")

steps = st.tuples(
    st.sampled_from(["ann", "bob", "eve"]),
    st.sampled_from(["db/orders", "db/customers", "nova/api", "logs"]),
    st.integers(0, 3 * 86_400),
    st.sampled_from([None, "s1", "s2"]),
    st.sampled_from([None, 60, -300]),
    st.sampled_from(list(EventOutcome)),
    st.sampled_from([(), ("dba",), ("dev",)]),
)


Plan = list[tuple[str, str, int, str | None, int | None, EventOutcome, tuple[str, ...]]]


def story(
    plan: Plan,
) -> Iterator[AccessEvent]:
    now = BASE.time_ns
    for number, (who, what, gap, session, offset, outcome, groups) in enumerate(plan):
        now += gap * 10**9
        yield msgspec.structs.replace(
            BASE,
            event_id=str(number),
            time_ns=now,
            subject_id=who,
            resource_id=what,
            session_id=session,
            tz_offset_min=offset,
            outcome=outcome,
            groups=groups,
            ip=f"10.0.{number % 3}.1",
            device_id=f"d{number % 2}",
            count=float(number),
            detail="timeout" if number % 5 == 1 else None,
            action_class=ActionClass.AUTHENTICATE if number % 4 == 1 else ActionClass.READ,
            mfa=bool(number % 3),
            **(told(f"t{number % 6}", 40 * number) if number % 2 else {}),
        )


def told(text: str, number: int) -> dict[str, Any]:
    """Return every fact group, with ``text`` wherever a text may be."""
    return {
        "token": TokenFacts(
            age_s=1.0,
            lifetime_s=9.0,
            bound=True,
            token_id=text,
            audience=text,
            algorithm=text,
            key_id=text,
            claims=text,
        ),
        "place": PlaceFacts(
            region=text, city=text, latitude=number % 90, longitude=number % 180, ja4=text, language=text, rtt_ms=1.0
        ),
        "posture": PostureFacts(attested=True, rooted=bool(number % 3)),
        "account": AccountFacts(age_s=1.0, department=text, manager=text),
        "data": DataFacts(columns=1, personal_columns=1, owner=text, purpose=text),
        "workload": WorkloadFacts(image=text, egress=text),
        "language": LanguageFacts(prompts_1m=1.0, tokens_out=2.0, tool=text),
        "behaviour": BehaviourFacts(llr=0.0, drift=1.0),
    }


def everything(book: ProfileBook) -> bytes:
    """Return a whole book, nothing in it compressed."""
    kept = msgspec.msgpack.decode(book.snapshot())
    return msgspec.msgpack.encode([kept, [unpacked(data) for data in kept[2].values()]])


def bits(row: list[float]) -> list[str]:
    return [value.hex() for value in row]


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=30), st.integers(0, 30))
def test_replay_equals_online_even_over_a_restart(plan: Plan, cut: int) -> None:
    """Bit for bit: history played back, online looks, and online looks with a restart in between."""
    events = list(story(plan))
    played = [bits(row) for _, row in replay(events, ProfileBook("default"))]
    online, seen = ProfileBook("default"), []
    for number, event in enumerate(events):
        if number == cut:
            fresh = ProfileBook("default")
            fresh.restore(online.snapshot())
            online = fresh
        seen.append(bits(features.extract(event, online.view(event))))
        online.learn(event)
    assert seen == played


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=30))
def test_spilling_to_a_store_changes_nothing(
    plan: Plan,
) -> None:
    events = list(story(plan))
    roomy = [bits(row) for _, row in replay(events, ProfileBook("default"))]
    tight = [bits(row) for _, row in replay(events, ProfileBook("default", MemoryProfileStore(), max_subjects=1))]
    packed = [bits(row) for _, row in replay(events, ProfileBook("default", max_open=1))]
    assert tight == roomy
    assert packed == roomy


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=30))
def test_a_look_before_the_lesson_changes_nothing(plan: Plan) -> None:
    """What a look leaves for the lesson after it is what the lesson would have found itself."""
    looked, blind = ProfileBook("default"), ProfileBook("default")
    for event in story(plan):
        looked.view(event)
        looked.learn(event)
        blind.learn(event)
    assert looked.snapshot() == blind.snapshot()


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, min_size=1, max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_after_a_crash_store_and_snapshot_are_of_one_moment(plan: Plan, saved: int, crashed: int) -> None:
    """What was spilled after the snapshot is taken back, and learned again once."""
    events, store = list(story(plan)), MemoryProfileStore()
    book = ProfileBook("default", store, max_subjects=1)
    data, since = book.snapshot(), 0
    for number, event in enumerate(events[:crashed]):
        if number == saved:
            data, since = book.snapshot(), number
            book.settle()
        book.learn(event)
    again = ProfileBook("default", store, max_subjects=1)
    again.restore(data)
    for event in events[since:]:
        again.learn(event)
    calm = ProfileBook("default", max_subjects=9)
    for event in events:
        calm.learn(event)
    assert {who: again.profile_bytes("user", who) for who in ("ann", "bob", "eve")} == {
        who: calm.profile_bytes("user", who) for who in ("ann", "bob", "eve")
    }


def test_a_subject_stays_small_whatever_it_names() -> None:
    """Five thousand names in every dimension, from one subject: the profile stays within its caps."""
    book = ProfileBook("default")
    for number in range(5_000):
        text = f"{number:06d}"
        book.learn(
            msgspec.structs.replace(
                BASE, event_id=text, time_ns=BASE.time_ns + number * 10**9, resource_id=f"{text}/x", action=text,
                resource_type=text[:5], session_id=text, client_id=text, issuer=text, auth_method=text, device_id=text,
                ip=f"10.{number % 250}.{number // 250}.1", country=text, asn=number, ua_family=text,
                tz_offset_min=number % 1440, detail=text, **told(text, number),
            )
        )  # fmt: skip
    own = book._tables.subjects["user:ann"]
    for table, caps in zip(own.dims, CAPS, strict=True):
        assert table is None or len(table) <= 2 * caps.subject
    assert len(own.sessions) <= MAX_SESSIONS
    assert max(len(own.recent), len(own.recent_resources), len(own.recent_hours)) <= MAX_RECENT
    assert len(own.favourites) <= MAX_FAVOURITES
    assert len(own.colleagues) <= 2 * MAX_COLLEAGUES
    assert len(own.tokens) <= MAX_TOKENS
    assert len(own.homes) <= MAX_HOMES
    assert len(own.codes) <= MAX_CODES
    assert len(own.usual) < 16
    assert len(book.profile_bytes("user", "ann") or b"") < 64 * 1024


def test_names_of_any_length_stay_small() -> None:
    """What an enforcement point sends may be a mebibyte; what is remembered of it is not, and two stay two."""
    book = ProfileBook("default")
    for tail in ("a", "b"):
        long = "x" * (1 << 20) + tail
        book.learn(
            msgspec.structs.replace(
                BASE, resource_id=long, resource_type=long, action=long, session_id=long, device_id=long, country=long,
                client_id=long, issuer=long, auth_method=long, ua_family=long, ip=long, groups=(long,) * 9,
                subject_id=long, detail=long, **told(long, 1),
            )
        )  # fmt: skip
    assert len(book) == 2
    assert len(book.snapshot()) < 128 * 1024


def test_many_subjects_stay_within_the_cap() -> None:
    book = ProfileBook("default", max_subjects=50)
    for number in range(500):
        book.learn(msgspec.structs.replace(BASE, subject_id=str(number), time_ns=BASE.time_ns + number))
    assert len(book) == 50
    assert not book.view(msgspec.structs.replace(BASE, subject_id="0")).known
    assert book.view(msgspec.structs.replace(BASE, subject_id="499")).known


def test_what_was_refused_never_becomes_a_habit() -> None:
    book = ProfileBook("default")
    for number in range(50):
        book.learn(msgspec.structs.replace(BASE, time_ns=BASE.time_ns + number * DAY_NS, outcome=EventOutcome.DENIED))
    now = msgspec.structs.replace(BASE, time_ns=BASE.time_ns + 51 * DAY_NS)
    row = features.extract(now, book.view(now))
    assert row[features.INDEX["resource_new"]] == 1.0
    assert row[features.INDEX["failures_in_row"]] == pytest.approx(math.log1p(50))


def test_a_strange_network_stays_strange_for_the_whole_sitting() -> None:
    """Logging in first does not launder what comes after."""
    book = ProfileBook("default")
    for number in range(30):
        book.learn(msgspec.structs.replace(BASE, time_ns=BASE.time_ns + number * DAY_NS, ip="10.0.0.1"))
    night = BASE.time_ns + 31 * DAY_NS
    login = msgspec.structs.replace(BASE, time_ns=night, ip="203.0.113.9", action="login", resource_id="sso")
    book.learn(login)
    query = msgspec.structs.replace(BASE, time_ns=night + 60 * 10**9, ip="203.0.113.9")
    assert features.extract(query, book.view(query))[features.INDEX["network_new"]] == 1.0


def test_a_gate_that_says_no_lets_rates_rise_and_habits_stay() -> None:
    class Closed:
        def may_learn(self, event: AccessEvent) -> bool:
            return event.subject_id != "ann"

    book = ProfileBook("default", gate=Closed())
    again = msgspec.structs.replace(BASE, time_ns=BASE.time_ns + 10**9)
    first = features.extract(again, book.view(again))
    assert not book.learn(BASE)
    row = dict(zip(features.NAMES, features.extract(again, book.view(again)), strict=True))
    assert row["events_1h"] > first[features.INDEX["events_1h"]]
    assert row["resource_new"] == first[features.INDEX["resource_new"]] == 1.0
    assert book.view(again).mine == [None] * len(book.view(again).mine)


def test_a_forgotten_subject_leaves_no_trace_of_its_name() -> None:
    store = MemoryProfileStore()
    book = ProfileBook("default", store)
    for number in range(5):
        for who in ("ann-secret", "bob"):
            book.learn(
                msgspec.structs.replace(
                    BASE, subject_id=who, time_ns=BASE.time_ns + number, ip="10.0.0.1", device_id="d"
                )
            )
    assert book.forget("user", "ann-secret")
    assert b"ann-secret" not in everything(book)
    assert b"bob" in everything(book)


@pytest.mark.parametrize("most", [1, 2, 9])
def test_a_forgotten_subject_leaves_no_trace_in_what_is_packed_or_spilled(most: int) -> None:
    store = MemoryProfileStore()
    book = ProfileBook("default", store, max_subjects=most, max_open=1)
    for number in range(12):
        who = ("ann-secret", "bob", "eve")[number % 3]
        book.learn(msgspec.structs.replace(BASE, subject_id=who, time_ns=BASE.time_ns + number))
    book.forget("user", "ann-secret")
    assert b"ann-secret" not in everything(book)
    others = [book._tables.subjects[f"user:{who}"] for who in ("bob", "eve")]
    assert all(not any("ann-secret" in name for name in (*own.colleagues, *own.suspects)) for own in others)
    assert book.profile_bytes("user", "ann-secret") is None
    assert book.profile_bytes("user", "bob") is not None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "profiles_malformed"),
        (b"\x81\xa1a\x01", "profiles_malformed"),
        (msgspec.msgpack.encode([VERSION, "other", {}, {}, [], {}, {}, {}, {}]), "profiles_wrong_tenant"),
        (msgspec.msgpack.encode([99, "default", {}, {}, [], {}, {}, {}, {}]), "profiles_version"),
    ],
)
def test_strange_snapshots_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        ProfileBook("default").restore(data)
    assert caught.value.code == code


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    with pytest.raises(FaultyInputError):
        ProfileBook("default").restore(data)


def test_threads_may_look_and_learn_at_once() -> None:
    history = Organisation(people=6, days=4).history()
    book, faults = ProfileBook("default"), []

    def work(part: int) -> None:
        try:
            for event in history[part::3]:
                features.extract(event, book.view(event))
                book.learn(event)
        except Exception as fault:  # noqa: BLE001 - whatever goes wrong in a thread is what this test looks for
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert book._tables.everyone.events == len(history)

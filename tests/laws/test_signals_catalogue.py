"""The laws every signal keeps, for all that the catalogue holds: pure, total, documented, missing is not zero."""

import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.signals import features
from ostiary.signals.absence import flag_of, known_source
from ostiary.signals.book import ProfileBook
from ostiary.signals.families import Family
from ostiary.signals.features import FEATURES, INDEX, NAMES, SIGNALS
from ostiary.signals.texts import neutral
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome
from ostiary.vocabulary.facts import (
    AccountFacts,
    BehaviourFacts,
    DataFacts,
    LanguageFacts,
    Mark,
    NetworkKind,
    PlaceFacts,
    PostureFacts,
    TokenFacts,
    WorkloadFacts,
)

NEEDS = {"subject", "peers", "tenant", "resource", "device", "network"}
TELLS_NOTHING = AccessEvent("e", "default", 1_700_000_000_000_000_000, "ann", "", "", "")
OPTIONAL = [field.name for field in msgspec.structs.fields(AccessEvent) if field.default is None]

words = st.sampled_from(["ann", "bob", "prod/customers", "a", "", "\n\x1b[31m", "ü" * 40, "x/y/z"]) | st.text(
    max_size=30
)
odd_numbers = st.floats(allow_nan=True, allow_infinity=True)
_TOLD: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(), int: st.integers(-5, 2**40), float: odd_numbers, str: words,
    NetworkKind: st.sampled_from(NetworkKind),
}  # fmt: skip


def _facts(group: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Return groups of facts with anything in them that a decoder would let through."""
    members = {
        field.name: st.none() | _TOLD[next(kind for kind in field.type.__args__ if kind is not type(None))]
        for field in msgspec.structs.fields(group)
    }
    return st.none() | st.builds(group, **members)


events = st.builds(
    AccessEvent,
    event_id=words,
    tenant=st.just("default"),
    time_ns=st.integers(-(2**70), 2**70) | st.integers(1_700_000_000, 1_700_900_000).map(lambda s: s * 10**9),
    subject_id=st.sampled_from(["ann", "bob", ""]),
    action=words,
    resource_type=words,
    resource_id=words,
    subject_type=st.sampled_from(["user", "service"]),
    action_class=st.sampled_from(ActionClass),
    outcome=st.sampled_from(EventOutcome),
    sensitivity=st.none() | st.integers(-5, 2**40),
    session_id=st.none() | st.sampled_from(["s1", "s2"]),
    client_id=st.none() | words,
    issuer=st.none() | words,
    auth_method=st.none() | words,
    mfa=st.none() | st.booleans(),
    auth_age_s=st.none() | odd_numbers,
    ip=st.none()
    | st.sampled_from(["10.0.0.1", "8.8.8.8", "2001:db8::1", "nonsense", "", "::ffff:8.8.8.8", "fe80::1%eth0"]),
    country=st.none() | words,
    asn=st.none() | st.integers(-1, 2**40),
    device_id=st.none() | words,
    device_managed=st.none() | st.booleans(),
    user_agent=st.none() | words,
    ua_family=st.none() | words,
    ua_os=st.none() | words,
    tz_offset_min=st.none() | st.integers(-(10**6), 10**6) | st.integers(-720, 840),
    count=st.none() | odd_numbers,
    bytes=st.none() | st.integers(-(2**70), 2**70),
    groups=st.lists(words, max_size=3).map(tuple),
    labels=st.lists(words, max_size=3).map(tuple),
    detail=st.none() | words,
    marks=st.lists(st.sampled_from(Mark), max_size=2).map(tuple),
    token=_facts(TokenFacts),
    place=_facts(PlaceFacts),
    posture=_facts(PostureFacts),
    account=_facts(AccountFacts),
    data=_facts(DataFacts),
    workload=_facts(WorkloadFacts),
    language=_facts(LanguageFacts),
    behaviour=_facts(BehaviourFacts),
)


def same(one: Sequence[float], other: Sequence[float]) -> bool:
    return [math.isnan(x) or x for x in one] == [math.isnan(x) or x for x in other]


@settings(max_examples=60, deadline=None)
@given(st.lists(events, max_size=4), events, st.sets(st.sampled_from(NAMES), max_size=30))
def test_a_plan_gives_what_is_wanted_and_works_out_nothing_else(
    history: list[AccessEvent], event: AccessEvent, wanted: set[str]
) -> None:
    book = ProfileBook("default")
    for each in history:
        book.learn(each)
    seen = book.view(event)
    of_signals = {FEATURES[INDEX[name]].signal for name in wanted}
    whole = [
        value if spec.signal in of_signals else math.nan
        for spec, value in zip(FEATURES, features.extract(event, seen), strict=True)
    ]
    assert same(features.plan(wanted)(event, seen), whole)


def test_a_plan_for_an_unknown_feature_is_refused() -> None:
    with pytest.raises(FaultyInputError) as caught:
        features.plan(["history_depth", "shoe_size"])
    assert caught.value.code == "feature_unknown"


@settings(max_examples=60, deadline=None)
@given(st.lists(events, max_size=8), events)
def test_pure_and_total(history: list[AccessEvent], event: AccessEvent) -> None:
    book = ProfileBook("default")
    for each in history:
        book.learn(each)
    before = book.snapshot()
    seen = book.view(event)
    row = features.extract(event, seen)
    assert len(row) == len(NAMES)
    assert not any(math.isinf(value) for value in row)
    book.learn(event)
    assert same(row, features.extract(event, seen)), "a look is frozen: learning must not change it"
    other = ProfileBook("default")
    other.restore(before)
    assert same(row, features.extract(event, other.view(event)))


@settings(max_examples=12, deadline=None)
@given(st.lists(events, max_size=6), events)
def test_every_feature_has_words_for_every_event(history: list[AccessEvent], event: AccessEvent) -> None:
    book = ProfileBook("default")
    for each in history:
        book.learn(each)
    seen = book.view(event)
    row = features.extract(event, seen)
    for name, value in zip(NAMES, row, strict=True):
        text = features.describe(event, name, seen, value)
        assert text
        assert len(text) < 400
        assert neutral(text) == text, f"{name} lets control characters through"


def test_looking_changes_nothing() -> None:
    book = ProfileBook("default")
    event = msgspec.structs.replace(TELLS_NOTHING, ip="8.8.8.8", device_id="d", session_id="s")
    for number in range(20):
        book.learn(msgspec.structs.replace(event, time_ns=event.time_ns + number * 10**10))
    before = book.snapshot()
    book.view(event)
    book.view(msgspec.structs.replace(event, subject_id="stranger", resource_id="else"))
    assert book.snapshot() == before


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_is_documented(name: str) -> None:
    signal = SIGNALS[name]
    assert (sys.modules[f"ostiary.signals.catalogue.{name}"].__doc__ or "").strip()
    assert Family(signal.family)
    assert signal.owner
    assert signal.sources
    assert signal.needs
    assert set(signal.needs) <= NEEDS
    for spec in (each for each in FEATURES if each.signal == name):
        assert spec.describe
        assert spec.unit
        assert spec.default
        assert spec.monotone in {-1, 0, 1}
        assert spec.sources
        assert all(known_source(source) for source in spec.sources), spec.sources
        assert set(spec.flags) <= set(NAMES)
        assert all(FEATURES[INDEX[flag]].family is Family.QUALITY for flag in spec.flags)


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(NAMES) == len(set(NAMES)) >= 430
    assert {spec.family for spec in FEATURES} == set(Family), "every family of the taxonomy has a signal"


def test_every_optional_field_has_a_flag_or_is_known_only_afterwards() -> None:
    spoken = {field for field in OPTIONAL if flag_of(field)}
    assert set(OPTIONAL) - spoken == {"detail", "user_agent", "session"}, (
        "known only afterwards, told by `ua_family`, and read by session risk alone"
    )
    assert {flag_of(field) for field in spoken} <= set(NAMES)


ASKS_THE_EVENT = {
    "ip": ("network_new", "network_users", "network_public"),
    "country": ("country_new", "country_changed"),
    "asn": ("asn_surprise",),
    "device_id": ("device_new", "device_users"),
    "device_managed": ("device_unmanaged",),
    "mfa": ("mfa_absent", "mfa_dropped"),
    "auth_age_s": ("auth_age",),
    "sensitivity": ("sensitivity", "sensitivity_unusual"),
    "count": ("amount", "amount_unusual"),
    "bytes": ("bytes", "bytes_unusual"),
    "tz_offset_min": ("timezone_new", "zone_shift_last"),
    "client_id": ("client_new",),
    "issuer": ("issuer_new",),
    "auth_method": ("auth_method_surprise",),
    "ua_family": ("agent_new",),
}


@pytest.mark.parametrize("field", ASKS_THE_EVENT)
def test_missing_is_not_zero(field: str) -> None:
    """What the event does not tell is NaN, whatever was told before."""
    told: dict[str, Any] = {
        "ip": "8.8.8.8", "country": "US", "asn": 15169, "device_id": "d", "device_managed": True, "mfa": True,
        "auth_age_s": 5.0, "sensitivity": 2, "count": 3.0, "bytes": 10, "tz_offset_min": 60, "client_id": "c",
        "issuer": "i", "auth_method": "pwd", "ua_family": "Firefox",
    }  # fmt: skip
    full = msgspec.structs.replace(TELLS_NOTHING, **told)
    book = ProfileBook("default")
    for number in range(6):
        book.learn(msgspec.structs.replace(full, time_ns=full.time_ns + number * 10**12))
    later = msgspec.structs.replace(full, time_ns=full.time_ns + 10**14)
    whole = features.extract(later, book.view(later))
    gap = msgspec.structs.replace(later, **{field: None})
    lacking = features.extract(gap, book.view(gap))
    for name in ASKS_THE_EVENT[field]:
        assert not math.isnan(whole[INDEX[name]]), name
        assert math.isnan(lacking[INDEX[name]]), name


def test_the_same_in_every_process(repo: Path) -> None:
    """Hash seeds differ between processes; features must not."""
    script = (
        "from hashlib import sha256\nimport struct\nfrom ostiary.signals import features\n"
        "from ostiary.signals.book import ProfileBook\nfrom ostiary.signals.replay import replay\n"
        "from ostiary.testing.organisation import Organisation\n"
        "book = ProfileBook('default'); digest = sha256()\n"
        "for _, row in replay(Organisation(people=9, days=3).history(), book):\n"
        "    digest.update(struct.pack(f'<{len(row)}d', *row))\n"
        "print(digest.hexdigest(), features.SET_DIGEST, sha256(book.snapshot()).hexdigest())\n"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, cwd=repo
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(answers) == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(events.map(lambda e: msgspec.structs.replace(e, subject_id="bob")), max_size=8))
def test_others_do_not_change_what_is_the_subjects_own(strangers: list[AccessEvent]) -> None:
    """A feature that needs nothing but the subject is blind to everybody else."""
    ann = msgspec.structs.replace(TELLS_NOTHING, subject_id="ann", resource_id="r", ip="10.0.0.1", session_id="s")
    mine = [msgspec.structs.replace(ann, time_ns=ann.time_ns + number * 10**11) for number in range(5)]
    alone, crowded = ProfileBook("default"), ProfileBook("default")
    for event in mine:
        alone.learn(event)
        crowded.learn(event)
        for stranger in strangers:
            crowded.learn(stranger)
    now = msgspec.structs.replace(ann, time_ns=ann.time_ns + 10**13)
    one, other = features.extract(now, alone.view(now)), features.extract(now, crowded.view(now))
    own = [INDEX[spec.name] for spec in FEATURES if spec.needs == ("subject",)]
    assert len(own) > 60
    assert same([one[place] for place in own], [other[place] for place in own])

"""What session risk is learned from: sessions stolen in real behaviour, and labelled attacks of the simulator."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ostiary.risk.training.contrast import HIJACK, LABELLED, OWN, ContrastSettings, Planter
from ostiary.risk.training.disguise import unproven
from ostiary.risk.training.hijack import hijackable, stolen
from ostiary.risk.training.session_rows import overtaken
from ostiary.risk.training.sittings import sittings_of
from ostiary.risk.verdicts import read_kinds, read_verdicts
from ostiary.signals.tables import subject_key
from ostiary.testing.labelled_sessions import QUIET_DAYS, Labelled, labelled, write
from ostiary.testing.organisation import DEFAULT_UNTIL_NS, Organisation
from ostiary.testing.session_attacks import KINDS
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import SessionFacts

NS = 10**9
THEFTS = ContrastSettings(share=0.001, least_depth=2, stolen=0.3)


@pytest.fixture(scope="module")
def history() -> list[AccessEvent]:
    return Organisation(people=14, days=12).history()


@pytest.fixture(scope="module")
def simulated() -> Labelled:
    return labelled(5, people=24, days=14, rate=0.3)


def test_a_stolen_session_is_the_victims_from_its_middle_on(history: list[AccessEvent]) -> None:
    planted = Planter(history, THEFTS).plant(1)
    thefts = [place for place, kind in enumerate(planted.kind) if kind == HIJACK]
    assert len({planted.run[place] for place in thefts}) > 3
    for place in thefts:
        own, told = history[place], planted.events[place]
        session = [e for e in history if e.session_id == told.session_id and subject_key(e) == subject_key(told)]
        assert subject_key(own) != subject_key(told)
        assert session[0].time_ns <= told.time_ns, "the session was there before the thief"
        assert (told.issuer, told.auth_method) == (session[0].issuer, session[0].auth_method)
        assert told.token is not None
        assert told.token.token_id in {e.token.token_id for e in session if e.token}
        assert (told.resource_id, told.time_ns) == (own.resource_id, own.time_ns)


def test_sessions_of_one_moment_are_never_stolen(history: list[AccessEvent]) -> None:
    moments = [msgspec.structs.replace(event, session_id=event.event_id) for event in history]
    assert not any(hijackable(sitting, moments) for sitting in sittings_of(moments))
    assert HIJACK not in Planter(moments, THEFTS).plant(1).kind
    same = ContrastSettings(share=0.1), ContrastSettings(share=0.1, stolen=0.0)
    one, other = (Planter(moments, settings).plant(3) for settings in same)
    assert one.events == other.events, "a history without lasting sessions is planted as before"


def test_what_follows_a_theft_counts_as_the_sessions_and_not_as_the_owners() -> None:
    def at(minute: int, session: str) -> AccessEvent:
        return AccessEvent(f"{session}{minute}", "t", minute * 60 * NS, "ann", "read", "db", "o", session_id=session)

    events = [at(0, "s"), at(1, "other"), at(2, "s"), at(93, "s"), at(94, "other"), at(900, "s")]
    kind = np.array([OWN, OWN, LABELLED, OWN, OWN, OWN])
    sitting = overtaken(events, kind)
    assert kind.tolist() == [OWN, OWN, LABELLED, LABELLED, OWN, OWN]
    assert sitting.tolist() == [0, 1, 0, 0, 1, 2]


def test_nobody_steps_up_in_anothers_name() -> None:
    proven = SessionFacts(age_s=9.0, key="k", step_ups=1, step_up_open=False, proofs=1, proven_age_s=3.0)
    told = unproven(proven)
    assert (told.proofs, told.proven_age_s, told.step_up_open) == (0, None, True)
    quiet = SessionFacts(age_s=9.0, step_ups=0, step_up_open=False, proofs=0)
    assert unproven(quiet) is quiet


def test_a_thief_has_the_sessions_facts_and_its_own_key(history: list[AccessEvent]) -> None:
    people = [event for event in history if event.subject_type == "user"]
    victim = msgspec.structs.replace(people[0], session=SessionFacts(age_s=10.0, key="victim", step_ups=0, proofs=0))
    own = msgspec.structs.replace(people[-1], session=SessionFacts(age_s=1.0, key="thief"))
    after = (own.time_ns - victim.time_ns) / NS
    bare = stolen(own, victim, place=False, device=False, asked=True)
    worn = stolen(own, victim, place=False, device=True, asked=False)
    assert bare.session == SessionFacts(age_s=10.0 + after, key="thief", step_ups=1, step_up_open=True, proofs=0)
    assert worn.session is not None
    assert (worn.session.key, worn.session.step_ups) == ("victim", 0)


def test_the_labelled_history_follows_from_its_seed(simulated: Labelled) -> None:
    assert labelled(5, people=24, days=14, rate=0.3) == simulated
    assert labelled(6, people=24, days=14, rate=0.3).events != simulated.events


def test_every_kind_of_attack_is_there_and_every_attack_lies_in_a_session(simulated: Labelled) -> None:
    assert set(Counter(one.kind for one in simulated.attacks)) == set(KINDS)
    events = {event.event_id: event for event in simulated.events}
    assert len(events) == len(simulated.events)
    for one in simulated.attacks:
        assert one.events
        assert {events[name].session_id for name in one.events} == {one.session_id}
        assert min(events[name].time_ns for name in one.events) == one.since_ns
        assert one.since_ns >= DEFAULT_UNTIL_NS - (14 - QUIET_DAYS + 1) * 86_400 * NS
    assert {event.source for event in simulated.events} == {"simulated"}
    times = [event.time_ns for event in simulated.events]
    assert times == sorted(times)


def test_honest_sessions_change_too(simulated: Labelled) -> None:
    bad = {one.session_id for one in simulated.attacks}
    seen: dict[str, set[tuple[str | None, ...]]] = {}
    for event in simulated.events:
        if event.subject_type == "user" and event.session_id not in bad:
            session = event.session
            assert session is not None
            seen.setdefault(event.session_id or "", set()).add((event.ip, event.device_id, session.key))
    assert 0.05 < sum(len(told) > 1 for told in seen.values()) / len(seen) < 0.4


def test_the_files_are_read_back_as_they_were_told(simulated: Labelled, tmp_path: Path) -> None:
    write(simulated, tmp_path)
    verdicts, kinds = read_verdicts(tmp_path / "labels.csv"), read_kinds(tmp_path / "attacks.csv")
    assert set(verdicts) == simulated.eligible
    bad = {name for name, one in verdicts.items() if one.label}
    assert bad == {name for one in simulated.attacks for name in one.events}
    assert kinds == {one.attack_id: one.kind for one in simulated.attacks}
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert msgspec.json.decode(lines[-1], type=AccessEvent) == simulated.events[-1]

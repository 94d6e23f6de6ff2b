"""What the benchmarks rest on: how devaccess is cut, and that the peers' scorers are causal."""

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ostiary.risk.verdicts import Verdict
from ostiary.vocabulary.events import AccessEvent

DAY = 86_400 * 10**9


@pytest.fixture(scope="module")
def load(repo: Path) -> object:
    def by_name(name: str) -> ModuleType:
        if name not in sys.modules:
            spec = importlib.util.spec_from_file_location(name, repo / "benchmarks" / f"{name}.py")
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            spec.loader.exec_module(module)
        return sys.modules[name]

    return by_name


def push(number: int, who: str, repository: str, day: float = 0.0) -> AccessEvent:
    return AccessEvent(
        str(number), "t", int(day * DAY), who, "push", "repository", f"{repository}/a", session_id=f"s{number}"
    )


def test_no_account_and_no_repository_is_on_both_sides_of_the_transfer(load) -> None:
    splits = load("devaccess_splits")
    luck = random.Random(3)  # noqa: S311 - a made-up table
    events, verdicts = [], {}
    for number in range(2_000):
        who = luck.randrange(40)
        home = ("nova", "heat") if who < 15 else ("cinder", "swift")
        away = ("cinder", "swift", "nova", "heat")
        events.append(push(number, f"u{who}", luck.choice(away if luck.random() < 0.2 else home), number / 50))
        attack = luck.randrange(30) if luck.random() < 0.05 else -1
        verdicts[str(number)] = Verdict(int(attack >= 0), f"a{attack}" if attack >= 0 else "")
    split = splits.transfer_split(events, verdicts)
    sides = (split.train, split.test)
    people = [{event.subject_id for event in side.events} for side in sides]
    repositories = [{splits.repository(event) for event in side.events} for side in sides]
    assert not people[0] & people[1]
    assert not repositories[0] & repositories[1]
    assert repositories[1] == {"nova", "heat"}
    for side in sides:
        assert set(side.verdicts) == {event.event_id for event in side.events}
        sessions: dict[str, set[str]] = {}
        for event in side.events:
            if side.verdicts[event.event_id].label:
                sessions.setdefault(side.verdicts[event.event_id].attack, set()).add(event.session_id or "")
        assert all(len(found) >= splits.LEAST_SESSIONS for found in sessions.values())


def test_eligible_is_told_by_the_sessions_that_the_account_had_within_the_side(load) -> None:
    splits = load("devaccess_splits")
    events = [push(number, "ann", "nova", number) for number in range(40)]
    events.insert(10, push(99, "ann", "cinder", 9.5))
    told = splits.transfer_split(events, {event.event_id: Verdict(0) for event in events}).test.verdicts
    assert [name for name, one in told.items() if one.eligible] == [str(number) for number in range(30, 40)]


def test_the_set_itself_is_cut_as_written_down(load, shared: Path) -> None:
    splits = load("devaccess_splits")
    events, verdicts = splits.read_devaccess(shared / "data" / "risk" / "devaccess", before=1_400_000_000)
    split = splits.transfer_split(events, verdicts)
    told = splits.counts(split.test)
    assert told["people"] > 100
    assert set(told["takeovers_by_kind"]) == {"foreign", "mimic", "peer"}
    assert {splits.repository(event) for event in split.test.events} == splits.FOUR


@pytest.mark.parametrize("name", ["LikelihoodRatio", "PlaceRarity", "KeycloakStyle", "TirrenoStyle", "nextcloud_style"])
def test_a_peers_scorer_looks_at_nothing_that_comes_later(load, name: str) -> None:
    scorers = load("baseline_scorers")
    luck = random.Random(5)  # noqa: S311 - a made-up table
    events = [push(n, f"u{luck.randrange(6)}", luck.choice("abc"), n / 2) for n in range(400)]
    accesses = [scorers.access_of(event) for event in events]

    def scored(some) -> list[float]:
        if name == "nextcloud_style":
            return list(map(float, scorers.nextcloud_style(some, window_days=60)))
        scorer = getattr(scorers, name)()
        return [scorer.score(one) for one in some]

    whole, part = scored(accesses), scored(accesses[:250])
    assert part == pytest.approx(whole[:250])
    assert np.isfinite(whole).all()
    assert len(set(whole)) > 1


def test_a_stranger_in_a_strange_place_is_more_suspicious_to_each_peer(load) -> None:
    scorers = load("baseline_scorers")
    home = [push(n, "ann", "nova", 10 + n + 0.4) for n in range(60)]
    others = [push(100 + n, f"u{n % 5}", "swift", 10 + n + 0.9) for n in range(60)]
    own = push(300, "ann", "nova", 71.4)
    odd = AccessEvent("301", "t", int(71.9 * DAY), "ann", "push", "repository", "swift/a", tz_offset_min=600)
    for make in scorers.ONLINE.values():
        found = []
        for last in (own, odd):
            scorer = make()
            stream = sorted([*home, *others], key=lambda event: event.time_ns)
            found.append([scorer.score(scorers.access_of(event)) for event in [*stream, last]][-1])
        assert found[1] > found[0], make.__name__

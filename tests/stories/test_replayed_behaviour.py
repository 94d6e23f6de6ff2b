"""Somebody recorded how a person types and points, and plays it again: as it was, shaken, cut, shifted, slower.

The people are invented here; ``benchmarks/biometrics_liveness.py`` measures the same on real people.
"""

from collections.abc import Callable

import numpy as np
import pytest

from ostiary.biometrics.liveness import Growing, History, judged, seeing
from ostiary.biometrics.window import Modality, Window
from ostiary.testing.behaviour import people
from ostiary.testing.bezier_pointer import pointer
from ostiary.testing.kde_typing import kde_typing, random_typing, steady_typing, typed
from ostiary.testing.replayers import cut, shaken, slower

Attack = Callable[[Window, np.random.Generator], Window]


def of(modality: Modality) -> dict[str, list[Window]]:
    found: dict[str, list[Window]] = {}
    for row in people(modality, 20, 2, 8):
        found.setdefault(row.subject, []).append(row.window)
    return found


@pytest.fixture(scope="module")
def typists() -> dict[str, list[Window]]:
    return of(Modality.KEYSTROKE)


@pytest.fixture(scope="module")
def pointers() -> dict[str, list[Window]]:
    return of(Modality.POINTER)


EVERYWHERE: dict[str, Attack] = {
    "exact": lambda window, _: window,
    "shaken by a millisecond": shaken,
    "without its first events": lambda window, _: cut(window, 3),
    "its second half": lambda window, _: cut(window, len(window.content) // 2),
    "shaken and cut": lambda window, luck: cut(shaken(window, luck), 5),
}
TYPED: dict[str, Attack] = {
    "a fifth slower": lambda window, _: slower(window, 1.2),
    "a tenth faster, and shaken": lambda window, luck: shaken(slower(window, 0.9), luck),
}


@pytest.mark.parametrize("name", [*EVERYWHERE, *TYPED])
def test_every_replay_of_typing_is_refused(typists, name) -> None:
    refused(typists, {**EVERYWHERE, **TYPED}[name])


@pytest.mark.parametrize("name", EVERYWHERE)
def test_every_replay_of_pointing_is_refused(pointers, name) -> None:
    refused(pointers, EVERYWHERE[name])


def refused(everybody: dict[str, list[Window]], attack: Attack) -> None:
    luck = np.random.default_rng(4)
    for windows in everybody.values():
        history = History.of(windows[:10])
        for window in windows[:10]:
            told = judged(seeing(attack(window, luck)), history)
            assert told.score == 0
            assert told.reasons[0].startswith("replay: ")


def test_nobody_is_taken_for_a_replay_of_himself(typists, pointers) -> None:
    for everybody in (typists, pointers):
        for windows in everybody.values():
            history = Growing(History.of(windows[:5]))
            for window in windows[5:]:
                ready = seeing(window)
                told = judged(ready, history)
                assert told.live, told
                history.add(ready.prints)
                assert judged(ready, history).score == 0


def test_who_has_no_history_of_the_person_cannot_be_known_by_it(typists) -> None:
    own, other = list(typists.values())[:2]
    assert judged(seeing(other[0]), History.of(own)).live


def test_programs_that_type_and_point_are_told_as_far_as_they_can_be() -> None:
    luck, nobody = np.random.default_rng(5), History()
    for window, words in (
        (steady_typing(50), "keys come at the same distance"),
        (typed(np.zeros(50), luck.uniform(50, 250, 50)), "not held at all"),
        (pointer(luck, bent=False, eased=False), "more smoothly than a hand"),
    ):
        told = judged(seeing(window), nobody)
        assert not told.live
        assert any(words in reason for reason in told.reasons), told
    assert judged(seeing(random_typing(50, luck)), nobody).score < 0.8
    # Whoever draws each time from the person's own passes here: that is what the likelihood ratio and nonces are for.
    own = typed(luck.lognormal(4.6, 0.2, 80), luck.lognormal(5, 0.6, 80))
    assert judged(seeing(kde_typing([own], 50, luck)), nobody).live


def test_what_the_browser_calls_untrusted_is_not_live(typists) -> None:
    window = next(iter(typists.values()))[0]
    told = judged(seeing(window, trusted=False), History())
    assert (told.score, len(told.reasons)) == (0, 1)
    assert judged(seeing(window, trusted=True), History()).live


def test_a_coarse_clock_is_nothing_against_anybody(typists) -> None:
    for grid in (1, 4, 8, 15.625, 16.7):
        for windows in typists.values():
            coarse = []
            for window in windows:
                events = np.array(window.content)
                events[:, :2] = np.floor(events[:, :2] / grid) * grid
                coarse.append(Window(Modality.KEYSTROKE, events))
            history = History.of(coarse[:8])
            assert all(judged(seeing(window), history).live for window in coarse[8:])

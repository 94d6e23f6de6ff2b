"""Replays of a window are known, whatever is done to them; a person's next window is not taken for one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.biometrics.liveness import LIVE, History, judged, liveness, prints_of, seeing
from ostiary.biometrics.window import Floats, Modality, Window, window_of


def typed(seed: int, keys: int = 40) -> Window:
    luck = np.random.default_rng(seed)
    down = np.cumsum(np.r_[0, np.round(luck.lognormal(5.1, 0.5, keys - 1))])
    return Window(Modality.KEYSTROKE, np.column_stack([down, down + np.round(luck.normal(100, 25, keys)), [0] * keys]))


def pointed(seed: int, events: int = 128) -> Window:
    luck = np.random.default_rng(seed)
    way = np.round(np.cumsum(luck.normal(0, 2, (events, 2)), axis=0))
    return Window(Modality.POINTER, np.column_stack([luck.integers(6, 18, events), way, [0] * events]))


def events_of(window: Window) -> Floats:
    assert isinstance(window.content, np.ndarray)
    return window.content.copy()


def shaken(window: Window, seed: int, by: int = 1) -> Window:
    luck, events = np.random.default_rng(seed), events_of(window)
    if window.modality is Modality.POINTER:
        events[:, 0] = np.maximum(0, events[:, 0] + luck.integers(-by, by + 1, len(events)))
    else:
        events[:, :2] += luck.integers(-by, by + 1, (len(events), 2))
        events[:, :2] -= events[0, 0]
    return Window(window.modality, events)


@pytest.mark.parametrize("make", [typed, pointed])
def test_a_person_is_live_and_a_replay_is_not(make) -> None:
    history = [make(seed) for seed in range(10)]
    assert liveness(make(99), history) > 0.8
    assert liveness(history[3], history) == 0
    assert max(liveness(shaken(one, seed), history) for seed, one in enumerate(history)) == 0


def test_a_history_answers_with_the_reason() -> None:
    history = History.of([typed(1), typed(2)])
    assert len(history) == 2
    assert judged(seeing(typed(1)), history).reasons == ("replay: the very same window was seen before",)
    told = judged(seeing(shaken(typed(2), 7)), history)
    assert told.reasons == ("replay: its times are those of an earlier window, moved a little",)
    assert not told.live


@pytest.mark.parametrize("begin", [1, 5, 20])
def test_a_part_of_a_window_is_known(begin) -> None:
    part = events_of(typed(1))[begin:]
    assert liveness(Window(Modality.KEYSTROKE, part), [typed(1)]) == 0


def test_a_window_pasted_from_several_is_known() -> None:
    parts = [events_of(typed(seed)) for seed in range(4)]
    at: float = 0
    pasted: list[Floats] = []
    for part in parts:
        some = part[:14].copy()
        some[:, :2] += at - some[0, 0]
        pasted.append(some)
        at = float(some[-1, 0]) + 150
    assert liveness(Window(Modality.KEYSTROKE, np.concatenate(pasted)), [typed(seed) for seed in range(4)]) < LIVE


@pytest.mark.parametrize("factor", [0.8, 1.07, 1.4])
def test_a_slower_or_faster_replay_is_known(factor) -> None:
    events = events_of(typed(1))
    events[:, :2] = np.round(events[:, :2] * factor)
    told = judged(seeing(Window(Modality.KEYSTROKE, events)), History.of([typed(1)]))
    assert told.reasons == ("replay: its rhythm is that of an earlier window, faster or slower",)


def test_a_pointers_way_is_known_when_it_is_moved_by_a_pixel() -> None:
    luck, events = np.random.default_rng(3), events_of(pointed(5))
    events[:, 1:3] += luck.integers(-1, 2, (len(events), 2))
    assert liveness(Window(Modality.POINTER, events), [pointed(5)]) == 0


def test_the_other_kinds_know_the_very_same_window_alone() -> None:
    same = window_of(Modality.SEQUENCE, ["cat", "ls", "mail"])
    assert liveness(same, [same]) == 0
    assert liveness(same, [window_of(Modality.SEQUENCE, ["cat", "ls", "ls"])]) == 1
    values = window_of(Modality.FEATURES, {"65-0": [90, 91]})
    assert liveness(values, [values]) == 0


def test_without_a_history_everything_is_new() -> None:
    assert liveness(typed(1), []) == 1
    assert History().seen(prints_of(typed(1))).share == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3), min_size=1, max_size=40))
def test_no_window_breaks_it_and_each_knows_itself(rows) -> None:
    for window in (
        window_of(Modality.KEYSTROKE, rows),
        window_of(Modality.POINTER, [[*row, 0] for row in rows]),
    ):
        assert liveness(window, [window]) == 0
        assert 0 <= liveness(window, [typed(1), pointed(1)]) <= 1

"""What is read of pointer events: laws of blocks, channels, shapes, the steady path, actions."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ostiary.biometrics.pointer.actions import NAMES, NONE, actions
from ostiary.biometrics.pointer.blocks import BLOCK, LEAST, cut
from ostiary.biometrics.pointer.delivery import at_once, is_relayed, relayed
from ostiary.biometrics.pointer.shapes import WIDTH, shapes
from ostiary.biometrics.pointer.steady import steady
from ostiary.biometrics.pointer.tensor import CHANNELS, tensor

ANY = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 300), st.just(4)), elements=st.integers(-(10**9), 10**9).map(float)
)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]  # a window is long, and the machine may be busy
USUAL = st.lists(
    st.tuples(
        st.integers(0, 1_800), st.integers(-80, 80), st.integers(-80, 80), st.sampled_from([0, 0, 0, 1, 2, 8, 16])
    ),
    min_size=1,
    max_size=300,
).map(lambda rows: np.array(rows, dtype=np.float64))


def stroke(every: float, seconds: float = 4.0, pause: float = 400.0) -> np.ndarray:
    """Return one and the same movement, delivered every so often: an arc, a pause, a click, a way back."""
    times = np.arange(every, seconds * 1_000 + 1e-6, every)
    x, y = (np.interp(times, [0, 900, 1_900, 4_000], ends) for ends in ([0, 300, 420, -100], [0, 40, 260, 90]))
    rows = np.stack([np.full(len(times), every), np.diff(x, prepend=0), np.diff(y, prepend=0), 0 * times], axis=1)
    click = np.array([[pause, 0, 0, 1], [94, 0, 0, 0]], dtype=np.float64)
    rest = np.array([[400, 0, 0, 0]], dtype=np.float64)
    return np.concatenate([np.zeros((1, 4)), rows, click, rest, rows * [1, -1, 1, 1]])


@settings(deadline=None, max_examples=60, suppress_health_check=SLOW)
@given(st.one_of(ANY, USUAL))
def test_whatever_comes_every_number_is_finite(events) -> None:
    blocks = cut(events)
    assert blocks.shape[1:] == (BLOCK, 4)
    assert bool(len(blocks)) == (len(events) >= LEAST)
    channels, told, done = tensor(blocks), shapes(blocks), actions(events)
    assert channels.shape == (len(blocks), CHANNELS, BLOCK)
    assert told.shape == (len(blocks), WIDTH)
    assert done.shape[1] == len(NAMES)
    for numbers in (channels, told, done):
        assert np.isfinite(numbers).all()
    assert np.abs(channels).max(initial=0.0) < 20


@settings(deadline=None, max_examples=40, suppress_health_check=SLOW)
@given(USUAL, st.integers(0, 40))
def test_a_block_is_read_alone(events, at) -> None:
    blocks = cut(np.concatenate([events, np.ones((160, 4))]))
    at %= len(blocks)
    assert np.allclose(shapes(blocks)[at], shapes(blocks[at : at + 1])[0])
    assert np.array_equal(tensor(blocks)[at], tensor(blocks[at : at + 1])[0])


def test_a_position_is_nowhere_to_be_seen() -> None:
    events = stroke(16.0)
    assert np.array_equal(events[:, 1:3].sum(axis=0), events[:, 1:3].sum(axis=0))
    moved = events.copy()
    moved[0, 1:3] += 5_000.0
    assert np.allclose(tensor(cut(moved))[1:], tensor(cut(events))[1:])


@pytest.mark.parametrize("every", [5.0, 12.5, 25.0])
def test_how_often_events_come_is_not_in_the_steady_path(every) -> None:
    one, other = steady(stroke(every)), steady(stroke(125.0))
    length = min(len(one.dx), len(other.dx))
    assert np.abs(one.dx[:length] - other.dx[:length]).mean() < 0.15 * np.abs(other.dx).mean()
    assert one.dx.sum() == pytest.approx(other.dx.sum(), abs=1e-6)


def test_how_often_events_come_hardly_changes_an_action() -> None:
    slow, fast = actions(stroke(100.0)), actions(stroke(8.0))
    assert len(slow) == len(fast) == 2
    for name in ("clicks", "drags", "hold", "settle", "octant"):
        assert slow[0, NAMES.index(name)] == fast[0, NAMES.index(name)]
    for name in ("path", "far"):
        assert slow[0, NAMES.index(name)] == pytest.approx(fast[0, NAMES.index(name)], rel=0.05)


def test_an_action_is_told_by_what_was_done() -> None:
    click, back = actions(stroke(16.0))
    told = dict(zip(NAMES, click, strict=True))
    assert (told["clicks"], told["drags"], told["right"], told["hold"]) == (1.0, 0.0, 0.0, 6.0)
    assert told["lead"] == NONE
    assert told["settle"] == 3.0
    assert back[NAMES.index("hold")] == NONE
    assert actions(np.array([[0, 1, 0, 0]] * 3, dtype=np.float64)).shape == (0, len(NAMES))


def test_wheel_and_drag_are_actions() -> None:
    wheel = actions(np.array([[0, 0, 0, 0], [40, 0, 0, 8], [30, 0, 0, 16]], dtype=np.float64))
    assert wheel[0, NAMES.index("wheel_up")] == wheel[0, NAMES.index("wheel_down")] > 0
    drag = np.array([[0, 0, 0, 1], *[[16, 5, 0, 1]] * 40, [16, 0, 0, 0]], dtype=np.float64)
    assert actions(drag)[0, NAMES.index("drags")] == 1.0


def test_a_relayed_stream_is_known_by_movements_at_once() -> None:
    straight = stroke(8.0)
    batched = straight.copy()
    batched[1::2, 0] = 0.0
    assert at_once(straight) == 0.0
    assert not is_relayed([straight])
    assert is_relayed([batched, batched, straight])
    assert not is_relayed([])


@settings(deadline=None, max_examples=40, suppress_health_check=SLOW)
@given(USUAL, st.floats(20, 200))
def test_relaying_loses_no_movement_no_time_and_no_press(events, every) -> None:
    told = relayed(events, every)
    assert np.allclose(told[:, :3].sum(axis=0), events[:, :3].sum(axis=0))
    assert (np.diff(told[:, 3]) != 0).sum() == (np.diff(events[:, 3]) != 0).sum()
    assert len(told) <= len(events)

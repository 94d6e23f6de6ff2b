"""Laws of a window's channels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ostiary.biometrics.keystroke.tensor import (
    CHANNELS,
    CLASS_CHANNEL,
    INPUTS,
    LEAST,
    MOST_PIECES,
    PIECE,
    batch,
    channels,
    pieces,
)
from ostiary.testing.typists import Typists

times = st.floats(-1e9, 1e9, allow_nan=False)
windows = st.lists(st.tuples(times, times, st.floats(-5, 300)), min_size=1, max_size=200).map(np.array)


@given(windows)
def test_any_finite_window_gives_bounded_channels(keys) -> None:
    table = channels(keys)
    assert table.shape == (CHANNELS, len(keys))
    assert np.isfinite(table).all()
    assert np.abs(table).max() < 10


@given(st.integers(1, 20_000))
def test_pieces_are_short_enough_and_never_too_short_to_judge(count: int) -> None:
    keys = np.arange(3.0 * count).reshape(count, 3)
    found = pieces(keys)
    assert len(found) <= MOST_PIECES
    assert all(len(piece) <= PIECE for piece in found)
    if count > PIECE:
        assert min(map(len, found)) >= PIECE // 2 > LEAST
    if count <= PIECE * MOST_PIECES:
        assert np.array_equal(np.concatenate(found), keys)


def test_a_window_means_the_same_whenever_it_began() -> None:
    keys = np.array(Typists(1).typist(1).sentence(0, 0))
    later = keys + np.array([5_000.0, 5_000.0, 0.0])
    assert np.allclose(channels(keys), channels(later), atol=1e-4)


def test_overlapping_keys_show_as_time_below_zero() -> None:
    keys = np.array([[0, 120, 1], [80, 200, 2], [400, 480, 1]], dtype=float)
    table = channels(keys)
    assert table[5, 1] > 0 > table[5, 2]
    assert table[3, 1] < table[3, 2]


def test_an_unknown_class_shows_in_no_channel() -> None:
    keys = np.array([[0, 120, 0], [80, 200, 9], [400, 480, 8]], dtype=float)
    assert channels(keys)[CLASS_CHANNEL:].sum(axis=0).tolist() == [0, 0, 1]


def test_a_batch_says_where_there_are_keys() -> None:
    tables = [channels(np.array(Typists(1).typist(1).sentence(0, at)))[:, :PIECE] for at in range(2)]
    found = batch(tables)
    assert found.shape == (2, INPUTS, PIECE)
    assert found[:, -1].sum(axis=1).tolist() == [table.shape[1] for table in tables]

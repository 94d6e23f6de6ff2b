"""Made-up typists type like people, and each like themselves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.biometrics.known import numbers

from ostiary.biometrics.window import Modality, window_of
from ostiary.testing.typists import Typists


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 20), st.integers(0, 20))
def test_every_sentence_is_a_window_in_the_neutral_form(crowd: int, person: int, sitting: int, number: int) -> None:
    keys = window_of(Modality.KEYSTROKE, [list(key) for key in Typists(crowd).typist(person).sentence(sitting, number)])
    down, up, kinds = numbers(keys).T
    assert down[0] == 0
    assert (np.diff(down) >= 0).all()
    assert (up >= down).all()
    assert set(kinds) <= set(range(9))


def test_typists_differ_more_than_their_sentences() -> None:
    holds = np.array(
        [
            [np.median([up - down for down, up, _ in Typists(1).typist(person).sentence(0, at)]) for at in range(4)]
            for person in range(40)
        ]
    )
    assert holds.mean(axis=1).var() > 2 * holds.var(axis=1).mean()


def test_a_crowd_holds_and_overlaps_keys_as_people_do() -> None:
    sentences = [np.array(Typists(1).typist(person).sentence(0, 0)) for person in range(200)]
    holds = np.concatenate([keys[:, 1] - keys[:, 0] for keys in sentences])
    overlaps = np.concatenate([keys[1:, 0] < keys[:-1, 1] for keys in sentences])
    assert 80 < np.median(holds) < 120
    assert 0.1 < overlaps.mean() < 0.4

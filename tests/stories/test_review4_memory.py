"""Many people type for long: what is remembered of each stays small, and nothing gets lost between two threads."""

import threading
import tracemalloc
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from tests.stories.biometrics_scene import KEYS, model_of, typed
from tests.unit.biometrics.known import numbers

from ostiary.biometrics.book import Read, TemplateBook
from ostiary.biometrics.liveness import History, prints_of, seeing
from ostiary.biometrics.window import Modality, Window, window_of
from ostiary.server.biometrics import people
from ostiary.server.biometrics.kept import Kept
from ostiary.server.biometrics.people import MOST_AT_HAND, People, Person

if TYPE_CHECKING:
    from ostiary.server.biometrics.records import TemplateRecords

MOST_BYTES = 2 * 2**30


def pointed(luck: np.random.Generator) -> Window:
    steps = luck.integers(-30, 30, (128, 2)).tolist()
    return window_of(Modality.POINTER, [[8 * bool(at), across, along, 0] for at, (across, along) in enumerate(steps)])


def person(modality: Modality = KEYS) -> Person:
    return Person(Read(b"", 0, 1), Kept("m"), None, model_of(modality), [])


def test_everybody_at_hand_has_room():
    luck = np.random.default_rng(1)
    windows = [pointed(luck) for _ in range(256)]
    tracemalloc.start()
    one = person()
    for number, window in enumerate(windows):
        assert one.live(seeing(window)).score > 0
        if number % 64 == 63:
            one.saved()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size * MOST_AT_HAND < MOST_BYTES


@pytest.mark.parametrize("modality", [KEYS, Modality.POINTER])
def test_what_is_remembered_still_knows_a_replay(modality):
    luck = np.random.default_rng(2)
    windows = typed(0, 0, 5) if modality is KEYS else [pointed(luck) for _ in range(5)]
    history = History([prints_of(window).remembered for window in windows])
    for window in windows:
        assert history.seen(prints_of(window)).replayed
        part = Window(modality, numbers(window)[len(window.content) // 3 :])
        assert history.seen(prints_of(part)) == History.of(windows).seen(prints_of(part))


def test_a_window_that_comes_while_prints_are_written_is_remembered(monkeypatch):
    first, second = typed(0, 0, 2)
    one, begun, done = person(), threading.Event(), threading.Event()
    one.live(seeing(first))

    def slow(prints=()):
        made = History(prints)
        if prints:  # only ``saved`` gathers here while the flag is down
            begun.set()
            done.wait(1)
        return made

    monkeypatch.setattr(people, "History", slow)

    class Book:
        def read(self, *_):
            return Read(b"", 0, 1)

        def write(self, *_):
            return True

    room = People(cast("TemplateBook", Book()), cast("TemplateRecords", None), lambda code, fault: pytest.fail(code))
    writing = threading.Thread(target=room.save_prints, args=("default", "user:ann", KEYS, one))
    writing.start()
    assert begun.wait(5)
    monkeypatch.setattr(people, "History", History)
    typing = threading.Thread(target=one.live, args=(seeing(second),))
    typing.start()
    typing.join(0.2)
    done.set()
    writing.join(5)
    typing.join(5)
    assert one.live(seeing(second)).score == 0.0

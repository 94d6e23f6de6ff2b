"""The replayed poison: every try is refused by the intake, and a file without one takes all."""

from pathlib import Path

import pytest

from ostiary.defence.provenance import Proven
from ostiary.redteam.attacks import poison_replay
from ostiary.redteam.attacks.poison_replay import ATTACK
from ostiary.redteam.world import World
from ostiary.signals import eventfile
from ostiary.testing.batches import BatchScene


def test_nothing_trains_with_the_defence_and_everything_without() -> None:
    outcome = ATTACK.run(World(seed=3))
    assert outcome.passed
    assert (outcome.without.rate, outcome.guarded.rate) == (1.0, 0.0)
    assert outcome.guarded.tries == outcome.without.tries >= 30


def test_it_would_notice_an_intake_that_checks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poison_replay, "_trains", lambda _scene, kind, _luck: kind == "forged")
    outcome = ATTACK.run(World(seed=3))
    assert not outcome.passed
    assert outcome.guarded.found


def test_a_history_that_nobody_checks_would_be_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unchecked(scene: BatchScene) -> Proven:
        return Proven(list(eventfile.read(scene.history())), [], (), "", "", 0)

    monkeypatch.setattr(BatchScene, "proven", unchecked)
    for kind in ("edited", "copied"):
        assert poison_replay._trains(BatchScene(tmp_path / kind), kind, World(seed=1).rng("x"))


@pytest.mark.parametrize("kind", ["replayed", "copied"])
def test_what_is_sent_twice_trains_once(kind: str, tmp_path: Path) -> None:
    scene = BatchScene(tmp_path)
    assert not poison_replay._trains(scene, kind, World(seed=1).rng("x"))

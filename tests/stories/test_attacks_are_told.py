"""The demo stories of attacks: each with its defence and without, its ATLAS id, and an exit code of its own."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.cli.demo.attacked import Tale, ending_of, perform_attacks
from ostiary.cli.demo.scene import Ending, all_stories
from ostiary.cli.demo.stories import extract, inject, poison
from ostiary.cli.demo.teller import Teller
from ostiary.redteam.attack import Attack, Outcome, Tally
from ostiary.redteam.attacks import extraction
from ostiary.redteam.running import Ran
from ostiary.redteam.world import World

STORIES = {
    "slow-drift": ("AML.T0015",),
    "poison": ("AML.T0020",),
    "extract": ("AML.T0024.002",),
    "inject": ("AML.T0051.001",),
}


def told(tale: Tale) -> tuple[Ending, Teller]:
    teller = Teller(as_json=True)
    scene: Any = SimpleNamespace(teller=teller)  # neither a stage nor a server is asked
    return perform_attacks(scene, tale), teller


def test_slow_drift_is_played_as_a_person_would() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    command = [sys.executable, "-m", "ostiary.cli", "demo", "slow-drift", "--people", "6", "--days", "4"]
    done = subprocess.run([*command, "--json"], env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["story"]["ending"] == "as_told"
    for name in ("drift-0.05", "drift-0.1"):
        line = found[name]
        assert (line["attack"], line["atlas"], line["holds"], line["with"]) == (name, "AML.T0015", True, 0.0)
        assert line["without"] > 0.5, "the profile alone comes along"
        assert line["notes"]["median_deviations_at_alarm"] < 2.0


@pytest.mark.parametrize("story", [poison, inject])
def test_the_story_goes_as_told(story: Any) -> None:
    ending, teller = told(story.TALE)
    assert ending is Ending.AS_TOLD
    assert teller.kept("story")["atlas"] == list(STORIES[story.NAME])


def test_a_thief_is_held_to_the_number_and_the_story_says_what_he_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    np = pytest.importorskip("numpy")
    pytest.importorskip("lightgbm")
    rows = np.random.default_rng(5).normal(size=(900, 45))

    def score(_world: World, row: Any) -> float:
        return float(np.tanh(np.abs(row[:40]).sum() / 400))

    monkeypatch.setattr(extraction, "_rows", lambda _: rows)
    monkeypatch.setattr(extraction, "_score", score)
    ending, teller = told(extract.TALE)
    assert ending is Ending.AS_TOLD
    for name in ("extraction-spread", "extraction-walking"):
        line = teller.kept(name)
        assert line["without"] == 1.0
        assert line["with"] <= line["bound"]
        assert {"near_without", "near_with"} <= set(line["notes"])


def test_each_says_what_stands_against_it_and_what_that_leaves() -> None:
    stories = all_stories()
    for name in STORIES:
        tale = stories[name].TALE
        assert all((tale.opening, tale.bare, tale.defence, tale.left)), name


def test_a_person_is_told_both_rates_the_id_and_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    scene: Any = SimpleNamespace(teller=Teller(as_json=False))
    perform_attacks(scene, inject.TALE)
    shown = " ".join(capsys.readouterr().out.split())
    for text in ("MITRE ATLAS AML.T0051.001", "Without the defence:", "With the defence:", "The defence held."):
        assert text in shown
    assert "What the defence does not do:" in shown


def ran(without: int, guarded: int, *, broke: bool = False) -> Ran:
    outcome = None if broke else Outcome(Tally(4, without), Tally(4, guarded))
    return Ran(Attack("a", "AML.T0015", "tries", lambda _: Outcome(Tally(4, 1), Tally(4, 0))), outcome, "late")


@pytest.mark.parametrize(
    ("these", "ending"),
    [
        ([ran(3, 0)], Ending.AS_TOLD),
        ([ran(3, 0), ran(3, 1)], Ending.DEFENCE_FELL),
        ([ran(3, 1), ran(0, 0, broke=True)], Ending.BROKE_OFF),
        ([ran(0, 0)], Ending.BROKE_OFF),
        ([], Ending.BROKE_OFF),
    ],
)
def test_the_ending_is_the_outcome(these: list[Ran], ending: Ending) -> None:
    assert ending_of(these) is ending


def test_a_server_is_not_asked_for_what_needs_none() -> None:
    command = [sys.executable, "-m", "ostiary.cli", "demo", "inject", "--url", "http://127.0.0.1:1", "--data", "never"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "asks no server" in done.stderr) == (1, True)

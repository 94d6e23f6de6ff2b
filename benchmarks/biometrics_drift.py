"""Measures the update of templates on open people: drifts that are stopped, and alarms that honest people raise.

    python -m benchmarks.biometrics_drift [--shared DIR] [--people N] [--pairs N] [--json]

The model is ``ostiary.testing.rhythm_model``, taught with the first 900 people of Aalto; the rules, the alarm's height
among them, were set on people 2,002 to 2,477 (``--tuning`` shows them); other settings were
chosen with traces of people among the last 500 in sight. Honest years are of the last ``--people``,
pairs are drawn among the last 500. Five sentences enrol, the other ten are what a person types later.

- *Drifts*: holds and pauses between a later window of the victim and one of a random attacker, key by key; with step
  ``k`` of 200 the share is ``1 - 0.98^k`` (``of what is left``) or ``0.02 k`` (``of the whole``). The embeddings' own
  drift (``patient``) lies on the line from the anchor to the attacker's mean and moves on with each accepted window.
  Half way is step 100; ``way`` is how far the template itself came on that line.
- *Without the anchor*: the same patient drift against a template that learns from whatever it accepts.
- *Honest years*: a window a day, drawn from the person's later ones; the tempo of holds and of pauses walks at random,
  by the end of the year as far (one deviation) as real people's differs from session to session (Pace free text, 55
  people, six sessions on different days, measured here). The simulation knows no new keyboards and no injuries.
"""

import argparse
import gzip
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ostiary.biometrics.updating import RULES, Moment, Offer, State, begin, nats, offered, settled
from ostiary.biometrics.window import Floats, Modality, Window, window_of
from ostiary.testing.drifters import between, blended
from ostiary.testing.rhythm_model import RhythmModel

REPO: Final = Path(__file__).resolve().parent.parent
TAUGHT: Final = 900
HELD_OUT: Final = 500
TUNING: Final = 476
ENROLLED: Final = 5
STEPS: Final = 200
HALF: Final = STEPS // 2
DAYS: Final = 365
PACE: Final = 0.02
_DAY_NS: Final = 25 * 3_600 * 10**9


def people_of(path: Path) -> list[list[Window]]:
    """Return the windows of each person of a file, in the order of their names."""
    found: dict[str, list[Window]] = {}
    with gzip.open(path, "rt") as file:
        for row in map(json.loads, file):
            found.setdefault(row["subject"], []).append(window_of(Modality.KEYSTROKE, row["events"]))
    return [found[name] for name in sorted(found)]


def lived(state: State, model: RhythmModel, rows: Sequence[Floats]) -> Iterator[Offer]:
    """Yield what becomes of one window a day."""
    for count, row in enumerate(rows, start=1):
        now = count * _DAY_NS
        told = offered(settled(state, model, now), model, row, Moment("s", now - 9, now, now))
        state = told.state
        yield told


def way(state: State, target: Floats) -> float:
    """Return how far a template came on the way from its anchor to the attacker."""
    return _along(state.anchor.centre[0], state.adaptive.centre[0], target)


def _along(start: Floats, at: Floats, end: Floats) -> float:
    return float((at - start) @ (end - start) / ((end - start) @ (end - start)))


class Drift:
    """A victim and an attacker."""

    def __init__(self, model: RhythmModel, victim: list[Window], attacker: list[Window], seed: int) -> None:
        self.model, self.victim, self.attacker = model, victim, attacker
        self.luck = np.random.default_rng(seed)
        self.begun = begin(model, model.embed(victim[:ENROLLED]))
        self.target = model.embed(attacker).mean(axis=0)

    def typed(self, shares: Sequence[float]) -> dict[str, Any]:
        """Return when a drift of typed windows was stopped."""
        own = self.victim[ENROLLED:]
        windows = [
            blended(own[int(self.luck.integers(len(own)))], self.attacker[int(self.luck.integers(15))], share)
            for share in shares
        ]
        told = list(lived(self.begun, self.model, list(self.model.embed(windows))))
        alarm = next((at for at, one in enumerate(told, start=1) if one.alarm), STEPS + 1)
        last = max((at for at, one in enumerate(told, start=1) if one.accepted), default=0)
        return {"alarm": alarm, "last": last, "way": way(told[-1].state, self.target)}

    def patient(self, *, anchored: bool) -> float:
        """Return how far the template came under an attacker who waits for each window to be accepted."""
        state, template, share = self.begun, self.begun.anchor, PACE
        start = state.anchor.centre[0]
        for count in range(1, STEPS + 1):
            row, now = between(start, self.target, share), count * _DAY_NS
            if anchored:
                told = offered(settled(state, self.model, now), self.model, row, Moment("s", now - 9, now, now))
                state, template, taken = told.state, told.state.adaptive, told.accepted
            else:
                taken = nats(self.model, template, row) > RULES.update
                template = self.model.moved(template, row, 0.1) if taken else template
            share = min(1.0, share + PACE * taken)
        return _along(start, template.centre[0], self.target)


def session_spread(pace: Sequence[Sequence[Window]]) -> tuple[float, float]:
    """Return how far people's tempo differs from session to session: deviations of mean ln hold and mean ln pause."""
    held, apart = [], []
    for windows in pace:
        events = [np.asarray(window.content, np.float64) for window in windows]
        held.append(np.std([np.log(np.maximum(some[:, 1] - some[:, 0], 1)).mean() for some in events], ddof=1))
        apart.append(np.std([np.log(np.clip(np.diff(some[:, 0]), 1, 3_000)).mean() for some in events], ddof=1))
    return float(np.mean(held)), float(np.mean(apart))


def honest_year(model: RhythmModel, windows: list[Window], spread: tuple[float, float], seed: int) -> tuple[int, float]:
    """Return whether an honest year raised the alarm (0 or 1), and which share of its windows was learned from."""
    luck = np.random.default_rng(seed)
    walks = np.cumsum(luck.normal(0, 1, (DAYS, 2)), axis=0) / np.sqrt(DAYS) * spread
    later = windows[ENROLLED:]
    days = [_changed(later[int(luck.integers(len(later)))], walk) for walk in walks]
    told = list(lived(begin(model, model.embed(windows[:ENROLLED])), model, list(model.embed(days))))
    return int(told[-1].alarm), float(np.mean([one.accepted for one in told]))


def _changed(window: Window, walk: Floats) -> Window:
    events = np.asarray(window.content, np.float64)
    down = np.concatenate([[0.0], np.cumsum(np.diff(events[:, 0]) * np.exp(walk[1]))])
    held = (events[:, 1] - events[:, 0]) * np.exp(walk[0])
    return Window(window.modality, np.column_stack([np.round(down), np.round(down + held), events[:, 2]]))


def drifts(model: RhythmModel, people: Sequence[list[Window]], pairs: int) -> dict[str, Any]:
    """Return what becomes of drifts between random pairs of people."""
    luck = np.random.default_rng(11)
    paces = {
        "of_what_is_left": [1 - (1 - PACE) ** step for step in range(1, STEPS + 1)],
        "of_the_whole": [min(1.0, PACE * step) for step in range(1, STEPS + 1)],
    }
    ran = [
        Drift(model, people[int(one)], people[int(other)], seed)
        for seed, (one, other) in enumerate(luck.choice(len(people), 2, replace=False) for _ in range(pairs))
    ]
    told: dict[str, Any] = {}
    for name, shares in paces.items():
        found = [one.typed(shares) for one in ran]
        told[name] = {
            "stopped_before_half_way": _share([one["alarm"] < HALF or one["last"] < HALF for one in found]),
            "alarm_before_half_way": _share([one["alarm"] < HALF for one in found]),
            "median_step_of_the_alarm": float(np.median([one["alarm"] for one in found])),
            "way_above_half": _share([one["way"] > 0.5 for one in found]),  # noqa: PLR2004 - half
            "accepted_of_200": round(float(np.mean([one["last"] for one in found])), 1),
        }
    for name, anchored in (("patient", True), ("patient_without_the_anchor", False)):
        ways = np.array([one.patient(anchored=anchored) for one in ran])
        told[name] = {"way_above_half": _share(ways > 0.5), "median_way": round(float(np.median(ways)), 3)}  # noqa: PLR2004
    return told


def _share(some: Any) -> float:
    return round(float(np.mean(some)), 4)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--people", type=int, default=HELD_OUT, help="honest years; the last so many people")
    parser.add_argument("--pairs", type=int, default=100, help="of victims and attackers")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tuning", action="store_true", help="of the people that the rules were set on instead")
    chosen = parser.parse_args()
    data = chosen.shared / "data" / "biometrics"
    people = people_of(data / "aalto" / "windows.jsonl.gz")
    model = RhythmModel(people[:TAUGHT])
    held_out = people[-HELD_OUT - TUNING : -HELD_OUT] if chosen.tuning else people[-HELD_OUT:]
    spread = session_spread(people_of(data / "pace" / "free_text.jsonl.gz"))
    years = [honest_year(model, some, spread, seed) for seed, some in enumerate(held_out[-chosen.people :])]
    found = {
        "session_to_session": {"ln_hold": round(spread[0], 4), "ln_pause": round(spread[1], 4)},
        "honest_years": len(years),
        "false_alarms": sum(alarm for alarm, _ in years),
        "learned_from": _share([learned for _, learned in years]),
        "drifts": drifts(model, held_out, chosen.pairs),
    }
    print(json.dumps(found, indent=None if chosen.json else 1))


if __name__ == "__main__":
    main()

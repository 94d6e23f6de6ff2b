"""Measures liveness on open people: replays that are refused, honest windows that are not, programs that are told.

    python -m benchmarks.biometrics_liveness [--shared DIR] [--json]

- *Replays*: every window that was enrolled (Aalto: the last 500 people, 10 sentences each; SapiMouse: the last 24, the
  first 40 blocks of 128 events of each) is played again against its person's history, changed as the name says.
- *Honest*: windows of the same people that come later, against the same history; of seven other open sets, the later
  part of each person's windows against the earlier (long ones cut into 50 keys or 128 pointer events).
- *Programs*: generators of ``ostiary.testing``, made from the same people where they need any. Told "at 1 % of honest
  windows" is where one in a hundred honest windows of that modality lies lower.
- The limits were set while looking at these same open sets, so this is a check of what is claimed, not an estimate for
  people nobody has seen.
"""

import argparse
import gzip
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from ostiary.biometrics.liveness import LIVE, History, judged, seeing
from ostiary.biometrics.window import Modality, Window, window_of
from ostiary.testing.bezier_pointer import pointer
from ostiary.testing.kde_typing import kde_typing, random_typing, steady_typing
from ostiary.testing.replayers import cut, shaken, slower

REPO: Final = Path(__file__).resolve().parent.parent
KEYS: Final = 50
EVENTS: Final = 128
MADE: Final = 500
People = Mapping[str, Sequence[Window]]
Attack = Callable[[Window, np.random.Generator], Window]
OTHERS: Final = {
    "bbmas_desktop/windows.jsonl.gz": KEYS,
    "pace/free_text.jsonl.gz": KEYS,
    "pace/fixed_text.jsonl.gz": KEYS,
    "typing_human/windows.jsonl.gz": 0,
    "cmu_password/windows.jsonl.gz": 0,
    "sapientia_android/windows.jsonl.gz": 0,
    "balabit/train.jsonl.gz": EVENTS,
}
REPLAYS: Final[dict[str, Attack]] = {
    "exact": lambda window, _: window,
    "1 ms": shaken,
    "3 ms": lambda window, luck: shaken(window, luck, 3),
    "10 ms": lambda window, luck: shaken(window, luck, 10),
    "first event left out": lambda window, _: cut(window, 1),
    "second half": lambda window, _: cut(window, len(window.content) // 2),
    "10 % slower and 1 ms": lambda window, luck: shaken(slower(window, 1.1), luck),
}


def read(path: Path, modality: Modality, length: int = 0) -> dict[str, list[Window]]:
    """Return the windows by person, cut into pieces of ``length`` events where that is not 0."""
    found: dict[str, list[Window]] = {}
    with gzip.open(path, "rt") as file:
        for row in map(json.loads, file):
            found.setdefault(row["subject"], []).extend(_pieces(row["events"], modality, length))
    return found


def _pieces(events: list[Any], modality: Modality, length: int) -> Iterator[Window]:
    if not length:
        yield window_of(modality, events)
    for begin in range(0, len(events) - length + 1 if length else 0, length or 1):
        yield window_of(modality, events[begin : begin + length])


def replayed(people: People, enrolled: int) -> dict[str, float]:
    """Return the share of replays that are refused, by what was done to them."""
    luck, told = np.random.default_rng(0), {}
    for name, attack in REPLAYS.items():
        refused: list[bool] = []
        for windows in people.values():
            history = History.of(windows[:enrolled])
            refused += [not judged(seeing(attack(one, luck)), history).live for one in windows[:enrolled]]
        told[name] = round(float(np.mean(refused)), 5)
    return told


def honest(people: People, enrolled: Callable[[int], int]) -> dict[str, Any]:
    """Return how many later windows are called replays, or made by a program, though they are neither."""
    windows, again, made, exact, spent = 0, 0, 0, 0, 0.0
    scores: list[float] = []
    for some in people.values():
        first = enrolled(len(some))
        history = History.of(some[:first])
        for one in map(seeing, some[first:]):
            begin = perf_counter()
            told = judged(one, history)
            spent += perf_counter() - begin
            windows += 1
            same = history.seen(one.prints)
            again, exact = again + same.replayed, exact + same.exact
            made += one.made.score < LIVE
            scores.append(told.score)
    return {
        "people": len(people),
        "windows": windows,
        "called_replays": again,
        "of_which_equal_to_the_last_digit": exact,
        "called_made_by_a_program": made,
        "question_us": round(1e6 * spent / max(1, windows), 1),
        "lowest_percent": round(float(np.percentile(scores, 1)), 4),
    }


def programs(people: People, makers: Mapping[str, Callable[[np.random.Generator], Window]]) -> dict[str, Any]:
    """Return the share of generated windows that are told, at ``LIVE`` and at one in a hundred honest windows."""
    own = np.array([seeing(one).made.score for some in people.values() for one in some[::3]])
    limit, luck = float(np.percentile(own, 1)), np.random.default_rng(1)
    told = {}
    for name, make in makers.items():
        scores = np.array([seeing(make(luck)).made.score for _ in range(MADE)])
        told[name] = {"not_live": round(float((scores < LIVE).mean()), 4), "at_1_percent": _below(scores, limit)}
    return told


def _below(scores: np.ndarray[Any, Any], limit: float) -> float:
    return round(float((scores < limit).mean()), 4)


def measured(data: Path) -> dict[str, Any]:
    """Return all figures."""
    typed = read(data / "aalto" / "windows.jsonl.gz", Modality.KEYSTROKE)
    typed = {name: typed[name] for name in sorted(typed)[-500:]}
    pointed = read(data / "sapimouse" / "windows.jsonl.gz", Modality.POINTER, EVENTS)
    pointed = {name: pointed[name] for name in sorted(pointed)[-24:]}
    names, luck = sorted(typed), np.random.default_rng(2)

    def kde(rng: np.random.Generator) -> Window:
        return kde_typing(typed[names[int(luck.integers(len(names)))]], KEYS, rng)

    def part(count: int) -> int:
        return (count * 7) // 10

    kinds = {"balabit": Modality.POINTER}
    return {
        "keystroke": {
            "replays_refused": replayed(typed, 10),
            "honest": honest(typed, lambda _: 10),
            "programs": programs(
                typed,
                {
                    "the same delays": lambda _: steady_typing(KEYS),
                    "delays drawn evenly": lambda rng: random_typing(KEYS, rng),
                    "delays drawn from the person's own": kde,
                },
            ),
        },
        "pointer": {
            "replays_refused": replayed({name: some[:40] for name, some in pointed.items()}, 40),
            "honest": honest(pointed, part),
            "programs": programs(
                pointed,
                {
                    "straight at one speed": lambda rng: pointer(rng, EVENTS, bent=False, eased=False),
                    "bent at one speed": lambda rng: pointer(rng, EVENTS, eased=False),
                    "bent and eased": lambda rng: pointer(rng, EVENTS),
                    "bent, eased, shaky by half a pixel": lambda rng: pointer(rng, EVENTS, shaky=0.5),
                    "bent, eased, shaky by a pixel": lambda rng: pointer(rng, EVENTS, shaky=1.0),
                },
            ),
        },
        "others": {
            name: honest(
                {
                    who: some[:1_500]
                    for who, some in read(
                        data / name, kinds.get(name.partition("/")[0], Modality.KEYSTROKE), length
                    ).items()
                },
                part,
            )
            for name, length in OTHERS.items()
        },
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    print(json.dumps(measured(chosen.shared / "data" / "biometrics"), indent=None if chosen.json else 1))


if __name__ == "__main__":
    main()

"""Measures the model of phrases: CMU's password by the protocol of Killourhy and Maxion, and phrases of other devices.

    python -m benchmarks.biometrics_phrase [--shared DIR] [--folds N] [--json]

- *CMU*: five folds of people; a fold's people are judged by a model trained on the other four, which never saw them.
  As published: 200 rows enrol, the rest are genuine, strangers are the first five rows of the 50 others, most of whom
  the model was trained on; *unseen strangers* are those of the fold alone; *practised strangers* are last rows.
- *Other devices*: the first fold's model judges passwords typed on phones and a PIN on a keypad (Sapientia, Pace),
  beside scaled and capped Manhattan on the same numbers; these sets also served to choose between ways of judging
  unknown phrases, so their figures flatter.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from ostiary.biometrics.measure import figures
from ostiary.biometrics.model import Model
from ostiary.biometrics.phrase import folder
from ostiary.biometrics.phrase.evaluate import Protocol, Trials, joined, trials
from ostiary.biometrics.phrase.timings import timings
from ostiary.biometrics.reading import read_people
from ostiary.biometrics.training import Row, TrainSettings, train
from ostiary.biometrics.window import Modality

REPO: Final = Path(__file__).resolve().parent.parent
FOLDS: Final = 5
PROTOCOLS: Final = {
    "200 enrolled": Protocol(),
    "200 enrolled, practised strangers": Protocol(practised=True),
    "25 enrolled, next 26 genuine": Protocol(25, 25, 26),
    "10 enrolled, next 26 genuine": Protocol(10, 10, 26),
    "10 enrolled, genuine from row 200": Protocol(10, 200),
}
Numbered = dict[int, list[Row]]


def people_in(path: Path, kept: Callable[[Row], bool] | None = None) -> Numbered:
    """Return each person's rows, by the place of their name in the order of names."""
    found: dict[str, list[Row]] = {}
    for row in read_people(path, Modality.KEYSTROKE, lambda _: None):
        if kept is None or kept(row):
            found.setdefault(row.subject, []).append(row)
    return {number: found[name] for number, name in enumerate(sorted(found))}


def folds_of(people: Numbered) -> dict[int, int]:
    """Return the fold of each person."""
    order = np.random.default_rng(0).permutation(len(people))
    return {int(who): place % FOLDS for place, who in enumerate(order)}


def model_of(people: Sequence[Sequence[Row]]) -> tuple[Model, float]:
    """Return a model of these people, and how many seconds its training took."""
    begun = time.perf_counter()
    trained = train(Modality.KEYSTROKE, [row for own in people for row in own], TrainSettings(), lambda *_: None)
    return folder.read(trained.files), time.perf_counter() - begun


def latency(model: Model, own: Sequence[Row]) -> dict[str, float]:
    """Return milliseconds to embed and score one window, one at a time."""
    template, took = model.enrol(model.embed([row.window for row in own[:200]])), []
    for row in [*own[200:], *own[200:]]:
        begun = time.perf_counter()
        model.scores(template, model.embed([row.window]))
        took.append(1e3 * (time.perf_counter() - begun))
    return {"p50_ms": float(np.percentile(took, 50)), "p99_ms": float(np.percentile(took, 99))}


def cmu(shared: Path, folds: int) -> tuple[dict[str, Any], Model]:
    """Return the figures on CMU's password, and the first fold's model."""
    people = people_in(shared / "data" / "biometrics" / "cmu_password")
    fold, models = folds_of(people), []
    parts: dict[str, list[Trials]] = {name: [] for name in PROTOCOLS}
    strict: list[Trials] = []
    for number in range(folds):
        model, seconds = model_of([own for who, own in people.items() if fold[who] != number])
        models.append((model, seconds))
        judged = [who for who in people if fold[who] == number]
        for name, how in PROTOCOLS.items():
            parts[name].append(trials(model, people, judged, how))
        strict.append(_unseen(parts["200 enrolled"][-1], fold, number))
    told = {name: msgspec.to_builtins(joined(some).figures()) for name, some in parts.items()}
    told["200 enrolled, unseen strangers"] = msgspec.to_builtins(joined(strict).figures())
    told["training_s"] = [round(seconds, 1) for _, seconds in models]
    told["latency"] = latency(models[0][0], people[min(who for who in people if fold[who] == 0)])
    return told, models[0][0]


def _unseen(some: Trials, fold: dict[int, int], number: int) -> Trials:
    kept = np.array([fold[int(who)] == number for who in some.strangers])
    return Trials(*(column[kept] for column in msgspec.structs.astuple(some)))


def elsewhere(model: Model, shared: Path) -> dict[str, Any]:
    """Return the figures on other phrases and devices: the model's, and those of capped Manhattan."""
    root, told = shared / "data" / "biometrics", {}
    for name, path, tag, keys, enrolled in (
        ("phone, password 1", root / "sapientia_android", 0, 15, 20),
        ("phone, password 2", root / "sapientia_android", 1, 13, 20),
        ("phone, password 3", root / "sapientia_android", 2, 13, 20),
        ("phone, PIN", root / "pace" / "mobile.jsonl.gz", None, 11, 10),
        ("keypad, PIN", root / "pace" / "keypad.jsonl.gz", None, 11, 10),
    ):
        people = people_in(path, partial(_of_phrase, keys, tag))
        people = {who: own for who, own in people.items() if len(own) > enrolled}
        some = trials(model, people, list(people), Protocol(enrolled, enrolled))
        told[name] = {"model": msgspec.to_builtins(some.figures()), "manhattan_eer": manhattan(model, people, enrolled)}
    return told


def _of_phrase(keys: int, tag: int | None, row: Row) -> bool:
    return len(row.window.content) == keys and row.tags.get("password") == tag


def manhattan(model: Model, people: Numbered, enrolled: int) -> float:
    """Return the mean EER of scaled and capped Manhattan on the same numbers."""
    rows = {who: model.embed([row.window for row in own]) for who, own in people.items()}
    rows = {who: timings(own, int(own[0, 0])) for who, own in rows.items()}
    scores, same, users = [], [], []
    for who, own in rows.items():
        mean = own[:enrolled].mean(axis=0)
        spread = np.maximum(np.abs(own[:enrolled] - mean).mean(axis=0), 0.05)
        tried = np.concatenate([own[enrolled:], *(other[:5] for name, other in rows.items() if name != who)])
        scores.append(-np.minimum(np.abs(tried - mean) / spread, 4).sum(axis=1))
        same.append(np.arange(len(tried)) < len(own) - enrolled)
        users.append(np.full(len(tried), who))
    found = figures(np.concatenate(scores), np.concatenate(same), np.concatenate(users))
    return float(found.per_user_eer or 0.0)


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("OSTIARY_SHARED", REPO.parent / "shared")))
    parser.add_argument("--folds", type=int, default=FOLDS, help="measure the first folds alone")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    told, model = cmu(asked.shared, asked.folds)
    result = {"cmu": told, "elsewhere": elsewhere(model, asked.shared)}
    if asked.json:
        print(json.dumps(result, indent=1))
        return
    for name, found in told.items():
        print(f"{name}: {_line(found)}")
    for name, found in result["elsewhere"].items():
        print(f"{name}: {_line(found['model'])}; Manhattan {100 * found['manhattan_eer']:.2f} %")


def _line(found: Any) -> str:
    if not isinstance(found, dict) or "per_user_eer" not in found:
        return str(found)
    return (
        f"per-user EER {100 * found['per_user_eer']:.2f} %, global {100 * found['global_eer']:.2f} %, "
        f"FNMR@1%FMR {100 * found['fnmr_at_fmr_1']:.1f} %, Cllr {found['cllr']:.3f}, "
        f"{found['people']} people, {found['genuine']:,} genuine, {found['impostor']:,} others"
    )


if __name__ == "__main__":
    main()

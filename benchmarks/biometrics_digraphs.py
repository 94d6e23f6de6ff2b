"""Measures the model of logs on IKDD: one log against one log, people of daily computer use.

    python -m benchmarks.biometrics_digraphs [--shared DIR] [--tune] [--json]

Trained on users 1 to 79, measured once on users 80 to 109: every log enrols alone and all other logs are tried; then
with 300 values of each log tried, and with two logs enrolled. *Tune* measures inside users 1 to 79 instead, in four
parts that each the other three judge; everything that was chosen was chosen so.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from ostiary.biometrics.digraphs import folder
from ostiary.biometrics.digraphs.evaluate import Pairs, pairs, shortened
from ostiary.biometrics.model import Model
from ostiary.biometrics.reading import read_people
from ostiary.biometrics.training import Row, TrainSettings, train
from ostiary.biometrics.window import Modality

REPO: Final = Path(__file__).resolve().parent.parent
TRAINING: Final = 79
PARTS: Final = 4
SHORT: Final = 300


def model_of(rows: list[Row]) -> tuple[Model, float]:
    """Return a model of these logs, and how many seconds its training took."""
    begun = time.perf_counter()
    trained = train(Modality.FEATURES, rows, TrainSettings(), lambda *_: None)
    return folder.read(trained.files), time.perf_counter() - begun


def measured(model: Model, rows: list[Row]) -> dict[str, Pairs]:
    """Return the pairs of each way."""
    luck = np.random.default_rng(0)
    short = [shortened(row.window, SHORT, luck) for row in rows]
    return {
        "log against log": pairs(model, rows),
        f"{SHORT} values against a log": pairs(model, rows, short),
        "log against two": pairs(model, rows, None, 2),
    }


def joined(parts: list[Pairs]) -> Pairs:
    """Return all pairs of some parts."""
    columns = zip(*(msgspec.structs.astuple(part) for part in parts), strict=True)
    return Pairs(*(np.concatenate(column) for column in columns))


def tuned(rows: list[Row]) -> dict[str, Pairs]:
    """Return the pairs of people inside the training people."""
    names = np.random.default_rng(1).permutation(sorted({row.subject for row in rows}))
    found: dict[str, list[Pairs]] = {}
    for part in range(PARTS):
        judged = set(names[part::PARTS])
        model, _ = model_of([row for row in rows if row.subject not in judged])
        for name, some in measured(model, [row for row in rows if row.subject in judged]).items():
            # people of different parts stay different people
            found.setdefault(name, []).append(msgspec.structs.replace(some, users=some.users + 1_000 * part))
    return {name: joined(some) for name, some in found.items()}


def missed(some: Pairs) -> dict[str, float]:
    """Return of how many people logs of their own fall below the threshold of 5 % false matches."""
    own, least = some.same > 0, float(np.quantile(some.scores[some.same == 0], 0.95))
    people = np.unique(some.users[own])
    shares = [float((some.scores[own & (some.users == who)] < least).mean()) for who in people]
    return {"people": len(people), "people_with_misses": sum(share > 0 for share in shares), "most": max(shares)}


def latency(model: Model, rows: list[Row]) -> dict[str, float]:
    """Return milliseconds to embed and score 300 values, one log at a time."""
    luck = np.random.default_rng(0)
    template, took = model.enrol(model.embed([rows[0].window])), []
    for row in rows * 3:
        window = shortened(row.window, SHORT, luck)
        begun = time.perf_counter()
        model.scores(template, model.embed([window]))
        took.append(1e3 * (time.perf_counter() - begun))
    return {"p50_ms": float(np.percentile(took, 50)), "p99_ms": float(np.percentile(took, 99))}


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("OSTIARY_SHARED", REPO.parent / "shared")))
    parser.add_argument("--tune", action="store_true", help="measure inside the training people")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = read_people(asked.shared / "data" / "biometrics" / "ikdd", Modality.FEATURES, lambda _: None)
    taught = [row for row in rows if int(row.subject[1:]) <= TRAINING]
    told: dict[str, Any] = {}
    if asked.tune:
        found = tuned(taught)
    else:
        held = [row for row in rows if int(row.subject[1:]) > TRAINING]
        model, told["training_s"] = model_of(taught)
        found = measured(model, held)
        told["latency"] = latency(model, held)
    told["missed"] = missed(found["log against log"])
    told |= {name: msgspec.to_builtins(some.figures) for name, some in found.items()}
    print(
        json.dumps(told, indent=1) if asked.json else "\n".join(f"{name}: {_line(one)}" for name, one in told.items())
    )


def _line(found: Any) -> str:
    if not isinstance(found, dict) or "global_eer" not in found:
        return str(found)
    return (
        f"EER {100 * found['global_eer']:.2f} %, per-user {100 * found['per_user_eer']:.2f} %, "
        f"FNMR@1%FMR {100 * found['fnmr_at_fmr_1']:.1f} %, Cllr {found['cllr']:.3f}, "
        f"{found['people']} people, {found['genuine']:,} genuine, {found['impostor']:,} others"
    )


if __name__ == "__main__":
    main()

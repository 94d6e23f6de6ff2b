"""Measures free-text typing on people of the Aalto set that the model never saw, by the protocol of TypeNet.

    python -m benchmarks.biometrics_keystroke [--model DIR] [--keep DIR] [--seed N] [--threads N] [--json]

Trains on everybody but the last 500 of the set's people (2,477 of 2,977), or takes the model in ``--model``, and
reports on those 500: error rates at 1, 2, 5, 7 and 10 enrolled sentences against one sentence and the mean of five; how
soon somebody else in the seat is noticed; the time of one window on one thread; the size of the encoder. Nothing is
chosen on these people: recipes are compared on people 2,001 to 2,477 (ADR-0053). ``--keep`` writes the model's files,
unsigned. Training needs the extra ``train``; it takes about twenty minutes of one quiet core.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ostiary.biometrics.keystroke.model import ENCODER, KeystrokeModel, model_of
from ostiary.biometrics.keystroke.protocol import noticed, typenet
from ostiary.biometrics.reading import read_people
from ostiary.biometrics.training import Row, TrainSettings
from ostiary.biometrics.window import Modality, Window

HELD_OUT = 500
TIMED = 2_000
SITTING_ENROLLED = 10
SITTING_ALARMS = 0.05


def split(rows: Sequence[Row]) -> tuple[list[Row], list[list[Window]]]:
    """Return the rows to train on, and the sentences of the last people, a list a person."""
    names = sorted({row.subject for row in rows})
    last = {name: place for place, name in enumerate(names[-HELD_OUT:])}
    held: list[list[Window]] = [[] for _ in last]
    for row in sorted(rows, key=lambda row: row.order):
        if row.subject in last:
            held[last[row.subject]].append(row.window)
    return [row for row in rows if row.subject not in last], held


def trained(rows: Sequence[Row], seed: int, threads: int) -> dict[str, bytes]:
    """Return the folder of the model that ``rows`` teach."""
    from ostiary.biometrics.keystroke.training import train  # noqa: PLC0415 - the extra `train` may be absent

    began = [time.perf_counter()]

    def tell(what: str, share: float) -> None:
        print(f"{what} {share:.0%} {time.perf_counter() - began[0]:.0f} s", file=sys.stderr)

    return train(rows, TrainSettings(seed=seed, threads=threads), tell).folder


def latency(model: KeystrokeModel, windows: Sequence[Window]) -> dict[str, float]:
    """Return milliseconds of embedding and scoring one window, at the middle and at the 99th percentile."""
    template = model.enrol(model.embed(windows[:5]))
    taken = []
    for at in range(TIMED):
        began = time.perf_counter()
        model.scores(template, model.embed([windows[at % len(windows)]]))
        taken.append((time.perf_counter() - began) * 1e3)
    return {"p50_ms": round(float(np.median(taken)), 3), "p99_ms": round(float(np.quantile(taken, 0.99)), 3)}


def report(files: dict[str, bytes], held: Sequence[Sequence[Window]]) -> dict[str, Any]:
    """Return everything that is printed."""
    model = model_of(files)
    return {
        "lines": [msgspec.to_builtins(line) for line in typenet(model, held)],
        "noticed": msgspec.to_builtins(noticed(model, held, SITTING_ENROLLED, SITTING_ALARMS)),
        "latency": latency(model, held[0]),
        "encoder_bytes": len(files[ENCODER]),
    }


def show(found: dict[str, Any]) -> None:
    """Print the report as a table."""
    print("enrolled  probe  EER by person  EER global  FNMR@1%FMR   Cllr")
    for line in found["lines"]:
        one = line["figures"]
        rates = f"{one['per_user_eer']:13.2%} {one['global_eer']:11.2%} {one['fnmr_at_fmr_1']:11.2%} {one['cllr']:6.3f}"
        print(f"{line['enrolled']:8} {line['windows']:6} {rates}")
    late = found["noticed"]
    print(
        f"{SITTING_ENROLLED} enrolled, sittings of five sentences, {late['alarmed']:.1%} of own with an alarm: "
        f"{late['caught']:.1%} of others caught, ANIA {late['ania']:.0f} keys, ANGA {late['anga']:.0f} keys"
    )
    print(f"one window, one thread: {found['latency']}; encoder: {found['encoder_bytes']:,} bytes")


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="Folder of a model; without it, one is trained.")
    parser.add_argument("--keep", type=Path, help="Where the files of the trained model go.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("OSTIARY_SHARED", "../shared")))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = read_people(asked.shared / "data" / "biometrics" / "aalto", Modality.KEYSTROKE, lambda _: None)
    train_rows, held = split(rows)
    if asked.model:
        files = {path.name: path.read_bytes() for path in asked.model.iterdir() if path.is_file()}
    else:
        files = trained(train_rows, asked.seed, asked.threads)
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (asked.keep / name).write_bytes(content)
    found = report(files, held)
    print(json.dumps(found, indent=1)) if asked.json else show(found)


if __name__ == "__main__":
    main()

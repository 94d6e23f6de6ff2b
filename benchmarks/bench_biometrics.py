"""What 200,000 probes of `ostiary biometrics score` take, what one window takes, and how large templates are.

    python benchmarks/bench_biometrics.py --modality keystroke --data DIR --model MODEL [--home DIR] [--json]

People of ``--data`` are enrolled by their first five windows; the others, 5,000 at most, are asked about: each probe is
one window claimed by a person drawn by a fixed seed. ``score_s`` is the whole command in its own process, start and
reading included; ``p50_ms`` and ``p99_ms`` are embedding one window and scoring it against one template, on one thread;
``templates_mb`` is 10,000 templates of the size that these have. Nothing about error rates: see ``evaluate``.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from ostiary.biometrics.measure.protocols import cut
from ostiary.biometrics.model import Model
from ostiary.biometrics.reading import read_people
from ostiary.biometrics.training import Row
from ostiary.biometrics.window import Modality, Window
from ostiary.cli.biometrics.shared import model_of
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.testing.behaviour import raw

ENROLLED, WINDOWS, PROBES, TIMED, PEOPLE = 5, 5_000, 200_000, 2_000, 10_000


def told(window: Window) -> dict[str, Any]:
    """Return a window as files have it."""
    name = "features" if window.modality is Modality.FEATURES else "events"
    return {"modality": window.modality.value, name: raw(window)}


def windows_of(rows: Sequence[Row]) -> dict[str, list[Window]]:
    """Return each person's windows; long pointing in blocks."""
    people: dict[str, list[Window]] = {}
    for row in rows:
        some = cut(row.window) if row.window.modality is Modality.POINTER else (row.window,)
        people.setdefault(row.subject, []).extend(some)
    return {name: some for name, some in people.items() if len(some) > ENROLLED}


def write(place: Path, people: dict[str, list[Window]], probes: int) -> list[str]:
    """Write the three files and return the command's words for them."""
    luck = random.Random(0)  # noqa: S311 - a made-up table
    names = sorted(people)
    asked = [window for name in names for window in people[name][ENROLLED:]]
    asked = luck.sample(asked, min(WINDOWS, len(asked)))
    enrol = [
        {"subject": name, "order": order, **told(window)}
        for name in names
        for order, window in enumerate(people[name][:ENROLLED])
    ]
    windows = [{"window": number, **told(window)} for number, window in enumerate(asked)]
    places = range(len(asked))
    drawn = [{"id": n, "claimed": luck.choice(names), "windows": [luck.choice(places)]} for n in range(probes)]
    words = []
    for name, rows in (("enrol", enrol), ("windows", windows), ("probes", drawn)):
        (place / name).write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        words += [f"--{name}", str(place / name)]
    return words


def latency(model: Model, people: dict[str, list[Window]]) -> dict[str, float]:
    """Return milliseconds of one window, and megabytes of many templates."""
    templates = [model.enrol(model.embed(some[:ENROLLED])) for some in list(people.values())[:50]]
    asked = [window for some in people.values() for window in some[ENROLLED : ENROLLED + 1]]
    taken = []
    for number in range(TIMED):
        began = time.perf_counter()
        model.scores(templates[number % len(templates)], model.embed([asked[number % len(asked)]]))
        taken.append(1_000 * (time.perf_counter() - began))
    size = max(template.centre.nbytes for template in templates)
    return {
        "p50_ms": round(float(np.median(taken)), 3),
        "p99_ms": round(float(np.percentile(taken, 99)), 3),
        "templates_mb": round(size * PEOPLE / 1e6, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modality", required=True, choices=[one.value for one in Modality])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--probes", type=int, default=PROBES)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    modality = Modality(asked.modality)
    people = windows_of(read_people(asked.data, modality, lambda told: print(told, file=sys.stderr)))
    home = data_dir(asked.home)
    command = [sys.executable, "-m", "ostiary.cli", "biometrics", "score", "--modality", asked.modality]
    command += ["--model", str(asked.model), "--home", str(home)]
    with TemporaryDirectory() as place:
        words = write(Path(place), people, asked.probes)
        began = time.perf_counter()
        done = subprocess.run([*command, *words], check=True, capture_output=True)  # noqa: S603 - ours
        figures: dict[str, Any] = {"people": len(people), "probes": done.stdout.count(b"\n")}
        figures["score_s"] = round(time.perf_counter() - began, 1)
    figures |= latency(model_of(asked.model, modality, Places(home), DEFAULT_TENANT), people)
    print(json.dumps(figures) if asked.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()

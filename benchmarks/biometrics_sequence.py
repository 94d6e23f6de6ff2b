"""Measures the model of sequences on the SEA masquerade set: commands of UNIX users, others' blocks put among them.

    python -m benchmarks.biometrics_sequence [--shared DIR] [--json]

The model is trained on the training blocks (1 to 50) of all 50 users, and chooses its smoothing and thresholds there,
with other training users as strangers. Reported on the labelled blocks 51 to 150 of users 1 to 25, 125 of them by
others, whom training never saw; and on the odd-numbered and the even-numbered of these users alone: the odd-numbered
were looked into while the model was built (ADR-0056), the even-numbered were not. *Naive Bayes* is the baseline of the
research on the same blocks: each command's share with a smoothing of 0.01, against the other users'; its template takes
in what scores above 0.
"""

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from ostiary.biometrics.reading import read_people
from ostiary.biometrics.sequence.evaluate import Found, evaluate, found_of, read_labels
from ostiary.biometrics.sequence.folder import read
from ostiary.biometrics.sequence.model import SequenceModel
from ostiary.biometrics.training import Row, TrainSettings, train
from ostiary.biometrics.window import Modality

REPO: Final = Path(__file__).resolve().parent.parent
SMOOTHING: Final = 0.01
RATE: Final = 0.03
People = Mapping[str, Sequence[Row]]
Labels = Mapping[tuple[str, str], bool]


def by_person(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return each person's rows in order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.subject, []).append(row)
    return found


def naive_bayes(enrolled: People, sessions: People, labels: Labels, threshold: float) -> Found:
    """Return how the baseline does; blocks that score ``threshold`` or more are taken in."""
    words = sorted({token for rows in enrolled.values() for row in rows for token in row.window.content})
    places = {word: place for place, word in enumerate(words)}

    def counted(row: Row) -> Any:
        return np.bincount([places.get(token, len(words)) for token in row.window.content], minlength=len(words) + 1)

    own = {name: sum(counted(row) for row in rows) for name, rows in enrolled.items()}
    everybody = sum(own.values())
    scores, others = [], []
    for name, rows in sessions.items():
        profile, rest = own[name].astype(float), _shares(everybody - own[name])
        for row in rows:
            counts = counted(row)
            scores.append(float(counts @ (_shares(profile) - rest)))
            others.append(labels[name, row.session])
            if scores[-1] >= threshold:
                profile += counts
    every, other = np.array(scores), np.array(others)
    way = "naive Bayes" if threshold == np.inf else "naive Bayes, following"
    return found_of(way, every[~other], every[other])


def _shares(counts: Any) -> Any:
    return np.log((counts + SMOOTHING) / (counts + SMOOTHING).sum())


def latency(model: SequenceModel, people: People) -> dict[str, float]:
    """Return the time of this thread to embed and to score one window, ms; what other programs take is not in it."""
    rows = [row.window for some in people.values() for row in some][:1_500]
    template = model.enrol(model.embed(rows[:50]))
    took = []
    for window in rows:
        begin = time.thread_time()
        model.scores(template, model.embed([window]))
        took.append(1e3 * (time.thread_time() - begin))
    return {"p50_ms": float(np.median(took)), "p99_ms": float(np.quantile(took, 0.99))}


def measure(folder: Path) -> dict[str, Any]:
    """Return everything that is reported."""
    rows = read_people(folder / "train.jsonl.gz", Modality.SEQUENCE, print)
    begin = time.perf_counter()
    trained = train(Modality.SEQUENCE, rows, TrainSettings(), lambda _what, _share: None)
    took = time.perf_counter() - begin
    model = read(trained.files)
    enrolled, labels = by_person(rows), read_labels(folder / "test_labels.jsonl.gz", print)
    sessions = by_person(read_people(folder / "test.jsonl.gz", Modality.SEQUENCE, print))
    odd = {name: rows for name, rows in sessions.items() if int(name[1:]) % 2}
    even = {name: rows for name, rows in sessions.items() if name not in odd}
    ways = {}
    for users, some in {"users 1 to 25": sessions, "odd-numbered users": odd, "even-numbered users": even}.items():
        found = evaluate(model, enrolled, some, labels)
        found += [naive_bayes(enrolled, some, labels, threshold) for threshold in (np.inf, 0.0)]
        ways[users] = [msgspec.structs.asdict(one) for one in found]
    templates = [model.enrol(model.embed([row.window for row in some])) for some in enrolled.values()]
    return {
        "train_s": took,
        "ways": ways,
        "latency": latency(model, enrolled),
        "template_bytes": float(np.mean([one.centre.nbytes for one in templates])),
        "model_bytes": sum(map(len, trained.folder.values())),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("OSTIARY_SHARED", REPO.parent / "shared")))
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    report = measure(told.shared / "data/biometrics/sea")
    if told.json:
        print(json.dumps(report))
        return
    for users, ways in report["ways"].items():
        print(f"{users + ', blocks 51 to 150':40s}found at 1.3 / 3.0 / 4.6 % false alarms     AUC    EER")
        for one in ways:
            found = " / ".join(f"{100 * share:4.1f} %" for share in one["found"])
            tail = f"   taught by others {one['taught']}, alarms {one['alarms']}" if "following" in one["way"] else ""
            print(f"  {one['way']:38s}{found:43s}{one['auc']:.3f} {100 * one['eer']:5.1f} %{tail}")
    print(
        f"training {report['train_s']:.0f} s; one window {report['latency']['p50_ms']:.2f} ms at the median, "
        f"{report['latency']['p99_ms']:.2f} ms p99; a template {report['template_bytes']:,.0f} bytes, "
        f"the model {report['model_bytes']:,} bytes"
    )


if __name__ == "__main__":
    main()

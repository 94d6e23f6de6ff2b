"""Measures pointer dynamics on open people: SapiMouse (new people), Balabit (known accounts, unseen attackers).

    python -m benchmarks.biometrics_pointer sapimouse [--model DIR] [--keep DIR] [--json]
    python -m benchmarks.biometrics_pointer balabit   [--model DIR] [--keep DIR] [--json]
    python -m benchmarks.biometrics_pointer unseen    [--effort SHARE] [--json]

``sapimouse`` trains on users 1 to 48 and reports on users 49 to 72: enrolled on their 3-minute sessions in blocks of
128 events, probed by the mean of n = 1, 3, 5, 10 blocks in a row of the 1-minute session. ``balabit`` trains on the
training sessions and reports the labelled test sessions, each as one window, on that half whose session's SHA-256
begins with an odd byte, beside the other half and all; once as delivered, and once with every test session relayed at
100 ms, which hides the devices' intervals. ``unseen`` leaves out each account once: the nine others are enrolled and
known, the tenth attacks with windows of its training sessions. Training needs the extra ``train``; one thread.
"""

import argparse
import gzip
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from ostiary.biometrics.measure import auc, detection, eer, figures, fnmr_at_fmr
from ostiary.biometrics.pointer.blocks import BLOCK
from ostiary.biometrics.pointer.delivery import relayed
from ostiary.biometrics.pointer.model import ENCODER, TABLES, PointerModel, model_of
from ostiary.biometrics.pointer.training import train
from ostiary.biometrics.pointer.training.people import people_of, windows_of
from ostiary.biometrics.pointer.training.run import learned
from ostiary.biometrics.pointer.training.trials import running
from ostiary.biometrics.reading import read_people
from ostiary.biometrics.training import Row, TrainSettings
from ostiary.biometrics.window import Floats, Modality, Window, window_of

LAST_TRAINED = 48
RUNS = (1, 3, 5, 10)
FALSE_ALARMS = 0.05
RELAY_MS = 100.0
TIMED = 2_000
SESSION = 1_024


def folder(rows: Sequence[Row], asked: argparse.Namespace) -> dict[str, bytes]:
    """Return the files of the model asked for, or of one that ``rows`` teach."""
    if asked.model:
        return {path.name: path.read_bytes() for path in asked.model.iterdir() if path.is_file()}
    began = time.perf_counter()
    found = train(rows, TrainSettings(seed=asked.seed, effort=asked.effort), lambda _what, _share: None).folder
    print(f"trained in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
        for name, content in found.items():
            (asked.keep / name).write_bytes(content)
    return found


def plain(rows: Sequence[Row], asked: argparse.Namespace) -> dict[str, bytes]:
    """Return the files of a relayed model that does not know what a score means: error rates do not ask."""
    settings = TrainSettings(asked.seed, asked.effort)
    return dict(learned(people_of(rows), "relayed", settings, lambda _share: None))


def blocks(model: PointerModel, rows: Sequence[Row]) -> Floats:
    """Return the rows of the whole blocks of some sessions."""
    parts = [part for row in rows for part in windows_of(events(row), BLOCK) if len(part) == BLOCK]
    return model.embed([Window(Modality.POINTER, part) for part in parts])


def events(row: Row) -> Floats:
    """Return a row's events."""
    return cast("Floats", row.window.content)


def sapimouse(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of people whom the model never saw."""
    rows = read_people(asked.shared / "data" / "biometrics" / "sapimouse", Modality.POINTER, lambda _: None)
    known = [row for row in rows if int(row.subject[1:]) <= LAST_TRAINED]
    files = folder(known, asked)
    model = model_of(files)
    held = [row for row in rows if row not in known]
    people = sorted({row.subject for row in held})
    own = {who: [row for row in held if row.subject == who] for who in people}
    templates = [model.enrol(blocks(model, [row for row in own[who] if row.tags["label"] == "3min"])) for who in people]
    sessions = [[blocks(model, [row]) for row in own[who] if row.tags["label"] == "1min"] for who in people]
    flat = [(person, one) for person, some in enumerate(sessions) for one in some]
    scored = [[(person, model.scores(template, one)) for person, one in flat] for template in templates]
    lines = [_line(model, scored, count, int(np.median([one.windows for one in templates]))) for count in RUNS]
    timing = latency(model, [part for part in windows_of(events(held[0]), BLOCK) if len(part) == BLOCK])
    return {"people": len(people), "runs": lines, "latency": timing, "bytes": sizes(files)}


def _line(model: PointerModel, scored: Sequence[Any], count: int, enrolled: int) -> dict[str, Any]:
    means = [[(person, running(one, count)) for person, one in some] for some in scored]
    scores = np.concatenate([one for some in means for _, one in some])
    same = np.concatenate(
        [np.full(len(one), person == user) for user, some in enumerate(means) for person, one in some]
    )
    users = np.concatenate([np.full(len(one), user) for user, some in enumerate(means) for _, one in some])
    own = [one for user, some in enumerate(means) for person, one in some if person == user]
    others = [one for user, some in enumerate(means) for person, one in some if person != user]
    noticed = detection(own, others, FALSE_ALARMS, actions=BLOCK)
    told = figures(scores, same, users, model.llrs(scores, enrolled, count))
    return {"blocks": count, "figures": msgspec.to_builtins(told), "detection": msgspec.to_builtins(noticed)}


def latency(model: PointerModel, parts: Sequence[Floats]) -> dict[str, float]:
    """Return processor milliseconds of embedding and scoring one window, at the middle and the 99th percentile."""
    windows = [Window(Modality.POINTER, part) for part in parts]
    template = model.enrol(model.embed(windows))
    taken = []
    for at in range(TIMED):
        began = time.thread_time()
        model.scores(template, model.embed([windows[at % len(windows)]]))
        taken.append((time.thread_time() - began) * 1e3)
    return {"p50_ms": round(float(np.median(taken)), 3), "p99_ms": round(float(np.quantile(taken, 0.99)), 3)}


def sizes(files: dict[str, bytes]) -> dict[str, int]:
    """Return how large the files of a model are."""
    return {name: len(files[name]) for name in (ENCODER, TABLES)}


def balabit(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of labelled test sessions."""
    place = asked.shared / "data" / "biometrics" / "balabit"
    rows = read_people(place, Modality.POINTER, lambda _: None)
    files = folder(rows, asked) if asked.model or asked.keep else plain(rows, asked)
    model = model_of(files)
    templates = {
        who: model.enrol(model.embed([row.window for row in rows if row.subject == who])) for who in _names(rows)
    }
    tests = labelled(place)
    same = np.array([not illegal for _, _, _, illegal in tests])
    halves = np.array([hashlib.sha256(session.encode()).digest()[0] % 2 for _, session, _, _ in tests])
    found: dict[str, Any] = {"bytes": sizes(files)}
    for name, seen in (("as delivered", lambda one: one), ("relayed at 100 ms", lambda one: relayed(one, RELAY_MS))):
        placed = model.embed([Window(Modality.POINTER, seen(one)) for _, _, one, _ in tests])
        scores = np.array(
            [model.scores(templates[who], row[None])[0] for (who, _, _, _), row in zip(tests, placed, strict=True)]
        )
        chosen = {"odd half": halves == 1, "even half": halves == 0, "all": halves >= 0}
        found[name] = {part: _rates(scores[which & same], scores[which & ~same]) for part, which in chosen.items()}
    found["latency"] = latency(model, windows_of(events(rows[0]), BLOCK)[:50])
    return found


def _names(rows: Sequence[Row]) -> list[str]:
    return sorted({row.subject for row in rows})


def _rates(genuine: Floats, impostor: Floats) -> dict[str, float]:
    told = {"auc": auc(genuine, impostor), "eer": eer(genuine, impostor), "fnmr@1%": fnmr_at_fmr(genuine, impostor)}
    return {"genuine": len(genuine), "impostor": len(impostor), **{name: round(one, 4) for name, one in told.items()}}


def labelled(place: Path) -> list[tuple[str, str, Floats, bool]]:
    """Return claimed account, session, events and whether it was somebody else, of the labelled test sessions."""
    with gzip.open(place / "test_labels.jsonl.gz") as file:
        told = {(one["subject"], one["session"]): bool(one["is_illegal"]) for one in map(msgspec.json.decode, file)}
    with gzip.open(place / "test.jsonl.gz") as file:
        tests = [one for one in map(msgspec.json.decode, file) if (one["subject"], one["session"]) in told]
    return [
        (one["subject"], one["session"], _content(one["events"]), told[one["subject"], one["session"]]) for one in tests
    ]


def _content(raw: Any) -> Floats:
    return cast("Floats", window_of(Modality.POINTER, raw).content)


def unseen(asked: argparse.Namespace) -> dict[str, Any]:
    """Return how well accounts are told from an attacker whom neither model nor templates ever saw."""
    rows = read_people(asked.shared / "data" / "biometrics" / "balabit", Modality.POINTER, lambda _: None)
    names = _names(rows)
    last = {who: [row for row in rows if row.subject == who][-2:] for who in names}
    genuine, impostor, each = [], [], {}
    for attacker in names:
        others = [row for row in rows if row.subject != attacker and row not in last[row.subject]]
        model = model_of(plain(others, asked))
        attacks = _sessions(model, [row for row in rows if row.subject == attacker])
        own, strange = [], []
        for who in (name for name in names if name != attacker):
            template = model.enrol(model.embed([row.window for row in others if row.subject == who]))
            own.append(model.scores(template, _sessions(model, last[who])))
            strange.append(model.scores(template, attacks))
        each[attacker] = round(auc(np.concatenate(own), np.concatenate(strange)), 4)
        genuine += own
        impostor += strange
        print(attacker, each[attacker], file=sys.stderr)
    return {"attackers": each, **_rates(np.concatenate(genuine), np.concatenate(impostor))}


def _sessions(model: PointerModel, rows: Sequence[Row]) -> Floats:
    """Return the rows of sessions cut to the length of Balabit's test sessions."""
    parts = [part for row in rows for part in windows_of(events(row), SESSION)]
    return model.embed([Window(Modality.POINTER, part) for part in parts])


def main() -> None:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measures = {"sapimouse": sapimouse, "balabit": balabit, "unseen": unseen}
    parser.add_argument("what", choices=list(measures))
    parser.add_argument("--model", type=Path, help="Folder of a model; without it, one is trained.")
    parser.add_argument("--keep", type=Path, help="Where the files of the trained model go.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("OSTIARY_SHARED", "../shared")))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measures[asked.what](asked)
    print(json.dumps(found, indent=None if asked.json else 1))


if __name__ == "__main__":
    main()

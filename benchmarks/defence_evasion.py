"""Measures padding and certificates on devaccess, with models fitted once on its training part.

    python -m benchmarks.defence_evasion [--shared DIR] [--cache DIR] [--attacks N] [--tries N] [--json]

- Models of the same rows and settings: every column, the hardened ones, or of these the ones that no attacker moves his
  way (``certifiable``), with habits at once or settled for 14 days.
  The product's own fit (`risk.training.fit`) with the set's labels, 200 trees of 40 leaves; a full `risk train` adds
  rounds of planted impostors and a session forest, which this leaves out. A session's score is its riskiest access.
- Fitted on the first three quarters of the training part; the threshold, 1 % of own sessions, comes from the last one.
- Padding: every takeover of the test part that is caught (or ``--attacks`` of them, by their order), replayed through
  the real profile books from the moment at which it begins, greedily and blindly padded, ``--tries`` plays each.
- Certificates: every caught attack of the test part, by its riskiest access, in the declared box.
- The behaviour is real; the takeovers in it are injected.
"""

import argparse
import json
import os
import sys
import warnings
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
from benchmarks.devaccess_splits import BORDER, read_devaccess
from benchmarks.feature_cache import rows_of

from ostiary.redteam.padding_search import Case, Found, Play, in_order, search
from ostiary.risk.measure.certify import Certifier, certified
from ostiary.risk.training.fit import FitSettings, fit, margins
from ostiary.risk.trees import parse_trees
from ostiary.signals.attacker import is_movable
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import FEATURES, NAMES, SET_DIGEST, extract
from ostiary.signals.padding import PADDABLE
from ostiary.signals.settled import DAYS, SettledBook
from ostiary.vocabulary.events import AccessEvent

REPO: Final = Path(__file__).resolve().parent.parent
NS: Final = 10**9
RATE: Final = 0.01
FIT: Final = FitSettings(most_trees=200, learning_rate=0.08)
MONOTONE: Final = tuple(spec.monotone for spec in FEATURES)
HARD: Final = tuple(place for place, name in enumerate(NAMES) if name in PADDABLE)
CERTIFIABLE: Final = tuple(place for place, spec in enumerate(FEATURES) if spec.name in PADDABLE or is_movable(spec))
MODELS: Final[dict[str, tuple[bool, tuple[int, ...]]]] = {
    "plain": (False, ()),
    "settled": (True, ()),
    "hardened columns": (False, HARD),
    "hardened": (True, HARD),
    "certifiable": (True, CERTIFIABLE),
}
SHOWN: Final = frozenset({"plain", "hardened", "certifiable"})
Floats = npt.NDArray[np.float64]


class Set(msgspec.Struct, frozen=True):
    """The set: events in order, and by place label, eligibility, session, attack and time in seconds."""

    events: list[AccessEvent]
    label: npt.NDArray[np.int64]
    eligible: npt.NDArray[np.bool_]
    session: npt.NDArray[np.int64]
    attack: npt.NDArray[np.int64]
    when: npt.NDArray[np.int64]

    @property
    def test(self) -> npt.NDArray[np.bool_]:
        """What is measured."""
        return (self.when >= BORDER) & self.eligible


def read(folder: Path) -> Set:
    """Read devaccess."""
    events, verdicts = read_devaccess(folder)
    told = [verdicts[event.event_id] for event in events]
    numbers: dict[tuple[str, str | None], int] = {}
    session = [numbers.setdefault((event.subject_id, event.session_id), len(numbers)) for event in events]
    return Set(
        events,
        np.array([one.label for one in told]),
        np.array([bool(one.eligible) for one in told]),
        np.array(session),
        np.array([int(one.attack or -1) for one in told]),
        np.array([event.time_ns // NS for event in events]),
    )


def settled_rows(events: Sequence[AccessEvent], folder: Path) -> npt.NDArray[np.float32]:
    """Return the rows with settled habits, replayed once and kept."""
    told = sha256(f"{SET_DIGEST} settled {DAYS} {len(events)} {events[-1].event_id}".encode()).hexdigest()[:24]
    place = folder / f"settled-{told}.npy"
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print("replaying with settled habits", file=sys.stderr)
        book, flat = SettledBook("default"), np.empty((len(events), len(NAMES)), dtype=np.float32)
        for number, event in enumerate(events):
            flat[number] = extract(event, book.view(event))
            book.learn(event)
        np.save(place, flat)
    answer: npt.NDArray[np.float32] = np.load(place, mmap_mode="r")
    return answer


def fitted(told: Set, rows: Any, left_out: Sequence[int], place: Path) -> str:
    """Return the forest of the first three quarters of the training part."""
    if not place.exists():
        early = (told.when < _third_quarter(told)) & told.eligible
        some = np.asarray(rows[early], dtype=np.float32)
        some[:, list(left_out)] = np.nan
        made = fit(some, told.label[early], names=NAMES, monotone=MONOTONE, settings=FIT, seed=7)
        place.write_text(made.text)
    return place.read_text()


def _third_quarter(told: Set) -> int:
    earlier = told.when[told.when < BORDER]
    return int(earlier[int(0.75 * len(earlier))])


def by_session(told: Set, margin: Floats, part: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Return worst score, label and attack of each session of a part."""
    score = np.full(int(told.session.max()) + 1, -np.inf)
    label, attack = np.zeros(len(score)), np.full(len(score), -1, dtype=np.int64)
    np.maximum.at(score, told.session[part], margin[part])
    np.maximum.at(label, told.session[part], told.label[part])
    np.maximum.at(attack, told.session[part], told.attack[part])
    there = np.isfinite(score)
    return score[there], label[there], attack[there]


def clean(told: Set, margin: Floats) -> dict[str, float]:
    """Return threshold and figures without any padding."""
    late = (told.when >= _third_quarter(told)) & (told.when < BORDER) & told.eligible
    score, label, _ = by_session(told, margin, late)
    threshold = float(np.quantile(score[label == 0], 1 - RATE, method="higher"))
    score, label, attack = by_session(told, margin, told.test)
    own, theirs = score[label == 0], score[label == 1]
    cut = np.sort(own)[::-1]
    flagged = (score >= threshold) & (label == 1)
    return {
        "threshold": threshold,
        "false_positive_rate": round(float((own >= threshold).mean()), 4),
        "recall": round(float((theirs >= threshold).mean()), 4),
        "recall_at_1_percent": round(float((theirs > cut[int(RATE * len(own))]).mean()), 4),
        "recall_at_01_percent": round(float((theirs > cut[int(0.001 * len(own))]).mean()), 4),
        "takeovers": len(set(attack[label == 1].tolist())),
        "takeovers_caught": len(set(attack[flagged].tolist())),
    }


def padding(told: Set, text: str, threshold: float, book: Any, most: int, tries: int, history: int) -> dict[str, Any]:
    """Pad attacks of the test part; each is forked off the replay at the moment at which it begins."""
    trees, firsts = parse_trees(text), _firsts(told)
    habits: dict[str, deque[AccessEvent]] = defaultdict(lambda: deque(maxlen=60))
    found: dict[str, list[Found]] = {"greedy": [], "random": []}
    tried = 0
    begin = max(0, int(np.searchsorted(told.when, BORDER)) - history)
    for place, event in enumerate(told.events[begin:], start=begin):
        attack = firsts.get(place)
        if attack is not None and tried < most:
            accesses = tuple(told.events[each] for each in np.flatnonzero(told.attack == attack))
            case = Case(f"{attack}", accesses, tuple(habits[event.subject_id]))
            both = _forked(partial(_both, case, _play(case, book, trees.margin), threshold, tries), dict[str, Found])
            tried += both["greedy"].caught > 0
            for name, one in both.items() if both["greedy"].caught else ():
                found[name].append(one)
        if told.label[place] == 0:
            habits[event.subject_id].append(event)
        book.learn(event)
        if tried >= most:
            break
    return {name: _told(some) for name, some in found.items()}


def _both(case: Case, play: Play, threshold: float, tries: int) -> dict[str, Found]:
    return {
        name: search(case, play, threshold, Random(case.name), tries, greedy=greedy)  # noqa: S311 - an experiment
        for name, greedy in (("greedy", True), ("random", False))
    }


def _firsts(told: Set) -> dict[int, int]:
    """Return where each attack of the test part begins."""
    firsts: dict[int, int] = {}
    for attack in np.unique(told.attack[told.test & (told.label == 1)]).tolist():
        places = np.flatnonzero(told.attack == attack)
        firsts[int(places[0])] = int(attack)
    return firsts


def _play(case: Case, book: Any, margin: Callable[[Sequence[float]], float]) -> Play:
    mine = {event.event_id for event in case.accesses}

    def play(added: Sequence[AccessEvent]) -> list[float]:
        def scores() -> list[float]:
            told = []
            for event in in_order(case, added):
                if event.event_id in mine:
                    told.append(margin(extract(event, book.view(event))))
                book.learn(event)
            return told

        told: list[float] = _forked(scores, list[float])
        return told

    return play


def _forked(work: Callable[[], Any], kind: Any) -> Any:
    """Return what ``work`` gives in a child, so that nothing it learns stays."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with os.fdopen(writer, "wb") as file:
                file.write(msgspec.msgpack.encode(work()))
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    return msgspec.msgpack.decode(data, type=kind)


def _told(some: Sequence[Found]) -> dict[str, Any]:
    caught = sum(one.caught for one in some)
    return {
        "attacks": len(some),
        "evaded": sum(one.evaded for one in some),
        "evasion_rate": round(sum(one.evaded for one in some) / max(1, len(some)), 4),
        "accesses_caught": caught,
        "accesses_lowered": sum(one.lowered for one in some),
        "lowered_rate": round(sum(one.lowered for one in some) / max(1, caught), 4),
    }


def certificates(told: Set, rows: Any, text: str, margin: Floats, threshold: float, timeout_s: float) -> dict[str, Any]:
    """Certify each caught attack of the test part by its riskiest access."""
    test = told.test & (told.label == 1) & (margin >= threshold)
    best: dict[int, int] = {}
    for place in np.flatnonzero(test):
        attack = int(told.attack[place])
        if attack not in best or margin[place] > margin[best[attack]]:
            best[attack] = int(place)
    known = told.when < BORDER
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column that nothing tells has no spread
        deviations = np.nanstd(np.asarray(rows[np.flatnonzero(known)[::20]], dtype=np.float64), axis=0).tolist()
    certifier = Certifier(parse_trees(text), deviations, timeout_s=timeout_s)
    answers = [certifier.certify([float(value) for value in rows[place]], threshold) for place in best.values()]
    return certified(answers)


def _margins(text: str, rows: Any, folder: Path) -> Floats:
    """Return the margin of every row, worked out once."""
    place = folder / f"margins-{sha256(text.encode()).hexdigest()[:24]}.npy"
    if not place.exists():
        parts = [margins(text, np.asarray(rows[at : at + 20_000], np.float32)) for at in range(0, len(rows), 20_000)]
        np.save(place, np.concatenate(parts))
    answer: Floats = np.load(place)
    return answer


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--cache", type=Path, default=Path("/work/cache"))
    parser.add_argument("--attacks", type=int, default=1_000)
    parser.add_argument("--tries", type=int, default=8)
    parser.add_argument("--history", type=int, default=1_000_000, help="events before the test part that are replayed")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds a certificate may take")
    parser.add_argument("--part", choices=("all", "clean", "padding", "certificates"), default="all")
    parser.add_argument("--models", nargs="+", choices=tuple(MODELS), default=tuple(MODELS))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    told, work = read(chosen.shared / "data" / "risk" / "devaccess"), chosen.cache / "evasion"
    work.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"settled_days": DAYS, "columns": len(NAMES), "models": {}}
    for name in chosen.models:
        settled, left_out = MODELS[name]
        rows = settled_rows(told.events, work) if settled else rows_of(told.events, chosen.cache / "features")
        kept = work / f"{name.replace(' ', '-')}-{SET_DIGEST[7:15]}-{len(left_out)}.txt"
        text = fitted(told, rows, left_out, kept)
        margin = _margins(text, rows, work)
        one: dict[str, Any] = {"left_out": len(left_out), "clean": clean(told, margin)}
        threshold = one["clean"]["threshold"]
        if name in SHOWN and chosen.part in {"all", "padding"}:
            book = SettledBook("default") if settled else ProfileBook("default")
            one["padding"] = padding(told, text, threshold, book, chosen.attacks, chosen.tries, chosen.history)
        if name in SHOWN and chosen.part in {"all", "certificates"}:
            one["certificates"] = certificates(told, rows, text, margin, threshold, chosen.timeout)
        found["models"][name] = one
        print(f"{name}: {json.dumps(one)}", file=sys.stderr, flush=True)
    print(json.dumps(found, indent=None if chosen.json else 1))


if __name__ == "__main__":
    main()

"""Measures other ways to score an access beside ours: the same accesses, the same truth, the same figures, one run.

    python -m benchmarks.risk_baselines [devaccess] [transfer] [--shared DIR] [--only TEXT] [--models DIR] [--json FILE]

- *devaccess*: the protocol of that set's README. Learns from what happened before 1467049435 and counts the eligible
  sessions from then on.
- *transfer*: learns from one organisation and scores another that shares neither a person nor a repository with it
  (`devaccess_splits`), over its whole stream.

The behaviour is real; the takeovers in it are injected, so these figures compare scorers and promise nothing of real
attacks. The peers are re-created from their published descriptions (`baseline_scorers`) and see only what devaccess
tells: no address, no device, no failed login. Nothing here is tuned on what is counted. Scorers with labels learn from
the verdicts of the training part; all others from none. A session scores what its riskiest access does.

CatBoost runs when it can be imported; it is no dependency (`pip install --target DIR catboost pandas`, and DIR in
PYTHONPATH). Ours is the product's own command, trained without and with labels; with --models DIR the models are kept
and used again. Features are replayed once and kept under --rows. All of it takes about an hour on two busy cores.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
from benchmarks.baseline_scorers import ONLINE, Access, access_of, nextcloud_style, openuba_style
from benchmarks.devaccess_splits import BORDER, NS, Side, read_devaccess, transfer_split, write_side
from benchmarks.feature_cache import rows_of
from sklearn.ensemble import IsolationForest

from ostiary.risk.measure.evaluate import Interval, Report, report
from ostiary.risk.measure.tally import tally
from ostiary.risk.stream import Judged
from ostiary.risk.training.fit import FitSettings, fit, margins
from ostiary.signals.features import FEATURES, NAMES
from ostiary.vocabulary.scoring import RiskScore

REPO: Final = Path(__file__).resolve().parent.parent
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Task(msgspec.Struct, frozen=True):
    """What to learn from and what to score.

    Attributes:
        name: of the protocol.
        train: accesses to learn from, with their verdicts.
        test: the stream to score; what lies before ``from_s`` is only learned from.
        from_s: Unix time from which on sessions count.
        until: where learning ends when both are one stream.
        rows: folder of replayed features.
    """

    name: str
    train: Side
    test: Side
    from_s: int
    until: int | None
    rows: Path

    def learned(self, side: Side) -> Mask:
        """Return which accesses of ``side`` may be learned from with a fitted model."""
        border = np.inf if self.until is None else self.until * NS
        return np.array([event.time_ns < border for event in side.events])


Score = Callable[[Task], Floats]


def tasks(chosen: set[str], folder: Path, rows: Path) -> Iterator[Task]:
    """Yield the chosen protocols."""
    events, verdicts = read_devaccess(folder)
    whole = Side(events, verdicts)
    if "devaccess" in chosen:
        yield Task("devaccess", whole, whole, BORDER, BORDER, rows)
    if "transfer" in chosen:
        split = transfer_split(events, verdicts)
        yield Task("transfer", split.train, split.test, 0, None, rows)


def accesses(task: Task) -> list[Access]:
    """Return the stream to score in the form that the peers see."""
    return [access_of(event) for event in task.test.events]


def online(make: Callable[[], Any]) -> Score:
    """Return a scorer that streams through the organisation to score; it learns nothing from another one."""

    def score(task: Task) -> Floats:
        scorer = make()
        return np.array([scorer.score(one) for one in accesses(task)])

    return score


def openuba(task: Task) -> Floats:
    """Fit on the stream's own past; for an unseen organisation, as its own daily job would, on all of it."""
    return openuba_style(accesses(task), task.learned(task.test))


def isolation_forest(task: Task) -> Floats:
    """Fit on our features, without labels; what is missing takes the median."""
    rows, part = _learning(task)
    told = np.isfinite(rows[part]).any(axis=0)
    middle = np.zeros(rows.shape[1])
    middle[told] = np.nanmedian(rows[part][:, told], axis=0)

    def filled(some: Floats) -> Floats:
        return np.where(np.isfinite(some), some, middle)

    forest = IsolationForest(n_estimators=200, random_state=7, n_jobs=2).fit(filled(rows[part]))
    return np.asarray(-forest.score_samples(filled(rows_of(task.test.events, task.rows))))


def catboost(task: Task) -> Floats:
    """Fit CatBoost's defaults on our features and the labels."""
    from catboost import CatBoostClassifier  # noqa: PLC0415 - optional, and heavy

    rows, part = _learning(task)
    model = CatBoostClassifier(random_seed=7, thread_count=2, verbose=False, allow_writing_files=False)
    model.fit(rows[part], _labels(task.train)[part])
    found = model.predict(rows_of(task.test.events, task.rows), prediction_type="RawFormulaVal")
    return np.asarray(found, dtype=np.float64)


def lightgbm(task: Task) -> Floats:
    """Fit our trees on our features and the labels, without any planted impostor."""
    rows, part = _learning(task)
    monotone = [spec.monotone for spec in FEATURES]
    settings = FitSettings(threads=2)
    fitted = fit(rows[part], _labels(task.train)[part], names=NAMES, monotone=monotone, settings=settings, seed=7)
    return margins(fitted.text, np.asarray(rows_of(task.test.events, task.rows)))


def ours(models: Path, *, labels: bool) -> Score:
    """Return the product's own command, trained without or with labels."""

    def score(task: Task) -> Floats:
        work = models / task.name
        for name, side in (("train", task.train), ("test", task.test)):
            if not (work / name).exists():
                write_side(side, work / name)
        model = work / ("with-labels" if labels else "self-supervised")
        if not model.exists():
            more = ["--labels", str(work / "train" / "labels.csv.gz")] if labels else []
            more += [] if task.until is None else ["--until", str(task.until)]
            _ostiary(work, "risk", "train", *_events(work / "train"), "--out", str(model), "--threads", "2", *more)
        lines = _ostiary(work, "risk", "score", "--model", str(model), *_events(work / "test"), "--jsonl")
        return np.array([json.loads(line)["score"] for line in lines.splitlines()])

    return score


def _events(folder: Path) -> tuple[str, ...]:
    return "--events", str(folder / "events.csv.gz"), "--mapping", "devaccess"


def _ostiary(work: Path, *words: str) -> bytes:
    command = [sys.executable, "-c", "from ostiary.cli import main; main()", *words]
    told = {**os.environ, "OSTIARY_DATA": str(work / "data")}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, env=told).stdout  # noqa: S603 - our own command


def _learning(task: Task) -> tuple[Floats, Mask]:
    eligible = np.array([task.train.verdicts[event.event_id].eligible for event in task.train.events])
    return np.asarray(rows_of(task.train.events, task.rows)), task.learned(task.train) & eligible


def _labels(side: Side) -> npt.NDArray[np.int64]:
    return np.array([side.verdicts[event.event_id].label for event in side.events], dtype=np.int64)


def scorers(models: Path) -> dict[str, Score]:
    """Return every scorer by the name it bears in the table."""
    found: dict[str, Score] = {name: online(make) for name, make in ONLINE.items()}
    found["Nextcloud-style perceptron on user and offset"] = lambda task: nextcloud_style(accesses(task))
    found["OpenUBA-style IsolationForest on raw fields"] = openuba
    found["IsolationForest on our features"] = isolation_forest
    found["LightGBM on our features, labels only"] = lightgbm
    if importlib.util.find_spec("catboost"):
        found["CatBoost on our features, labels only"] = catboost
    found["Ostiary, without any label"] = ours(models, labels=False)
    found["Ostiary, with labels"] = ours(models, labels=True)
    return found


def measured(task: Task, scores: Floats) -> Report:
    """Return the figures of a stream's scores; only their order counts, so calibration means nothing here."""
    rank = np.unique(scores, return_inverse=True)[1] / max(1, len(scores))
    judged = (
        Judged(event, RiskScore(available=True, score=float(score)))
        for event, score in zip(task.test.events, rank, strict=True)
    )
    sessions, _ = tally(judged, task.test.verdicts, {}, task.from_s * NS)
    return report("session", sessions, 0.5)


def table(found: dict[str, Report], seconds: dict[str, float]) -> str:
    """Return the figures as a table, with their intervals."""
    titles = ["scorer", "ROC-AUC", "AP", "recall at 0.1 %", "recall at 1 %", "caught at 0.1 %", "caught at 1 %"]
    kinds = sorted({kind for one in found.values() for kind in one.by_kind})
    titles += [*(f"{kind} ROC-AUC" for kind in kinds), "seconds"]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for name, one in found.items():
        wide = (one.roc_auc, one.average_precision, *one.recall.values(), *one.takeovers_caught.values())
        narrow = (f"{one.by_kind[kind].roc_auc.value:.3f}" for kind in kinds)
        lines.append(f"| {' | '.join([name, *map(_shown, wide), *narrow, f'{seconds[name]:.0f}'])} |")
    return "\n".join(lines)


def _shown(figure: Interval) -> str:
    if figure.value is None:
        return "not measured"
    return (
        f"{figure.value:.3f}" if figure.low is None else f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
    )


def run(task: Task, chosen: dict[str, Score]) -> dict[str, Report]:
    """Measure every chosen scorer, telling the table as it grows, and return the figures."""
    found: dict[str, Report] = {}
    seconds: dict[str, float] = {}
    for name, score in chosen.items():
        begin = time.perf_counter()
        scores = score(task)
        seconds[name] = time.perf_counter() - begin
        found[name] = measured(task, scores)
        print(table({name: found[name]}, seconds).splitlines()[-1], file=sys.stderr, flush=True)
    sample = next(iter(found.values()))
    print(
        f"\n## {task.name}: {sample.count:,} sessions, {sample.positives:,} of {sample.takeovers} injected takeovers\n"
    )
    print(table(found, seconds))
    print(f"\nIntervals: {sample.intervals}.")
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("protocols", nargs="*", default=["devaccess", "transfer"], metavar="PROTOCOL")
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--only", default="", help="only scorers whose name holds this text, or one of A|B|C")
    parser.add_argument("--skip", default="", help="no scorers whose name holds this text")
    parser.add_argument("--models", type=Path, help="keep our models here, and use them again")
    parser.add_argument("--rows", type=Path, default=Path(tempfile.gettempdir(), "ostiary-rows"))
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    told: dict[str, dict[str, Report]] = {}
    with tempfile.TemporaryDirectory() as passing:
        every = scorers(chosen.models or Path(passing))
        wanted = chosen.only.split("|")
        kept = {
            name: score
            for name, score in every.items()
            if any(text in name for text in wanted) and (not chosen.skip or chosen.skip not in name)
        }
        for task in tasks(set(chosen.protocols), chosen.shared / "data" / "risk" / "devaccess", chosen.rows):
            told[task.name] = run(task, kept)
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1))


if __name__ == "__main__":
    main()

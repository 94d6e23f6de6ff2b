"""Measures access risk on the devaccess set, by the protocol in that set's README.

    python -m benchmarks.risk_devaccess [--only NAME ...] [--shared DIR] [--out DIR] [--json]

Trains on what happened before 1467049435, once without any label (``self-supervised``) and once with the labels of that
part (``with labels``), then scores the whole stream causally and counts the eligible sessions from that time on. The
third, ``transfer``, trains with labels on one organisation and scores another that it never saw
(``devaccess_splits.py``). The behaviour is real; the takeovers in it are injected. Nothing is tuned on the test part.
Takes about half an hour each on two cores.

``tuning`` is what transfer may be chosen on: the organisation that transfer trains on, cut into two that share no
person and no repository, each scored by a model of the other. The reported four repositories and their people are in
neither. ``tuning within`` is the same for an organisation that the model knows: of what happened before the reported
part, the first three fifths train and the rest is scored. Both run only where they are named.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import devaccess_splits
from benchmarks.devaccess_splits import NS, Side, read_devaccess, transfer_split, write_side

BORDER = str(devaccess_splits.BORDER)
RUNS = ("self-supervised", "with labels", "transfer")
TUNING = ("tuning, one way", "tuning, the other way")
WITHIN = "tuning within"
TRAINED_ON = 0.6
"""Share of the events before the reported part that ``tuning within`` trains on."""
TUNING_FOUR = frozenset({"glance", "keystone", "neutron", "tempest"})
"""Leave the most takeovers whole, of all sets of four of the ten (``devaccess_splits.choose``)."""
REPO = Path(__file__).resolve().parent.parent
REFERENCE = {
    "likelihood ratio": (0.853, 0.190, 0.044),
    "isolation forest": (0.771, 0.094, 0.017),
    "LightGBM, 44 features, supervised": (0.941, 0.576, 0.300),
}


def run(*words: str, data: Path) -> dict[str, Any]:
    """Run the product's own command and return its JSON."""
    command = [sys.executable, "-c", "from ostiary.cli import main; main()", *words, "--json"]
    done = subprocess.run(  # noqa: S603 - our own command
        command, check=True, stdout=subprocess.PIPE, env={**os.environ, "OSTIARY_DATA": str(data)}
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def measure(folder: Path, work: Path, only: Sequence[str]) -> dict[str, Any]:
    """Return the evaluation of each run that is asked for."""
    events = ("--events", str(folder / "events.csv.gz"), "--mapping", "devaccess")
    labels = ("--labels", str(folder / "labels.csv.gz"))
    attacks = ("--attacks", str(folder / "attacks.csv"), "--from", BORDER)
    found = {}
    for name, more in (("self-supervised", ()), ("with labels", labels)):
        if name in only:
            model = work / name.replace(" ", "-")
            run("risk", "train", *events, *more, "--until", BORDER, "--out", str(model), data=work / "data")
            found[name] = run("risk", "evaluate", "--model", str(model), *events, *labels, *attacks, data=work / "data")
    if {"transfer", "tuning"} & set(only):
        split = transfer_split(*read_devaccess(folder))
        if "transfer" in only:
            found["transfer"] = transfer(split.train, split.test, work / "transfer")
        if "tuning" in only:
            inner = transfer_split(split.train.events, split.train.verdicts, TUNING_FOUR)
            found[TUNING[0]] = transfer(inner.train, inner.test, work / "tuning-one")
            found[TUNING[1]] = transfer(inner.test, inner.train, work / "tuning-other")
    if WITHIN in only:
        found[WITHIN] = tuning_within(Side(*read_devaccess(folder, devaccess_splits.BORDER)), work / "tuning-within")
    return found


def tuning_within(side: Side, work: Path) -> dict[str, Any]:
    """Return the evaluation on the later part of what happened before the reported one, trained on the earlier."""
    write_side(side, work / "split")
    cut = str(side.events[int(len(side.events) * TRAINED_ON)].time_ns // NS)
    events = ("--events", str(work / "split" / "events.csv.gz"), "--mapping", "devaccess")
    labels = ("--labels", str(work / "split" / "labels.csv.gz"))
    model, data = str(work / "model"), work / "data"
    run("risk", "train", *events, *labels, "--until", cut, "--out", model, data=data)
    return run("risk", "evaluate", "--model", model, *events, *labels, "--from", cut, data=data)


def transfer(train: Side, test: Side, work: Path) -> dict[str, Any]:
    """Return the evaluation on an organisation of which the model saw neither a person nor a repository."""
    words = {}
    for name, side in (("train", train), ("test", test)):
        folder = work / "split" / name
        write_side(side, folder)
        events, labels = str(folder / "events.csv.gz"), str(folder / "labels.csv.gz")
        words[name] = ("--events", events, "--mapping", "devaccess", "--labels", labels)
    model, data = str(work / "model"), work / "data"
    run("risk", "train", *words["train"], "--out", model, data=data)
    return run("risk", "evaluate", "--model", model, *words["test"], data=data)


def table(found: dict[str, Any]) -> str:
    """Return the figures beside the set's reference."""
    lines = ["| scorer | ROC-AUC | recall at 1 % | recall at 0.1 % | caught at 0.1 % | caught at 1 % | by kind |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, each in REFERENCE.items():
        lines.append(f"| {name} (set's README) | " + " | ".join(f"{one:.3f}" for one in each) + " | | | |")
    for name, each in found.items():
        one = each["session"]
        kinds = ", ".join(f"{kind} {its['roc_auc']['value']:.3f}" for kind, its in one["by_kind"].items())
        caught = one["takeovers_caught"]
        lines.append(
            f"| {name} | {_shown(one['roc_auc'])} | {_shown(one['recall']['1%'])} | {_shown(one['recall']['0.1%'])} "
            f"| {_shown(caught['0.1%'])} | {_shown(caught['1%'])} | {kinds} |"
        )
    return "\n".join(lines)


def _shown(interval: dict[str, float]) -> str:
    return f"{interval['value']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--out", type=Path, help="keep the models here")
    parser.add_argument("--only", nargs="+", choices=(*RUNS, "tuning", WITHIN), default=RUNS, help="which runs")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    folder = chosen.shared / "data" / "risk" / "devaccess"
    with tempfile.TemporaryDirectory() as passing:
        found = measure(folder, chosen.out or Path(passing), chosen.only)
    print(json.dumps(found) if chosen.json else table(found))


if __name__ == "__main__":
    main()

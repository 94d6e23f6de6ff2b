"""Measures entitlement risk: requests on the Amazon access set beside CatBoost, grants on the HP Labs matrices.

    python benchmarks/risk_entitlements.py [--catboost PYTHON] [--shared DIR] [--quick] [--json]

- Requests: five stratified folds of the labelled part, fixed seed 7. CatBoost gets the same folds in the same run, from
  an interpreter of its own (``python -m venv /tmp/cat && /tmp/cat/bin/pip install catboost scikit-learn``); it is a
  peer here and no dependency. Parameters of ours were chosen on the folds of another seed (11), see
  ``docs/how-to/review-entitlements.md``. "Counted" adds the values, not the answers, of Kaggle's unlabelled requests.
- Grants: a tenth of the edges is held out (seed 7) and ranked against as many random pairs, by the set's README. The
  blend sees held-out edges of the other nine tenths only. "Plausible" is the harder question: the same held-out edges
  against pairs of the same users and of permissions as popular as the held-out ones.

The data are real; Kaggle's rules and the research sets' missing licence allow to measure, not to ship. Some 15 minutes
on two idle cores with CatBoost, 5 without; ``--quick`` takes two folds and the small matrices.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from ostiary.risk.entitlements.coding import Floats, Ints, Vocabulary
from ostiary.risk.entitlements.grant_fit import GrantSettings, fit_grants, matrix_of
from ostiary.risk.entitlements.lines import refusals
from ostiary.risk.entitlements.pair_rows import NAMES, pair_rows
from ostiary.risk.entitlements.request_fit import RequestSettings, fit_requests
from ostiary.risk.entitlements.sampling import strangers
from ostiary.risk.entitlements.table import Table, read_table

REPO: Final = Path(__file__).resolve().parent.parent
SEED: Final = 7
FOLDS: Final = 5
MATRICES: Final = (
    *("domino", "hc", "apj", "emea", "customer", "fire1", "fire2"),
    *("americas_small", "americas_large"),
)
SMALL: Final = MATRICES[:5]
PEERS: Final[dict[str, dict[str, Any]]] = {
    "CatBoost default": {},
    "CatBoost tuned": {"boosting_type": "Ordered", "iterations": 1000, "learning_rate": 0.05, "l2_leaf_reg": 5},
}
PEER_SCRIPT: Final = """
import json, sys
from catboost import CatBoostClassifier
import numpy as np
told = json.load(open(sys.argv[1]))
rows, answers = np.array(told["rows"]), np.array(told["answers"])
found = np.zeros(len(answers))
for held in told["folds"]:
    held = np.array(held)
    inner = np.setdiff1d(np.arange(len(answers)), held)
    model = CatBoostClassifier(cat_features=list(range(rows.shape[1])), random_seed=told["seed"], verbose=0,
                               thread_count=2, allow_writing_files=False, **told["options"])
    model.fit(rows[inner], answers[inner])
    found[held] = model.predict_proba(rows[held])[:, 1]
json.dump(found.tolist(), open(sys.argv[2], "w"))
"""


def figures(answers: Floats, chances: Floats) -> dict[str, float]:
    """Return log loss and ROC-AUC."""
    return {"log_loss": float(log_loss(answers, chances)), "roc_auc": float(roc_auc_score(answers, chances))}


def ours(columns: dict[str, list[str]], answers: Floats, folds: list[Ints], more: dict[str, list[str]]) -> Floats:
    """Return the probability of each held-out request; ``more`` is counted only."""
    found = np.zeros(len(answers))
    for held in folds:
        inner = np.setdiff1d(np.arange(len(answers)), held)
        known = {name: [*(cells[at] for at in inner), *more.get(name, ())] for name, cells in columns.items()}
        words = Vocabulary.of(known)
        fitted = fit_requests(
            words.codes(known), words.sizes, answers[inner], RequestSettings(), lambda _what, _share: None
        )
        asked = words.codes({name: [cells[at] for at in held] for name, cells in columns.items()})
        found[held] = fitted.blend.chance(fitted.parts.chances(asked))
        print(f"fold of {len(held)}: {figures(answers[held], found[held])}", file=sys.stderr, flush=True)
    return found


def peer(
    python: Path, columns: dict[str, list[str]], answers: Floats, folds: list[Ints], options: dict[str, Any]
) -> Floats:
    """Return CatBoost's probabilities for the same folds, from its own interpreter."""
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    with tempfile.TemporaryDirectory() as place:
        told, found = Path(place, "told.json"), Path(place, "found.json")
        lists = [held.tolist() for held in folds]
        work = {"rows": rows, "answers": answers.astype(int).tolist(), "folds": lists, "seed": SEED, "options": options}
        told.write_text(json.dumps(work))
        subprocess.run([python, "-c", PEER_SCRIPT, told, found], check=True)  # noqa: S603 - the interpreter asked for
        return np.array(json.loads(found.read_text()))


def requests(folder: Path, python: Path | None, *, quick: bool) -> dict[str, dict[str, float]]:
    """Return the figures of each method on the same folds."""
    table = read_table(folder / "train_labelled.csv.gz")
    answers = refusals(table, "ACTION")
    columns = {name: cells for name, cells in table.columns.items() if name not in {"row", "ACTION"}}
    split = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    folds = [held for _, held in split.split(answers, answers)][: 2 if quick else FOLDS]
    asked = np.sort(np.concatenate(folds))
    found = {"ours": figures(answers[asked], ours(columns, answers, folds, {})[asked])}
    if not quick:
        more = read_table(folder / "kaggle_unlabelled.csv.gz").columns
        found["ours, unlabelled counted"] = figures(answers[asked], ours(columns, answers, folds, more)[asked])
    for name, options in PEERS.items() if python else ():
        print(name, file=sys.stderr, flush=True)
        chances = peer(python or Path(), columns, answers, folds, options)
        found[name] = figures(answers[asked], chances[asked])
    return found


def grants(table: Table, settings: GrantSettings) -> dict[str, float]:
    """Return the held-out AUC of each way of telling and of the blend."""
    cells = {name: table.column(name) for name in ("user", "permission")}
    words = Vocabulary.of(cells)
    pairs: Ints = np.unique(words.codes(cells) - 1, axis=0)
    shape = (words.sizes[0] - 1, words.sizes[1] - 1)
    luck = np.random.default_rng(SEED)
    held = np.zeros(len(pairs), bool)
    held[luck.permutation(len(pairs))[: round(len(pairs) / 10)]] = True
    known, asked = pairs[~held], pairs[held]
    other = strangers(pairs, shape, len(asked), luck)
    fitted = fit_grants(known, shape, settings)
    left = matrix_of(known, shape)
    rows = [pair_rows(left, part[:, 0], part[:, 1]) for part in (asked, other, plausible(pairs, asked, shape, luck))]
    chances = [fitted.forest.chance(part) for part in rows]
    single = {name: _auc(rows[0][:, at], rows[1][:, at]) for at, name in enumerate(NAMES)}
    names = ("popularity", "near_20", "factor_32_scaled", "factor_64")
    found = {name: single[name] for name in names}
    return {
        **found,
        "best single": max(single.values()),
        "blend": _auc(chances[0], chances[1]),
        "popularity, plausible": _auc(rows[0][:, 0], rows[2][:, 0]),
        "near_20, plausible": _auc(rows[0][:, 2], rows[2][:, 2]),
        "blend, plausible": _auc(chances[0], chances[2]),
    }


def plausible(pairs: Ints, asked: Ints, shape: tuple[int, int], luck: np.random.Generator) -> Ints:
    """Return pairs that are no grants, of the users and of the permissions of ``asked``, mixed anew."""
    held = pairs[:, 0] * shape[1] + pairs[:, 1]
    mixed = np.concatenate([np.column_stack([asked[:, 0], luck.permutation(asked[:, 1])]) for _ in range(10)])
    free = mixed[~np.isin(mixed[:, 0] * shape[1] + mixed[:, 1], held)]
    chosen: Ints = free[: len(asked)]
    return chosen


def _auc(yes: Floats, no: Floats) -> float:
    labels = np.concatenate([np.ones(len(yes)), np.zeros(len(no))])
    return float(roc_auc_score(labels, np.concatenate([yes, no])))


def tables(found: dict[str, Any]) -> str:
    """Return all figures as Markdown."""
    lines = ["| requests | log loss | ROC-AUC |", "|---|---|---|"]
    lines += [f"| {name} | {one['log_loss']:.5f} | {one['roc_auc']:.4f} |" for name, one in found["requests"].items()]
    names = list(next(iter(found["grants"].values()), {}))
    lines += ["", f"| grants | {' | '.join(names)} |", f"|{'---|' * (len(names) + 1)}"]
    for name, one in found["grants"].items():
        lines.append(f"| {name} | " + " | ".join(f"{one[what]:.4f}" for what in names) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--catboost", type=Path, help="interpreter that has catboost")
    parser.add_argument("--only", choices=("requests", "grants"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    data = chosen.shared / "data" / "risk"
    found: dict[str, Any] = {"requests": {}, "grants": {}}
    if chosen.only != "grants":
        found["requests"] = requests(data / "amazon_access", chosen.catboost, quick=chosen.quick)
    if chosen.only != "requests":
        for name in SMALL if chosen.quick else MATRICES:
            found["grants"][name] = grants(read_table(data / "rbac_upa" / f"{name}.csv.gz"), GrantSettings())
            print(f"{name}: {found['grants'][name]}", file=sys.stderr, flush=True)
    print(json.dumps(found, indent=1) if chosen.json else tables(found))


if __name__ == "__main__":
    main()

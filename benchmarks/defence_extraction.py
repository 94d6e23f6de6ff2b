"""How well a thief copies a scorer by asking, with and without what stands against it.

    nice python -m benchmarks.defence_extraction [--shared DIR] [--cache DIR] [--only decisions|door|honest] [--json]

*decisions*: a boosted forest trained on devaccess before 1467049435 with labels (the behaviour is real, the takeovers
in it are injected), asked through the budgets of questions; its bound is 1 % of the own accesses at the end of the
training part. Thief's rows: the first half of the test part. Measured: the second half. *door*: the synthetic model of
the story ``test_model_extraction``, asked through the inference door's watch with the shipped limits. *honest*: how
many people of devaccess the shipped rules would have charged, asked to sign in, or refused, while they worked.

The thief's power is the worst case (``ostiary.redteam.thief``): he makes any row he likes. Questions are spread evenly
over one day. ``near`` is the agreement on 1,000 rows beside the bound, half on each side, so that the majority class
has one half there; ``majority`` is its agreement on all rows. Nothing here is tuned on what is reported. Six minutes,
one thread.
"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import lightgbm
import msgspec
import numpy as np
import yaml
from benchmarks.devaccess_splits import BORDER, NS, read_devaccess
from benchmarks.feature_cache import rows_of

from ostiary.decision.probing import question_of
from ostiary.defence.budgets import Budgets
from ostiary.defence.guarding import Asker, Guarded, QuestionGuard
from ostiary.defence.memory import MemoryBudgets
from ostiary.defence.probing import ProbeWatch
from ostiary.defence.questions import Question, QuestionWatch
from ostiary.keys.hashing import sha256
from ostiary.pipeline.inference.rows import check_request
from ostiary.pipeline.inference.sketching import sketches
from ostiary.redteam.thief import REFUSED, WALK, Answers, Rows, agreement, beside, copy_of, steal

REPO = Path(__file__).resolve().parent.parent
COUNTS = (1_000, 10_000)
DAY_NS = 86_400 * NS
EACH = 500
NEGATIVES = 60_000
COLUMNS = 40


class Victim(msgspec.Struct, frozen=True):
    """A scorer to copy: its scores, its bound, the thief's rows, and the rows that are measured on."""

    booster: Any
    bound: float
    pool: Any
    measured: Any
    columns: Any

    def scores(self, rows: Rows) -> Answers:
        """Return its log-odds."""
        return np.asarray(self.booster.predict(rows, raw_score=True, num_threads=1), dtype=np.float64)


def devaccess_victim(folder: Path, cache: Path) -> tuple[Victim, list[Any], Answers]:
    """Return a scorer trained on devaccess, the events of the test part, and their scores."""
    events, verdicts = read_devaccess(folder)
    rows = rows_of(events, cache)
    labels = np.array([verdicts[event.event_id].label for event in events])
    border = next(place for place, event in enumerate(events) if event.time_ns >= BORDER * NS)
    rng = np.random.default_rng(7)
    held = int(border * 0.9)  # the last tenth of the training part sets the bound and is not fitted
    negatives = np.flatnonzero(labels[:held] == 0)
    used = np.sort(
        np.concatenate([np.flatnonzero(labels[:held] == 1), rng.choice(negatives, NEGATIVES, replace=False)])
    )
    settings = {
        "objective": "binary",
        "num_leaves": 31,
        "learning_rate": 0.08,
        "verbose": -1,
        "num_threads": 1,
        "seed": 7,
    }
    booster = lightgbm.train(settings, lightgbm.Dataset(np.asarray(rows[used]), labels[used]), 200)
    own = np.asarray(rows[held:border])[labels[held:border] == 0]
    bound = float(np.quantile(booster.predict(own, raw_score=True, num_threads=1), 0.99))
    middle = border + (len(events) - border) // 2
    columns = np.argsort(-booster.feature_importance("gain"), kind="stable")[:COLUMNS]
    test = np.asarray(rows[border:])
    victim = Victim(booster, bound, test[: middle - border], test[middle - border :], columns)
    return victim, events[border:], victim.scores(test)


class Asking:
    """Answers a thief's rows by effect alone, his questions guarded and spread over a day, over so many identities."""

    def __init__(self, victim: Victim, count: int, identities: int, *, one_key: bool = False) -> None:
        self.victim, self.step_ns = victim, DAY_NS // count
        self.guard = QuestionGuard(Budgets(MemoryBudgets()), QuestionWatch())
        keys = ["k"] if one_key else [f"k{n}" for n in range(identities)]
        self.askers = [Asker(f"user:e{n}", keys[n % len(keys)], f"net-{n}") for n in range(identities)]
        self.deny = tiers("protection", "probing")["deny"]
        self.now_ns, self.turn = DAY_NS, 0
        spread = np.nan_to_num(victim.pool[:, victim.columns])
        self.low, self.high = spread.min(axis=0), spread.max(axis=0)
        for asker in self.askers:  # where each usually is
            self.guard.look("acme", asker, Question(bytes(COLUMNS), b"home", b"m"), self.now_ns)

    def __call__(self, rows: Rows, walks: str) -> Answers:
        told = (self.victim.scores(rows) >= self.victim.bound).astype(np.float64) if len(rows) else np.zeros(0)
        for place, row in enumerate(rows):
            self.now_ns += self.step_ns
            if walks == WALK and self._refused(row):
                told[place] = REFUSED
        return told

    def _refused(self, row: Rows) -> bool:
        self.turn += 1
        asker = self.askers[self.turn % len(self.askers)]
        share = (np.nan_to_num(row[self.victim.columns]) - self.low) / np.maximum(self.high - self.low, 1e-9)
        facts = (254 * share.clip(0, 1)).astype(np.uint8).tobytes()
        seen = self.guard.look("acme", asker, Question(facts, sha256(row.tobytes())[:8], b"m"), self.now_ns)
        return bool(seen.spent) or refused_by(self.deny, seen)


def tiers(room: str, *path: str) -> Any:
    """Return limits of the shipped policy."""
    told = yaml.safe_load((REPO / "policies" / room / "data.yaml").read_text())
    for name in path:
        told = told[name]
    return told


def refused_by(limits: Sequence[dict[str, Any]], seen: Guarded) -> bool:
    """Return whether the shipped policy refuses what was seen."""
    told = seen.document()
    return any(told[limit["kind"]] >= limit["from"] for limit in limits)


def decisions(victim: Victim) -> Iterator[dict[str, Any]]:
    """Yield a figure for each number of questions, defence and thief."""
    scores = victim.scores(victim.measured)
    near = beside(scores, victim.bound, EACH)
    majority = max(float(np.mean(scores < victim.bound)), float(np.mean(scores >= victim.bound)))
    for count in COUNTS:
        thieves: list[tuple[str, str, float, Any, bool]] = [
            ("none: scores told", "as they come", 0.0, lambda rows, _: victim.scores(rows), False),
            ("none: scores told", "walking", 0.5, lambda rows, _: victim.scores(rows), False),
            ("effects only", "as they come", 0.0, Plain(victim), True),
            ("effects only", "walking", 0.5, Plain(victim), True),
            ("all", "walking", 0.5, Asking(victim, count, 1), True),
            ("all", "walking, 5 identities", 0.5, Asking(victim, count, 5), True),
            ("all", "walking, 20 identities", 0.5, Asking(victim, count, 20), True),
            ("all", "walking, 20 identities, one key", 0.5, Asking(victim, count, 20, one_key=True), True),
        ]
        for defence, thief, walking, ask, labels in thieves:
            bound = 0.5 if labels else victim.bound
            loot = steal(victim.pool, ask, count, Random(3), walking=walking, bound=bound)  # noqa: S311 - an experiment
            copied = copy_of(loot, labels=labels)(victim.measured)
            head = {"model": "decisions (devaccess)", "queries": count, "defence": defence, "thief": thief}
            own = {"majority": round(majority, 4), "near_majority": 0.5}
            yield head | figures(loot, copied, scores, near, (bound, victim.bound)) | own


def figures(loot: Any, copied: Answers, scores: Answers, near: Any, bounds: tuple[float, float]) -> dict[str, Any]:
    """Return what a copy came to, overall and beside the boundary; ``bounds`` are the copy's and the model's."""
    return {
        "walked": loot.walked,
        "refused": loot.refused,
        "agreement": round(agreement(copied, scores, *bounds), 4),
        "near": round(agreement(copied[near], scores[near], *bounds), 4),
    }


class Plain:
    """Answers by effect alone, whatever is asked."""

    def __init__(self, victim: Victim) -> None:
        self.victim = victim

    def __call__(self, rows: Rows, walks: str) -> Answers:
        del walks
        return (self.victim.scores(rows) >= self.victim.bound).astype(np.float64) if len(rows) else np.zeros(0)


# The model behind the inference door.


def door_victim() -> tuple[Victim, Any, list[str]]:
    """Return the story's model, its schema, and the names of its columns."""
    from tests.stories.test_model_extraction import NAMES, Trained, people_of  # noqa: PLC0415

    trained = Trained()
    pool, measured = trained.inside(people_of(12_000, 101)), trained.inside(people_of(20_000, 102))
    return Victim(trained.booster, 0.0, pool, measured, np.arange(len(NAMES))), trained.schema, list(NAMES)


class AtTheDoor:
    """Answers as the inference door does: labels for suspects, nothing for whoever maps, scores for all others."""

    def __init__(self, victim: Victim, schema: Any, names: list[str], count: int, identities: int) -> None:
        self.victim, self.schema, self.names = victim, schema, names
        self.step_ns, self.now_ns, self.turn = DAY_NS // count, DAY_NS, 0
        self.watch, self.identities = ProbeWatch(), identities
        self.deny = tiers("pipeline", "inference", "probing")["deny"]

    def __call__(self, rows: Rows, walks: str) -> Answers:
        del walks
        told = (self.victim.scores(rows) >= self.victim.bound).astype(np.float64) if len(rows) else np.zeros(0)
        for place, row in enumerate(rows):
            self.now_ns += self.step_ns
            self.turn += 1
            who = f"user:e{self.turn % self.identities}"
            whole = {c.name for c in self.schema.columns if c.type == "integer"}
            cells = {
                name: round(float(value)) if name in whole else float(value)
                for name, value in zip(self.names, row, strict=True)
            }
            batch = check_request(self.schema, {"instances": [cells]})
            ticket = self.watch.observe("acme", "fraud", who, sketches(batch), self.schema.near, self.now_ns)
            if self._over(msgspec.to_builtins(ticket.seen)):
                self.watch.withdraw(ticket)
                told[place] = REFUSED
            else:
                self.watch.answered(ticket, [str(told[place])])
        return told

    def _over(self, seen: dict[str, Any]) -> bool:
        return any(seen[limit["kind"]] >= max(limit["from"], limit["share"] * seen["queries"]) for limit in self.deny)


def door() -> Iterator[dict[str, Any]]:
    """Yield the same figures for a model behind the inference door."""
    victim, schema, names = door_victim()
    scores = victim.scores(victim.measured)
    near = beside(scores, victim.bound, EACH)
    majority = max(float(np.mean(scores < victim.bound)), float(np.mean(scores >= victim.bound)))
    for count in COUNTS:
        for defence, thief, walking, ask, labels in (
            ("none: scores told", "walking", 0.5, lambda rows, _: victim.scores(rows), False),
            ("labels only", "as they come", 0.0, Plain(victim), True),
            ("labels only", "walking", 0.5, Plain(victim), True),
            ("all", "walking", 0.5, AtTheDoor(victim, schema, names, count, 1), True),
            ("all", "walking, 20 identities", 0.5, AtTheDoor(victim, schema, names, count, 20), True),
        ):
            bound = 0.5 if labels else victim.bound
            loot = steal(victim.pool, ask, count, Random(3), walking=walking, bound=bound)  # noqa: S311 - an experiment
            heard = ~np.isnan(loot.answers)
            loot = msgspec.structs.replace(loot, rows=loot.rows[heard], answers=loot.answers[heard])
            copied = copy_of(loot, labels=labels)(victim.measured)
            head = {"model": "inference door (synthetic)", "queries": count, "defence": defence, "thief": thief}
            own = {"majority": round(majority, 4), "near_majority": 0.5}
            yield head | figures(loot, copied, scores, near, (bound, victim.bound)) | own


def honest(events: Sequence[Any], scores: Answers, bound: float) -> dict[str, Any]:
    """Return what the shipped rules would have cost the people of the test part while they worked."""
    guard = QuestionGuard(Budgets(MemoryBudgets()), QuestionWatch())
    limits, counts, days, people = tiers("protection", "probing"), Counter[str](), set(), set()
    for event, score in zip(events, scores, strict=True):
        name = f"{event.subject_type}:{event.subject_id}"
        seen = guard.look("acme", Asker(name), question_of(event), event.time_ns)
        guard.told(seen, "STEP_UP" if score >= bound else "ALLOW")
        counts["questions"] += 1
        counts["charged"] += seen.charged
        counts["step_ups"] += refused_by(limits["suspect"], seen)
        counts["refused"] += bool(seen.spent) or refused_by(limits["deny"], seen)
        days.add((name, event.time_ns // DAY_NS))
        people.add(name)
    return {"model": "honest people of devaccess", **counts, "people": len(people), "person_days": len(days)}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--cache", type=Path, default=Path("/tmp/ostiary-features"))  # noqa: S108 - figures, no secrets
    parser.add_argument("--only", nargs="+", choices=("decisions", "door", "honest"), default=None)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    only, found = chosen.only or ("decisions", "door", "honest"), list[dict[str, Any]]()
    if "door" in only:
        found += door()
    if {"decisions", "honest"} & set(only):
        victim, events, scores = devaccess_victim(chosen.shared / "data" / "risk" / "devaccess", chosen.cache)
        found += [honest(events, scores, victim.bound)] if "honest" in only else []
        found += decisions(victim) if "decisions" in only else []
    for one in found:
        print(json.dumps(one) if chosen.json else "| " + " | ".join(str(value) for value in one.values()) + " |")


if __name__ == "__main__":
    main()

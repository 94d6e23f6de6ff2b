"""Measures session risk: on devaccess and on attacks inside simulated sessions, beside static rules.

    python -m benchmarks.session_risk [--only simulated devaccess] [--model DIR] [--shared DIR] [--seeds 1 2] [--json]

- *simulated*: a model trained on organisation ``--seeds[0]`` watches organisation ``--seeds[1]``: other people, other
  attacks of the same makers. Once with verdicts; once without any, the attacks in the history unknown to it; once
  without any, on a history without attacks. Figures on it compare scorers; they say nothing about real life.
- *devaccess*: by the set's protocol, trained on what happened before its border with the labels of that part; takeovers
  are injected into real behaviour. One commit is one session there: posture, keys and step-ups are not told.

The model flags from its own ``medium`` on, which training sets at 1 % of honest sessions; the rules' threshold and
volume limit are set at the same 1 % on the training part. Nothing is chosen on what is measured. ``--model`` keeps the
models and uses those that are there.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from benchmarks.devaccess_splits import BORDER, read_devaccess
from benchmarks.session_rules import Rules, RuleSession

from ostiary.cli.risk.shared import scorer_of
from ostiary.risk.measure.evaluate import ranking
from ostiary.risk.measure.session_watch import Watch, Watched, per_user_month, table, threshold_for, watch
from ostiary.risk.model import RiskModel
from ostiary.risk.verdicts import Verdict, read_verdicts
from ostiary.server.places import Places
from ostiary.sessions.hysteresis import Held, Hysteresis
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import extract
from ostiary.signals.tables import subject_key
from ostiary.testing.labelled_sessions import labelled, write
from ostiary.vocabulary.events import AccessEvent

REPO: Final = Path(__file__).resolve().parent.parent
BUDGET: Final = 0.01
REST_S: Final = 43_200
NS: Final = 1_000_000_000
TITLES: Final = (
    "scorer", "false positives", "recall", "takeovers caught", "recall at 1 % measured", "ROC-AUC",
    "accesses, median (9 of 10)", "minutes", "step-ups a user-month (without hysteresis)", "caught by kind",
)  # fmt: skip


class Seen(msgspec.Struct):
    """One session under the model, by its accesses alone, and under the rules (kept until the limit is known)."""

    model: Watched
    access: list[float]
    rules: list[tuple[float, frozenset[str], float]]
    counts: bool


def stream(
    events: Iterable[AccessEvent], verdicts: Mapping[str, Verdict], model: RiskModel | None, from_s: float
) -> list[Seen]:
    """Return every session that counts: judged causally, each access from what came before it."""
    book, rules, memory = ProfileBook("default"), Rules(), model.sessions() if model else None
    live: dict[tuple[str, str], tuple[Seen, RuleSession, float]] = {}
    done: list[Seen] = []
    for event in events:
        now, key = event.time_ns / NS, (subject_key(event), event.session_id or event.event_id)
        history = book.view(event)
        score = alone = 0.0
        if model is not None and memory is not None:
            row = extract(event, history)
            risk = model.score(event, row)
            alone, score = risk.score or 0.0, memory.observe(event, history, row, risk).score or 0.0
        book.learn(event)
        seen, state, last = live.get(key, (None, None, 0.0))
        if seen is None or state is None or now - last > REST_S:
            seen, state = Seen(Watched(key[0], "", "", np.inf, [], []), [], [], counts=False), RuleSession()
            done.append(seen)
        live[key] = (seen, state, now)
        rules.observe(state, event, history)
        seen.rules.append((now, frozenset(state.fired), state.amount))
        seen.model.times.append(now)
        seen.model.scores.append(score)
        seen.access.append(alone)
        told = verdicts.get(event.event_id)
        if told is not None and now >= from_s:
            seen.counts |= told.eligible
            if told.label:
                one = seen.model
                one.attack, one.kind, one.since_s = told.attack, told.kind, min(one.since_s, now)
    return [honestly(seen) for seen in done if seen.counts]


def honestly(seen: Seen) -> Seen:
    """Let a session without an attack count from its beginning."""
    if not seen.model.attack:
        seen.model.since_s = seen.model.times[0]
    return seen


def by_rules(sessions: Sequence[Seen], limit: float) -> list[Watched]:
    """Return the sessions as the rules score them."""
    found = []
    for one in sessions:
        scores = []
        for _, fired, amount in one.rules:
            state = RuleSession()
            state.fired, state.amount = set(fired), amount
            scores.append(state.score(limit))
        found.append(msgspec.structs.replace(one.model, scores=scores))
    return found


def limit_of(sessions: Sequence[Seen]) -> float:
    """Return the amount that 99 % of honest sessions of the training part stay below."""
    amounts = [one.rules[-1][2] for one in sessions if not one.model.attack]
    return float(np.quantile(amounts, 1 - BUDGET)) if amounts else np.inf


def asks(threshold: float, rule: Hysteresis | None, run: Sequence[tuple[float, float]]) -> int:
    """Return how often an honest owner, who passes every step-up at once, is asked for one."""
    asked, held = 0, Held()
    for when, score in run:
        level = "medium" if score >= threshold else "low"
        if rule is None:
            asked += level == "medium"
            continue
        before, now_ns = held.level, int(when * NS)
        held = rule.next(held, level, now_ns)
        if held.level == "medium" and before != "medium":
            asked += 1
            held = Held("low", now_ns, now_ns, "medium")
    return asked


def figures(name: str, seen: Sequence[Watched], threshold: float) -> dict[str, Any]:
    """Return everything that is told of one scorer."""
    rule, told = Hysteresis(), watch(seen, threshold)
    ranked = ranking(table(seen))
    return {
        "scorer": name,
        "watch": told,
        "roc_auc": ranked.roc_auc,
        "recall_at_1_percent": ranked.recall["1%"],
        "step_ups_user_month": per_user_month(seen, lambda run: asks(threshold, rule, run)),
        "step_ups_user_month_without_hysteresis": per_user_month(seen, lambda run: asks(threshold, None, run)),
    }


def by_model(name: str, test: Sequence[Seen], model: RiskModel) -> list[dict[str, Any]]:
    """Return the figures of a model's sessions, and of its accesses alone."""
    alone = [msgspec.structs.replace(one.model, scores=one.access) for one in test]
    return [
        figures(f"session model, {name}", [one.model for one in test], model.scaling.session.medium),
        figures(f"riskiest access alone, {name}", alone, model.scaling.event.medium),
    ]


def of_rules(train: Sequence[Seen], test: Sequence[Seen]) -> list[dict[str, Any]]:
    """Return the figures of the rules."""
    limit = limit_of(train)
    return [figures("static rules", by_rules(test, limit), threshold_for(by_rules(train, limit), BUDGET))]


def trained(folder: Path, words: Sequence[str]) -> RiskModel:
    """Return the model in ``folder``, trained by the product's own command where there is none."""
    data = folder.parent / "data"
    if not folder.exists():
        command = [sys.executable, "-c", "from ostiary.cli import main; main()", "risk", "train", *words]
        environment = {**os.environ, "OSTIARY_DATA": str(data)}
        subprocess.run(  # noqa: S603 - our own command
            [*command, "--out", str(folder), "--json"], check=True, stdout=subprocess.DEVNULL, env=environment
        )
    return scorer_of(folder, Places(data), "default")


def simulated(seeds: Sequence[int], work: Path, threads: int) -> list[dict[str, Any]]:
    """Return the figures on attacks inside simulated sessions."""
    parts = []
    for seed in seeds:
        folder = work / f"organisation-{seed}"
        told = labelled(seed)
        write(told, folder)
        parts.append((folder, told.events, read_verdicts(folder / "labels.csv")))
    (folder, events, verdicts), (_, others, other_verdicts) = parts
    quiet = work / f"organisation-{seeds[0]}-quiet"
    write(labelled(seeds[0], rate=0.0), quiet)
    runs = {
        "with verdicts": ["--events", str(folder / "events.jsonl"), "--labels", str(folder / "labels.csv")],
        "without verdicts": ["--events", str(folder / "events.jsonl")],
        "quiet history": ["--events", str(quiet / "events.jsonl")],
    }
    found: list[dict[str, Any]] = []
    test: list[Seen] = []
    for name, more in runs.items():
        model = trained(work / f"simulated-{name.replace(' ', '-')}", [*more, "--threads", str(threads)])
        test = stream(others, other_verdicts, model, 0.0)
        found += by_model(name, test, model)
    return found + of_rules(stream(events, verdicts, None, 0.0), test)


def devaccess(shared: Path, work: Path, threads: int) -> list[dict[str, Any]]:
    """Return the figures on devaccess, by its protocol."""
    folder = shared / "data" / "risk" / "devaccess"
    events, verdicts = read_devaccess(folder)
    words = [
        "--events",
        str(folder / "events.csv.gz"),
        "--mapping",
        "devaccess",
        "--labels",
        str(folder / "labels.csv.gz"),
    ]
    model = trained(work / "devaccess", [*words, "--until", str(BORDER), "--threads", str(threads)])
    whole = stream(events, verdicts, model, 0.0)
    early = [one for one in whole if one.model.times[0] < BORDER]
    test = [one for one in whole if one.model.times[0] >= BORDER]
    return by_model("with labels", test, model) + of_rules(early, test)


def lines(name: str, found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the figures as a table."""
    told: Watch = found[0]["watch"]
    counts = f"{told.sessions:,} sessions, {told.positives:,} bad, {told.takeovers} takeovers, {told.accounts} accounts"
    yield f"\n{name}: {counts}"
    yield f"| {' | '.join(TITLES)} |\n|{'---|' * len(TITLES)}"
    for one in found:
        seen: Watch = one["watch"]
        kinds = ", ".join(f"{kind} {share:.2f}" for kind, share in seen.by_kind.items())
        yield (
            f"| {one['scorer']} | {shown(seen.false_positive_rate, 4)} | {shown(seen.recall)} | {shown(seen.caught)} "
            f"| {shown(one['recall_at_1_percent'])} | {shown(one['roc_auc'])} | {plain(seen.accesses_median)} "
            f"({plain(seen.accesses_late)}) | {plain(seen.minutes_median)} ({plain(seen.minutes_late)}) "
            f"| {one['step_ups_user_month']:.3f} ({one['step_ups_user_month_without_hysteresis']:.3f}) | {kinds} |"
        )


def shown(one: Any, digits: int = 3) -> str:
    """Return a figure with its interval."""
    if one.value is None:
        return "not measured"
    return f"{one.value:.{digits}f} ({one.low:.{digits}f} to {one.high:.{digits}f})"


def plain(number: float | None) -> str:
    """Return a number, or that there is none."""
    return "none" if number is None else f"{number:.1f}"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("OSTIARY_SHARED", str(REPO.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--model", type=Path, help="keep models here, and use those that are there")
    parser.add_argument("--only", nargs="+", choices=("simulated", "devaccess"), default=("simulated", "devaccess"))
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 2), help="organisations to train on and to watch")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        work = chosen.model or Path(passing)
        work.mkdir(parents=True, exist_ok=True)
        found = {}
        if "simulated" in chosen.only:
            found["simulated"] = simulated(chosen.seeds, work, chosen.threads)
        if "devaccess" in chosen.only:
            found["devaccess"] = devaccess(chosen.shared, work, chosen.threads)
    if chosen.json:
        print(msgspec.json.encode(found).decode())
        return
    print("\n".join(line for name, each in found.items() for line in lines(name, each)))


if __name__ == "__main__":
    main()

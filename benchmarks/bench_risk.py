"""Measures the serving path of one access, stage by stage and whole: parse, enrich, look, features, score, reasons.

    python benchmarks/bench_risk.py [--people 60] [--days 20] [--json]

Trains a model on a simulated organisation first (seconds); what is timed does not depend on how good the model is.
``path`` is one core from the bytes of a record with every fact told to the score, with reasons where the score needs
them. Times are processor time; ``slowdown`` says how much longer a fixed loop took than at its best: the machine may be
busy, and the figures are not corrected for it.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from ostiary.risk.native import NativeTrees
from ostiary.risk.reasons import plain_words
from ostiary.risk.schema import CALIBRATION_FILE, MODEL_FILE, SCHEMA_FILE, parse_scaling, parse_schema
from ostiary.risk.scorer import LightGbmScorer, pick_engine
from ostiary.risk.source import Source
from ostiary.risk.stream import in_words, judge
from ostiary.risk.training.train import TrainSettings, train
from ostiary.risk.trees import parse_trees
from ostiary.signals import compiled
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.signals.features import NAMES, extract
from ostiary.signals.importing import Rejected, read
from ostiary.testing.organisation import Organisation

clock = time.thread_time_ns


def spin() -> int:
    """Take a fixed while; its time says how busy the machine is."""
    begin, table = clock(), {}
    for number in range(1_500):
        table[number & 255] = (number, 1.0 * number)
    return clock() - begin


def timed(call: Callable[[int], object], count: int) -> dict[str, float]:
    """Return the median and the 99th percentile of ``call`` in microseconds."""
    taken = []
    for number in range(count):
        begin = clock()
        call(number)
        taken.append((clock() - begin) / 1_000)
    taken.sort()
    return {"p50_us": round(median(taken), 1), "p99_us": round(taken[int(0.99 * len(taken))], 1)}


def measure(people: int, days: int, count: int) -> dict[str, object]:
    """Return every figure."""
    history = Organisation(people=people, days=days).history()
    trained = train(history, {}, [Source("simulated", "", len(history))], TrainSettings())
    text = trained.files[MODEL_FILE].decode()
    walker, native = parse_trees(text), NativeTrees(text, len(NAMES))
    schema, scaling = parse_schema(trained.files[SCHEMA_FILE]), parse_scaling(trained.files[CALIBRATION_FILE])
    engine = pick_engine(text, walker)
    scorer = LightGbmScorer(engine, schema, scaling, "sha256:bench", plain_words, walker, walker.columns())
    book = ProfileBook("default")
    for event in history[:-count]:
        book.learn(event)
    events = history[-count:]
    views = [book.view(event) for event in events]
    rows: Sequence[list[float]] = [extract(event, view) for event, view in zip(events, views, strict=True)]
    stages = {
        "view": timed(lambda i: book.view(events[i]), count),
        "features": timed(lambda i: extract(events[i], views[i]), count),
        "margin_library": timed(lambda i: native.margin(rows[i]), count),
        "margin_serving": timed(lambda i: engine.margin(rows[i]), count),
        "margin_walker": timed(lambda i: walker.margin(rows[i]), count),
        "score": timed(lambda i: scorer.score(events[i], rows[i]), count),
        "contributions": timed(lambda i: walker.contributions(rows[i]), min(count, 300)),
        "contributions_exact": timed(lambda i: native.contributions(rows[i]), min(count, 100)),
        "learn": timed(lambda i: book.learn(events[i]), count),
    }
    lines, enricher, reasons = [msgspec.json.encode(event) for event in events], Enricher(), 0
    spins: list[int] = []

    def path(number: int) -> None:
        nonlocal reasons
        (outcome,) = read("ostiary", [lines[number]], "default")
        if isinstance(outcome, Rejected):
            raise SystemExit(outcome.text)
        event = enricher.enrich(outcome.event)
        history = book.view(event)
        risk = scorer.score(event, extract(event, history))
        reasons += bool(risk.contributions and in_words(risk, event, history))

    best = min(spin() for _ in range(2_000))
    stages["path"] = timed(path, count)

    def path_and_lesson(number: int) -> None:
        path(number)
        book.learn(events[number])

    stages["path_and_lesson"] = timed(path_and_lesson, count)
    spins = [spin() for _ in range(300)]
    begin = clock()
    done = sum(1 for _ in judge(history, scorer, ProfileBook("default")))
    return {
        "slowdown": round(median(spins) / best, 2),
        "paths_with_reasons": round(reasons / (2 * count), 4),
        "features": len(NAMES),
        "trees": trained.card.trees,
        "engine": type(engine).__name__,
        "signals": compiled.PLAIN or "compiled",
        "largest_difference_walker_library": max(abs(native.margin(row) - walker.margin(row)) for row in rows),
        "stages": stages,
        "stream_events_per_s": round(done * 1e9 / (clock() - begin)),
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--count", type=int, default=3_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = measure(chosen.people, chosen.days, chosen.count)
    print(json.dumps(found, indent=None if chosen.json else 2))


if __name__ == "__main__":
    main()

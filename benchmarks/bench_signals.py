"""Measure the signals room: per-event stages, replay, profile sizes, flat cost, import speed.

    .venv/bin/python benchmarks/bench_signals.py [--devaccess PATH/events.csv.gz] [--json]

Stages are timed in CPU time of this thread, since the machine may be busy; each figure is p50 and p99 in microseconds.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.signals.importing import Accepted, read
from ostiary.signals.opening import chunks_of
from ostiary.signals.replay import replay
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.events import AccessEvent

clock = time.thread_time_ns


def quantiles(times: list[int]) -> dict[str, float]:
    """Return p50, p90, p99 in microseconds."""
    cuts = statistics.quantiles(times, n=100)
    return {"p50": round(cuts[49] / 1_000, 1), "p90": round(cuts[89] / 1_000, 1), "p99": round(cuts[98] / 1_000, 1)}


def stages(events: list[AccessEvent], enricher: Enricher) -> dict[str, Any]:
    """Time enrich, view, extract and learn, one event after another."""
    book = ProfileBook("default")
    laps: dict[str, list[int]] = {name: [] for name in ("enrich", "view", "extract", "learn")}
    for bare in events:
        begin = clock()
        event = enricher.enrich(bare)
        enriched = clock()
        history = book.view(event)
        viewed = clock()
        features.extract(event, history)
        extracted = clock()
        book.learn(event)
        learned = clock()
        for name, lap in zip(
            laps, (enriched - begin, viewed - enriched, extracted - viewed, learned - extracted), strict=True
        ):
            laps[name].append(lap)
    sizes = sorted(len(book.profile_bytes(*key.split(":", 1)) or b"") for key in book._tables.subjects)  # noqa: SLF001
    return {
        "events": len(events),
        "subjects": len(sizes),
        "profile_bytes": {"median": sizes[len(sizes) // 2], "p99": sizes[len(sizes) * 99 // 100], "largest": sizes[-1]},
        **{f"{name}_us": quantiles(times) for name, times in laps.items()},
    }


def speed(events: list[AccessEvent]) -> dict[str, float]:
    """Return events a second of CPU over a whole replay, and of its first and last tenth: cost must stay flat."""
    tenth = max(1, len(events) // 10)
    marks = [clock()]
    for number, _ in enumerate(replay(events, ProfileBook("default")), start=1):
        if number % tenth == 0:
            marks.append(clock())
    return {
        "replay_per_s": round(len(events) * 1e9 / (clock() - marks[0])),
        "first_tenth_per_s": round(tenth * 1e9 / (marks[1] - marks[0])),
        "last_tenth_per_s": round(tenth * 1e9 / (marks[-1] - marks[-2])),
    }


def imported(path: Path) -> Iterator[AccessEvent]:
    """Yield devaccess events."""
    for outcome in read("devaccess", chunks_of(path), "default"):
        if isinstance(outcome, Accepted):
            yield outcome.event


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--devaccess", type=Path, default=Path("../shared/data/risk/devaccess/events.csv.gz"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    organisation = Organisation()
    history, enricher = organisation.history(), Enricher(organisation.catalogue())
    found: dict[str, Any] = {"features": len(features.NAMES), "simulated": stages(history, enricher)}
    found["simulated"] |= speed([enricher.enrich(event) for event in history])
    if options.devaccess.exists():
        begin = clock()
        events = list(imported(options.devaccess))
        rate = round(len(events) * 1e9 / (clock() - begin))
        found["devaccess"] = {"import_per_s": rate, **stages(events[:60_000], Enricher()), **speed(events)}
    print(json.dumps(found, indent=None if options.json else 2))


if __name__ == "__main__":
    main()

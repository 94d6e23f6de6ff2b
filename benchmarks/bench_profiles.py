"""Measures what profiles cost as they grow: time an event from 10 thousand to a million events, and memory a subject.

    python benchmarks/bench_profiles.py [--events 1000000] [--subjects 100000] [--plot cost.svg] [--json]

- The stream is invented: subjects and resources by Zipf's law, with every field that an enforcement point can tell.
- Time is processor time of one look, one extraction and one lesson, over the twentieth of the events before each mark;
  what comes before is only learned. The machine may be busy: a short fixed loop runs beside it, and ``slowdown`` says
  how much longer that loop took than at its best. Figures are not corrected for it.
- ``resident`` fills a book with many subjects as they are after a month of work (the simulated organisation's people,
  copied under other names), each in its own bytes, and reads what the process holds.
- Each part runs in a process of its own, so that one's memory is not counted for the other.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.shelf import written
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

clock = time.thread_time_ns
BEGIN_S: Final = 1_760_000_000
KINDS: Final = (ActionClass.READ, ActionClass.READ, ActionClass.READ, ActionClass.WRITE, ActionClass.LIST)
MARKS: Final = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
BLOCK: Final = 100


class Zipf:
    """Draws 0 … count-1, the first most often."""

    def __init__(self, count: int, luck: Random) -> None:
        """Prepare."""
        self._sums = list(accumulate(1.0 / (place + 8) for place in range(count)))
        self._luck = luck

    def __call__(self) -> int:
        """Draw one."""
        return bisect(self._sums, self._luck.random() * self._sums[-1])


def stream(count: int, subjects: int) -> Iterator[AccessEvent]:
    """Yield an invented history: everybody has a dozen resources, a device and a few networks."""
    luck = Random(7)  # noqa: S311 - invented data
    who_next, what_next = Zipf(subjects, luck), Zipf(20_000, luck)
    for number in range(count):
        who = who_next()
        habit = Random(who * 16 + luck.randrange(12)).randrange(20_000)  # noqa: S311 - the same dozen for one subject
        what = what_next() if luck.random() < 0.05 else habit  # noqa: PLR2004 - one in twenty is out of habit
        yield AccessEvent(
            str(number), "default", (BEGIN_S + number * 3) * 10**9, f"person-{who}", f"action{what % 7}", "database",
            f"group{what % 400}/table{what}", action_class=KINDS[what % 5], outcome=EventOutcome.SUCCESS,
            sensitivity=what % 5, session_id=f"{who}-{number // 20_000}", client_id=f"client{who % 9}", issuer="idp",
            auth_method="webauthn", mfa=True, auth_age_s=600.0, ip=f"10.{who % 250}.{luck.randrange(3)}.9",
            country=("DE", "US", "IN")[who % 3], asn=64_000 + who % 50, device_id=f"laptop-{who}", device_managed=True,
            ua_family="Firefox", ua_os="Linux", tz_offset_min=60 * (who % 3), count=float(what % 100), bytes=what * 9,
            groups=(f"team{who % 300}",), labels=("prod",) if what % 3 else ("test",),
        )  # fmt: skip


def spin() -> int:
    """Take a fixed while; its time says how busy the machine is."""
    begin, table = clock(), {}
    for number in range(1_500):
        table[number & 255] = (number, 1.0 * number)
    return clock() - begin


def resident_mib() -> float:
    """Return the memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def flat(events: int, subjects: int) -> list[dict[str, Any]]:
    """Return the cost at each mark, over the twentieth of the events before it."""
    marks = sorted({events, *(mark for mark in MARKS if mark < events)})
    book, rows, begin_mib = ProfileBook("default"), [], resident_mib()
    laps: list[float] = []
    spins: list[int] = []
    best = min(spin() for _ in range(2_000))
    lap = 0
    for number, event in enumerate(stream(events, subjects), start=1):
        if number <= 0.95 * marks[0]:
            book.learn(event)
            continue
        begin = clock()
        features.extract(event, book.view(event))
        book.learn(event)
        lap += clock() - begin
        if number % BLOCK == 0:
            laps.append(lap / BLOCK / 1_000)
            spins.append(spin())
            lap = 0
        if number == marks[0]:
            rows.append(
                {
                    "events": number,
                    "us_per_event": round(median(laps), 1),
                    "slowdown": round(median(spins) / best, 2),
                    "events_per_s": round(1e6 / median(laps)),
                    "subjects": len(book),
                    "resident_mib": round(resident_mib() - begin_mib),
                }
            )
            print(rows[-1], file=sys.stderr)
            del marks[0], laps[:], spins[:]
            if not marks:
                break
    return rows


def resident(subjects: int) -> dict[str, Any]:
    """Return what many subjects with a month behind them take."""
    book = ProfileBook("default")
    for event in Organisation().history():
        book.learn(event)
    shelf = book._tables.subjects  # noqa: SLF001 - what is measured lies inside
    people = shelf.all_packed()
    sizes = sorted(len(data) for data in people.values())
    whole = sorted(len(written(data)) for data in people.values())
    names, begin_mib = list(people), resident_mib()
    for number in range(subjects):
        own_bytes = bytes(bytearray(people[names[number % len(names)]]))
        shelf.load({f"user:copy-{number}": own_bytes})
    for number in range(shelf.most_open):
        shelf.find(f"user:copy-{number}")
    held = resident_mib() - begin_mib
    return {
        "subjects": len(shelf),
        "of_them_open": shelf.opened,
        "written_bytes_median": whole[len(whole) // 2],
        "written_bytes_largest": whole[-1],
        "packed_bytes_median": sizes[len(sizes) // 2],
        "packed_bytes_largest": sizes[-1],
        "resident_mib": round(held),
        "resident_bytes_a_subject": round(held * (1 << 20) / subjects),
    }


def picture(rows: list[dict[str, Any]]) -> str:
    """Return the cost an event over the number of events as a small SVG."""
    width, height, left, low = 560, 280, 60, 240
    top = 1.25 * max(row["us_per_event"] for row in rows)
    spread = max(1, len(rows) - 1)
    spots = [
        (left + 460 * place / spread, low - 200 * row["us_per_event"] / top, row) for place, row in enumerate(rows)
    ]
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y, _ in spots)
    marks = "".join(
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4"/><text x="{x:.0f}" y="{y - 10:.0f}">{row["us_per_event"]}</text>'
        f'<text x="{x:.0f}" y="{low + 20}">{row["events"]:,}</text>'
        for x, y, row in spots
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="12" text-anchor="middle"><rect width="{width}" height="{height}" fill="white"/>'
        f'<path d="M{left} 20V{low}H540" fill="none" stroke="black"/>'
        f'<polyline points="{line}" fill="none" stroke="steelblue" stroke-width="2"/>{marks}'
        f'<text x="300" y="{height - 4}">events learned before</text>'
        f'<text x="300" y="16">processor time of one look, extraction and lesson, µs</text></svg>\n'
    )


def table(rows: list[dict[str, Any]]) -> str:
    """Return the figures for docs/explanation/scale.md."""
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(f"{row[head]:,}" for head in heads) + " |" for row in rows])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=5_000, help="subjects in the stream")
    parser.add_argument("--subjects", type=int, default=100_000, help="subjects in memory")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", choices=("flat", "resident"), help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.part:
        print(json.dumps(flat(told.events, told.people) if told.part == "flat" else resident(told.subjects)))
        return
    found = {}
    for part in ("resident", "flat"):
        command = [sys.executable, __file__, "--part", part, "--events", str(told.events)]
        command += ["--people", str(told.people), "--subjects", str(told.subjects)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 - this very file
        found[part] = json.loads(done.stdout)
    if told.plot:
        told.plot.write_text(picture(found["flat"]))
    print(json.dumps(found) if told.json else f"{table(found['flat'])}\n\n{table([found['resident']])}")


if __name__ == "__main__":
    main()

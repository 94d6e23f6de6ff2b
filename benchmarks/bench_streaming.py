"""Streaming-safe redaction: leaked bytes and inequalities over every cut, what is held, what a first token costs.

    python benchmarks/bench_streaming.py [--values 5000] [--three 20|all] [--prose 200] [--json]

- ``cuts``: seeded values of every rule (``ostiary.testing.leaks``), canaries and foreign documents, each in a text;
  every cut in two, and ``--three`` cuts in three a value (``all``: every one). ``leaked`` counts characters that left
  before the stream was over and do not belong to what leaves of the text in one piece; ``unequal`` counts cuts with
  another end result.
- ``events``: the same over chat deltas, responses events and arguments of tools, one value of each rule, 30 cuts each.
- Baselines beside it, on the same values: ``chunk`` looks at each piece alone; ``carry`` looks at the last 256
  characters and the piece, and lets everything go that it did not find something in (what public gateways do or did).
- ``prose``: texts of people, told in pieces of four characters: characters held on average, pieces until the first
  leaves, CPU until then, CPU a character.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from random import Random
from typing import Any

from ostiary.inspection.response import Document, Leaks, StreamFan
from ostiary.inspection.response.canaries import canary_for
from ostiary.inspection.response.chat import ChatAnswer
from ostiary.inspection.response.events import ResponsesAnswer
from ostiary.inspection.response.secrets import rules
from ostiary.testing import leaks as drawn

SEED = 20261127
Told = dict[str, Any]
PROSE = (
    "The committee met on a rainy afternoon and agreed, after some discussion, to paint the old bridge green. ",
    "To install it, run the script in the folder, then open the settings and choose your language. ",
    "In 2024 the company sold 1,200 units in 14 countries, up from 950 the year before (a growth of 26 %). ",
    "A key point is that each token must be checked before it is used, and a password should never be written down. ",
    "def area(radius):\n    return 3.14159 * radius ** 2\n\nprint(area(10))  # https://docs.python.org/3/ has more\n",
    "Die Sitzung begann um neun Uhr; danach sprach Frau Müller über die Straßen, die im Frühling gebaut werden. ",
)


class Planted:
    """A value in a text, and what the scan of it is told."""

    def __init__(self, text: str, told: Told) -> None:
        self.text, self.told = text, told


def values(random: Random, count: int) -> Iterator[Planted]:
    """Yield ``count`` values of all kinds, in turn."""
    made = 0
    while made < count:
        for rule in rules():
            yield Planted(drawn.secrets_of(random, rule).text, {})
        for planted in drawn.people(random):
            yield Planted(planted.text, {})
        canary = canary_for(random.randbytes(32), "default", "request", "r")
        yield Planted(f"Of course: {canary} and more", {"canaries": [canary]})
        words = " ".join(
            "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=random.randint(2, 9))) for _ in range(14)
        )
        yield Planted(f"It says that {words}, so", {"documents": [Document(words)]})
        made += len(rules()) + 24


def cuts_in_two(text: str) -> Iterator[list[str]]:
    """Yield every cut in two."""
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]


def cuts_in_three(random: Random, text: str, many: str) -> Iterator[list[str]]:
    """Yield every cut in three, or so many of them."""
    if many == "all":
        places: Any = combinations(range(1, len(text)), 2)
    else:
        places = (sorted(random.sample(range(1, len(text)), 2)) for _ in range(int(many)))
    for one, two in places:
        yield [text[:one], text[one:two], text[two:]]


def ours(leaks: Leaks, planted: Planted, pieces: list[str]) -> tuple[str, str]:
    """Return what left before the end, and all that left."""
    scan = leaks.scan(**planted.told)
    early = "".join(map(scan.feed, pieces))
    return early, early + scan.close()


def by_chunk(leaks: Leaks, planted: Planted, pieces: list[str]) -> tuple[str, str]:
    """Look at each piece alone."""
    out = "".join(ours(leaks, planted, [piece])[1] for piece in pieces)
    return out, out


def carrying(leaks: Leaks, planted: Planted, pieces: list[str]) -> tuple[str, str]:
    """Look at each piece with what came before it; what went is gone."""
    out = before = ""
    for piece in pieces:
        scan = leaks.scan(**planted.told)
        scan.feed(before + piece)
        scan.close()
        found = any(finding.end > len(before) for finding in scan.findings)
        out += "[REDACTED]" if found else piece
        before = (before + piece)[-256:]
    return out, out


def surplus(left: str, expected: str) -> int:
    """Return how many characters left that the text in one piece does not let go."""
    common = next(
        (at for at, (a, b) in enumerate(zip(left, expected, strict=False)) if a != b), min(len(left), len(expected))
    )
    return len(left) - common


def run_cuts(leaks: Leaks, count: int, three: str) -> dict[str, Any]:
    """Cut, tell, compare."""
    random = Random(SEED)  # noqa: S311 - seeded
    total: dict[str, Any] = {"values": 0, "cuts": 0, "leaked": 0, "unequal": 0}
    peers: dict[str, Callable[..., tuple[str, str]]] = {"chunk": by_chunk, "carry": carrying}
    for name in peers:
        total[f"{name}_cuts"] = total[f"{name}_leaking"] = 0
    for number, planted in enumerate(values(random, count)):
        expected = ours(leaks, planted, [planted.text])[1]
        total["values"] += 1
        for pieces in (*cuts_in_two(planted.text), *cuts_in_three(random, planted.text, three)):
            early, left = ours(leaks, planted, pieces)
            total["cuts"] += 1
            total["leaked"] += surplus(early, expected)
            total["unequal"] += left != expected
        if number % 20 == 0:  # the baselines leak soon enough to be seen on some
            _peers(leaks, planted, expected, total, peers)
    return total


def _peers(leaks: Leaks, planted: Planted, expected: str, total: dict[str, Any], peers: dict[str, Any]) -> None:
    kept = expected.split("[REDACTED", maxsplit=1)[0]
    for pieces in cuts_in_two(planted.text):
        for name, peer in peers.items():
            total[f"{name}_cuts"] += 1
            left = peer(leaks, planted, pieces)[1]
            total[f"{name}_leaking"] += surplus(left.split("[REDACTED")[0], kept) > 0


def run_events(leaks: Leaks) -> dict[str, Any]:
    """Send a value of each rule through every kind of event."""
    random = Random(SEED)  # noqa: S311 - seeded
    total = {"answers": 0, "unequal": 0}
    for planted in (drawn.secrets_of(random, rule) for rule in rules()):
        for parts in (2, 3):
            for _ in range(15):
                edges = [0, *sorted(random.sample(range(1, len(planted.text)), parts - 1)), len(planted.text)]
                pieces = [planted.text[a:b] for a, b in pairwise(edges)]
                expected = ours(leaks, Planted(planted.text, {}), [planted.text])[1]
                for told in (_chat(leaks, pieces), _responses(leaks, pieces)):
                    total["answers"] += 1
                    total["unequal"] += told != expected
                total["answers"] += 1
                total["unequal"] += _arguments(leaks, pieces) != _arguments(leaks, ["".join(pieces)])
    return total


def _chat(leaks: Leaks, pieces: list[str]) -> str:
    chat = ChatAnswer(StreamFan(leaks))
    events = [chat.event({"choices": [{"index": 0, "delta": {"content": piece}}]}) for piece in pieces]
    return "".join(event["choices"][0]["delta"]["content"] or "" for event in [*events, *chat.finish()])


def _responses(leaks: Leaks, pieces: list[str]) -> str:
    answer = ResponsesAnswer(StreamFan(leaks))
    place = {"type": "response.output_text.delta", "item_id": "m", "content_index": 0}
    events = [one for piece in pieces for one in answer.event({**place, "delta": piece})]
    return "".join(event["delta"] for event in [*events, *answer.finish()])


def _arguments(leaks: Leaks, pieces: list[str]) -> str:
    fan, whole = StreamFan(leaks), json.dumps({"body": "".join(pieces)})
    size = max(len(whole) // max(len(pieces), 1), 1)
    told = "".join(fan.feed("call", whole[at : at + size], escaped=True) for at in range(0, len(whole), size))
    return told + "".join(fan.finish().values())


def run_prose(leaks: Leaks, rounds: int) -> dict[str, float]:
    """Tell prose in pieces of four characters."""
    canary = canary_for(b"k" * 32, "default", "request", "r")
    foreign = [Document("The merger with Halcyon closes on the ninth of March at forty two dollars a share, in cash.")]
    held, pieces_until, first, each = [], [], [], []
    for number in range(rounds):
        text = PROSE[number % len(PROSE)] * 8
        scan = leaks.scan([canary], foreign)
        spent, until = 0, 0
        for at in range(0, len(text), 4):
            began = time.process_time_ns()
            left = scan.feed(text[at : at + 4])
            spent += time.process_time_ns() - began
            held.append(scan.held)
            if left and not until:
                until = at // 4 + 1
                first.append(spent / 1e6)
        pieces_until.append(until)
        each.append(spent / len(text) / 1000)
    two_k = (PROSE[0] * 20)[:2000]
    whole = []
    for _ in range(rounds):
        began = time.process_time_ns()
        scan = leaks.scan([canary], foreign)
        scan.feed(two_k)
        scan.close()
        whole.append((time.process_time_ns() - began) / 1e6)
    return {
        "held_mean": statistics.mean(held),
        "held_p95": statistics.quantiles(held, n=20)[18],
        "pieces_until_first_mean": statistics.mean(pieces_until),
        "first_token_cpu_ms_p95": statistics.quantiles(first, n=20)[18],
        "cpu_us_per_character": statistics.median(each),
        "scan_2k_ms_p50": statistics.median(whole),
    }


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--values", type=int, default=5_000)
    parser.add_argument("--three", default="20", help="so many cuts in three a value, or `all`")
    parser.add_argument("--prose", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    leaks = Leaks()
    figures = {
        "prose": run_prose(leaks, given.prose),
        "events": run_events(leaks),
        "cuts": run_cuts(leaks, given.values, given.three),
    }
    if given.json:
        print(json.dumps(figures))
        return
    for part, values_of in figures.items():
        for name, value in values_of.items():
            print(f"{part:8} {name:26} {value:.3f}" if isinstance(value, float) else f"{part:8} {name:26} {value}")


if __name__ == "__main__":
    main()

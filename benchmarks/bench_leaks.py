"""What response inspection finds, and what it finds where nothing is: secrets, numbers of people, quotations.

    python benchmarks/bench_leaks.py [--each 20] [--data ../shared/data/llm] [--json]

- ``secrets``: ``--each`` seeded values of every rule in code, configuration and prose; found is what does not leave.
- ``people``: seeded numbers with right checks beside decoys: the same shapes with a wrong check beside the same words,
  and random numbers, times, versions, telephone numbers and hashes in neutral sentences. Precision is found / (found +
  decoys).
- ``quotations``: 12 words in a row of a foreign document, with other case, punctuation and line breaks, in prose.
- ``benign``: rows of the corpora of code, documents and answers that nobody planted anything in: rows of which
  something was taken out, by class. ``repo_docs_code`` holds the test suites of three scanners of secrets, full of
  planted ones: there the rows are listed apart.
- Baseline in the same run: the same rules on an entropy alone (``naive``: any run of 20 and more characters with 4.0
  bits), as scanners without names have it.
"""

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from ostiary.inspection.response import Document, Leaks
from ostiary.inspection.response.looks import entropy
from ostiary.inspection.response.pii.national import KINDS, SEPARATORS
from ostiary.inspection.response.secrets import rules
from ostiary.testing import leaks as drawn

SEED = 20261127
CORPORA = ("cyberseceval_code", "gpteacher", "self_instruct", "repo_docs_code")
RUN = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
NEUTRAL = (
    "Order {n} has left the warehouse.", "The build {n} took a minute.", "See ticket {n} for details.",
    "It was logged at {n} by the server.", "Reference {n}, second shelf.", "The total is {n} bytes.",
)  # fmt: skip


def whole(leaks: Leaks, text: str, **told: Any) -> tuple[str, list[str]]:
    """Return what leaves and the rules that found something."""
    scan = leaks.scan(**told)
    released = scan.feed(text) + scan.close()
    return released, [finding.rule for finding in scan.findings]


def run_secrets(leaks: Leaks, each: int) -> dict[str, Any]:
    """Plant secrets."""
    random, missed, total, naive = Random(SEED), Counter[str](), 0, 0  # noqa: S311 - seeded
    for rule in rules():
        for _ in range(each):
            planted = drawn.secrets_of(random, rule)
            total += 1
            missed[rule.id] += planted.value in whole(leaks, planted.text)[0]
            naive += any(entropy(run) >= 4 for run in RUN.findall(planted.value))  # noqa: PLR2004 - what such scanners use
    lost = sum(missed.values())
    return {"rules": len(rules()), "values": total, "recall": 1 - lost / total, "naive_recall": naive / total}


def decoys(random: Random, count: int) -> Iterator[str]:
    """Yield sentences with numbers that are nobody's."""
    for _ in range(count):
        for kind in KINDS:
            number = drawn.number(random, kind.name)
            at = random.choice([index for index, digit in enumerate(number) if digit.isdigit()])
            wrong = number[:at] + str((int(number[at]) + random.randint(1, 9)) % 10) + number[at + 1 :]
            if not kind.holds(SEPARATORS.sub("", wrong)):
                yield f"Her {drawn.WORDS.get(kind.name, 'number')} is {wrong}, as written."
        for digits in (9, 10, 11, 12, 13, 14, 15, 17, 18):
            number = "".join(random.choices("0123456789", k=digits))
            yield random.choice(NEUTRAL).format(n=number)
        card = drawn.card(random)
        yield f"Charge it to {card[:-1]}{(int(card[-1]) + 3) % 10}, please."
        yield f"Call 555-{random.randint(100, 999)}-{random.randint(1000, 9999)} or see 10.{random.randint(0, 99)}.3.4."
        yield f"At {random.randint(1_600_000_000, 1_800_000_000)} the hash was {random.randbytes(16).hex()}."


def run_people(leaks: Leaks, each: int) -> dict[str, Any]:
    """Plant numbers and decoys."""
    random, missed, found = Random(SEED), Counter[str](), 0  # noqa: S311 - seeded
    for _ in range(each):
        for planted in drawn.people(random):
            gone = planted.value not in whole(leaks, planted.text)[0]
            found += gone
            missed[planted.rule] += not gone
    alarms, sentences = Counter[str](), 0
    for sentence in decoys(random, each):
        sentences += 1
        alarms.update(rule for rule in whole(leaks, sentence)[1] if rule not in {"pii.phone", "pii.email"})
    false = sum(alarms.values())
    return {
        "planted": found + sum(missed.values()),
        "recall": found / (found + sum(missed.values())),
        "decoys": sentences,
        "false": false,
        "precision": found / (found + false),
        "false_by_kind": dict(alarms),
    }


def run_quotations(leaks: Leaks, count: int) -> dict[str, Any]:
    """Quote twelve words of foreign documents."""
    random, caught = Random(SEED), 0  # noqa: S311 - seeded
    for _ in range(count):
        words = ["".join(random.choices("etaoinshrdlu", k=random.randint(1, 9))) for _ in range(120)]
        at = random.randrange(len(words) - 12)
        quoted = words[at : at + 12]
        said = "".join(
            (word.upper() if random.random() < 0.2 else word) + random.choice((" ", " ", " ", ", ", "\n", " — "))  # noqa: PLR2004 - a fifth
            for word in quoted
        )
        text = f"As far as I can tell, {said} which was to be expected."
        released, _ = whole(leaks, text, documents=[Document(" ".join(words))])
        caught += released == "As far as I can tell, [REDACTED:document.verbatim]"
    return {"quotations": count, "caught": caught / count}


def run_benign(leaks: Leaks, folder: Path) -> dict[str, Any]:
    """Look at what nobody planted anything in."""
    figures: dict[str, Any] = {}
    for name in CORPORA:
        rows = hit = naive = blocked = 0
        classes = Counter[str]()
        with gzip.open(folder / f"{name}.jsonl.gz", "rt") as lines:
            for line in lines:
                text = json.loads(line)["text"]
                scan = leaks.scan()
                taken = scan.feed(text) + scan.close() != text
                rows, hit = rows + 1, hit + taken
                blocked += scan.verdict in {"block", "ask"}
                naive += any(entropy(run) >= 4 for run in RUN.findall(text))  # noqa: PLR2004 - what such scanners use
                if taken:
                    classes.update({finding.rule.partition(".")[0] for finding in scan.findings})
        figures[name] = {
            "rows": rows,
            "blocked": blocked,
            "taken_out_per_1000": 1000 * hit / rows,
            "classes": dict(classes),
            "naive_per_1000": 1000 * naive / rows,
        }
    return figures


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/llm"))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    leaks = Leaks()
    figures = {
        "secrets": run_secrets(leaks, given.each),
        "people": run_people(leaks, given.each),
        "quotations": run_quotations(leaks, given.each * 25),
        "benign": run_benign(leaks, given.data) if given.data.is_dir() else "no corpora there",
    }
    print(json.dumps(figures, indent=None if given.json else 2))


if __name__ == "__main__":
    main()

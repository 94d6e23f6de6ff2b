"""How many secrets of others' making are found, and how many answers lose something that was none.

    python -m benchmarks.bench_secrets [--each 2] [--data ../shared/data/llm] [--gitleaks config/gitleaks.toml]
        [--kingfisher data/rules] [--missed tuned|reported] [--json]

``bench_leaks.py`` draws its values from the product's own rules: it shows that they hold, not that they suffice. Here
values come from elsewhere; of each set rules were made looking at one part (``tuned``), figures are the other's:

- ``own``: formats written down apart from the table (``secret_texts.py``), each said in every way of ``TUNED_ON`` and
  of ``REPORTED``.
- ``gitleaks``: ``--each`` values a class, drawn from the expressions of a checkout (b58d3f102cf3, MIT) in the 26 ways
  of its own generator, halved by class. A text counts only if the class's expression and entropy find a value in it
  that is no placeholder; letters are drawn as written, a bare dot between letters as a dot. Classes that say any text
  (``.*``, ``[^"]``) are left out and named: what is drawn from them is no command and no file.
- ``kingfisher``: the examples of a checkout (ee7c0db3ef87, Apache-2.0), halved by rule. Many are placeholders
  (``1234567890``), which are counted apart; others are names, hashes and hosts, so no reach is set.
- ``harmless``: drawn digests, lock files, pictures, identities. ``benign``: rows of corpora, even (tuned) and odd.

Of the reported halves of ``gitleaks`` and ``kingfisher`` nothing but the count is ever shown.
"""

import argparse
import gzip
import json
import re
import sys
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import re2
import yaml
from benchmarks.secret_texts import FORMATS, REPORTED, TUNED_ON, harmless, said

from ostiary.inspection.response import Leaks
from ostiary.inspection.response.grammar import parse
from ostiary.inspection.response.looks import entropy
from ostiary.inspection.response.placeholders import is_placeholder
from ostiary.testing.leaks import drawn

SEED = 20261128
CORPORA = ("cyberseceval_code", "gpteacher", "self_instruct", "arena_hard", "oasst_en100", "repo_docs_code")
FULL_OF_SECRETS = "repo_docs_code"  # test suites of three scanners
UNSEEN = ("reported gitleaks", "reported kingfisher")  # never shown
_ANY_TEXT = re.compile(r"(?<!\\)\.[*+{]|\[\^|\\S")
_ALONE = " "  # the expression says the whole text
_BEFORE = r"""[\x60'"\s=]{0,5}("""
_POSIX = {"[[:alnum:]]": "[0-9A-Za-z]", "[:alnum:]": "0-9A-Za-z", r"\x60": "`"}
_WAYS = ('{i}Token="{s}"', '{i}Token = "{s}"', "{i}Token={s}", "{i}Token = {s}", '{\n    "{i}_token": "{s}"\n}',
         '{"config.ini": "{I}_TOKEN={s}\\nBACKUP_ENABLED=true"}', "<{i}Token>\n    {s}\n</{i}Token>", "{i}_token: {s}",
         "{i}_token: '{s}'", '{i}_token: "{s}"', 'string {i}Token = "{s}";', 'var {i}Token string = "{s}"',
         '{i}Token := "{s}"', "{i}Token := `{s}`", 'String {i}Token = "{s}";', 'var {i}Token = "{s}"',
         '${i}Token .= "{s}"', "{i}Token = '{s}'", '{i}Token = "{s}"', 'System.setProperty("{I}_TOKEN", "{s}")',
         '  "{i}Token" => "{s}"', '{i}_TOKEN = "{s}"', '{i}_TOKEN := "{s}"', '{i}_TOKEN ::= "{s}"',
         '{i}_TOKEN :::= "{s}"', '{i}_TOKEN ?= "{s}"')  # fmt: skip


class Count:
    """Found and missed, by kind."""

    def __init__(self) -> None:
        self.total, self.missed, self.shown = Counter[str](), Counter[str](), dict[str, str]()

    def add(self, kind: str, text: str, *, found: bool) -> None:
        """Count one text."""
        self.total[kind] += 1
        self.missed[kind] += not found
        if not found:
            self.shown.setdefault(kind, text)

    def figures(self) -> dict[str, Any]:
        """Return counts and shares."""
        all_of_them, missed = sum(self.total.values()), sum(self.missed.values())
        whole = sum(not count for count in self.missed.values())
        share = 1 - missed / max(all_of_them, 1)
        return {"kinds": len(self.total), "kinds_found_whole": whole, "texts": all_of_them, "recall": round(share, 5)}

    def show(self) -> None:
        """Say what was missed."""
        for kind, count in self.missed.most_common():
            if count:
                print(f"{count:4} of {self.total[kind]:4} {kind}: {self.shown[kind]!r}", file=sys.stderr)


def leaves(leaks: Leaks, text: str) -> str:
    """Return what leaves of ``text``."""
    scan = leaks.scan()
    return scan.feed(text) + scan.close()


def stays(leaks: Leaks, text: str, value: str) -> bool:
    """Return whether no half of ``value`` leaves."""
    left, half = leaves(leaks, text), len(value) // 2 + 1
    return value[:half] not in left and value[-half:] not in left


def run_own(leaks: Leaks, each: int, ways: tuple[str, ...]) -> Count:
    """Say values of formats written down apart."""
    random, count = Random(SEED), Count()  # noqa: S311 - seeded
    for index, (name, shape) in enumerate(FORMATS):
        tree = parse(shape)
        for way in ways:
            for _ in range(each):
                value = drawn(random, tree)
                if not is_placeholder(value):
                    text = said(way, name, value)
                    count.add(f"{index} {name} {shape}", text, found=stays(leaks, text, value))
    return count


def _closing(pattern: str, at: int) -> int:
    depth, in_class = 0, False
    while True:
        mark = pattern[at]
        if mark == "\\":
            at += 1
        elif in_class:
            in_class = mark != "]"
        elif mark == "[":
            in_class = True
        else:
            depth += (mark == "(") - (mark == ")")
            if mark == ")" and not depth:
                return at
        at += 1


def classes(path: Path) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield a class of gitleaks, what names it (or nothing) and the shape of its value."""
    for rule in tomllib.loads(path.read_text(encoding="utf-8"))["rules"]:
        pattern = rule.get("regex", "")
        for one, other in _POSIX.items():
            pattern = pattern.replace(one, other) if one != r"\x60" else pattern
        pattern = re.sub(r"(?<=[a-z])\.(?=[a-z])", r"\\.", pattern.removeprefix("(?i)"))
        if _BEFORE in pattern:
            at = pattern.index(_BEFORE) + len(_BEFORE) - 1
            start = list(re.finditer(r"\{0,50\}\?\((?:\?i?:)", pattern))[-1]  # how its generator writes them
            yield (
                rule,
                pattern[start.end() : _closing(pattern, start.start() + 7)],
                pattern[at + 1 : _closing(pattern, at)],
            )
        elif pattern.startswith(r"\b("):
            at = pattern.index("(")
            yield rule, "", pattern[at + 1 : _closing(pattern, at)]
        elif pattern:
            yield rule, _ALONE, pattern


def run_gitleaks(leaks: Leaks, each: int, path: Path) -> tuple[tuple[Count, Count], list[str]]:
    """Draw values of the classes of gitleaks, halved; return also the classes of which none could be drawn."""
    random, halves, skipped = Random(SEED), (Count(), Count()), list[str]()  # noqa: S311 - seeded
    for rule, names, shape in classes(path):
        if _ANY_TEXT.search(shape):
            skipped.append(f"{rule['id']}: says any text")
            continue
        exact, count = re2.compile(rule["regex"]), halves[half_of(rule["id"])]
        try:
            tree, name_tree = parse(shape), parse(names or "service|prod|deploy")
        except ValueError as unreadable:
            skipped.append(f"{rule['id']}: {str(unreadable)[:60]}")
            continue
        ways = _WAYS if names != _ALONE else ("{s}", "Look:\n\n{s}\n\nOk?")
        for _ in range(each * (1 if names != _ALONE else len(_WAYS) // 2)):
            value, name = drawn(random, tree), drawn(random, name_tree)
            for way in ways:
                text = way.replace("{i}", name).replace("{I}", name.upper()).replace("{s}", value)
                inner = secret_in(exact, text, rule.get("entropy", 0))
                if inner:
                    count.add(rule["id"], text, found=stays(leaks, text, inner))
        if rule["id"] not in count.total:
            skipped.append(f"{rule['id']}: not found by its own expression")
    return halves, skipped


def half_of(name: str) -> int:
    """Return which half a class belongs to: 0 may be looked at, 1 is reported."""
    return zlib.crc32(name.encode()) % 2


def secret_in(exact: Any, text: str, bits: float) -> str:
    """Return what an expression finds in ``text`` and calls a secret; empty if it does not."""
    match = exact.search(text)
    if match is None:
        return ""
    value = str(next((group for group in match.groups() if group), match.group(0))).strip("\"'")
    return value if entropy(value) >= bits and not is_placeholder(value) else ""


def run_kingfisher(leaks: Leaks, path: Path) -> tuple[tuple[Count, Count], int]:
    """Look at published examples; return also how many are placeholders."""
    halves, placeholders = (Count(), Count()), 0
    for file in sorted(path.glob("*.yml")):
        for rule in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("rules", []):
            try:
                compiled = re.compile(rule["pattern"].strip())
            except re.error:
                continue
            for text in filter(lambda one: isinstance(one, str), rule.get("examples", [])):
                match = compiled.search(text)
                if match:
                    value = ([group for group in match.groups() if group] or [match.group(0)])[-1].strip()
                    if is_placeholder(value):
                        placeholders += 1
                        continue
                    half = halves[half_of(rule["id"])]
                    half.add(f"{rule['id']} {rule['name']}", text, found=stays(leaks, text, value))
    return halves, placeholders


def _secrets(leaks: Leaks, text: str) -> list[tuple[str, str]]:
    scan = leaks.scan()
    scan.feed(text)
    scan.close()
    return [(f.rule, text[max(f.start - 40, 0) : f.end + 10]) for f in scan.findings if f.rule.startswith("secret.")]


def run_benign(leaks: Leaks, folder: Path, show: str) -> dict[str, Any]:
    """Count rows that lost something as a secret."""
    figures: dict[str, Any] = {}
    for name in CORPORA:
        rows, lost = [0, 0], [0, 0]
        with gzip.open(folder / f"{name}.jsonl.gz", "rt") as lines:
            for index, line in enumerate(lines):
                found = _secrets(leaks, json.loads(line)["text"])
                rows[index % 2] += 1
                lost[index % 2] += bool(found)
                if found and show == "tuned" and not index % 2:
                    print(name, index, found[:4], file=sys.stderr)
        figures[name] = {"tuned_on": [lost[0], rows[0]], "reported": [lost[1], rows[1]]}
    judged = [figures[name]["reported"] for name in CORPORA if name != FULL_OF_SECRETS]
    figures["reported_per_1000"] = 1000 * sum(lost for lost, _ in judged) / sum(rows for _, rows in judged)
    return figures


def run_harmless(leaks: Leaks, count: int, show: str) -> dict[str, Any]:
    """Count drawn answers that lost something as a secret."""
    rows = lost = 0
    for text in harmless(Random(SEED), count):  # noqa: S311 - seeded
        found = _secrets(leaks, text)
        rows, lost = rows + 1, lost + bool(found)
        if found and show:
            print("harmless", found, file=sys.stderr)
    return {"rows": rows, "lost": lost, "per_1000": 1000 * lost / rows}


def main() -> None:
    """Run what there is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--gitleaks", type=Path)
    parser.add_argument("--kingfisher", type=Path)
    parser.add_argument("--missed", choices=("tuned", "reported"), default="")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    leaks, figures, counts = Leaks(), dict[str, Any](), dict[str, Count]()
    counts["tuned own"] = run_own(leaks, given.each, TUNED_ON)
    counts["reported own"] = run_own(leaks, given.each, REPORTED)
    if given.gitleaks:
        halves, figures["gitleaks_left_out"] = run_gitleaks(leaks, given.each, given.gitleaks)
        counts["tuned gitleaks"], counts["reported gitleaks"] = halves
    if given.kingfisher:
        halves, figures["kingfisher_placeholders"] = run_kingfisher(leaks, given.kingfisher)
        counts["tuned kingfisher"], counts["reported kingfisher"] = halves
    figures |= {name: count.figures() for name, count in counts.items()}
    for name, count in counts.items():
        if given.missed and name.startswith(given.missed) and name not in UNSEEN:
            print(f"== {name}", file=sys.stderr)
            count.show()
    figures["harmless"] = run_harmless(leaks, given.each * 25, given.missed)
    if given.data:
        figures["benign"] = run_benign(leaks, given.data, given.missed)
    print(json.dumps(figures, indent=None if given.json else 2))


if __name__ == "__main__":
    main()

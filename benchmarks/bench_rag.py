"""Retrieval under the asker's own rights: forbidden chunks, recall at few and many rights, revocation, and timing.

    python benchmarks/bench_rag.py --checks 1000000 --chunks 50000 --json

- ``checks``: random (user, query, change) against an oracle that reads the source's own truth (``testing``'s
  ``retrieval_world``); forbidden chunks must be 0, and so must what is missing where the index has heard of all
  changes.
- ``recall``: recall@10 against exact search of what is permitted, where the asker may read 10, 1 and 0.1 %; beside it
  the usual way, the same run: the 40 nearest of all, then filtered (what an HNSW scan with ``ef_search = 40`` gives at
  best).
- ``revocation``: from the change at the source to the first search, which must not show it; and until a new right is
  found, by a worker that looks every half second.
- ``gap``: the same searches in an index with forbidden documents and in one where these never were, taken in turns.
"""

import argparse
import random
import statistics
import sys
import time
from typing import Any

import msgspec
import numpy as np

from ostiary.rag.book import StoredDocument
from ostiary.rag.embedding import HashedEmbedder
from ostiary.rag.exact import ExactStore
from ostiary.rag.opaque import Names
from ostiary.rag.ports import Asker, Chunk, Facts, VectorStore
from ostiary.rag.reading import Reader
from ostiary.rag.retrieval import Retrieval
from ostiary.rag.rights import Rule, allow_deny
from ostiary.testing.rag import FixedFilters, MemoryBook, MemorySource
from ostiary.testing.retrieval_world import _WORDS, Outcome, World

SHARES = {"10%": 10, "1%": 100, "0.1%": 1000}
EF_SEARCH = 40
K = 10


def text(chance: random.Random) -> str:
    """Return a text of twenty words, most of them of a vocabulary that is large enough to tell texts apart."""
    return " ".join(f"{chance.choice(_WORDS)}{chance.randrange(400)}" for _ in range(20))


class Library:
    """An index of one source with many documents, all of them read."""

    def __init__(self, chunks: int, *, with_forbidden: bool = True, lance: str = "") -> None:
        """Make it; a document is of the shares whose number divides its own, and of a hundred teams otherwise."""
        self.embedder = HashedEmbedder()
        self.book, self.source = MemoryBook(), MemorySource()
        self.store: VectorStore = ExactStore(self.book, self.embedder.dimension)
        if lance:
            from pathlib import Path  # noqa: PLC0415

            from ostiary.storage.lance import LanceVectors  # noqa: PLC0415

            self.store = LanceVectors(Path(lance), self.embedder.dimension)
        chance = random.Random(5)  # noqa: S311
        for number in range(chunks):
            told = text(chance)
            if with_forbidden or self._rule(number) != allow_deny(["group:secret"]):
                self.source.put(f"d{number}", told, self._rule(number))
        reader = Reader(self.book, self.store, self.embedder, Names(lambda _: b"k" * 32))
        self.reader = reader
        self._fill()
        sources = [self.source]
        self.retrieval = Retrieval(self.book, self.store, self.embedder, lambda _t, _i: sources, FixedFilters())

    @staticmethod
    def _rule(number: int) -> Rule:
        if number % 10 == 9:  # noqa: PLR2004 - a tenth is for the comparison of times
            return allow_deny(["group:secret"])
        shares = [f"group:{name}" for name, every in SHARES.items() if number % every == 0]
        return allow_deny([*shares, f"group:team{number % 100}"], ["user:eve"])

    def _fill(self) -> None:
        """Read everything at once: what `Reader` does one by one, in one piece, to save the minutes."""
        names, texts = list(self.source.texts), list(self.source.texts.values())
        vectors = self.embedder.embed(texts)
        from ostiary.rag.ports import Row  # noqa: PLC0415

        facts = Facts("memory", "memory")
        rules = {name: self.source.rules[name] for name in names}
        from ostiary.rag.rights import digest  # noqa: PLC0415

        numbers = self.book.number("t", "i", "memory", list({digest(r): r for r in rules.values()}.values()))
        self.book.bind("t", "i", self.embedder.name)
        rows = []
        for at, name in enumerate(names):
            acl = numbers[digest(rules[name])]
            revision = self.source.revision(name)
            chunk = Chunk(f"chk_{name}", name, "memory", revision, texts[at], name, facts, "d", "c")
            stored = StoredDocument(name, revision, "d", name, facts)
            self.book.put("t", "i", acl, stored, [(chunk, vectors[at].astype("<f4").tobytes())])
            rows.append(Row(chunk.id, name, acl, facts))
        self.store.put("t", "i", rows, vectors)
        self.vectors, self.names = vectors, names


def checks(count: int) -> dict[str, Any]:
    """Return what came of random checks."""
    began, total, seed = time.perf_counter(), Outcome(), 0
    while total.checks < count:
        one = World(seed).run(min(20_000, count - total.checks))
        total = Outcome(
            *(a + b for a, b in zip(msgspec.structs.astuple(total), msgspec.structs.astuple(one), strict=True))
        )
        seed += 1
        sys.stderr.write(f"\rchecks {total.checks:,} forbidden {total.forbidden} missing {total.missing} ")
    sys.stderr.write("\n")
    return {**msgspec.structs.asdict(total), "seconds": round(time.perf_counter() - began, 1)}


def recall(library: Library, queries: int) -> dict[str, Any]:
    """Return recall@10 by share, ours and that of filtering afterwards, and how long our search takes."""
    chance = random.Random(8)  # noqa: S311
    found: dict[str, Any] = {}
    texts = [text(chance) for _ in range(queries)]
    vectors = library.embedder.embed(texts)
    rules = [library.source.rules[name] for name in library.names]
    for name in SHARES:
        group = f"group:{name}"
        mine = np.array([any(group in step.principals and step.allow for step in rule[0]) for rule in rules])
        asker = Asker("t", "user:ada", (name,))
        ours, after, times = [], [], []
        library.retrieval.search(asker, "i", "warm up", K)
        for query, vector in zip(texts, vectors, strict=True):
            scores = library.vectors @ vector
            best = set(np.argsort(-np.where(mine, scores, -9), kind="stable")[:K].tolist())
            near = np.argsort(-scores, kind="stable")[:EF_SEARCH]
            after.append(len(best & {int(one) for one in near if mine[one]}) / K)
            began = time.perf_counter()
            got = library.retrieval.search(asker, "i", query, K)
            times.append(time.perf_counter() - began)
            ours.append(len({library.names[one] for one in best} & {one.document for one in got}) / K)
        found[name] = {
            "may_read": int(mine.sum()),
            "recall_at_10": round(statistics.mean(ours), 4),
            "filtered_afterwards": round(statistics.mean(after), 4),
            "search_ms_p50": round(statistics.median(times) * 1000, 2),
        }
    return found


def revocation(library: Library, rounds: int) -> dict[str, Any]:
    """Return how long a right lives on after it is gone, and how long one takes to be found."""
    asker = Asker("t", "user:ada", ("0.1%",))
    gone, seen, read = [], 0, []
    for number in range(rounds):
        name = f"d{number * 1000}"
        before, query = library.source.rules[name], library.source.texts[name]
        library.source.rules[name] = allow_deny(["user:bob"])
        began = time.perf_counter()
        seen += name in {one.document for one in library.retrieval.search(asker, "i", query, K)}
        gone.append(time.perf_counter() - began)
        library.source.rules[name] = before
        library.source.rules[f"d{number * 1000 + 1}"] = allow_deny(["group:0.1%"])
        began = time.perf_counter()
        library.reader.read("t", "i", library.source, 1)
        read.append(time.perf_counter() - began)
        wanted = library.source.texts[f"d{number * 1000 + 1}"]
        if f"d{number * 1000 + 1}" not in {one.document for one in library.retrieval.search(asker, "i", wanted, K)}:
            seen += 1
    return {
        "shown_after_revocation": seen,
        "first_search_after_it_ms_p50": round(statistics.median(gone) * 1000, 2),
        "reading_all_sources_ms_p50": round(statistics.median(read) * 1000, 1),
        "new_right_found_s_at_most": round(0.5 + max(read), 3),
    }


def gap(whole: Library, less: Library, rounds: int) -> dict[str, Any]:
    """Return by how much a search tells that there is something it does not show."""
    asker = Asker("t", "user:ada", ("1%",))
    secrets = [name for name, rule in whole.source.rules.items() if rule == allow_deny(["group:secret"])]
    chance = random.Random(4)  # noqa: S311
    times: dict[str, list[float]] = {"forbidden": [], "absent": []}
    for number in range(rounds + 20):
        query = whole.source.texts[chance.choice(secrets)]
        sides = [("forbidden", whole), ("absent", less)]
        for name, library in sides if number % 2 else reversed(sides):
            began = time.perf_counter()
            library.retrieval.search(asker, "i", query, K)
            if number >= 20:  # noqa: PLR2004 - the first ones warm up
                times[name].append(time.perf_counter() - began)
    forbidden, absent = (statistics.median(times[name]) for name in ("forbidden", "absent"))
    return {
        "forbidden_ms_p50": round(forbidden * 1000, 3),
        "absent_ms_p50": round(absent * 1000, 3),
        "gap_percent": round(100 * abs(forbidden - absent) / absent, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=20_000)
    parser.add_argument("--chunks", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--lance", default="", help="also measure LanceDB, in this folder")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    told: dict[str, Any] = {"checks": checks(given.checks)}
    whole = Library(given.chunks)
    told["chunks"] = given.chunks
    told["recall"] = recall(whole, given.queries)
    told["gap"] = gap(whole, Library(given.chunks, with_forbidden=False), 400)
    told["revocation"] = revocation(whole, 20)
    if given.lance:
        told["lance"] = recall(Library(given.chunks, lance=given.lance), given.queries)
    if given.json:
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        return
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n")


if __name__ == "__main__":
    main()

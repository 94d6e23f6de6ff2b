"""What a search under rights finds, how quickly a revocation holds, and what its time tells an asker.

    python benchmarks/bench_rag.py [--checks 1000000] [--chunks 50000] [--queries 100] [--json]

- ``forbidden``: passages that the asker might not read at the moment of the answer, over ``checks`` searches of a world
  whose rights change between any two of them, while the index is brought up to date only now and then
  (``ostiary.testing.rag_world``). Two tenants have an index of the same name.
- ``recall``: of the ten best passages that the asker may read (a search over all vectors, by NumPy), how many are
  found, when he may read one in ten, in a hundred, in a thousand.
- ``revocation_ms``: from the moment a right is gone at its source to the first search that no longer shows the
  document; nothing reads the source meanwhile.
- ``gap``: how much longer a search takes when there is a forbidden document that answers perfectly than when there is
  none, as a share of the median; turn and turn about.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ostiary.rag.conditions import Test
from ostiary.rag.embedding import HashedEmbedder
from ostiary.rag.exact import ExactStore
from ostiary.rag.opaque import Names
from ostiary.rag.ports import Asker, Facts, Row, VectorStore
from ostiary.rag.reading import Reader
from ostiary.rag.retrieval import Retrieval
from ostiary.rag.rights import allow_deny
from ostiary.storage.lance import LanceVectors
from ostiary.testing.rag import FixedFilters, MemoryBook, MemorySource
from ostiary.testing.rag_world import INDEX, RagWorld

Vectors = NDArray[np.float32]
DIMENSION = 128
K = 10
SHARES = (0.1, 0.01, 0.001)


def forbidden(checks: int) -> dict[str, Any]:
    """Walk a world and count what should not have been found."""
    embedder = HashedEmbedder()
    book = MemoryBook()
    world = RagWorld(book, ExactStore(book, embedder.dimension), embedder, 11)
    bad = shown = changes = 0
    begin = time.perf_counter()
    for number in range(checks):
        if number % 3 == 0:
            world.change()
            changes += 1
        if number % 11 == 0:
            world.read()
        asker = world.asker()
        passages = world.retrieval.search(asker, INDEX, world.query(), 5)
        shown += len(passages)
        bad += len(world.forbidden(asker, passages))
    per_s = checks / (time.perf_counter() - begin)
    return {"checks": checks, "changes": changes, "passages": shown, "forbidden": bad, "per_s": round(per_s, 1)}


class Shelf(MemoryBook):
    """A book that remembers rows as they are: the exact store reads them from there."""

    def __init__(self, rows: list[Row], vectors: Vectors) -> None:
        super().__init__()
        self._rows = list(zip(rows, (vector.tobytes() for vector in vectors), strict=True))

    @override
    def rows(self, tenant: str, index: str) -> Iterator[tuple[Row, bytes]]:
        return iter(self._rows)


def on_a_shelf(rows: list[Row], vectors: Vectors) -> VectorStore:
    """Return the exact store over rows."""
    return ExactStore(Shelf(rows, vectors), DIMENSION)


def in_lance(folder: Path, rows: list[Row], vectors: Vectors) -> VectorStore:
    """Return LanceDB with rows."""
    store = LanceVectors(folder, DIMENSION)
    for start in range(0, len(rows), 5000):
        store.put("acme", INDEX, rows[start : start + 5000], vectors[start : start + 5000])
    return store


def recall(fill: Callable[[list[Row], Vectors], VectorStore], chunks: int, queries: int) -> dict[str, float]:
    """Return recall@10 by the share of rows that the asker may see."""
    dice = np.random.default_rng(5)
    vectors = dice.standard_normal((chunks, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    acls = np.full(chunks, 4)
    order = dice.permutation(chunks)
    at = 0
    for acl, share in enumerate(SHARES, 1):
        acls[order[at : at + int(chunks * share)]] = acl
        at += int(chunks * share)
    facts = Facts("one", "memory")
    rows = [Row(f"c{n}", f"d{n}", int(acls[n]), facts) for n in range(chunks)]
    store = fill(rows, vectors)
    found = {}
    for acl, share in enumerate(SHARES, 1):
        mine = np.flatnonzero(acls == acl)
        hits = []
        for _ in range(queries):
            query = dice.standard_normal(DIMENSION).astype(np.float32)
            query /= np.linalg.norm(query)
            best = mine[np.argsort(-(vectors[mine] @ query))[:K]]
            got = {name for name, _ in store.search("acme", INDEX, query, Test("acl", "in", (acl,)), K)}
            hits.append(len(got & {f"c{n}" for n in best}) / len(best))
        found[f"{share:.1%}"] = round(statistics.mean(hits), 4)
    return found


def _library(documents: int) -> tuple[Retrieval, MemorySource, Reader]:
    embedder, book, source = HashedEmbedder(), MemoryBook(), MemorySource()
    store = ExactStore(book, embedder.dimension)
    for number in range(documents):
        source.put(f"d{number}", f"note {number} about travel and lunch", allow_deny(["user:ada", "user:bob"]))
    reader = Reader(book, store, embedder, Names(lambda tenant: tenant.encode().ljust(32, b"-")))
    return Retrieval(book, store, embedder, lambda _t, _i: [source], FixedFilters()), source, reader


def revocation(times: int) -> list[float]:
    """Return how long each revocation took to hold, in milliseconds."""
    retrieval, source, reader = _library(500)
    ada, took = Asker("acme", "user:ada"), []
    for number in range(times):
        source.put("target", f"the merger plan {number}", allow_deny(["user:ada"]))
        reader.read("acme", INDEX, source, number)
        if not any(one.document == "target" for one in retrieval.search(ada, INDEX, "merger plan", 5)):
            raise RuntimeError("the document was not there to begin with")
        source.rules["target"] = allow_deny(["user:bob"])
        begin = time.perf_counter_ns()
        while any(one.document == "target" for one in retrieval.search(ada, INDEX, "merger plan", 5)):
            continue
        took.append((time.perf_counter_ns() - begin) / 1e6)
    return took


def gap(rounds: int) -> dict[str, float]:
    """Return how long a search takes beside a forbidden document, and without one."""
    with_it, without = _library(2000), _library(2000)
    with_it[1].put("secret", "the merger plan of acme", allow_deny(["user:bob"]))
    without[1].put("other", "another note about gardens", allow_deny(["user:ada"]))
    for number, (_, source, reader) in enumerate((with_it, without)):
        reader.read("acme", INDEX, source, number)
    ada = Asker("acme", "user:ada")
    times: dict[str, list[int]] = {"forbidden": [], "absent": []}
    for _ in range(rounds):
        for name, retrieval in (("forbidden", with_it[0]), ("absent", without[0])):
            begin = time.perf_counter_ns()
            retrieval.search(ada, INDEX, "the merger plan of acme", 5)
            times[name].append(time.perf_counter_ns() - begin)
    medians = {name: statistics.median(values) for name, values in times.items()}
    share = (medians["forbidden"] - medians["absent"]) / medians["absent"]
    return {"gap": round(share, 4), **{f"{name}_us": round(value / 1000, 1) for name, value in medians.items()}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=20_000)
    parser.add_argument("--chunks", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    took = revocation(50)
    with TemporaryDirectory() as folder:
        figures = {
            "recall": {
                "exact": recall(on_a_shelf, options.chunks, options.queries),
                "lance": recall(partial(in_lance, Path(folder)), options.chunks, options.queries),
            },
            "revocation_ms": {"p50": round(statistics.median(took), 3), "max": round(max(took), 3)},
            "timing": gap(300),
            "rights": forbidden(options.checks),
            "machine": {"python": platform.python_version(), "system": platform.system()},
        }
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()

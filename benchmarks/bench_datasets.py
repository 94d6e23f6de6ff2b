"""Reading a dataset through the door beside reading the same file directly, in the same run.

    python benchmarks/bench_datasets.py [--mb 64] [--rounds 15] [--json]

- *fsspec local* is the direct read that shares are of: the same call of the same library on the same file, warm.
  *plain* is ``open(path, "rb").read()``.
- *door*: that call on ``ostiary://``: a running ``ostiary up`` in a process of its own, with the shipped policy, one
  decision and its record on disk for each read. *opened* is ``open(…).read()``: at the door a second decision, about
  the size.
- The door's client receives into large pages (``ostiary_sdk.datasets.large``), which Python's own reading does not ask
  for. *plain, large pages* reads the file like that: what is left is one copy by one core, which nothing that sends can
  come near. Where the system gives large pages to everybody (``large_pages`` is ``always``), any direct read is so.
- The decision's wait is measured apart, as the time of a read of one byte: it is mostly the disk that the record is
  waited for. ``door, without the wait`` is the rest. ``door`` is the whole.
- *verified*: only what agrees with a signed manifest (BLAKE3) leaves; each block is hashed again at each read.
- Every round runs each way once, in turn; the figure is the median. What is read is compared at the end.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import fsspec

from ostiary.identity.exchange.details import AccessDetail
from ostiary.keys import SigningKey
from ostiary.pipeline.datasets.making import entries_of
from ostiary.pipeline.datasets.manifests import sign_manifest
from ostiary.pipeline.datasets.statement import Manifest
from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import open_datasets
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.testing.pipeline import JOB, PipelineCaller
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock
from ostiary_sdk.datasets import OstiaryFileSystem
from ostiary_sdk.datasets.large import received

MIB: Final = 1 << 20
TARGET: Final = 0.70
CATALOGUE: Final = f"subjects:\n  - {{type: ci_job, id: {JOB!r}}}\n"
LARGE_PAGES: Final = Path("/sys/kernel/mm/transparent_hugepage/enabled")
Way = Callable[[], bytes]


class Comes:
    """Proves a job at the door, with a token of its own for a dataset."""

    def __init__(self, caller: PipelineCaller, dataset: str) -> None:
        self._caller = caller
        detail = AccessDetail("ostiary_dataset", dataset, ("dataset.read", "dataset.list"), purpose="training")
        self._token = caller.token(detail, lifetime_s=900)

    def headers(self, method: str, url: str) -> dict[str, str]:
        """Return the headers of one request."""
        return self._caller.headers(method, url, self._token)


def prepared(root: Path, lake: Path) -> None:
    """Lay out a data directory with two registered datasets: one as it is, one of verified objects alone."""
    (root / "catalogue").mkdir(parents=True, mode=0o700)
    root.chmod(0o700)
    (root / "catalogue" / "default.yaml").write_text(CATALOGUE)
    settings = load(None, environ={}, options={"datasets": {"roots": [str(lake)]}}).settings
    with open_house(Places(root), settings, SystemClock(), lambda *_: None) as house:
        book, key = open_datasets(house).book, SigningKey.generate("bench")
        producers = {"bench": key.public.pem().decode()}
        for name, reads in (("bench", "any"), ("vouched", "verified")):
            spec = {"store": f"file://{lake}", "purposes": ["training"], "reads": reads, "producers": producers}
            book.register("default", book.prepared(Registered(type="dataset", id=name, sensitivity=1, spec=spec)))
        vouched = book.find("default", "vouched")
        entries = tuple(entries_of(book.objects(vouched), "blake3"))
        made = Manifest("default", "vouched", "bench", 1, house.clock.now_ns(), entries)
        book.manifests.accept("default", "vouched", vouched.spec, sign_manifest(made, key))


def filesystem(server: Served, root: Path) -> OstiaryFileSystem:
    """Return the client's filesystem, for the running server."""
    from ostiary.keys import open_keys  # noqa: PLC0415 - of the server's own data directory
    from ostiary.storage.sqlite import open_store  # noqa: PLC0415

    clock, places = SystemClock(), Places(root)
    ring, _ = open_keys(places.keys, open_store(places.database, clock), clock)
    caller, held = PipelineCaller(ring, clock, server.url), dict[str, Comes]()

    def tokens(dataset: str) -> Comes:
        return held.setdefault(dataset, Comes(caller, dataset))

    return OstiaryFileSystem(endpoint=server.url, tokens=tokens)


def timed(ways: dict[str, Way], rounds: int) -> dict[str, list[float]]:
    """Return the seconds that each way took, run in turn."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 2):
        for name, way in ways.items():
            begin = time.perf_counter()
            found = way()
            if number > 1:  # two rounds to warm up
                took[name].append(time.perf_counter() - begin)
            del found
    return took


def ways_of(path: Path, door: OstiaryFileSystem) -> dict[str, Way]:
    """Return the ways to read the object whole, and a byte of it."""
    local, name = fsspec.filesystem("file"), f"bench/{path.name}"

    def opened(fs: Any, where: str) -> bytes:
        with fs.open(where, "rb") as file:
            found: bytes = file.read()
            return found

    def in_large_pages() -> bytes:
        with path.open("rb", buffering=0) as file:
            return received(path.stat().st_size, lambda view: file.readinto(view) or 0)

    return {
        "plain": path.read_bytes,
        "plain, large pages": in_large_pages,
        "fsspec local": lambda: local.cat_file(str(path)),
        "fsspec local, opened": lambda: opened(local, str(path)),
        "door": lambda: door.cat_file(name),
        "door, opened": lambda: opened(door, name),
        "door, verified": lambda: door.cat_file(f"vouched/{path.name}"),
        "one byte": lambda: door.cat_file(name, 0, 1),
    }


def large_pages() -> str:
    """Return to whom the system gives large pages: ``always``, ``madvise`` (who asks), ``never``."""
    try:
        told = LARGE_PAGES.read_text()
    except OSError:
        return "unknown"
    return told.partition("[")[2].partition("]")[0]


def run(megabytes: int, rounds: int) -> dict[str, Any]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        root, lake = Path(folder) / "data", Path(folder) / "lake"
        lake.mkdir()
        path = lake / "object.bin"
        path.write_bytes(os.urandom(megabytes * MIB))
        prepared(root, lake)
        with Served(root, environ={"OSTIARY_DATASETS__ROOTS": json.dumps([str(lake)])}) as server:
            door = filesystem(server, root)
            ways = ways_of(path, door)
            times = timed(ways, rounds)
            same = {
                hashlib.sha256(ways[name]()).digest() for name in ("plain", "door", "door, opened", "door, verified")
            }
            assert len(same) == 1, "the door handed out other bytes"
    size = megabytes * MIB
    took = {name: statistics.median(some) for name, some in times.items()}
    took["door, without the wait"] = took["door"] - took["one byte"]
    return {
        "object_mb": megabytes,
        "rounds": rounds,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "large_pages": large_pages(),
        "ms": {name: round(seconds * 1000, 2) for name, seconds in took.items()},
        "best_ms": {name: round(min(some) * 1000, 2) for name, some in times.items()},
        "mb_per_s": {name: round(size / seconds / 1e6) for name, seconds in took.items() if name != "one byte"},
        "share_of_direct": {
            "whole": round(took["fsspec local"] / took["door"], 3),
            "without the wait": round(took["fsspec local"] / took["door, without the wait"], 3),
            "verified": round(took["fsspec local"] / took["door, verified"], 3),
            "opened": round(took["fsspec local, opened"] / took["door, opened"], 3),
        },
        "target": TARGET,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = run(given.mb, given.rounds)
    if given.json:
        print(json.dumps(found))
        return
    print(f"{given.mb} MiB, medians of {given.rounds} rounds, {found['machine']}, large pages: {found['large_pages']}")
    for name, milliseconds in found["ms"].items():
        rate = found["mb_per_s"].get(name)
        best = found["best_ms"].get(name)
        told = f"  best {best:8.2f}" if best else " " * 15
        print(f"  {name:26} {milliseconds:8.2f} ms{told}" + (f"  {rate:6} MB/s" if rate else "  (the decision's wait)"))
    for name, share in found["share_of_direct"].items():
        print(f"  share of direct, {name:18} {share:.0%}")


if __name__ == "__main__":
    main()

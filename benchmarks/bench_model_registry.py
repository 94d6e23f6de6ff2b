"""What the registry adds to a load: ``python benchmarks/bench_model_registry.py [--mib N] [--json]``.

- ``check``: everything that is asked again at a load (rows against the log, signature, report, approval), per call.
- ``read``: a file of N MiB as the door reads it, hashed as it passes, the last piece held back; beside it in the same
  run the bare file (``baseline``) and the bare SHA-256 over it (``sha256``). Medians of five, page cache warm.

All in one process: what HTTP and the decision cost is measured elsewhere (``bench_verify``, ``ostiary bench``).
"""

import argparse
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ostiary.audit import AuditLog
from ostiary.keys import KeyRing, SubjectVault, random_bytes
from ostiary.storage.sqlite import open_store
from ostiary.testing.model_scene import DEPLOYER, NAME, STAGE, TENANT, ModelScene
from ostiary.vocabulary.clock import SystemClock

PIECE = 1 << 20


def timed(act: Callable[[], Any], rounds: int) -> list[float]:
    """Return how long each of some rounds took, in seconds."""
    taken: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return taken


def bare(path: Path) -> None:
    """Read a file and do nothing with it."""
    with path.open("rb", buffering=0) as file:
        while file.read(PIECE):
            continue


def hashed(path: Path) -> None:
    """Read a file and hash it."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    digest.hexdigest()


def measure(mib: int, calls: int) -> dict[str, Any]:
    """Return all figures."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as text, open_store(Path(text) / "ostiary.db", clock) as store:
        root = Path(text)
        vault, ring = SubjectVault(root / "vault", store), KeyRing(root / "ring", clock)
        with AuditLog(store, vault, ring, clock) as log:
            scene = ModelScene(log, store.models, clock, root)
            version = scene.register(random_bytes(mib << 20))
            scene.promote(version)
            ticket = scene.load()
            file = version.files[0]
            place = next(path for path in scene.blobs.root.rglob(file.sha256[2:]))
            check = timed(lambda: scene.loader.check(TENANT, NAME, STAGE, DEPLOYER), calls)

            def passing() -> None:
                for _ in scene.loader.read(ticket, file, DEPLOYER):
                    continue

            reads = {"read": passing, "sha256": lambda: hashed(place), "baseline": lambda: bare(place)}
            rates = {name: mib / statistics.median(timed(act, 5)) for name, act in reads.items()}
    return {
        "check_ms": {
            "p50": round(statistics.median(check) * 1000, 3),
            "p99": round(statistics.quantiles(check, n=100)[98] * 1000, 3),
        },
        "mib_per_s": {name: round(rate) for name, rate in rates.items()},
        "of_sha256": round(rates["read"] / rates["sha256"], 3),
        "mib": mib,
        "calls": calls,
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="one line")
    given = parser.parse_args()
    print(json.dumps(measure(given.mib, given.calls), indent=None if given.json else 1))


if __name__ == "__main__":
    main()

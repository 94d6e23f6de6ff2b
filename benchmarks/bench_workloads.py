"""What verifying a workload's token costs: ``python benchmarks/bench_workloads.py`` prints one JSON object.

The issuer's keys are in memory, the verified token is not: ``uncached`` is the whole way of a token seen for the first
time. ``signature`` is the bare signature by the same key, and ``times_signature`` the ratio of both medians, which
depends far less on the machine than microseconds do. ``refused`` is a token whose last restriction fails. Each figure
is over single calls in one thread.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from ostiary.errors import RefusedError
from ostiary.identity.algorithms import import_public
from ostiary.identity.codes import TOKEN
from ostiary.identity.compact import parse_compact
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import CacheSettings, DpopSettings
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.tokens import MAX_LENGTH
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.testing.workloads import FAKES, OTHER_COMMIT, FakeWorkloads
from ostiary.vocabulary.entities import Subject

NOW_NS = 1_790_000_000_000_000_000
PEP = PepIdentity(pep_id="web", tenant="default")
LAST: dict[str, dict[str, Any]] = {
    "github": {"job_workflow_ref": f"acme/models/x.yml@{OTHER_COMMIT[:-1]}"},
    "gitlab": {"ci_config_ref_uri": "gitlab.com/acme/models//x.yml@refs/heads/evil"},
    "kubernetes": {"inner": {"pod": None}},
    "spiffe": {"sub": "spiffe://example.org/ns/production/x"},
}


def measure(call: Callable[[], object], calls: int) -> dict[str, float]:
    """Return p50 and p99 of one call, in microseconds."""
    taken: list[int] = []
    for _ in range(calls):
        start = time.perf_counter_ns()
        call()
        taken.append(time.perf_counter_ns() - start)
    return {
        "p50_us": round(statistics.median(taken) / 1000, 2),
        "p99_us": round(statistics.quantiles(taken, n=100)[98] / 1000, 2),
    }


def asking(fake: FakeWorkloads, cache: CacheSettings, token: str) -> Callable[[], object]:
    """Return a call that verifies ``token``, and returns the reason when it is refused."""
    dpop = DpopVerifier(DpopSettings(), MemoryReplay(0, 1000))
    verifier = SubjectVerifier(TokenMemory(IssuerBook([fake.config()]), cache), dpop)
    subject, shown = Subject(type=fake.config().subject_type, id=fake.subject), PresentedSubject(token=token)

    def ask() -> object:
        try:
            return verifier.verify(PEP, subject, shown, NOW_NS)
        except RefusedError as refused:
            return refused.code

    return ask


def run(calls: int) -> dict[str, Any]:
    """Measure every kind; ``calls`` per figure."""
    found: dict[str, Any] = {}
    for kind, make in FAKES.items():
        fake = make()
        token = fake.token(NOW_NS)
        uncached = measure(asking(fake, CacheSettings(max_tokens=0), token), calls)
        signature = measure(bare(fake, token), calls)
        found[kind] = {
            "algorithm": fake.keys[0].signer.alg,
            "uncached": uncached,
            "cached": measure(asking(fake, CacheSettings(), token), calls),
            "refused": measure(asking(fake, CacheSettings(max_tokens=0), fake.token(NOW_NS, **LAST[kind])), calls),
            "signature": signature,
            "times_signature": round(uncached["p50_us"] / signature["p50_us"], 2),
        }
    return found


def bare(fake: FakeWorkloads, token: str) -> Callable[[], object]:
    """Return a call that checks the token's signature and nothing else."""
    key, jws = import_public(fake.keys[0].jwk), parse_compact(token, MAX_LENGTH, TOKEN)
    return lambda: key.verify(str(jws.header["alg"]), jws.signed, jws.signature)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="calls for each figure")
    print(json.dumps(run(parser.parse_args().calls), indent=2))

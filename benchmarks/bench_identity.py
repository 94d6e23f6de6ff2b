"""What verifying costs: run ``python benchmarks/bench_identity.py`` for one JSON object of microseconds.

Each figure is over single calls in one thread; the percentiles are of those calls, not of batches.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.pep import PepAuthenticator
from ostiary.identity.ports import RegisteredPep
from ostiary.identity.registry import FixedRegistry
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import CacheSettings, DpopSettings
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.types import PepIdentity, PresentedPep, PresentedSubject
from ostiary.keys import hash_secret, new_secret
from ostiary.testing.issuer import FakeHolder, FakeIssuer, FakeKey
from ostiary.vocabulary.entities import Subject

NOW_NS = 1_790_000_000_000_000_000
ALICE = Subject(type="user", id="alice")
PEP = PepIdentity(pep_id="web", tenant="default")
HTM, HTU = "POST", "https://api.example/data"


def measure(call: Callable[[Any], object], inputs: list[Any]) -> dict[str, float]:
    """Return p50 and p99 of one call, in microseconds."""
    taken: list[int] = []
    for given in inputs:
        start = time.perf_counter_ns()
        call(given)
        taken.append(time.perf_counter_ns() - start)
    return {
        "p50_us": round(statistics.median(taken) / 1000, 2),
        "p99_us": round(statistics.quantiles(taken, n=100)[98] / 1000, 2),
    }


def subjects(issuer: FakeIssuer, cache: CacheSettings) -> SubjectVerifier:
    """Return a verifier for ``issuer``."""
    dpop = DpopVerifier(DpopSettings(), MemoryReplay(0, 1_000_000))
    return SubjectVerifier(TokenMemory(IssuerBook([issuer.config()]), cache), dpop)


def run(calls: int) -> dict[str, dict[str, float]]:
    """Measure everything; ``calls`` per figure."""
    found: dict[str, dict[str, float]] = {"pep_api_key": pep_by_key(calls)}
    for alg in ("ES256", "EdDSA"):
        issuer = FakeIssuer(keys=[FakeKey.generate("k", alg)])
        token = issuer.token(NOW_NS, scope="read write", acr="high", amr=["pwd", "hwk"], client_id="app", sid="s" * 32)
        shown = [PresentedSubject(token=token)] * calls
        found[f"subject_uncached_{alg.lower()}"] = ask(subjects(issuer, CacheSettings(max_tokens=0)), shown)
        found[f"subject_cached_{alg.lower()}"] = ask(subjects(issuer, CacheSettings()), shown)
        proven = proofs(issuer, FakeHolder(FakeKey.generate("", alg)), calls)
        found[f"subject_cached_with_dpop_{alg.lower()}"] = ask(subjects(issuer, CacheSettings()), proven)
    return found


def ask(verifier: SubjectVerifier, shown: list[PresentedSubject]) -> dict[str, float]:
    """Measure the verification of a subject."""
    return measure(lambda given: verifier.verify(PEP, ALICE, given, NOW_NS), shown)


def proofs(issuer: FakeIssuer, holder: FakeHolder, calls: int) -> list[PresentedSubject]:
    """Return one bound token, presented with a fresh proof each time."""
    bound = issuer.token(NOW_NS, cnf=holder.confirmation)
    made = (holder.proof(NOW_NS, bound, HTM, HTU) for _ in range(calls))
    return [PresentedSubject(token=bound, dpop=proof, htm=HTM, htu=HTU) for proof in made]


def pep_by_key(calls: int) -> dict[str, float]:
    """Measure the authentication of an enforcement point by API key."""
    secret = new_secret()
    registered = RegisteredPep(pep_id="web", tenant="default", secret_hashes=(hash_secret(secret),))
    authenticator = PepAuthenticator(FixedRegistry([registered]))
    shown = PresentedPep(authorization=f"Bearer web.{secret}")
    return measure(lambda given: authenticator.authenticate(given, NOW_NS), [shown] * calls)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000, help="calls for each figure")
    print(json.dumps(run(parser.parse_args().calls), indent=2))

"""What a token exchange costs, the wait for the disk apart, and how quickly forgeries are refused.

    python benchmarks/bench_exchange.py [--exchanges 1000] [--rounds 30] [--json]

A house of its own with the shipped policy and model, asked in the process by one caller, who waits for each answer
before he asks again, as in ``ostiary bench decide``: a GitHub job's token (RS256) and a DPoP proof (ES256) become a
token for one action on one dataset. The process is set up as a serving one: a worker's environment, uvloop, ``tune()``.

- ``whole`` is the caller's wait; ``durable_wait`` is the part of it in which something of it was on its way to the disk
  (the used token's row; the decision's record from when it is decided, and the token's, which is made meanwhile):
  moments in which both were count once. ``own`` is the rest.
- ``own_cpu`` is the processor time of the threads on the way; a busy machine changes it less.
- ``turns`` are the 99th percentiles of ``own`` of each 250 exchanges: a host that slows down for some seconds spoils
  the tail of all, and of the turns only those that it fell into. Their median is what the target is for.
- ``machine_pace`` is one millisecond of Python over and over: its tail is the machine's own (``server.bench.pace``).
- ``stages`` are parts of ``own``; ``signatures`` is the floor: the same two checked, the same one made, nothing else.
- ``refused`` is each forgery of ``ostiary.testing.exchange_forgeries``: ``answer`` from form to answer, ``verdict`` the
  judging alone, ``verdict_cpu`` its processor time. ``accepted`` got a token. The network is forbidden meanwhile.
"""

import argparse
import json
import os
import platform
import socket
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import uvloop

from ostiary.decision.decide import Decider
from ostiary.errors import OstiaryError
from ostiary.identity.algorithms import import_public
from ostiary.identity.codes import DPOP, TOKEN
from ostiary.identity.compact import parse_compact
from ostiary.identity.exchange.asking import read_form, read_request
from ostiary.pipeline.registered import Registered
from ostiary.policy.opa_library import launch_environment
from ostiary.server.assembly import Assembly
from ostiary.server.bench.pace import samples, spread, turns
from ostiary.server.bootstrap import bootstrap
from ostiary.server.faces.oauth import OauthFace
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.telemetry import logs
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.tuning import tune
from ostiary.server.wire import Reply, Request
from ostiary.server.wiring import House, open_house
from ostiary.testing.exchange import ExchangeCaller
from ostiary.testing.exchange_forgeries import FORGERIES, Forger
from ostiary.testing.exchange_scene import GITHUB, PUBLIC, sections
from ostiary.vocabulary.clock import SystemClock

OK = 200
LIMIT_US = 1000
TARGET_MS = 5.0  # of the median of ``turns``
BATCH, MADE_S, PLAYED_S = 500, 15.0, 40.0  # proofs are good for a minute
STAGES = ("verify", "decide", "sign")
CATALOGUE = f"""
resources: []
subjects: [{{type: ci_job, id: "{GITHUB.subject}"}}]
actions: [dataset.read]
"""


class Watch:
    """Adds up where the time of one exchange goes."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = {}
        self.waits: list[tuple[int, int]] = []

    def around(self, holder: Any, name: str, stage: str, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """Count the time of one method under ``stage``."""
        inner = getattr(holder, name)

        def timed(*given: Any, **more: Any) -> Any:
            begun = clock()
            try:
                return inner(*given, **more)
            finally:
                self.add(stage, clock() - begun)

        setattr(holder, name, timed)

    def deciding(self) -> None:
        """Count a decision, and apart from it the wait for its record, which begins when it is decided."""
        inner = Decider.decide

        def timed(*given: Any) -> Any:
            begun, processor = time.perf_counter_ns(), time.thread_time_ns()
            decided = inner(*given)
            self.add("cpu", time.thread_time_ns() - processor)
            self.add("decide", time.perf_counter_ns() - begun)
            self.until_on_disk(decided.durable)
            return decided

        Decider.decide = timed  # type: ignore[assignment,method-assign] # each request makes its own decider

    def records(self, log: Any) -> None:
        """Count how long a token's record takes to be on disk."""
        inner = log.append

        def append(tenant: str, kind: str, *rest: Any) -> Any:
            future = inner(tenant, kind, *rest)
            if kind == "token":
                self.until_on_disk(future)
            return future

        log.append = append

    def until_on_disk(self, future: Any) -> None:
        """Count the wait from now until a record is on disk."""
        now = time.perf_counter_ns()
        future.add_done_callback(lambda _: self.waits.append((now, time.perf_counter_ns())))

    def waiting(self, holder: Any, name: str) -> None:
        """Count the whole time of one method as waiting for the disk."""
        inner = getattr(holder, name)

        def timed(*given: Any, **more: Any) -> Any:
            begun = time.perf_counter_ns()
            try:
                return inner(*given, **more)
            finally:
                self.waits.append((begun, time.perf_counter_ns()))

        setattr(holder, name, timed)

    def waited(self) -> int:
        """Return for how long the disk was waited for, each moment counted once; and begin anew."""
        found, until = 0, 0
        for begun, ended in sorted(self.waits):
            found += max(0, ended - max(begun, until))
            until = max(until, ended)
        self.waits = []
        return found

    def add(self, stage: str, spent_ns: int) -> None:
        """Add to a stage."""
        self.spent[stage] = self.spent.get(stage, 0) + spent_ns


async def no_body() -> dict[str, Any]:
    """Give none: it is at hand."""
    return {"type": "http.disconnect"}


def scope_of(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the head of a request."""
    headers = [(name.lower().encode(), value.encode()) for name, value in asked["headers"].items()]
    headers.append((b"content-length", str(len(asked["content"])).encode()))
    return {"method": "POST", "path": asked["url"], "headers": headers, "client": ("127.0.0.1", 1)}


async def ask(face: OauthFace, asked: dict[str, Any]) -> tuple[Reply, int]:
    """Put one request to the face, as the server would; return the answer and the nanoseconds."""
    body, scope = asked["content"].encode(), scope_of(asked)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    begun = time.perf_counter_ns()
    reply = await face.answer(Request(scope, receive))
    return reply, time.perf_counter_ns() - begun


def requests(stage: ExchangeCaller, count: int) -> Iterator[dict[str, Any]]:
    """Yield requests, made ahead: what the caller signs is no part of an exchange, but the one after it costs more."""
    ahead, begun_s = deque[dict[str, Any]](), 0.0
    for number in range(count):
        if not ahead or time.monotonic() - begun_s > PLAYED_S:
            ahead, begun_s = deque(), time.monotonic()
            for one in range(number, min(number + BATCH, count)):
                if ahead and time.monotonic() - begun_s > MADE_S:
                    break
                ahead.append(stage.request(GITHUB.token(stage.clock.now_ns(), jti=f"bench-{one}")))
        yield ahead.popleft()


async def exchanges(face: OauthFace, watch: Watch, stage: ExchangeCaller, count: int) -> dict[str, Any]:
    """Exchange ``count`` jobs' tokens one after another, after a warm-up."""
    taken: dict[str, list[int]] = {name: [] for name in ("whole", "own", "own_cpu", "durable_wait", *STAGES)}
    for number, asked in enumerate(requests(stage, count + count // 10)):
        watch.spent, processor = {}, time.thread_time_ns()
        reply, spent = await ask(face, asked)
        processor = time.thread_time_ns() - processor
        assert reply.status == OK, reply.body
        disk = watch.waited()
        if number < count // 10:
            continue
        one = {"whole": spent, "own": spent - disk, "own_cpu": processor + watch.spent["cpu"], "durable_wait": disk}
        for name, value in {**one, **{name: watch.spent[name] for name in STAGES}}.items():
            taken[name].append(value)
    found: dict[str, Any] = {name: spread(values) for name, values in taken.items()}
    stages = {name: found.pop(name) for name in STAGES}
    return {**found, "turns": turns(taken["own"]), "stages": stages, "target_ms": TARGET_MS}


async def refusals(face: OauthFace, stage: ExchangeCaller, rounds: int) -> dict[str, Any]:
    """Play every forgery ``rounds`` times; each request is made outside the measured time."""
    taken: dict[str, dict[str, float]] = {"answer": {}, "verdict": {}, "verdict_cpu": {}}
    accepted = 0
    for name, (make, _) in FORGERIES.items():
        answers, verdicts, burnt = list[int](), list[int](), list[int]()
        for asked in [make(Forger(stage)) for _ in range(rounds)]:
            with no_network():
                reply, spent = await ask(face, asked)
                accepted += reply.status == OK
                answers.append(spent)
        for asked in [make(Forger(stage)) for _ in range(rounds)]:
            with no_network():
                begun, processor = time.perf_counter_ns(), time.thread_time_ns()
                accepted += judged(face, asked)
                burnt.append(time.thread_time_ns() - processor)
                verdicts.append(time.perf_counter_ns() - begun)
        for figure, values in (("answer", answers), ("verdict", verdicts), ("verdict_cpu", burnt)):
            taken[figure][name] = statistics.median(values) / 1000
    figures = {name: slow_and_usual(medians) for name, medians in taken.items()}
    return {"variants": len(FORGERIES), "accepted": accepted, **figures}


def slow_and_usual(medians: dict[str, float]) -> dict[str, Any]:
    """Return the median over all forgeries and the slowest, in microseconds."""
    slowest = max(medians, key=lambda name: medians[name])
    return {
        "median_us": round(statistics.median(medians.values()), 1),
        "slowest_us": round(medians[slowest], 1),
        "slowest": slowest,
        "over_1_ms": sum(value >= LIMIT_US for value in medians.values()),
    }


def judged(face: OauthFace, asked: dict[str, Any]) -> bool:
    """Judge one request as the face does, without its threads; return whether it would be let in."""
    exchanger, head = face.exchanger, scope_of(asked)
    try:
        wanted = read_request(read_form(asked["content"].encode()))
        presented = exchanger._presented(Request(head, no_body), wanted)  # noqa: SLF001 - measured from inside
        now_ns = exchanger._house.clock.now_ns()  # noqa: SLF001 - as above
        exchanger._proven(presented, wanted, "default", now_ns)  # noqa: SLF001 - as above
    except OstiaryError:
        return False
    return True


def signatures(stage: ExchangeCaller, signer: Any, count: int) -> dict[str, float]:
    """Check a job's token's and a proof's signature and make one, nothing else."""
    token = parse_compact(GITHUB.token(stage.clock.now_ns()), 100_000, TOKEN)
    proof = parse_compact(stage.proof(), 100_000, DPOP)
    platform_key, holder = import_public(GITHUB.keys[0].jwk), import_public(proof.header["jwk"])
    taken = []
    for _ in range(count):
        begun = time.perf_counter_ns()
        assert platform_key.verify("RS256", token.signed, token.signature)
        assert holder.verify("ES256", proof.signed, proof.signature)
        signer.sign(token.signed)
        taken.append(time.perf_counter_ns() - begun)
    return spread(taken)


@contextmanager
def no_network() -> Iterator[None]:
    """Forbid every connection."""

    def refuse(*_: Any) -> None:
        raise AssertionError("something wanted the network")

    with mock.patch.object(socket, "create_connection", refuse), mock.patch.object(socket, "getaddrinfo", refuse):
        yield


async def measured(house: House, options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything in one running assembly."""
    assembly = Assembly(house, Metrics(), logs.get_logger("bench"), lambda: None)
    assembly.crew.start()
    face = next(one for one in assembly.faces if isinstance(one, OauthFace))
    stage, watch = ExchangeCaller(house.clock, PUBLIC), Watch()
    watched(face, house, watch)
    tune()
    try:
        exchanged = await exchanges(face, watch, stage, options.exchanges)
        return {
            **exchanged,
            "signatures": signatures(stage, house.ring.active("default", "access-token", "ES256"), options.exchanges),
            "refused": await refusals(face, stage, options.rounds),
            "machine_pace": spread(samples(options.exchanges)),
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        }
    finally:
        assembly.crew.close()


def watched(face: OauthFace, house: House, watch: Watch) -> None:
    """Put the stopwatch to the parts of an exchange."""
    exchanger: Any = face.exchanger
    watch.around(exchanger._verifier, "verify", "verify")  # noqa: SLF001 - measured from inside
    watch.around(exchanger._tokens, "mint", "sign")  # noqa: SLF001 - as above
    watch.around(exchanger, "_proven", "cpu", time.thread_time_ns)
    watch.deciding()
    watch.waiting(house.store.used_tokens, "remember")
    watch.records(house.log)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Open a house and measure."""
    with tempfile.TemporaryDirectory(prefix="ostiary-exchange-") as folder:
        keys, root = Path(folder) / "keys", Path(folder) / "data"
        keys.mkdir()
        (root / "catalogue").mkdir(parents=True)
        root.chmod(0o700)
        (root / "catalogue" / "default.yaml").write_text(CATALOGUE)
        given = sections(keys)
        del given["guardrails"]  # the shipped policy is measured, not the tests'
        settings = load(None, environ={}, options=given).settings
        with open_house(Places(root), settings, SystemClock(), complain) as house:
            bootstrap(house)
            house.warm_up(complain)
            house.registry.put("default", Registered(type="dataset", id="sales", sensitivity=2), house.clock.now_ns())
            return uvloop.run(measured(house, options))


def complain(reason: str, fault: BaseException) -> None:
    """Tell of a fault."""
    sys.stderr.write(f"{reason}: {fault}\n")


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the figures in words."""
    for name in ("whole", "own", "own_cpu", "durable_wait", "signatures", "machine_pace"):
        yield f"{name:>14}  p50 {found[name]['p50_ms']:7.3f} ms   p99 {found[name]['p99_ms']:7.3f} ms"
    tails = found["turns"]
    yield f"{'turns of own':>14}  median p99 {tails['median_ms']:.3f} ms of {', '.join(map(str, tails['p99_ms']))}"
    for name, value in found["stages"].items():
        yield f"{'· ' + name:>14}  p50 {value['p50_ms']:7.3f} ms   p99 {value['p99_ms']:7.3f} ms"
    no = found["refused"]
    yield f"{no['variants']} forgeries, {no['accepted']} accepted"
    for name in ("answer", "verdict", "verdict_cpu"):
        one = no[name]
        yield f"{name:>14}  median {one['median_us']:7.1f} us   slowest {one['slowest_us']:7.1f} us ({one['slowest']})"


def as_a_worker() -> None:
    """Start this very command again with what a worker has in its environment: Go reads it at the start only."""
    wanted = {**launch_environment(), **os.environ}
    if wanted != os.environ:
        os.execve(sys.executable, sys.orig_argv, wanted)  # noqa: S606 - our own command


def main(show: Callable[[str], None] = print) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=1000, help="counted exchanges")
    parser.add_argument("--rounds", type=int, default=30, help="times that each forgery is played")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    as_a_worker()
    found = run(options)
    show(json.dumps(found, indent=2) if options.json else "\n".join(lines(found)))


if __name__ == "__main__":
    main()

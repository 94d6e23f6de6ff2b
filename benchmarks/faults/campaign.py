"""One campaign: deployments one after another, faults one after another in each, and a check after each fault.

Everything that is drawn comes from the seed and the number of the deployment, so that a run can be begun again at any
deployment. What a machine does meanwhile does not come from a seed: the same faults come in the same order, not at the
same instruction.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Final, Literal

import msgspec
from benchmarks.faults.backing import Backing, backing
from benchmarks.faults.bookkeeper import Bookkeeper
from benchmarks.faults.broken import BrokenInvariantError
from benchmarks.faults.deployment import Deployment, Door
from benchmarks.faults.evidence import Evidence
from benchmarks.faults.field import Field, Injection
from benchmarks.faults.injections import backings, clocks, disks, files, networks, processes, replicas, wires
from benchmarks.faults.load import SHORT_S, Asker, Caller, Ender, Snoop
from benchmarks.faults.scene import EVERYDAY, KINDS, TENANTS, Scene
from benchmarks.faults.shim import Shim, build
from benchmarks.faults.small_disk import SmallDisk
from benchmarks.faults.wire import Wire

from ostiary.server.settings.store import StoreSection
from ostiary.testing.flaky_link import FlakyLink
from ostiary.vocabulary.effects import Effect

INJECTIONS: Final[tuple[Injection, ...]] = (
    *processes.KINDS,
    *replicas.KINDS,
    *disks.KINDS,
    *clocks.KINDS,
    *files.KINDS,
    *networks.KINDS,
    *wires.KINDS,
    *backings.KINDS,
)
WHOLE_EVERY: Final = 25
_LOW: Final = {"OSTIARY_TELEMETRY__LOG_LEVEL": "error"}


class Plan(msgspec.Struct, frozen=True):
    """What a campaign does.

    Attributes:
        faults: how many.
        per_deployment: after how many a fresh deployment takes over.
        first: number of the deployment to begin with.
        askers: enforcement points of each tenant that ask, by turns past the link, over it, and of the other replica.
        pause_s: how long each waits between questions.
        within_s: in what time service must be back after a fault.
        only: kinds to inject; empty takes all.
        backing: on what deployments stand: their own files, PostgreSQL and Valkey, or one after the other.
    """

    seed: int = 1
    faults: int = 500
    per_deployment: int = 50
    first: int = 0
    askers: int = 3
    pause_s: float = 0.05
    within_s: float = 30.0
    only: tuple[str, ...] = ()
    backing: Literal["embedded", "large", "both"] = "embedded"

    def large(self, number: int) -> bool:
        """Return whether a deployment stands on PostgreSQL and Valkey."""
        return self.backing == "large" or (self.backing == "both" and number % 2 == 1)


class Injected(msgspec.Struct, frozen=True):
    """One fault and how it went."""

    deployment: int
    step: int
    kind: str
    how: str
    recovery_s: float


class Result(msgspec.Struct, frozen=True):
    """What came of a campaign; ``broken`` is empty when every invariant held."""

    injected: list[Injected]
    skipped: dict[str, str]
    counts: dict[str, int]
    log_entries: int
    starts: int
    seconds: float
    broken: str = ""
    kept: str = ""


def run(plan: Plan, tell: Callable[[str], None]) -> Result:
    """Run a campaign to its end, or to the first broken invariant."""
    begun = time.monotonic()
    injected: list[Injected] = []
    skipped: dict[str, str] = {}
    counts: Counter[str] = Counter()
    entries, starts, broken, kept = 0, 0, "", ""
    number = plan.first
    while len(injected) < plan.faults and not broken:
        left = min(plan.per_deployment, plan.faults - len(injected))
        chance = Random(f"{plan.seed}:{number}")  # noqa: S311 - a campaign that can be had again
        with tempfile.TemporaryDirectory(prefix="ostiary-faults-", ignore_cleanup_errors=True) as folder:
            round_ = Round(plan, number, chance, Path(folder), tell)
            try:
                round_.run(left)
            except BrokenInvariantError as fault:
                broken = f"{fault.invariant}: {fault.message}"
                broken += f" (--seed {plan.seed} --first {number}, step {round_.step}, {round_.kind})"
                kept = round_.kept
        injected += round_.injected
        skipped |= round_.skipped
        counts += round_.books.counts
        entries, starts, number = entries + round_.entries, starts + round_.starts, number + 1
    return Result(
        injected, skipped, dict(sorted(counts.items())), entries, starts, time.monotonic() - begun, broken, kept
    )


def keep(folder: Path) -> str:
    """Copy what a broken deployment left behind; return where it lies."""
    kept = Path(tempfile.mkdtemp(prefix="ostiary-broken-"))
    shutil.copytree(folder, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("reserve.bin"))
    return str(kept)


class Round:
    """One deployment's part of a campaign."""

    def __init__(self, plan: Plan, number: int, chance: Random, folder: Path, tell: Callable[[str], None]) -> None:
        """Use ``folder`` for everything."""
        self._plan, self._number, self._chance, self._folder, self._tell = plan, number, chance, folder, tell
        self.books = Bookkeeper()
        self.injected: list[Injected] = []
        self.skipped: dict[str, str] = {}
        self.entries = 0
        self.starts = 0
        self.step = 0
        self.kind = "the start"
        self.kept = ""

    def run(self, faults: int) -> None:
        """Start, load, inject ``faults`` faults, stop, and examine what is left.

        Raises:
            BrokenInvariantError: at the first one.
        """
        with self._field() as field:
            store = field.backing.store if field.backing is not None else StoreSection()
            evidence = Evidence(field.deployment.data, store, self.books)
            try:
                with self._load(field) as callers:
                    for injection in self._draw(field, faults):
                        self._inject(field, injection, evidence, callers)
                self.kind = "the end"
                for replica in (field.sibling, field.deployment):
                    if replica is not None:
                        _end(replica)
                evidence.look(whole=True)
                _verify(field.deployment.data, field.backing)
            except BrokenInvariantError:
                self.kept = keep(self._folder)
                raise
            finally:
                self.entries = evidence.size
                self.starts = field.deployment.starts + (field.sibling.starts if field.sibling is not None else 0)

    def _inject(self, field: Field, injection: Injection, evidence: Evidence, callers: list[Caller]) -> None:
        self.step += 1
        self.kind = injection.name
        time.sleep(self._chance.uniform(0.1, 0.4))
        begin = time.monotonic()
        how = injection.inject(field, self._chance)
        took = field.recover(self._plan.within_s, begin if injection.harms_at_once else None)
        self.books.check()
        evidence.look(whole=self.step % WHOLE_EVERY == 0)
        for caller in callers:
            if caller.fault is not None:
                raise caller.fault
        self.injected.append(Injected(self._number, self.step, injection.name, how, round(took, 2)))
        self._tell(f"{self._number}/{self.step} {injection.name}: {how}; back after {took:.2f} s")

    def _draw(self, field: Field, faults: int) -> Iterator[Injection]:
        """Yield every kind before any comes again."""
        wanted = [one for one in INJECTIONS if not self._plan.only or one.name in self._plan.only]
        self.skipped |= {one.name: lack for one in wanted if (lack := one.lacks(field))}
        able = [one for one in wanted if one.name not in self.skipped]
        drawn: list[Injection] = []
        while len(drawn) < faults:
            drawn += self._chance.sample(able, len(able))
        yield from drawn[:faults]

    @contextmanager
    def _field(self) -> Iterator[Field]:
        with ExitStack() as opened:
            disk = SmallDisk.open(self._folder / "disk")
            if disk is not None:
                opened.callback(disk.close)
            data = self._folder / "disk" / "data"
            scene = Scene(data, Random(self._chance.random()))  # noqa: S311
            library = build(self._folder)
            shim = opened.enter_context(Shim(library, self._folder / "control")) if library else None
            wire = Wire.open()
            if wire is not None:
                opened.callback(wire.close)
            large = self._plan.large(self._number)
            below = opened.enter_context(backing(self._folder / "backing", wire)) if large else None
            environ = {**_LOW, **_preloaded(shim), **(below.environ() if below is not None else {})}
            deployment = opened.enter_context(Deployment(data, environ))
            sibling = None
            if below is not None:  # without the shim: replicas whose clocks differ must agree all the same
                own = {**_LOW, **below.environ(below.siblings_link)}
                sibling = opened.enter_context(Deployment(data, own, "serve"))
            way = wire.relay(deployment.port) if wire is not None else ("127.0.0.1", deployment.port)
            link = opened.enter_context(FlakyLink(*way))
            admin_key = deployment.key("admin")
            keys = _register(deployment, admin_key)
            workshop = self._folder / "workshop"
            workshop.mkdir()
            around = (shim, disk, below, sibling, wire, way[1])
            field = Field(deployment, scene, self.books, link, keys, admin_key, workshop, *around)
            _check_oracle(field)
            yield field

    @contextmanager
    def _load(self, field: Field) -> Iterator[list[Caller]]:
        stop = threading.Event()
        callers: list[Caller] = []
        doors: list[Door] = []

        sibling = field.sibling or field.deployment
        ways = (field.deployment.port, field.link.port, sibling.port)

        def door(key: str, way: int = 0) -> Door:
            doors.append(Door(ways[way], key, SHORT_S))
            return doors[-1]

        for tenant in TENANTS:
            for number in range(self._plan.askers):
                asker = Asker(field.scene, self.books, door(field.keys[tenant], number % len(ways)), tenant)
                callers.append(Caller(asker.everyday, self.books, self._plan.pause_s, stop))
            asker = Asker(field.scene, self.books, door(field.keys[tenant]), tenant)
            chance = Random(self._chance.random())  # noqa: S311
            ender = Ender(field.scene, self.books, asker, door(field.admin_key), tenant, chance)
            callers.append(Caller(ender.act, self.books, 0.15, stop))
            snoop = Snoop(self.books, door(_tenant_key(field, tenant)), tenant)
            callers.append(Caller(snoop.act, self.books, 0.4, stop))
        for caller in callers:
            caller.start()
        try:
            yield callers
        finally:
            stop.set()
            for caller in callers:
                caller.join(30)
            for one in doors:
                one.close()


def _preloaded(shim: Shim | None) -> dict[str, str]:
    if shim is None:
        return {}
    return {"LD_PRELOAD": str(shim.library), "OSTIARY_FAULTS_CONTROL": str(shim.control)}


def _register(deployment: Deployment, admin_key: str) -> dict[str, str]:
    """Make the second tenant and an enforcement point of each; return their keys."""
    door = Door(deployment.port, admin_key)
    keys = {}
    for tenant in TENANTS:
        if tenant != "default":
            door.call("POST", "/api/v1/tenants", {"tenant": tenant})
        made = door.call("POST", f"/api/v1/tenants/{tenant}/peps", {"pep_id": f"door-{tenant}"})
        keys[tenant] = str(made.json()["api_key"])
    door.close()
    return keys


def _tenant_key(field: Field, tenant: str) -> str:
    return str(field.admin("POST", f"/tenants/{tenant}/admin-keys").json()["key"])


def _check_oracle(field: Field) -> None:
    """Ask every everyday kind once: what may be allowed is, or the oracle would prove nothing."""
    field.recover(30.0)
    for tenant in TENANTS:
        door = Door(field.deployment.port, field.keys[tenant])
        asker = Asker(field.scene, field.books, door, tenant)
        for kind in EVERYDAY:
            told = asker.ask(field.scene.question(kind, tenant, "dev-1", f"{tenant}-dev-1"))
            effect = told.get("context", {}).get("effect", "DENY")
            if (KINDS[kind] is Effect.ALLOW) != (effect in {"ALLOW", "REDUCE"}):
                raise BrokenInvariantError("loosened", f"`{kind}` of `{tenant}` is answered {effect}: {told}")
        door.close()


def _end(deployment: Deployment) -> None:
    code = deployment.stop()
    if code != 0:
        raise BrokenInvariantError("not_recovered", f"it ended with {code} when told to end")


def _verify(data: Path, below: Backing | None) -> None:
    program: Sequence[str] = (sys.executable, "-c", "import sys; from ostiary.cli import main; sys.exit(main())")
    command = [*program, "audit", "verify", "--forget", "--json", "--data", str(data)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    environ |= below.environ() if below is not None else {}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environ)  # noqa: S603
    if done.returncode != 0:
        raise BrokenInvariantError(
            "forked", f"`ostiary audit verify` ended with {done.returncode}: {done.stdout[-500:]}"
        )

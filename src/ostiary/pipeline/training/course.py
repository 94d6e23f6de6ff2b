"""The course of one training run. What refuses it, and what it leaves, is on record; nothing counts before it is.

1. what is asked for is read;
2. every dataset is verified: its manifest is signed by a producer that is known;
3. the environment and the code are named by digest and commit;
4. the decisions: may this run be (``train.run``), and may it read each dataset (``dataset.read``)? Policy's obligation
   ``egress`` says whom it may call, and what was asked for can only narrow that;
5. code and data are staged, compared with what was decided on;
6. the sandbox starts, tries to break out, and the record of the beginning is on disk before the command begins;
7. the command runs to its end or to the end of its time;
8. its outputs are read, digested, and its provenance is signed;
9. the record of the end is on disk; then the artefact door is given the outputs of a run that ended well.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.artifacts.ports import Signer
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.keys.hashing import random_bytes, sha256_hex
from ostiary.pipeline.training.accounts import Budget, ConnectionLog, EgressLimits
from ostiary.pipeline.training.bubblewrap import Plan
from ostiary.pipeline.training.egress import EgressRule, Target, narrow, read_rules
from ostiary.pipeline.training.environment import Environment
from ostiary.pipeline.training.limits import SandboxLimits
from ostiary.pipeline.training.outputs import OutputFile, collect, digest_of
from ostiary.pipeline.training.pinning import Pins, Resolve, ask_system
from ostiary.pipeline.training.ports import (
    ArtifactDoor,
    Authority,
    DatasetCheck,
    DatasetRef,
    Delivery,
    Granted,
    Question,
    RunLog,
)
from ostiary.pipeline.training.provenance import provenance, signed
from ostiary.pipeline.training.proxy import EgressProxy
from ostiary.pipeline.training.record import EnvironmentRef, RunRecord
from ostiary.pipeline.training.sandbox import Ended, Sandbox, Start
from ostiary.pipeline.training.saying import Said
from ostiary.pipeline.training.sealing import Seal
from ostiary.pipeline.training.staging import Code, data_mount, hand_over, stage_code, staging
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

BUBBLEWRAP: Final = "bubblewrap"
EGRESS: Final = "egress"
# Carried out by the decision's own side, whoever asked.
_OUR_OWN: Final = frozenset({"human_review", "notification", "session_lifetime", "watermark", EGRESS})
_MAX_ARGUMENTS: Final = 256
_MAX_SHOWN: Final = 200


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        pipeline: the training resource that this run belongs to, as policy knows it.
        command: program and arguments.
        environment: what it runs with.
        code: what is shown at ``/workspace``; ``None`` shows an empty folder.
        datasets: names of datasets, each shown at ``/data/NAME``.
        egress: whom it wants to call; ``None`` takes all that policy grants.
        variables: further variables of its environment.
    """

    pipeline: str
    command: tuple[str, ...]
    environment: Environment
    code: Code | None = None
    datasets: tuple[str, ...] = ()
    egress: tuple[Target, ...] | None = None
    variables: dict[str, str] = {}


class Rules(msgspec.Struct, frozen=True):
    """What a deployment sets: limits of sandboxes and of their egress, and where things are done."""

    limits: SandboxLimits = SandboxLimits()
    egress: EgressLimits = EgressLimits()
    builder: str = "urn:ostiary:runner"
    cgroup: Path | None = None
    staging: Path | None = None
    bubblewrap: str = ""


class Parts(msgspec.Struct, frozen=True):
    """Whom a run needs."""

    datasets: DatasetCheck
    authority: Authority
    log: RunLog
    door: ArtifactDoor
    signer: Signer
    clock: Clock
    on_fault: Callable[[str, BaseException], None]
    resolve: Resolve = ask_system


class Finished(msgspec.Struct, frozen=True):
    """What came of a run: its last record, its provenance, and where everything lies."""

    record: RunRecord
    provenance: bytes
    folder: Path
    said: bytes


_Allowed = tuple[Sequence[EgressRule], Seal]
Progress = Callable[[str], None]


class Course:
    """Runs trainings of one tenant, one after another."""

    def __init__(self, tenant: str, parts: Parts, rules: Rules, runs: Path) -> None:
        """Keep what runs leave below ``runs``."""
        self._tenant = tenant
        self._parts = parts
        self._rules = rules
        self._runs = runs

    def rehearse(self, wanted: Wanted) -> RunRecord:
        """Return the record that a run would begin with, decided but not run (a dry run)."""
        return msgspec.structs.replace(self._decide(self._begin(wanted), wanted)[0], phase="rehearsed")

    def run(self, wanted: Wanted, progress: Progress = lambda _word: None, said: Said | None = None) -> Finished:
        """Run one training to its end.

        Raises:
            RefusedError: a decision, a dataset, the sandbox or the outputs refused it; that is on record.
            UnavailableError: something needed is away; nothing ran.
            FaultyInputError: what was asked for is malformed.
        """
        record = self._begin(wanted)
        log = ConnectionLog(self._rules.egress)
        try:
            with Seal(wanted.environment) as seal:
                record, rules = self._decide(record, wanted, progress)
                with staging(self._rules.staging) as folder:
                    return self._run(record, (rules, seal), wanted, folder, log, progress, said)
        except OstiaryError as no:
            self._refuse(record, no, log)
            raise

    def _begin(self, wanted: Wanted) -> RunRecord:
        """1. Read what is asked for."""
        _check(wanted)
        now_ns = self._parts.clock.now_ns()
        return RunRecord(
            run=make_id("run", now_ns, random_bytes(RANDOM_BYTES)),
            phase="refused",
            pipeline=wanted.pipeline,
            command=tuple(one[:_MAX_SHOWN] for one in wanted.command[:_MAX_ARGUMENTS]),
            commit=wanted.code.commit if wanted.code else "",
            sandbox=BUBBLEWRAP,
            started_ns=now_ns,
        )

    def _decide(
        self, record: RunRecord, wanted: Wanted, progress: Progress = lambda _word: None
    ) -> tuple[RunRecord, tuple[EgressRule, ...]]:
        """2. to 4.: verify, name and decide."""
        progress("verifying datasets")
        datasets = tuple(self._parts.datasets.verified(self._tenant, name) for name in wanted.datasets)
        progress("naming the environment")
        environment = _named(wanted.environment)
        named = msgspec.structs.replace(record, datasets=datasets, environment=environment)
        progress("deciding")
        granted = self._ask("train.run", "training", wanted.pipeline, _properties(named, wanted))
        for dataset in datasets:
            told = {"purpose": "training", "stage": "train", "digest": dataset.digest, "commit": record.commit}
            self._ask("dataset.read", "dataset", dataset.name, told)
        rules = narrow(_egress(granted), wanted.egress)
        egress = tuple(str(rule) for rule in rules)
        return msgspec.structs.replace(named, decision_id=granted.decision_id, egress=egress), rules

    def _ask(self, action: str, kind: str, name: str, properties: dict[str, Any]) -> Granted:
        granted = self._parts.authority.ask(self._tenant, Question(action, kind, name, properties))
        unknown = {kind for kind, _ in granted.obligations} - _OUR_OWN
        if unknown:
            text = f"policy asks for {', '.join(sorted(unknown))}, which no run carries out, so the answer is no"
            raise RefusedError("obligation_not_understood", text)
        return granted

    def _run(
        self,
        record: RunRecord,
        allowed: _Allowed,
        wanted: Wanted,
        folder: Path,
        log: ConnectionLog,
        progress: Progress,
        said: Said | None,
    ) -> Finished:
        """5. to 9.: stage, start, wait, read, tell."""
        parts, limits = self._parts, self._rules.limits
        budget = Budget(self._rules.egress.bytes_up)
        rules, seal = allowed
        pins = Pins(rules, parts.resolve)
        proxy = EgressProxy(pins, budget, log, self._rules.egress, parts.clock, parts.on_fault)
        said = said or Said(limits.said_bytes)
        progress("staging code and data")
        mounts = self._stage(wanted, record.datasets, folder)
        plan = Plan(wanted.environment, limits, tuple(mounts), seal)
        cgroup, bubblewrap = self._rules.cgroup, self._rules.bubblewrap
        with Sandbox(plan, proxy, name=record.run, said=said, cgroup=cgroup, bubblewrap=bubblewrap) as sandbox:
            hand_over(folder, sandbox.user)
            began: list[RunRecord] = []

            def before(start: Start) -> None:
                began.append(self._began(record, start))

            progress("starting the sandbox")
            start = sandbox.start(wanted.command, wanted.variables, before=before)
            progress("running")
            ended = sandbox.wait()
            proxy.close()
            progress("reading the outputs")
            home = self._home(record.run)
            outputs = collect(sandbox.outputs, home / "outputs", limits)
        record = _with_start(began[0], start)
        return self._finish(record, ended, outputs, log, home, said)

    def _stage(self, wanted: Wanted, datasets: Sequence[DatasetRef], folder: Path) -> list[Any]:
        mounts = [stage_code(wanted.code, folder / "code")] if wanted.code else []
        for number, dataset in enumerate(datasets):
            place = folder / f"data-{number}"
            place.mkdir()
            self._parts.datasets.stage(self._tenant, dataset, place)
            mounts.append(data_mount(dataset.name, place))
        return mounts

    def _began(self, record: RunRecord, start: Start) -> RunRecord:
        """6. Every probe held: on record before the command begins."""
        began = _with_start(msgspec.structs.replace(record, phase="began"), start)
        self._write(began)
        return began

    def _finish(
        self, record: RunRecord, ended: Ended, outputs: list[OutputFile], log: ConnectionLog, home: Path, said: Said
    ) -> Finished:
        """8. and 9.: provenance, record, delivery."""
        now_ns = self._parts.clock.now_ns()
        record = msgspec.structs.replace(
            record.with_calls(log),
            phase="ended",
            ended_ns=now_ns,
            status=ended.status,
            timed_out=ended.timed_out,
            peak_memory=ended.peak_memory,
            outputs=tuple(outputs),
            outputs_digest=digest_of(outputs),
        )
        statement = provenance(record, self._rules.builder, _rfc3339(record.started_ns), _rfc3339(now_ns))
        envelope = signed(statement, self._parts.signer)
        record = msgspec.structs.replace(record, provenance=f"sha256:{sha256_hex(statement)}")
        for name, data in (("egress.jsonl", log.lines()), ("provenance.dsse.json", envelope), ("said.log", said.kept)):
            _keep(home / name, data)
        _keep(home / "record.json", msgspec.json.format(msgspec.json.encode(record.document())))
        self._write(record)
        if ended.status == 0 and outputs:
            self._deliver(record, outputs, home, envelope)
        return Finished(record, envelope, home, said.kept)

    def _deliver(self, record: RunRecord, outputs: list[OutputFile], home: Path, envelope: bytes) -> None:
        delivery = Delivery(record.run, home / "outputs", tuple(outputs), record.outputs_digest, envelope)
        self._parts.door.deliver(self._tenant, delivery)

    def _refuse(self, record: RunRecord, no: OstiaryError, log: ConnectionLog) -> None:
        reasons = no.reasons if isinstance(no, RefusedError) else ()
        if log.entries or log.turned_away:
            record = record.with_calls(log)
            home = self._runs / record.run
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            _keep(home / "egress.jsonl", log.lines())
        self._write(msgspec.structs.replace(record, phase="refused", code=no.code, reasons=tuple(reasons)))

    def _write(self, record: RunRecord) -> None:
        # One id for each record of a run: the log refuses a second one of the same id.
        self._parts.log.write(self._tenant, f"{record.run}-{record.phase}", record.document())

    def _home(self, run: str) -> Path:
        home = self._runs / run
        home.mkdir(mode=0o700, parents=True)
        return home


def _check(wanted: Wanted) -> None:
    if not wanted.command or len(wanted.command) > _MAX_ARGUMENTS or not wanted.command[0]:
        raise FaultyInputError("training_command_missing", f"a command has 1 to {_MAX_ARGUMENTS} words")
    if any("\0" in word for word in (*wanted.command, *wanted.variables, *wanted.variables.values())):
        raise FaultyInputError("training_command_malformed", "a word of the command or a variable holds a zero byte")
    if len(set(wanted.datasets)) != len(wanted.datasets):
        raise FaultyInputError("training_dataset_twice", "a dataset is named twice")
    for name in wanted.datasets:
        if not name or "/" in name or name.startswith(".") or not name.isascii() or not name.isprintable():
            raise FaultyInputError("training_dataset_malformed", f"`{name[:80]}` is no name of a dataset")


def _properties(record: RunRecord, wanted: Wanted) -> dict[str, Any]:
    """Return what policy sees of a run."""
    properties: dict[str, Any] = {
        "sandbox": record.sandbox,
        "commit": record.commit,
        "environment": msgspec.to_builtins(record.environment),
        "datasets": msgspec.to_builtins(record.datasets),
    }
    if wanted.egress is not None:
        properties["egress"] = [str(target) for target in wanted.egress]
    return properties


def _named(environment: Environment) -> EnvironmentRef:
    return EnvironmentRef(environment.name, environment.digest(), environment.image)


def _egress(granted: Granted) -> tuple[EgressRule, ...]:
    """Return whom policy lets a run call; told exactly once, or the run does not start."""
    told = [properties for kind, properties in granted.obligations if kind == EGRESS]
    if len(told) != 1:
        raise RefusedError("training_egress_untold", "policy does not say, exactly once, whom this run may call")
    return read_rules(told[0].get("allow"))


def _with_start(record: RunRecord, start: Start) -> RunRecord:
    return msgspec.structs.replace(
        record,
        user=start.user,
        limits=start.limits,
        probes=len(start.probes),
        start_ms={"enter": start.enter_ms, "probes": start.probes_ms, "total": start.total_ms},
    )


def _rfc3339(ns: int) -> str:
    return dt.datetime.fromtimestamp(ns // 1_000_000_000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _keep(place: Path, data: bytes) -> None:
    place.touch(mode=0o600)
    place.write_bytes(data)

"""Runs that are held elsewhere, on Kubernetes or a runner of your own: decided and recorded here.

- A grant names what the run is made of; what is told of it later cannot change that.
- Who was granted a run reports it, and nobody else: to all others it is a run that never was.
- Each phase is told once. What a runner tells is recorded as told; nothing of it is signed in our name.
"""

import threading
from typing import Any, Final

import msgspec

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.keys.hashing import random_bytes
from ostiary.pipeline.training.egress import EgressRule, narrow, parse_target, read_rules
from ostiary.pipeline.training.ports import DatasetCheck, DatasetRef
from ostiary.pipeline.training.record import RunRecord
from ostiary.server.doors import Caller, Passed
from ostiary.server.training.asked import AskedRun, Report
from ostiary.server.training.runs import KIND, RECORD_WAIT_S, UNKNOWN
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

UNPROVEN: Final = "training_dataset_unproven"
TOLD_BEFORE: Final = "training_phase_told"
_GRANTS: Final = "training-grant"
_MAX_WORD: Final = 200


class Grant(msgspec.Struct, frozen=True):
    """A run that somebody was granted; ``told`` are the phases that were reported."""

    record: RunRecord
    subject: str
    told: tuple[str, ...] = ()


class RemoteRuns:
    """Grants of all tenants."""

    def __init__(self, house: House, datasets: DatasetCheck) -> None:
        """Keep them in the house's store."""
        self._house = house
        self._datasets = datasets
        self._lock = threading.Lock()

    def look(self, tenant: str, asked: AskedRun) -> tuple[DatasetRef, ...]:
        """Return the datasets as they are proven now; one that is not has neither digest nor producer.

        Whoever asks learns nothing here: the decision says no to it, as to a dataset that never was.
        """
        return tuple(self._proven(tenant, name) for name in asked.datasets)

    def _proven(self, tenant: str, name: str) -> DatasetRef:
        try:
            return self._datasets.verified(tenant, name)
        except UnavailableError:
            raise
        except OstiaryError:
            return DatasetRef(name, "", "")

    @staticmethod
    def properties(asked: AskedRun, datasets: tuple[DatasetRef, ...]) -> dict[str, Any]:
        """Return what policy sees of a run."""
        told: dict[str, Any] = {
            "sandbox": asked.sandbox,
            "commit": asked.commit,
            "environment": {"name": asked.environment.name, "digest": asked.environment.digest},
            "datasets": msgspec.to_builtins(datasets),
        }
        return told if asked.egress is None else {**told, "egress": list(asked.egress)}

    def grant(
        self, caller: Caller, pipeline: str, asked: AskedRun, datasets: tuple[DatasetRef, ...], passed: Passed
    ) -> tuple[Grant, tuple[EgressRule, ...]]:
        """Return a grant that is on record, and whom the run may call.

        Raises:
            RefusedError: a dataset is not proven, or policy does not say whom it may call.
        """
        if any(not one.digest or not one.producer for one in datasets):
            raise RefusedError(UNPROVEN, "a dataset has no manifest of a producer that is known")
        told = passed.obligations("egress")
        if len(told) != 1:
            raise RefusedError("training_egress_untold", "policy does not say, exactly once, whom this run may call")
        wanted = None if asked.egress is None else [parse_target(one) for one in asked.egress]
        rules = narrow(read_rules(told[0].get("allow")), wanted)
        record = RunRecord(
            run=make_id("run", passed.at_ns, random_bytes(RANDOM_BYTES)),
            phase="granted",
            decision_id=passed.decision_id,
            pipeline=pipeline,
            command=tuple(word[:_MAX_WORD] for word in asked.command),
            environment=asked.environment,
            commit=asked.commit,
            datasets=datasets,
            egress=tuple(str(rule) for rule in rules),
            sandbox=asked.sandbox,
            started_ns=passed.at_ns,
        )
        grant = Grant(record, _subject(caller))
        self._write(caller.tenant, record, grant.subject)
        self._keep(caller.tenant, grant)
        return grant, rules

    def report(self, caller: Caller, pipeline: str, run: str, told: Report) -> RunRecord:
        """Record what a runner tells of its run.

        Raises:
            RefusedError: ``training_run_unknown``, ``training_phase_told``.
        """
        with self._lock:  # of two reports at once, one is the first
            return self._report(caller, pipeline, run, told)

    def _report(self, caller: Caller, pipeline: str, run: str, told: Report) -> RunRecord:
        grant = self._find(caller.tenant, run)
        if grant is None or grant.subject != _subject(caller) or grant.record.pipeline != pipeline:
            raise RefusedError(UNKNOWN, "there is no such run")
        if told.phase in grant.told or {"ended", "refused"} & set(grant.told):
            raise RefusedError(TOLD_BEFORE, f"that the run {told.phase} was told before, or it is over")
        said = {name: getattr(told, name) for name in told.__struct_fields__}
        record = msgspec.structs.replace(grant.record, **said, ended_ns=self._house.clock.now_ns())
        self._write(caller.tenant, record, grant.subject)
        self._keep(caller.tenant, msgspec.structs.replace(grant, told=(*grant.told, told.phase)))
        return record

    def _write(self, tenant: str, record: RunRecord, subject: str) -> None:
        house, now_ns = self._house, self._house.clock.now_ns()
        document = {**record.document(), "told_by": subject}
        data = msgspec.json.encode(document)
        house.log.append(tenant, KIND, f"{record.run}-{record.phase}", now_ns, data, subject).result(RECORD_WAIT_S)

    def _keep(self, tenant: str, grant: Grant) -> None:
        data, now_ns = msgspec.json.encode(grant), self._house.clock.now_ns()
        self._house.store.snapshots.save(tenant, _GRANTS, grant.record.run, data, now_ns)

    def _find(self, tenant: str, run: str) -> Grant | None:
        data = self._house.store.snapshots.load(tenant, _GRANTS, run)
        return None if data is None else msgspec.json.decode(data, type=Grant)


def _subject(caller: Caller) -> str:
    return f"{caller.identity.subject_type}:{caller.identity.subject_id}"

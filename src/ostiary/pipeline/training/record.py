"""The record of a run: what it was made of, what held it, what it called, and what it left. Of kind ``training``.

A run has two records, or one when it is refused: before the command begins, and after its outputs were read. So a run
that never came back is seen as one. A rehearsal has none but that of its decision; a run that
is held elsewhere has one more, when it is granted.
"""

from typing import Any, Literal

import msgspec

from ostiary.pipeline.training.accounts import Connection, ConnectionLog
from ostiary.pipeline.training.outputs import OutputFile
from ostiary.pipeline.training.ports import DatasetRef

Phase = Literal["began", "ended", "granted", "refused", "rehearsed"]
MAX_CONNECTIONS = 500


class EnvironmentRef(msgspec.Struct, frozen=True):
    """The environment of a run by name and digest; ``told_image`` is what was said of it, and nobody verified."""

    name: str
    digest: str
    told_image: str = ""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record.

    Attributes:
        run: the run's id.
        phase: which of its records this is.
        decision_id: the decision that allowed it.
        pipeline: which pipeline it belongs to.
        command: program and arguments.
        environment, commit, datasets: what it was made of.
        egress: whom it might call.
        sandbox: what held it; ``limits`` by which means; ``probes`` how many attempts to break out held.
        user: the user id outside.
        started_ns, ended_ns: when.
        start_ms: what the start cost, the probes apart.
        status: exit status; ``timed_out`` whether it was ended for its time.
        connections: the first of its connections; the whole log is ``egress_log`` by digest.
        bytes_up, bytes_down: over all of them.
        outputs, outputs_digest: what it left.
        provenance: digest of the signed statement.
        delivered: under what name the artefact door keeps it.
        code, reasons: why it was refused.
    """

    run: str
    phase: Phase
    v: int = 1
    type: str = "training"
    decision_id: str = ""
    pipeline: str = ""
    command: tuple[str, ...] = ()
    environment: EnvironmentRef | None = None
    commit: str = ""
    datasets: tuple[DatasetRef, ...] = ()
    egress: tuple[str, ...] = ()
    sandbox: str = ""
    limits: dict[str, str] = {}
    probes: int = 0
    user: int = -1
    started_ns: int = 0
    ended_ns: int = 0
    start_ms: dict[str, float] = {}
    status: int | None = None
    timed_out: bool = False
    peak_memory: int = 0
    connections: tuple[Connection, ...] = ()
    turned_away: int = 0
    egress_log: str = ""
    bytes_up: int = 0
    bytes_down: int = 0
    outputs: tuple[OutputFile, ...] = ()
    outputs_digest: str = ""
    provenance: str = ""
    delivered: str = ""
    code: str = ""
    reasons: tuple[str, ...] = ()

    def with_calls(self, log: ConnectionLog) -> "RunRecord":
        """Return it with what the run called: a run that is refused at its end has called as well."""
        entries = log.entries
        return msgspec.structs.replace(
            self,
            connections=entries[:MAX_CONNECTIONS],
            turned_away=log.turned_away,
            egress_log=log.digest(),
            bytes_up=sum(one.bytes_up for one in entries),
            bytes_down=sum(one.bytes_down for one in entries),
        )

    def document(self) -> dict[str, Any]:
        """Return it as plain values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain | {"v": self.v, "type": self.type}

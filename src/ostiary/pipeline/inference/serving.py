"""One inference from the rows that came to the answer that goes, whoever runs the model.

    asked = serving.look(...)        the rows checked, the subject's questions seen; nobody is told anything yet
    ...the one decision, with what was seen...
    permit = serving.admit(...)      what is wrong with the rows is told now; budgets are taken
    ...the model...
    answer = serving.finish(...)     coarse as it must be, recorded, then answered

- What policy refuses is forgotten by the watch, for it was not answered; ``refuse`` must be called then.
- Whose session ended, or who was revoked, while the model was thinking gets no answer.
- INVARIANT: an ``Answer`` exists only when its record is on disk.
- Budgets that were taken for something that never reached the model are given back; a model that failed costs.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from ostiary.defence.budgets import Budgets, Want, key_of
from ostiary.defence.probing import ProbeWatch, Seen, Ticket
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.pipeline.inference.endpoint import EndpointSpec
from ostiary.pipeline.inference.outputs import FULL, Coarse, coarse_of, coarsen, outcomes, read_predictions
from ostiary.pipeline.inference.ports import Recorder, Sessions
from ostiary.pipeline.inference.record import InferenceRecord, digest_of, inference_record
from ostiary.pipeline.inference.rows import Batch, check_request
from ostiary.pipeline.inference.sketching import sketches
from ostiary.sessions import Asked as InSession

BUDGET_SPENT: Final = "inference_budget_spent"
RATE_EXCEEDED: Final = "inference_rate_exceeded"
_NOBODY: Final = Ticket(Seen())


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request, looked at; either it has rows or a fault.

    Attributes:
        subject: ``type:id``, proven.
        device: thumbprint of the key that came with the request and was proven; empty without one.
        network: the network that it came from, empty where nobody knows.
        at_ns: when it came.
        by: the enforcement point that runs the model, empty when Ostiary forwards to it.
    """

    tenant: str
    endpoint: str
    spec: EndpointSpec
    subject: str
    at_ns: int
    by: str = ""
    device: str = ""
    network: str = ""
    batch: Batch | None = None
    fault: FaultyInputError | None = None
    ticket: Ticket = _NOBODY

    def properties(self) -> dict[str, Any]:
        """Return what policy sees of it, as properties of the action."""
        seen = self.ticket.seen
        return {
            "rows": len(self.batch.rows) if self.batch else 0,
            "valid": self.fault is None,
            "watched": seen.known,
            "queries": seen.queries,
            "near": seen.near,
            "straddling": seen.straddling,
            "unusual": seen.unusual,
        }


class Permit(msgspec.Struct, frozen=True):
    """A request that the model may be asked now; ``standing`` asks the ledger whether it may still be answered."""

    asked: Asked
    batch: Batch
    decision_id: str
    coarse: Coarse
    standing: InSession | None = None


class Answer(msgspec.Struct, frozen=True):
    """What goes out; its record is on disk."""

    inference_id: str
    decision_id: str
    predictions: list[Any]
    coarse: str

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "predictions": self.predictions,
            "inference_id": self.inference_id,
            "decision_id": self.decision_id,
            "coarse": self.coarse,
        }


class Serving:
    """Serves inferences; safe for many threads."""

    def __init__(
        self,
        budgets: Budgets,
        rates: Budgets,
        watch: ProbeWatch,
        recorder: Recorder,
        sessions: Sessions,
        new_id: Callable[[int], str],
        now_ns: Callable[[], int],
    ) -> None:
        """Take budgets that outlive the process, rates that need not, the watch, records, and who knows sessions."""
        self._budgets = budgets
        self._rates = rates
        self._watch = watch
        self._recorder = recorder
        self._sessions = sessions
        self._new_id = new_id
        self._now_ns = now_ns

    def look(self, asked: Asked, told: Any) -> Asked:
        """Check the rows of the parsed body ``told`` and see them beside what the subject asked before."""
        try:
            batch = check_request(asked.spec.schema, told)
        except FaultyInputError as fault:
            return msgspec.structs.replace(asked, fault=fault)
        near = asked.spec.schema.near
        ticket = self._watch.observe(asked.tenant, asked.endpoint, asked.subject, sketches(batch), near, asked.at_ns)
        return msgspec.structs.replace(asked, batch=batch, ticket=ticket)

    def refuse(self, asked: Asked) -> None:
        """Forget a request that policy refused; the decision's own record says so."""
        self._watch.withdraw(asked.ticket)

    def admit(
        self,
        asked: Asked,
        decision_id: str,
        obligations: Iterable[Mapping[str, Any]],
        *,
        reduced: bool = False,
        standing: InSession | None = None,
    ) -> Permit:
        """Return the permission to ask the model; ``reduced`` makes its answer the coarsest.

        Raises:
            FaultyInputError: the rows are not what the model was trained on; it is recorded.
            RefusedError: ``inference_rate_exceeded`` or ``inference_budget_spent``; it is recorded.
            UnavailableError: budgets or records cannot be written.
        """
        try:
            if asked.fault is not None or asked.batch is None:
                raise asked.fault or FaultyInputError("input_malformed", "there are no rows")
            coarse = coarse_of([*obligations, *([{"level": "label"}] if reduced else [])])
            self._take(asked, len(asked.batch.rows))
        except OstiaryError as no:
            self._watch.withdraw(asked.ticket)
            self._write(asked, decision_id, outcome=no.code)
            raise
        return Permit(asked, asked.batch, decision_id, coarse, standing)

    def finish(self, permit: Permit, body: bytes) -> Answer:
        """Return the answer to a request of which the model said ``body``.

        Raises:
            UnavailableError: ``upstream_malformed``, or the record is not on disk: no answer may leave.
            FaultyInputError: ``output_not_coarse``.
            RefusedError: ``session_terminated``, ``session_expired`` or ``subject_revoked``.
        """
        asked = permit.asked
        try:
            self._check_standing(permit)
            found = read_predictions(body, len(permit.batch.rows))
            predictions = coarsen(found, permit.coarse, asked.spec.output)
        except OstiaryError as no:
            self.fail(permit, no.code)
            raise
        try:
            more = {"output": digest_of(predictions), "coarse": permit.coarse.level}
            inference_id = self._write(asked, permit.decision_id, **more)
        except BaseException:
            self._watch.withdraw(asked.ticket)
            raise
        self._watch.answered(asked.ticket, outcomes(found, asked.spec.output))
        return Answer(inference_id, permit.decision_id, predictions, permit.coarse.level)

    def _check_standing(self, permit: Permit) -> None:
        over = "" if permit.standing is None else self._sessions.why_over(permit.standing, self._now_ns())
        if over:
            raise RefusedError(over, "the access ended while the model was being asked")

    def fail(self, permit: Permit, code: str) -> None:
        """Record that the model did not answer, or not properly."""
        self._watch.withdraw(permit.asked.ticket)
        self._write(permit.asked, permit.decision_id, outcome=code)

    def _take(self, asked: Asked, rows: int) -> None:
        spec, tenant = asked.spec, asked.tenant
        if not self._rates.take(tenant, subject_want(asked.endpoint, asked.subject, spec, rate=True), 1, asked.at_ns):
            raise RefusedError(RATE_EXCEEDED, f"at most {spec.rate.limit} requests in {spec.rate.window_s} s")
        wants = wants_of(asked)
        lacking = self._budgets.take_all(tenant, list(wants.values()), rows, asked.at_ns)
        if lacking:
            who, want = list(wants.items())[lacking[0]]
            raise _spent(who, want.budget.limit, want.budget.window_s)

    def _write(self, asked: Asked, decision_id: str, **more: Any) -> str:
        seen, now_ns = asked.ticket.seen, self._now_ns()
        record: InferenceRecord = inference_record(
            asked.endpoint,
            model=asked.spec.model,
            subject=asked.subject,
            decision_id=decision_id,
            rows=len(asked.batch.rows) if asked.batch else 0,
            input=asked.batch.digest() if asked.batch else "",
            queries=seen.queries,
            near=seen.near,
            straddling=seen.straddling,
            unusual=seen.unusual,
            by=asked.by,
            **more,
        )
        inference_id = self._new_id(now_ns)
        self._recorder.record(asked.tenant, inference_id, now_ns, msgspec.json.encode(record), asked.subject)
        return inference_id


def subject_want(endpoint: str, subject: str, spec: EndpointSpec, *, rate: bool = False) -> Want:
    """Return a subject's own budget at an endpoint, or its rate."""
    return Want(key_of(endpoint, subject), spec.rate if rate else spec.subject)


def wants_of(asked: Asked) -> dict[str, Want]:
    """Return the budgets that a request's rows are taken from, all or none, by who is said to have asked."""
    spec, endpoint = asked.spec, asked.endpoint
    wants = {"you have asked": subject_want(endpoint, asked.subject, spec)}
    if asked.device:
        wants["this device's key has asked"] = Want(key_of(endpoint, "device", asked.device), spec.device)
    if asked.network:
        wants["your network has asked"] = Want(key_of(endpoint, "network", asked.network), spec.network)
    wants["all subjects together have asked"] = tenant_want(endpoint, spec)
    return wants


def tenant_want(endpoint: str, spec: EndpointSpec) -> Want:
    """Return the budget of all subjects together."""
    return Want(key_of(endpoint), spec.tenant)


def _spent(who: str, limit: int, window_s: int) -> RefusedError:
    return RefusedError(BUDGET_SPENT, f"{who} for the {limit} rows that are allowed in {window_s} s")


__all__ = ["BUDGET_SPENT", "FULL", "RATE_EXCEEDED", "Answer", "Asked", "Permit", "Serving"]

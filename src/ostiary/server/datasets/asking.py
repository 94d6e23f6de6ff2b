"""One request at the door to datasets: who comes, about which dataset, and what the decision is asked.

The order is always the same: prove the caller, ask the decision, and only then act. What can be told from the request
alone (is this a name, is this the token's dataset) is looked at before a store is touched, so that nobody makes the
door talk to a store about what he may not see.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError, VerificationError
from ostiary.identity.exchange.grant import grant_of
from ostiary.identity.exchange.restrictions import AskedAccess, check
from ostiary.pipeline.datasets.book import Dataset
from ostiary.pipeline.datasets.budgets import Budget, budget_of
from ostiary.server.datasets.parts import DatasetParts
from ostiary.server.datasets.records import Outcome, Records
from ostiary.server.doors import Asked, Caller, Keeper, Passed, TurnedAway
from ostiary.server.wire import BODY_LATE, CLOSE, Request, json_reply
from ostiary.vocabulary.reasons import Reason

_STATUS = {
    BODY_LATE: 408,
    Reason.BODY_TOO_LARGE.value: 413,
    "dataset_unknown": 404,
    "digest_missing": 428,
    "digest_wrong": 422,
    "object_changed": 412,
    "object_exists": 412,
    "object_too_large": 413,
    "object_unknown": 404,
    "range_invalid": 400,
    "range_unsatisfiable": 416,
}


class Visit(msgspec.Struct, frozen=True):
    """A caller that proved itself, in front of one dataset.

    Attributes:
        request: what it sends.
        caller: who it is.
        dataset: the id that it names.
    """

    request: Request
    caller: Caller
    dataset: str


class Asking:
    """Asks and records on behalf of the parts of the door."""

    def __init__(self, parts: DatasetParts, keeper: Keeper, records: Records) -> None:
        """Take what the door works with."""
        self.parts = parts
        self.records = records
        self._keeper = keeper

    def may_look(self, visit: Visit, action: str, path: str) -> bool:
        """Return whether the token itself covers this; the decision is still to be asked."""
        detail = visit.caller.detail
        return detail is not None and check(detail, AskedAccess("dataset", visit.dataset, action, path=path)) is None

    def find(self, visit: Visit) -> Dataset | None:
        """Return the dataset, or ``None``; beside the loop."""
        try:
            return self.parts.book.find(visit.caller.tenant, visit.dataset)
        except RefusedError:
            return None

    async def ask(
        self, visit: Visit, action: str, path: str, properties: Mapping[str, Any], resource: Mapping[str, Any]
    ) -> Passed:
        """Return the permission for one access.

        Raises:
            TurnedAway: it is refused.
        """
        asked = Asked(
            action=action,
            resource_type="dataset",
            resource_id=visit.dataset,
            path=path,
            properties=properties,
            resource_properties=resource,
        )
        return await self._keeper.ask(visit.caller, asked)

    def budget(self, visit: Visit) -> Budget:
        """Return the budget of the caller's token, and of the grant that it was exchanged under."""
        identity = visit.caller.identity
        # The session, not the token: tokens that were narrowed from one share it, and so its budget.
        token = identity.session_id or (identity.token.token_id if identity.token is not None else "")
        grant, bounds = grant_of(identity), self.parts.bounds
        return budget_of(visit.caller.tenant, token, identity.expires_ns, visit.caller.detail, bounds, grant)

    def refuse(self, visit: Visit, outcome: Outcome, no: OstiaryError) -> TurnedAway:
        """Record a refusal of the door's own, and return what the caller is told."""
        self.records.queue(visit.caller, msgspec.structs.replace(outcome, outcome="refused", code=no.code))
        body = {"code": no.code, "message": no.message}
        if outcome.decision:
            body["decision_id"] = outcome.decision
        return TurnedAway(json_reply(status_of(no), body, *((CLOSE,) if visit.request.method == "PUT" else ())))


def status_of(no: OstiaryError) -> int:
    """Return the HTTP status of a refusal of the door's own."""
    if no.code in _STATUS:
        return _STATUS[no.code]
    if isinstance(no, UnavailableError):
        return 503
    if isinstance(no, FaultyInputError):
        return 400
    return 409 if isinstance(no, VerificationError) else 403

"""Outcomes go to the tenant's sinks, so that whoever asked need not look again and again.

One letter a proposal and outcome, however often it is told. A sink that cannot take it changes nothing of the outcome:
the state at the API is the truth.
"""

import logging
from typing import Final

from ostiary.approvals.standing import Standing
from ostiary.errors import OstiaryError
from ostiary.response.outbox import Letter
from ostiary.server.wiring import House

KIND: Final = "approval-outcome"
_TOLD: Final = frozenset({"approved", "rejected", "withdrawn", "used"})
_log: Final = logging.getLogger(__name__)


def tell(house: House, standing: Standing) -> None:
    """Tell every sink of the tenant when a proposal has come to an outcome."""
    one, outbox = standing.proposal, house.response.outbox
    if standing.state not in _TOLD:
        return
    text = f"{one.kind} of {one.target}: {standing.state}"
    facts = {
        "proposal": one.proposal_id,
        "digest": one.digest,
        "kind": one.kind,
        "target": one.target,
        "proposer": one.proposer,
        "state": standing.state,
    }
    for sink in outbox.names(one.tenant):
        key = f"{one.proposal_id}:{standing.state}"
        try:
            outbox.post(Letter("", one.tenant, sink, KIND, text, facts, house.clock.now_ns()), key)
        except OstiaryError as fault:
            _log.warning("the outcome of %s is not told to a sink: %s", one.proposal_id, fault.code)

"""What became of the obligations of one decision: receipts of its enforcement point, and steps that responses took."""

from typing import Any, Final

import msgspec

from ostiary.server.responses import step_shown
from ostiary.server.wiring import House
from ostiary.vocabulary.verdicts import DecisionRecord

MOST_STEPS: Final = 500
_NS: Final = 1_000_000_000
UNANSWERED: Final = "not awaited"


def obligations_of(house: House, record: DecisionRecord) -> list[dict[str, Any]]:
    """Return the obligations of a decision with what is known of each.

    ``standing`` is ``awaited``, ``executed``, ``failed``, ``missed``, or ``not awaited`` where the enforcement point is
    not registered as one that gives receipts; times are Unix seconds, 0 = none.
    """
    found: list[dict[str, Any]] = []
    decision = record.receipt.decision_id
    for one in record.obligations:
        awaited = house.response.obligations.find(record.tenant, decision, one.id)
        found.append(
            {
                "obligation": one.id,
                "type": one.type,
                "properties": msgspec.to_builtins(one.properties),
                "pep": record.pep,
                "standing": awaited.standing.value if awaited else UNANSWERED,
                "due": awaited.due_ns / _NS if awaited else 0.0,
                "answered": awaited.answered_ns / _NS if awaited and awaited.answered_ns else 0.0,
                "detail": awaited.detail if awaited else "",
            }
        )
    return found


def steps_of(house: House, record: DecisionRecord) -> list[dict[str, Any]]:
    """Return the steps of responses that a decision set off, in their order; of the newest steps of the tenant."""
    name = record.receipt.decision_id
    listed = house.response.approvals.listed(record.tenant, (), MOST_STEPS)
    mine = [step for step in listed if step.trigger.facts.get("decision_id") == name or step.trigger.id == name]
    return [step_shown(step).model_dump() for step in reversed(mine)]

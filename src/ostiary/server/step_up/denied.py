"""What anybody with the link may know of a denial: the sentence of the rule, and what would help. Nothing else.

1. No subject, no resource, no address, no score, no signal, no threshold, no name of a rule: whoever tunes an attack
   learns from the page no more than from the answer to the request itself.
2. Only a recorded denial of a living tenant counts, only for a day. An unknown id, another tenant's, a permission and
   an old denial are ``None``, all alike; ids are random, so there is nothing to go through.
"""

from typing import Any, Final

import msgspec

from ostiary.decision.answer import remediation_of, user_sentence
from ostiary.decision.parts import Decided
from ostiary.server.places import DEFAULT_TENANT
from ostiary.server.step_up.asked import names_decision
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord

PATH: Final = "/denied/"
RECENT_S: Final = 86_400
_NS: Final = 1_000_000_000
_ENDED: Final = Effect.TERMINATE


class Denied(msgspec.Struct, frozen=True):
    """What the page says: why, what would help, and whether the session ended with it."""

    decision_id: str
    why: str
    how: tuple[str, ...]
    ended: bool


def find_denied(house: House, tenant: str, decision_id: str, now_ns: int) -> Denied | None:
    """Return what may be known of a denial, or ``None``."""
    if not names_decision(tenant, decision_id) or house.tenants.find(tenant) is None:
        return None
    stored = house.log.get(tenant, decision_id)
    if stored is None or stored.kind != "decision" or stored.payload is None:
        return None
    record = msgspec.json.decode(stored.payload, type=DecisionRecord)
    received_ns = record.receipt.received_ns
    if record.outcome.effect < Effect.DENY or not received_ns <= now_ns < received_ns + RECENT_S * _NS:
        return None
    unmet = record.guardrails.unmet if record.guardrails is not None else ()
    return Denied(
        decision_id,
        user_sentence(record.outcome, outside=True),
        tuple(remediation_of(record.outcome, unmet)),
        ended=record.outcome.effect == _ENDED,
    )


def with_denied(decided: Decided, base: str) -> Decided:
    """Return a denial that also says where a person can read why; any other decision as it is."""
    record = decided.record
    if not base or record.outcome.effect < Effect.DENY or record.kind != "evaluation" or not record.tenant:
        return decided
    whose = "" if record.tenant == DEFAULT_TENANT else f"{record.tenant}/"
    where = f"{base}{PATH}{whose}{record.receipt.decision_id}"
    context: dict[str, Any] = {**decided.answer.get("context", {}), "denied_uri": where}
    return msgspec.structs.replace(decided, answer={**decided.answer, "context": context})

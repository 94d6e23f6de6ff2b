"""What an answer says beside its decision: where a step-up can be answered, how to ask for access, what was granted.

Only the answer is changed, and only here: the record and its replay know no address of this server. A denial stays a
denial, whatever stands beside it (Access Request and Approval Profile, requestable denial context).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from ostiary.approvals.access import requestable
from ostiary.approvals.glass import SECOND_NS, moment
from ostiary.decision.parts import Decided
from ostiary.server.access.asking import hint_ends
from ostiary.server.addresses import public_url
from ostiary.server.challenge import with_uri
from ostiary.server.metadata import REQUESTS
from ostiary.server.settings.access_requests import AccessRequestsSection
from ostiary.server.settings.sections import Settings
from ostiary.server.step_up.denied import with_denied
from ostiary.server.step_up.party import step_up_base

PATH: Final = REQUESTS
RULE: Final = "access-grant"
_GRANTS: Final = b'"grants":['


class _Granted(msgspec.Struct, frozen=True):
    id: str
    until: float


class _Resource(msgspec.Struct, frozen=True):
    type: str = ""


class _Input(msgspec.Struct, frozen=True):
    resource: _Resource = _Resource()
    context: dict[str, Any] = {}
    grants: tuple[_Granted, ...] = ()


def told_of(settings: Settings) -> Callable[[Decided], Decided]:
    """Return what adds to answers all that a deployment's settings ask for."""
    base = step_up_base(settings)
    asked = partial(with_uri, base=base, ours=settings.step_up.acr_values)

    def stepped(decided: Decided) -> Decided:
        return with_denied(asked(decided), base)

    if not settings.access_requests.types:
        return stepped
    endpoint = public_url(settings.server) + PATH
    return lambda decided: with_hint(stepped(decided), endpoint, settings.access_requests)


def with_hint(decided: Decided, endpoint: str, settings: AccessRequestsSection) -> Decided:
    """Return a denial that can be asked about with how to ask, a permission by a grant with that grant."""
    record = decided.record
    if record.outcome.effect.permits:
        return _with_grant(decided) if _GRANTS in bytes(record.input) else decided
    if not requestable(record):
        return decided
    told = msgspec.json.decode(record.input, type=_Input)
    if not settings.may_ask(told.resource.type):
        return decided
    added: dict[str, Any] = {
        "evaluation_id": record.receipt.decision_id,
        "evaluated_at": moment(record.receipt.received_ns),
        "reason": "approval_expired" if "approval" in told.context else "approval_required",
        "access_request": {"endpoint": endpoint, "expires_at": hint_ends(record, settings.hint_s)},
    }
    if "approval" in told.context:
        added["next_action"] = "request"
    return _with(decided, added)


def _with_grant(decided: Decided) -> Decided:
    guardrails = decided.record.guardrails
    used = {hit.properties.get("grant") for hit in guardrails.hits if hit.rule == RULE} if guardrails else set()
    grants = msgspec.json.decode(decided.record.input, type=_Input).grants
    found = [grant for grant in grants if grant.id in used]
    if not found:
        return decided
    latest = max(found, key=lambda grant: grant.until)
    until = moment(round(latest.until) * SECOND_NS)
    return _with(decided, {"approval": {"id": latest.id, "approved_until": until}})


def _with(decided: Decided, added: dict[str, Any]) -> Decided:
    context = {**decided.answer.get("context", {}), **added}
    return msgspec.structs.replace(decided, answer={**decided.answer, "context": context})

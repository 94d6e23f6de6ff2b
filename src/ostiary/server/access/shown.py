"""How requests and grants are shown: by the administrators' API and by the commands alike."""

import msgspec

from ostiary.approvals.access import AccessRequest, Answered, Grant, Revoked
from ostiary.approvals.glass import moment


class RequestShown(msgspec.Struct, frozen=True):
    """One request; times are RFC 3339, empty when there is none."""

    id: str
    status: str
    subject: str
    action: str
    resource: str
    until: str
    reason: str
    pep: str
    evaluation: str
    made: str
    expires: str
    proposal: str
    answered: str
    answered_by: str
    grant: str


class GrantShown(msgspec.Struct, frozen=True):
    """One grant."""

    id: str
    status: str
    subject: str
    action: str
    resource: str
    since: str
    until: str
    request: str
    by: str


def request_shown(one: AccessRequest, answered: Answered | None, now_ns: int) -> RequestShown:
    """Return what is shown of a request."""
    status = answered.status if answered else "pending" if now_ns < one.expires_ns else "expired"
    return RequestShown(
        id=one.id,
        status=status,
        subject=one.asked.subject,
        action=one.asked.action,
        resource=f"{one.asked.resource_type}:{one.asked.resource_id}",
        until=moment(one.until_ns),
        reason=one.reason,
        pep=one.pep,
        evaluation=one.evaluation,
        made=moment(one.made_ns),
        expires=moment(one.expires_ns),
        proposal=one.proposal,
        answered=moment(answered.at_ns) if answered else "",
        answered_by=answered.by if answered else "",
        grant=answered.grant if answered else "",
    )


def grant_shown(one: Grant, revoked: Revoked | None, now_ns: int) -> GrantShown:
    """Return what is shown of a grant."""
    return GrantShown(
        id=one.id,
        status="revoked" if revoked else "holds" if one.holds(now_ns) else "over",
        subject=one.subject,
        action=one.action,
        resource=f"{one.resource_type}:{one.resource_id}",
        since=moment(one.from_ns),
        until=moment(one.until_ns),
        request=one.request,
        by=one.by,
    )

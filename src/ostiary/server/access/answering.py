"""Answering a request for access: by people, by one administrator where there are none, by time, by who asked.

1. A request ends once: the first end that is written stays, in whichever process, and a no shuts the grant. A grant
   bears its request's name: two processes, or one that died in between, make the same one.
2. It is recorded before it counts, in the record of whoever wanted access.
3. People's agreement is used up by the grant. One administrator may say no, and take a grant back: that only tightens.
"""

from typing import Final

from ostiary.approvals.access import AccessRequest, Answered, Grant, Revoked, Status, deed_of, granted
from ostiary.approvals.glass import moment
from ostiary.errors import OstiaryError, RefusedError
from ostiary.server.deeds import record_about
from ostiary.server.wiring import House

PEOPLE: Final = "people"
REQUESTER: Final = "requester"
TIME: Final = "time"
_ANSWERED: Final = "access_request_answered"
_WAITS: Final = frozenset({"approval_missing", "approval_too_early", "approval_too_few"})
_ENDS: Final[dict[str, Status]] = {
    "approval_denied": "denied",
    "approval_expired": "expired",
    "approval_rule_changed": "expired",
    "approval_withdrawn": "cancelled",
}


def settle(house: House, request: AccessRequest) -> Answered | None:
    """Return how a request ended, ending it if people have answered it or its time is over; ``None`` while it waits.

    Raises:
        OstiaryError: who agreed cannot be told now, or it cannot be recorded.
    """
    with house.access.book.lock:
        answered = house.access.book.answer(request.tenant, request.id)
        if answered is not None:
            return answered
        try:
            if house.clock.now_ns() >= request.expires_ns:
                return _end(house, request, "expired", TIME)
            return _asked_people(house, request) if request.proposal else None
        except RefusedError as no:
            if no.code != _ANSWERED:
                raise
            return house.access.book.answer(request.tenant, request.id)


def _asked_people(house: House, request: AccessRequest) -> Answered | None:
    deed = deed_of(request, request.deed_kind)
    try:
        house.agreed.always(deed, request.proposal, "access-requests")
    except RefusedError as no:
        if no.code in _WAITS:
            return None
        if no.code != "approval_used":  # we died after it was used up, for nothing but this request
            return _end(house, request, _ENDS.get(no.code, "denied"), PEOPLE)
        house.agreed.still(deed, request.proposal)
    return _grant(house, request, PEOPLE)


def answer_by(house: House, who: str, tenant: str, name: str, *, grants: bool, why: str = "") -> Answered:
    """Answer as one administrator: no, or where the tenant has no people yes.

    Raises:
        RefusedError: ``access_request_unknown``, ``access_request_answered``, ``access_own_request``,
            ``approval_needed``.
        UnavailableError: it cannot be recorded.
    """
    with house.access.book.lock:
        request = house.access.book.request(tenant, name)
        _must_wait(house, request)
        if not grants:
            return _end(house, request, "denied", who, why=why)
        if house.admins.person_of(who) == request.asked.subject:
            raise RefusedError("access_own_request", "who asked for access does not grant it: somebody else does")
        if house.agreed.has_people(tenant):
            text = f"people agree to this: `ostiary approvals show {request.proposal or '…'}`"
            raise RefusedError("approval_needed", text)
        return _grant(house, request, who, why)


def cancel(house: House, tenant: str, name: str, pep: str) -> Answered:
    """Take a request back, as the enforcement point that made it.

    Raises:
        RefusedError: ``access_request_unknown``, ``access_request_answered``.
    """
    with house.access.book.lock:
        request = house.access.book.request(tenant, name)
        if request.pep != pep:
            raise RefusedError("access_request_unknown", "there is no such request")
        _must_wait(house, request)
        return _end(house, request, "cancelled", REQUESTER)


def revoke(house: House, who: str, tenant: str, grant_id: str, why: str = "") -> Grant:
    """Take a grant back before its time; one person is enough.

    Raises:
        RefusedError: ``access_grant_unknown``.
        UnavailableError: it cannot be recorded; it is taken back all the same.
    """
    book, now_ns = house.access.book, house.clock.now_ns()
    found = next((one for one in book.grants(tenant) if one.id == grant_id), None)
    if found is None or not found.holds(now_ns) or book.revoked(tenant, grant_id) is not None:
        raise RefusedError("access_grant_unknown", "there is no such grant, or it holds no more")
    book.revoke(tenant, grant_id, Revoked(now_ns, who))
    record_about(
        found.subject,
        house,
        who,
        tenant,
        "access.revoke",
        {"grant": grant_id, "subject": found.subject, **_because(why)},
    )
    return found


def settle_all(house: House, most: int = 200) -> None:
    """Settle what waits in every tenant; what fails is told, and the others are settled."""
    for row in house.tenants.living():
        for request in _waiting(house, row.tenant)[:most]:
            try:
                settle(house, request)
            except OstiaryError as fault:
                house.decider.parts.on_fault(fault.code, fault)


def _waiting(house: House, tenant: str) -> list[AccessRequest]:
    book = house.access.book
    try:
        return [one for one in book.requests(tenant) if book.answer(tenant, one.id) is None]
    except OstiaryError as fault:
        house.decider.parts.on_fault(fault.code, fault)
        return []


def tidy_all(house: House) -> None:
    """Forget what is long over, in every tenant; what fails in one is told."""
    for row in house.tenants.living():
        try:
            house.access.book.tidy(row.tenant, house.clock.now_ns())
        except OstiaryError as fault:
            house.decider.parts.on_fault(fault.code, fault)


def _must_wait(house: House, request: AccessRequest) -> None:
    over = house.clock.now_ns() >= request.expires_ns
    if over or house.access.book.answer(request.tenant, request.id) is not None:
        raise _over()


def _over() -> RefusedError:
    return RefusedError(_ANSWERED, "this request does not wait for anybody any more")


def _end(house: House, request: AccessRequest, status: Status, by: str, grant: str = "", why: str = "") -> Answered:
    facts = {"request": request.id, "subject": request.asked.subject, "status": status, "grant": grant}
    facts |= _because(why)
    record_about(request.asked.subject, house, by, request.tenant, "access.answer", facts)
    answered = Answered(status, house.clock.now_ns(), by, grant)
    if not house.access.book.end(request.tenant, request.id, answered):  # by another process, between our look and this
        raise _over()
    return answered


def _because(why: str) -> dict[str, str]:
    return {"why": why} if why else {}


def _grant(house: House, request: AccessRequest, by: str, why: str = "") -> Answered:
    now_ns, asked = house.clock.now_ns(), request.asked
    made = granted(request, f"agr_{request.id.partition('_')[2]}", now_ns, by)
    facts = {
        "grant": made.id,
        "request": request.id,
        "subject": asked.subject,
        "resource": f"{asked.resource_type}:{asked.resource_id}",
        "asked_action": asked.action,
        "until": moment(made.until_ns),
        "proposal": request.proposal,
        **_because(why),
    }
    record_about(asked.subject, house, by, request.tenant, "access.grant", facts)
    house.access.book.grant(made)
    house.access.reader.forget(request.tenant)
    return _end(house, request, "approved", by, made.id)

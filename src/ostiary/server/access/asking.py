"""Asking for access: from a denial to a request that waits, by the enforcement point that got the denial.

1. Only the enforcement point that got a denial can ask about it, for exactly what was denied, for some minutes.
2. What is asked comes from the record. What the caller sends must be the same, or nothing is asked at all.
3. Asking again for the same is the same request. Who asks too much is refused: by subject, and over the tenant.
4. Where a tenant has people, a proposal is made for them, in the name of whoever wants access, who does not agree.
"""

from typing import Final

import msgspec

from ostiary.approvals.access import GRANT, AccessRequest, Asked, asked_of, deed_of, requestable
from ostiary.approvals.glass import SECOND_NS, moment, one_line
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.types import PepIdentity
from ostiary.keys import random_bytes, sha256_hex
from ostiary.server.access.answering import settle
from ostiary.server.deeds import record_about
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.verdicts import DecisionRecord

HOUR_NS: Final = 3600 * SECOND_NS
MAX_ID: Final = 128
MAX_KEY: Final = 256


class Submission(msgspec.Struct, frozen=True):
    """What an enforcement point sends.

    Attributes:
        evaluation: id of the denial.
        denial_expires: when asking about it ends, as the denial said (RFC 3339).
        asked: what was denied, as the caller has it; ``None`` takes it from the record.
        until_ns: until when access is wanted; 0 for as long as may be.
        reason: why.
        key: the caller's idempotency key.
    """

    evaluation: str
    denial_expires: str
    asked: Asked | None
    until_ns: int
    reason: str
    key: str = ""


def submit(house: House, pep: PepIdentity, told: Submission) -> AccessRequest:
    """Return the request that now waits for an answer, or that waited already.

    Raises:
        RefusedError: ``invalid_denial_binding``, ``expired_denial``, ``not_requestable``, ``duplicate_request``,
            ``access_requests_limited``, ``approval_unsatisfiable``.
        FaultyInputError: ``reason_…``, ``access_until_invalid``.
        UnavailableError: it cannot be recorded.
    """
    now_ns = house.clock.now_ns()
    record = _denial(house, pep, told, now_ns)
    asked = asked_of(record)
    if told.asked is not None and told.asked != asked:
        raise _unbound()
    until_ns, reason = _until(house, told, now_ns), one_line(told.reason)
    with house.access.book.lock:
        waiting = _waiting(house, pep.tenant, now_ns)
        key = sha256_hex(f"{pep.pep_id}\0{told.key}".encode()) if told.key else ""
        if (same := _again(house, pep, waiting, asked, key, told.evaluation)) is not None:
            return same
        _check_room(house, pep.tenant, asked.subject, waiting, now_ns)
        made = AccessRequest(
            id=make_id("arq", now_ns, random_bytes(RANDOM_BYTES)),
            tenant=pep.tenant,
            pep=pep.pep_id,
            asked=asked,
            evaluation=told.evaluation,
            until_ns=until_ns,
            reason=reason,
            made_ns=now_ns,
            expires_ns=min(now_ns + house.settings.access_requests.answer_s * SECOND_NS, until_ns),
            key=key,
        )
        return _keep(house, _proposed(house, made))


def hint_ends(record: DecisionRecord, hint_s: int) -> str:
    """Return when asking about a denial ends, as its answer says it."""
    return moment(record.receipt.received_ns + hint_s * SECOND_NS)


def _denial(house: House, pep: PepIdentity, told: Submission, now_ns: int) -> DecisionRecord:
    settings = house.settings.access_requests
    known = told.evaluation.isascii() and len(told.evaluation) <= MAX_ID
    record = house.response.find_decision(pep.tenant, told.evaluation) if known else None
    if record is None or record.pep != pep.pep_id or record.tenant != pep.tenant:
        raise _unbound()
    if not requestable(record) or not settings.may_ask(asked_of(record).resource_type):
        raise RefusedError("not_requestable", "this denial cannot be asked about")
    if told.denial_expires != hint_ends(record, settings.hint_s):
        raise _unbound()
    if now_ns >= record.receipt.received_ns + settings.hint_s * SECOND_NS:
        raise RefusedError("expired_denial", "this denial is too old: ask for a decision anew")
    return record


def _until(house: House, told: Submission, now_ns: int) -> int:
    longest_ns = house.settings.access_requests.longest_s * SECOND_NS
    until_ns = (told.until_ns or now_ns + longest_ns) // SECOND_NS * SECOND_NS
    if not now_ns < until_ns <= now_ns + longest_ns:
        text = f"access is granted until a time to come, and for {longest_ns // SECOND_NS} seconds at most"
        raise FaultyInputError("access_until_invalid", text)
    return until_ns


def _waiting(house: House, tenant: str, now_ns: int) -> list[AccessRequest]:
    found = house.access.book.requests(tenant)
    return [one for one in found if now_ns < one.expires_ns and house.access.book.answer(tenant, one.id) is None]


def _again(
    house: House, pep: PepIdentity, waiting: list[AccessRequest], asked: Asked, key: str, evaluation: str
) -> AccessRequest | None:
    if key:
        for one in house.access.book.requests(pep.tenant):
            if one.key == key and (one.asked, one.evaluation) != (asked, evaluation):
                raise RefusedError("duplicate_request", "this idempotency key came with another request")
            if one.key == key:
                return one
    return next((one for one in waiting if (one.pep, one.asked) == (pep.pep_id, asked)), None)


def _check_room(house: House, tenant: str, subject: str, waiting: list[AccessRequest], now_ns: int) -> None:
    settings, book = house.settings.access_requests, house.access.book
    recent = [one for one in book.requests(tenant) if one.asked.subject == subject and now_ns - one.made_ns < HOUR_NS]
    own = sum(one.asked.subject == subject for one in waiting)
    holding = sum(grant.holds(now_ns) for grant in book.grants(tenant))
    full = max(len(waiting), holding) >= settings.of_tenant
    if own >= settings.of_subject or len(recent) >= settings.per_hour or full:
        raise RefusedError("access_requests_limited", "too much was asked already: wait for an answer")


def _proposed(house: House, made: AccessRequest) -> AccessRequest:
    """Return the request with the proposal that people are asked to agree to, where there are people."""
    if not house.agreed.has_people(made.tenant):
        return made
    own_kind = f"{GRANT}.{made.asked.resource_type}"
    kind = own_kind if house.agreed.quorum.has_rule(made.tenant, own_kind) else GRANT
    proposal = house.agreed.quorum.propose(deed_of(made, kind), made.asked.subject, made.reason, f"pep:{made.pep}")
    return msgspec.structs.replace(made, proposal=proposal, deed_kind=kind)


def _keep(house: House, made: AccessRequest) -> AccessRequest:
    asked = made.asked
    facts = {
        "request": made.id,
        "subject": asked.subject,
        "resource": f"{asked.resource_type}:{asked.resource_id}",
        "asked_action": asked.action,
        "until": moment(made.until_ns),
        "evaluation": made.evaluation,
        "proposal": made.proposal,
        "reason": made.reason,
    }
    record_about(asked.subject, house, f"pep:{made.pep}", made.tenant, "access.request", facts)
    house.access.book.keep(made)
    settle(house, made)
    return made


def _unbound() -> RefusedError:
    return RefusedError("invalid_denial_binding", "this does not belong to a denial of yours")

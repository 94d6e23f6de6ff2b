"""Opening and closing a break-glass: by a quorum, by sealed codes, by time, and early by one person.

1. Nobody opens one alone: not even where a tenant has no people, for whom sealed codes are the only way.
2. It is recorded before it counts; every subject that it lets in has a record of its own, erased with that person.
3. It is loud: the log, a metric, playbooks and whoever they tell, ``ostiary doctor``, and every decision under it.
4. Closing needs one person, and so does calling codes back: that only tightens.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from ostiary.approvals.glass import Ending, Limits, Opening, Terms, bound, checked, deed_of, moment, one_line
from ostiary.approvals.sealed_codes import redeem, wrong_codes
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.keys import random_bytes
from ostiary.response.trigger import RULE, Trigger
from ostiary.server.break_glass.book import TIME
from ostiary.server.break_glass.ceremony import counts, standing
from ostiary.server.deeds import record_about, record_deed
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

QUORUM: Final = "quorum"
CODES: Final = "codes"
TOLD: Final = "admin:break-glass"
_ANY_S: Final = 1 << 62


def open_by_quorum(house: House, who: str, tenant: str, terms: Terms, proposal: str) -> Opening:
    """Open what enough people agreed to, to the letter of their agreement.

    Raises:
        FaultyInputError: ``break_glass_…``, ``reason_…``: terms that nobody can open.
        RefusedError: ``approval_…``, ``break_glass_too_many``.
        UnavailableError: who may approve cannot be told, or it cannot be recorded.
    """
    now_ns = house.clock.now_ns()
    fit = checked(terms, Limits(house.settings.break_glass.longest_s), now_ns)
    consent = house.agreed.always(deed_of(tenant, fit), proposal, who)
    made = Opening(_id(now_ns), tenant, fit, QUORUM, consent.keys, now_ns, proposal=proposal, by=who)
    return _open(house, who, made, consent.told)


def open_by_codes(house: House, who: str, tenant: str, terms: Terms, texts: Sequence[str]) -> Opening:
    """Open with sealed codes of enough people; they are used up, and good for nothing afterwards.

    Raises:
        FaultyInputError: ``break_glass_…``, ``reason_…``: terms that nobody can open, whatever the codes are.
        RefusedError: ``break_glass_codes_wrong`` for every kind of wrong, terms that are wider than the codes' among
            them; ``break_glass_codes_limited``, ``break_glass_too_many``.
        UnavailableError: it cannot be recorded.
    """
    room, now_ns = house.glass, house.clock.now_ns()
    checked(terms, Limits(_ANY_S), now_ns)  # before the codes are looked at: what it says tells nothing of them
    tried = room.codes.count_try(tenant, who, now_ns)
    try:
        found = redeem(standing(house, tenant), texts, now_ns, partial(counts, house, tenant))
        fit = checked(terms, found.codes.limits, now_ns)
        room.codes.use_up(tenant, found, now_ns)
    except (FaultyInputError, RefusedError) as no:
        record_deed(house, who, tenant, "break_glass.codes_refused", code=no.code)
        # Whoever found codes could ask for too much and so learn that they are good, with nothing used up.
        raise (no if isinstance(no, RefusedError) else wrong_codes()) from None
    room.codes.was_good(tenant, tried)
    made = Opening(_id(now_ns), tenant, fit, CODES, found.people, now_ns, codes=found.codes.id, by=who)
    return _open(house, who, made, {"codes": found.codes.id, "numbers": found.numbers})


def close(house: House, who: str, tenant: str, name: str, why: str) -> Ending:
    """Close one before its time; one person is enough, and there is no way back.

    Raises:
        FaultyInputError: ``reason_…``.
        RefusedError: ``break_glass_unknown``, ``break_glass_ended``.
    """
    past = house.glass.book.find(tenant, name)
    if past.ending is not None:
        raise RefusedError("break_glass_ended", "it has ended already")
    ending = Ending(house.clock.now_ns(), who, one_line(why))
    _end(house, past.opening, ending)
    return ending


def end_overdue(house: House) -> int:
    """Write down the end of all whose time is over, in every tenant; return how many that were."""
    ended, now_ns = 0, house.clock.now_ns()
    for row in house.tenants.living():
        try:
            ended += _end_in(house, row.tenant, now_ns)
        except OstiaryError as fault:  # told, and tried again in a second; other tenants' end all the same
            house.decider.parts.on_fault(fault.code, fault)
    return ended


def _end_in(house: House, tenant: str, now_ns: int) -> int:
    found = [*_taken_back(house, tenant, now_ns), *house.glass.book.overdue(tenant, now_ns)]
    over = {opening.id: (opening, ending) for opening, ending in found}
    for opening, ending in over.values():
        _end(house, opening, ending)
    if house.glass.book.living(tenant):
        house.glass.book.saw(tenant, now_ns)
    return len(over)


def _taken_back(house: House, tenant: str, now_ns: int) -> Iterator[tuple[Opening, Ending]]:
    """Yield those that people agreed to and agree to no more."""
    for one in house.glass.book.living(tenant):
        try:
            if one.how == QUORUM:
                house.agreed.still(deed_of(tenant, one.terms), one.proposal)
        except RefusedError as no:
            yield one, Ending(now_ns, TIME, f"the agreement holds no more: {no.code}")


def _open(house: House, who: str, made: Opening, told: Mapping[str, object]) -> Opening:
    terms = made.terms
    shown = {name: value for name, value in bound(terms).items() if name not in {"subjects", "reason"}}
    record_deed(house, who, made.tenant, "break_glass.open", break_glass=made.id, how=made.how, **shown, **told)
    for subject in terms.subjects:
        facts = {"break_glass": made.id, "subject": subject, "reason": terms.reason}
        record_about(subject, house, who, made.tenant, "break_glass.lets_in", facts)
    house.glass.book.open(made, made.opened_ns)
    house.glass.check.forget(made.tenant)
    _tell(house, made, "opened", who)
    return made


def _end(house: House, opening: Opening, ending: Ending) -> None:
    # It ends first: a log that is away must not keep a door open.
    house.glass.book.end(opening.tenant, opening.id, ending)
    house.glass.check.forget(opening.tenant)
    why = ending.why if ending.by == TIME else ""
    record_deed(house, ending.by, opening.tenant, "break_glass.close", break_glass=opening.id, why=why)
    _tell(house, opening, "closed", ending.by)


def _tell(house: House, opening: Opening, what: str, by: str) -> None:
    terms = opening.terms
    facts = {
        "by": RULE,
        "break_glass": opening.id,
        "what": what,
        "who": by,
        "how": opening.how,
        "replaces": " ".join(terms.replaces),
        "resources": " ".join(terms.resources),
        "subjects": " ".join(terms.subjects),
        "until": moment(terms.until_ns),
        "reason": terms.reason,
    }
    name = f"{opening.id}/{what}"
    trigger = Trigger(name, opening.tenant, f"{TOLD}-{what}", "", "", "", facts, house.clock.now_ns())
    try:
        house.response.respond(trigger)
    except OstiaryError as fault:  # it is recorded and in force: who cannot be told now must not make it fail
        house.decider.parts.on_fault("break_glass_not_told", fault)


def _id(now_ns: int) -> str:
    return make_id("bg", now_ns, random_bytes(RANDOM_BYTES))

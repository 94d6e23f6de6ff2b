"""The ceremony of sealed codes: several codes of several people, shown once, for what was agreed on.

1. Where a tenant has people, they agree to the ceremony (``keys.ceremony``): to whose codes, how many are needed, and
   what they may open; and whoever gets a code is one of them, so that two names of one person are not two people.
2. The codes are shown this once, and nothing but their hashes is kept.
3. Their agreement is asked about again when codes are redeemed: a set from before there were people, or one that they
   agree to no more, opens nothing, and the code of somebody who has left counts no more.
4. Calling a set back needs one person: that only tightens.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.approvals.glass import SECOND_NS, Limits
from ostiary.approvals.sealed_codes import SECRET_BYTES, CodeSet, FreshCode, SealedCode, check_ceremony, new_code
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.keys import random_bytes
from ostiary.server.deeds import record_deed
from ostiary.server.wiring import House
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

DEED: Final = "keys.ceremony"
TARGET: Final = "break_glass.codes"
_DAY_S: Final = 86_400


class Ceremony(msgspec.Struct, frozen=True):
    """What is to be made: one code for each name in ``people``, a name twice for two codes of one person."""

    people: tuple[str, ...]
    need: int
    limits: Limits


def deed_of(tenant: str, wanted: Ceremony) -> Deed:
    """Return what people agree to."""
    limits = wanted.limits
    bound = {
        "people": _list(wanted.people),
        "need": str(wanted.need),
        "replaces": _list(limits.replaces),
        "resources": _list(limits.resources),
        "subjects": _list(limits.subjects),
        "longest_s": str(limits.longest_s),
    }
    return Deed(tenant, DEED, TARGET, bound)


def make_codes(
    house: House, who: str, tenant: str, wanted: Ceremony, proposal: str = ""
) -> tuple[CodeSet, list[FreshCode]]:
    """Make a set of codes.

    Raises:
        FaultyInputError: ``break_glass_codes_invalid``.
        RefusedError: ``approval_…``, ``break_glass_codes_full``.
        UnavailableError: it cannot be recorded.
    """
    settings, now_ns = house.settings.break_glass, house.clock.now_ns()
    limits = msgspec.structs.replace(wanted.limits, longest_s=min(wanted.limits.longest_s, settings.longest_s))
    wanted = msgspec.structs.replace(wanted, limits=limits)
    check_ceremony(wanted.people, wanted.need, limits)
    if house.agreed.has_people(tenant):
        _check_holders(house, tenant, wanted.people)
    consent = house.agreed.need(deed_of(tenant, wanted), proposal, who)
    name = make_id("bgc", now_ns, random_bytes(RANDOM_BYTES))
    fresh = [new_code(name, number, person, random_bytes(SECRET_BYTES)) for number, person in enumerate(wanted.people)]
    codes = CodeSet(
        id=name,
        tenant=tenant,
        need=wanted.need,
        codes=tuple(SealedCode(one.person, one.secret_hash) for one in fresh),
        limits=limits,
        made_ns=now_ns,
        until_ns=now_ns + settings.codes_days * _DAY_S * SECOND_NS,
        made_by=who,
        proposal=proposal if consent.proposal else "",
    )
    told = {"codes": name, "need": wanted.need, "made": len(fresh), "people": len(codes.people)}
    record_deed(house, who, tenant, "break_glass.codes_make", **told, **consent.told)
    house.glass.codes.keep(codes)
    return codes, fresh


def standing(house: House, tenant: str) -> list[CodeSet]:
    """Return the sets that count now: where there are people, those alone that they agree to still.

    Raises:
        UnavailableError: who agreed cannot be told now.
    """
    living = house.glass.codes.living(tenant)
    return [one for one in living if _stands(house, one)] if house.agreed.has_people(tenant) else living


def counts(house: House, tenant: str, person: str) -> bool:
    """Return whether somebody's code counts: where there are people, while he is one of them."""
    return not house.agreed.has_people(tenant) or house.agreed.quorum.is_person(tenant, person)


def call_back(house: House, who: str, tenant: str, name: str) -> None:
    """Make a set good for nothing.

    Raises:
        RefusedError: ``break_glass_codes_unknown``.
    """
    house.glass.codes.find(tenant, name)
    record_deed(house, who, tenant, "break_glass.codes_call_back", codes=name)
    house.glass.codes.call_back(tenant, name, who, house.clock.now_ns())


def _stands(house: House, codes: CodeSet) -> bool:
    made = Ceremony(tuple(one.person for one in codes.codes), codes.need, codes.limits)
    try:
        house.agreed.still(deed_of(codes.tenant, made), codes.proposal)
    except RefusedError:
        return False
    return bool(codes.proposal)


def _check_holders(house: House, tenant: str, people: Sequence[str]) -> None:
    for name in people:
        if not house.agreed.quorum.is_person(tenant, name):
            text = f"`{name[:80]}` is none of the tenant's people: `ostiary approvals people` names them"
            raise FaultyInputError("break_glass_codes_invalid", text)


def _list(names: Sequence[str]) -> str:
    return msgspec.json.encode(tuple(names)).decode()

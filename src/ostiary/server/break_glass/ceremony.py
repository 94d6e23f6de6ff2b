"""The ceremony of sealed codes: several codes of several people, shown once, for what was agreed on.

1. Where a tenant has people, they agree to the ceremony (``keys.ceremony``): to whose codes, how many are needed, and
   what they may open; and whoever gets a code is one of them.
2. The codes are shown this once, and nothing but their hashes is kept.
3. Calling a set back needs one person: that only tightens.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.approvals.glass import SECOND_NS, Limits
from ostiary.approvals.sealed_codes import SECRET_BYTES, CodeSet, FreshCode, SealedCode, check_ceremony, new_code
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


def call_back(house: House, who: str, tenant: str, name: str) -> None:
    """Make a set good for nothing.

    Raises:
        RefusedError: ``break_glass_codes_unknown``.
    """
    house.glass.codes.find(tenant, name)
    record_deed(house, who, tenant, "break_glass.codes_call_back", codes=name)
    house.glass.codes.call_back(tenant, name, who, house.clock.now_ns())


def _list(names: Sequence[str]) -> str:
    return msgspec.json.encode(tuple(names)).decode()

"""Stolen sessions made from real behaviour: another's sitting goes on under the name and in the session of the victim.

- A session must last for that: its accesses lie at two moments at least, and it has a name. Histories whose sessions
  are single moments get none.
- The thief comes while the session lasts. Half wear the victim's place, a third the device; the rest shows as a change
  of network, country, client or device in the middle of a session, and rhythm and targets are the thief's.
- The token, how and when it was got, and what the ledger knows are the session's: the victim's, aged to then. The
  thief's key is not; and who is asked to step up does not succeed.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from ostiary.risk.training.disguise import disguise, fields, later_token, named
from ostiary.risk.training.sittings import Sitting
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import SessionFacts

SESSION: Final = ("session_id", "issuer", "auth_method", "mfa")
_NS: Final = 1_000_000_000
_AFTER_NS: Final = 10 * 60 * _NS
_TRIES: Final = 12
_ASKED: Final = 0.3


def hijackable(sitting: Sitting, events: Sequence[AccessEvent]) -> bool:
    """Return whether a sitting is one session that lasts."""
    first, last = events[sitting.places[0]], events[sitting.places[-1]]
    return bool(first.session_id) and last.time_ns > first.time_ns


def thief(
    victim: Sitting,
    events: Sequence[AccessEvent],
    sittings: Sequence[Sitting],
    starts: Sequence[int],
    fits: Callable[[int], bool],
    luck: random.Random,
) -> int | None:
    """Return the number of a sitting of somebody else that begins while the victim's lasts, or shortly after."""
    low = bisect_right(starts, victim.start_ns)
    high = bisect_left(starts, events[victim.places[-1]].time_ns + _AFTER_NS)
    for _ in range(_TRIES if high > low else 0):
        number = luck.randrange(low, high)
        if sittings[number].subject != victim.subject and fits(number):
            return number
    return None


def stolen(own: AccessEvent, victim: AccessEvent, *, place: bool, device: bool, asked: bool) -> AccessEvent:
    """Return an access of the thief as it looks in the victim's session, of which ``victim`` is an access before."""
    worn = disguise(own, victim if place else None, victim if device else None)
    after_ns = own.time_ns - victim.time_ns
    change: dict[str, Any] = named(own, victim) | worn | fields(victim, SESSION)
    change["token"] = later_token(victim.token, after_ns)
    if victim.auth_age_s is not None:
        change["auth_age_s"] = max(0.0, victim.auth_age_s + after_ns / _NS)
    change["session"] = _facts(own.session, victim.session, after_ns / _NS, device=device, asked=asked)
    return msgspec.structs.replace(own, **change)


def is_asked(luck: random.Random) -> bool:
    """Return whether a thief is asked to step up."""
    return luck.random() < _ASKED


def _facts(
    own: SessionFacts | None, victim: SessionFacts | None, after_s: float, *, device: bool, asked: bool
) -> SessionFacts | None:
    if victim is None:
        return None
    facts = msgspec.structs.replace(
        victim,
        age_s=None if victim.age_s is None else max(0.0, victim.age_s + after_s),
        proven_age_s=None if victim.proven_age_s is None else max(0.0, victim.proven_age_s + after_s),
        key=victim.key if device else own.key if own else None,
    )
    if not asked:
        return facts
    return msgspec.structs.replace(facts, step_ups=(victim.step_ups or 0) + 1, step_up_open=True)

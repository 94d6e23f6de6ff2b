"""Looks for padding: accesses of the victim's own habits that make an attack pass which is caught without them.

Rules:
- The attacker adds, he never takes away; what he came for stays as it is, and in its order.
- What he adds are copies of what the victim really did, from where he himself is: his address, device and sign-in.
- Greedy: of several ways to add a handful, keep the one after which the attack looks most harmless; again and again.
  Random: as much as he likes, anywhere, drawn blindly.
- An attack evades when none of its own accesses reaches the threshold any more; that an added one may be caught is not
  held against it. ``lowered`` counts single accesses that were caught and are not any more.

>>> from ostiary.vocabulary.events import AccessEvent
>>> theft = AccessEvent("1", "t", 10**15, "ann", "read", "table", "payroll")
>>> case = Case("a", (theft,), (msgspec.structs.replace(theft, event_id="0", resource_id="wiki"),))
>>> search(case, lambda added: [1.0 / (1 + len(added))], 0.5, Random(1), tries=4).evaded
True
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import msgspec

from ostiary.vocabulary.events import AccessEvent

MOST_ADDED: Final = 200
_HANDFULS: Final = (1, 4, 16)
_BEFORE_NS: Final = (60 * 10**9, 3_600 * 10**9, 36 * 3_600 * 10**9)
_HABITS: Final = 200
_A_SITTING: Final = 8
_CONTEXT: Final = (
    *("ip", "country", "asn", "device_id", "device_managed", "user_agent", "ua_family", "ua_os", "tz_offset_min"),
    *("mfa", "auth_method", "auth_age_s", "client_id", "issuer", "groups"),
    *("token", "place", "posture", "account", "workload", "behaviour", "session"),
)

Play = Callable[[Sequence[AccessEvent]], list[float]]
"""Scores of the attack's own accesses, in order, when some were added."""


class Case(msgspec.Struct, frozen=True):
    """One attack: its name, its accesses in order, and what its victim did before (latest last)."""

    name: str
    accesses: tuple[AccessEvent, ...]
    habits: tuple[AccessEvent, ...]


class Found(msgspec.Struct, frozen=True):
    """What a search came to.

    Attributes:
        caught: accesses at or above the threshold without padding.
        lowered: most of them that one padding took below it.
        evaded: whether one took all of them below it.
        added: accesses of the best padding.
        worst_before, worst_after: the attack's highest score without padding, and with the best one.
    """

    caught: int
    lowered: int
    evaded: bool
    added: int
    worst_before: float
    worst_after: float


class _Best:
    def __init__(self, plain: Sequence[float], threshold: float) -> None:
        self.plain, self.threshold = plain, threshold
        self.scores, self.added, self.lowered = list(plain), 0, 0

    def tell(self, scores: Sequence[float], added: int) -> bool:
        """Take in a try; return whether it is the best so far."""
        pairs = zip(self.plain, scores, strict=True)
        self.lowered = max(self.lowered, sum(before >= self.threshold > after for before, after in pairs))
        better = (max(scores), sum(scores)) < (max(self.scores), sum(self.scores))
        if better:
            self.scores, self.added = list(scores), added
        return better

    def found(self) -> Found:
        caught = sum(one >= self.threshold for one in self.plain)
        evaded = caught > 0 and max(self.scores) < self.threshold
        return Found(caught, self.lowered, evaded, self.added, max(self.plain), max(self.scores))


def search(case: Case, play: Play, threshold: float, rng: Random, tries: int, *, greedy: bool = True) -> Found:
    """Return what the best padding does within ``tries`` plays."""
    best = _Best(play(()), threshold)
    if not case.habits or max(best.plain) < threshold:
        return best.found()
    kept: list[AccessEvent] = []
    for number in range(max(0, tries)):
        more = rng.choice(_HANDFULS) if greedy else rng.randint(1, MOST_ADDED)
        added = (kept if greedy else []) + handful(case, rng, more, f"{number}")
        added.sort(key=lambda event: event.time_ns)
        if best.tell(play(added), len(added)) and greedy:
            kept = added[:MOST_ADDED]
    return best.found()


def handful(case: Case, rng: Random, count: int, name: str) -> list[AccessEvent]:
    """Return ``count`` harmless accesses at times and in sessions of one plan, drawn at random."""
    first, last = case.accesses[0], case.accesses[-1]
    early = first.time_ns - rng.choice(_BEFORE_NS)
    begin, end = rng.choice(((early, first.time_ns - 1), (first.time_ns, last.time_ns), (early, last.time_ns)))
    inside = rng.random() < 0.5  # noqa: PLR2004 - as often in the attack's own sessions as in others
    often = rng.random() < 0.5  # noqa: PLR2004 - one habit again and again, or many
    habits = case.habits[-_HABITS:]
    one = rng.choice(habits)
    added = []
    for number in range(count):
        at = begin + int((end - begin) * (number + rng.random()) / count)
        habit = one if often else rng.choice(habits)
        theirs = max((event for event in case.accesses if event.time_ns <= at), key=_when, default=first)
        session = theirs.session_id if inside else f"pad-{case.name}-{name}-{number // _A_SITTING}"
        context = {field: getattr(theirs, field) for field in _CONTEXT}
        name_of_it = f"pad-{case.name}-{name}-{number}"
        added.append(
            msgspec.structs.replace(habit, event_id=name_of_it, time_ns=max(0, at), session_id=session, **context)
        )
    return added


def _when(event: AccessEvent) -> int:
    return event.time_ns


def in_order(case: Case, added: Sequence[AccessEvent]) -> list[AccessEvent]:
    """Return attack and padding as they happen; at the same instant what was added comes first."""
    marked = [(event.time_ns, 0, event) for event in added] + [(event.time_ns, 1, event) for event in case.accesses]
    return [event for _, _, event in sorted(marked, key=lambda one: one[:2])]

"""Watches for those who map what decides about accesses: many situations of one asker, amounts that close in on a flip.

An honest application asks thousands of decisions, nearly all of them in a few *situations* (from where, with which
device and client) about many *matters* (which action on what). Whoever maps a scorer varies the situation, or halves
an amount between two that were answered differently.

Rules:

- A situation is a byte a fact, and the digest of all facts. One that is asked again tells nobody anything new.
- It is *near* when it differs from a remembered one in ``near_facts`` facts at most.
- *Walking*: amounts of one matter in one situation that lie closer than any before to two questions which were answered
  differently. Halving makes one at each step; honest amounts make the logarithm of their number.
- ``look`` changes nothing but counts. A situation is remembered by ``keep``, after its budget was granted: of many that
  are asked at once none is taken for known because another one is still waiting.
- Counts are of a sliding window. Askers without a second situation and without walks are forgotten first; when there is
  no room for one more, ``known`` is false, and policy must take that for the worst.

>>> watch, eve = QuestionWatch(), ("user:eve",)
>>> asked = [Question(bytes([1, n]), bytes([n]), b"m", b"") for n in (1, 2, 2, 3)]
>>> def ask(question: Question) -> tuple[bool, int]:
...     look = watch.look("acme", eve, question, now_ns=0)
...     watch.keep(look)
...     return look.maps, look.seen.near
>>> [ask(one) for one in asked]
[(False, 0), (True, 1), (False, 1), (True, 2)]
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from itertools import islice
from operator import ne, sub
from typing import Final

import msgspec

from ostiary.defence.budgets import SLOTS

_NS: Final = 1_000_000_000
_SITUATIONS: Final = 32
_MATTERS: Final = 8
_AMOUNTS: Final = 16
_LOOKED_AT: Final = 16
_FAR: Final = 1 << 30


class Question(msgspec.Struct, frozen=True):
    """One question about an access.

    Attributes:
        facts: a byte a fact of the situation; the same number for each question.
        situation: digest of the situation.
        matter: digest of what is asked for, in this situation.
        amounts: a byte an amount, 0 to 254 by its size, 255 when it is not told; empty when none is.
    """

    facts: bytes
    situation: bytes
    matter: bytes
    amounts: bytes = b""


class QuestionLimits(msgspec.Struct, frozen=True):
    """How far the watch looks.

    Attributes:
        window_s: length of the sliding window of the counts.
        askers: identities and devices of a tenant that are watched.
        near_facts: in how many facts a situation may differ from another one and still be near it.
    """

    window_s: int = 3600
    askers: int = 8192
    near_facts: int = 3


class Walked(msgspec.Struct, frozen=True):
    """What was seen of an asker in the window, this very question included.

    Attributes:
        known: whether the watch could look at all.
        situations: new situations, but the first.
        near: those of them that were near another one.
        walking: amounts that closed in on a flip.
    """

    known: bool = True
    situations: int = 0
    near: int = 0
    walking: int = 0


class _Amount:
    """One question's amounts, and how it was answered."""

    __slots__ = ("cells", "outcome")

    def __init__(self, cells: bytes) -> None:
        self.cells, self.outcome = cells, ""


class _Matter:
    """What was asked about one matter: the latest amounts, and how close two different answers have come."""

    __slots__ = ("asked", "gap")

    def __init__(self) -> None:
        self.asked: deque[_Amount] = deque(maxlen=_AMOUNTS)
        self.gap = _FAR


class _Asker:
    """What is remembered of one identity or device."""

    __slots__ = ("lock", "matters", "newest_ns", "situations", "slots")

    def __init__(self) -> None:
        self.situations: OrderedDict[bytes, bytes] = OrderedDict()
        self.matters: OrderedDict[bytes, _Matter] = OrderedDict()
        self.slots: dict[int, list[int]] = {}
        self.lock = threading.Lock()
        self.newest_ns = 0


class Look(msgspec.Struct, frozen=True):
    """One question that was looked at, and what is needed to keep it and to tell how it was answered."""

    seen: Walked
    maps: bool
    question: Question
    askers: "tuple[_Asker, ...]" = ()
    amounts: "tuple[_Amount, ...]" = ()


class QuestionWatch:
    """Sees all questions about accesses; safe for many threads."""

    def __init__(self, limits: QuestionLimits | None = None) -> None:
        """Look as far as ``limits``."""
        self._limits = limits or QuestionLimits()
        self._slot_ns = self._limits.window_s * _NS // SLOTS
        self._tenants: dict[str, OrderedDict[str, _Asker]] = {}
        self._lock = threading.Lock()

    def look(self, tenant: str, names: Sequence[str], question: Question, now_ns: int) -> Look:
        """Return what is seen of an asker under all its ``names``; ``maps`` = the question must be paid for."""
        slot = now_ns // self._slot_ns
        askers = tuple(found for name in names if (found := self._asker(tenant, name, now_ns)) is not None)
        told = [self._looked(asker, question, slot) for asker in askers]
        seen = Walked(
            known=len(askers) == len(names),
            situations=max((one.situations for one, _, _ in told), default=0),
            near=max((one.near for one, _, _ in told), default=0),
            walking=max((one.walking for one, _, _ in told), default=0),
        )
        made = tuple(amount for _, _, amount in told if amount is not None)
        return Look(seen, any(maps for _, maps, _ in told), question, askers, made)

    def keep(self, look: Look) -> None:
        """Remember the situation of a question that is going to be answered."""
        for asker in look.askers:
            with asker.lock:
                asker.situations[look.question.situation] = look.question.facts
                asker.situations.move_to_end(look.question.situation)
                if len(asker.situations) > _SITUATIONS:
                    asker.situations.popitem(last=False)

    @staticmethod
    def told(look: Look, outcome: str) -> None:
        """Remember how a question was answered: a short text, empty for what must not count."""
        for amount in look.amounts:
            amount.outcome = outcome

    def _looked(self, asker: _Asker, question: Question, slot: int) -> "tuple[Walked, bool, _Amount | None]":
        with asker.lock:
            new = question.situation not in asker.situations and bool(asker.situations)
            near = new and any(self._is_near(question.facts, other) for other in asker.situations.values())
            amount, walks = _amount_of(asker, question)
            counts = asker.slots.setdefault(slot, [0, 0, 0])
            for place, one in enumerate((new, near, walks)):
                counts[place] += one
            for old in [number for number in asker.slots if number < slot - SLOTS]:
                del asker.slots[old]
            situations, beside, walking = (sum(column) for column in zip(*asker.slots.values(), strict=True))
            return Walked(situations=situations, near=beside, walking=walking), new or walks, amount

    def _is_near(self, one: bytes, other: bytes) -> bool:
        return len(one) == len(other) and sum(map(ne, one, other)) <= self._limits.near_facts

    def _asker(self, tenant: str, name: str, now_ns: int) -> _Asker | None:
        with self._lock:
            known = self._tenants.setdefault(tenant, OrderedDict())
            found = known.get(name)
            if found is None:
                if len(known) >= self._limits.askers and not self._makes_room(known, now_ns):
                    return None
                found = known[name] = _Asker()
            known.move_to_end(name)
            found.newest_ns = max(found.newest_ns, now_ns)
            return found

    def _makes_room(self, known: "OrderedDict[str, _Asker]", now_ns: int) -> bool:
        """Forget one of those that were quiet longest: whoever asks no more, or of whom nothing counts."""
        window_ns = (SLOTS + 1) * self._slot_ns
        for name, asker in [*islice(known.items(), _LOOKED_AT)]:
            with asker.lock:
                idle = asker.newest_ns + window_ns < now_ns or not any(map(any, asker.slots.values()))
            if idle:
                del known[name]
                return True
        return False


def _amount_of(asker: _Asker, question: Question) -> tuple[_Amount | None, bool]:
    """Return the question's amounts as they are remembered, and whether they close in on a flip."""
    if not question.amounts:
        return None, False
    matter = asker.matters.setdefault(question.matter, _Matter())
    asker.matters.move_to_end(question.matter)
    if len(asker.matters) > _MATTERS:
        asker.matters.popitem(last=False)
    same = next((one for one in matter.asked if one.cells == question.amounts), None)
    if same is not None:
        return same, False
    walks = _closes_in(matter, question.amounts)
    made = _Amount(question.amounts)
    matter.asked.append(made)
    return made, walks


def _closes_in(matter: _Matter, cells: bytes) -> bool:
    """Whether any answer to these amounts brings two different answers closer than ever."""
    nearest: dict[str, int] = {}
    for one in matter.asked:
        if one.outcome and len(one.cells) == len(cells):
            distance = sum(map(abs, map(sub, one.cells, cells)))
            nearest[one.outcome] = min(distance, nearest.get(one.outcome, _FAR))
    if len(nearest) < 2:  # noqa: PLR2004 - a flip has two sides
        return False
    furthest = max(nearest.values())
    if furthest >= matter.gap:
        return False
    matter.gap = furthest
    return True

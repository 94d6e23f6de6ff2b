"""What a mapping may tell: every member of an access event and of its fact groups, by reflection.

Rules:
- Never mapped: ``tenant`` is the one who imports, ``source`` is the mapping's own name.
- ``time`` stands for ``time_ns``; a member of a fact group is called by its dotted name, ``token.age_s``.
- A number is not negative unless it is listed here; shares go from 0 to 1, sensitivities from 0 to 4.

>>> TARGETS["token.age_s"].kind, TARGETS["outcome"].choices
(<Kind.AMOUNT: 'amount'>, ('denied', 'failure', 'success', 'unknown'))
"""

from enum import StrEnum
from types import NoneType
from typing import Any, Final, get_args

import msgspec

from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import Mark

_UNMAPPED: Final = ("tenant", "source")
_MOST: Final = 2**63 - 1
_WIDEST_MIN: Final = 14 * 60
_BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "asn": (0, 2**32 - 1),
    "behaviour.confidence": (0, 1),
    "behaviour.liveness": (0, 1),
    "behaviour.llr": (-_MOST, _MOST),
    "language.injection_score": (0, 1),
    "language.retrieved_sensitivity": (0, 4),
    "place.latitude": (-90, 90),
    "place.longitude": (-180, 180),
    "place.reputation": (0, 1),
    "sensitivity": (0, 4),
    "token.clock_skew_s": (-_MOST, _MOST),
    "tz_offset_min": (-_WIDEST_MIN, _WIDEST_MIN),
}


class Kind(StrEnum):
    """What kind of value a field holds."""

    ADDRESS = "address"
    AMOUNT = "amount"
    CHOICE = "choice"
    COUNTRY = "country"
    FLAG = "flag"
    LIST = "list"
    MARKS = "marks"
    MOMENT = "moment"
    OFFSET = "offset"
    TEXT = "text"
    WHOLE = "whole"


_SPECIAL: Final = {"ip": Kind.ADDRESS, "country": Kind.COUNTRY, "time": Kind.MOMENT, "tz_offset_min": Kind.OFFSET}
_KINDS: Final[dict[Any, Kind]] = {
    bool: Kind.FLAG,
    float: Kind.AMOUNT,
    int: Kind.WHOLE,
    str: Kind.TEXT,
    tuple[Mark, ...]: Kind.MARKS,
    tuple[str, ...]: Kind.LIST,
}


class Target(msgspec.Struct, frozen=True):
    """One field that a mapping may tell.

    Attributes:
        name: as a mapping writes it.
        group: the fact group that it is a member of, empty for the event itself.
        member: its name there.
        kind: of its values.
        form: the enumeration of a choice.
        low: least number.
        high: greatest number.
        needed: an event cannot do without it.
        absent: what stands for *not told*.
    """

    name: str
    group: str
    member: str
    kind: Kind
    form: Any = None
    low: float = 0
    high: float = _MOST
    needed: bool = False
    absent: Any = None

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the words that a choice knows."""
        return tuple(str(each) for each in self.form) if self.form is not None else ()

    def is_told(self, event: AccessEvent) -> bool:
        """Return whether ``event`` tells this field: another value than what stands for *not told*."""
        owner = getattr(event, self.group) if self.group else event
        return owner is not None and getattr(owner, self.member) != self.absent


def _bare(form: Any) -> Any:
    """Return a type without its ``None``."""
    parts = [part for part in get_args(form) if part is not NoneType]
    return parts[0] if NoneType in get_args(form) else form


def _target(field: Any, group: str) -> Target:
    member = "time" if field.name == "time_ns" else field.name
    name = f"{group}.{member}" if group else member
    bare = _bare(field.type)
    low, high = _BOUNDS.get(name, (0, _MOST))
    kind = _SPECIAL.get(name) or _KINDS.get(bare) or Kind.CHOICE
    form = bare if kind is Kind.CHOICE else Mark if kind is Kind.MARKS else None
    needed = field.default is msgspec.NODEFAULT and name != "event_id"
    absent = None if field.default is msgspec.NODEFAULT else field.default
    return Target(name, group, field.name, kind, form, low, high, needed, absent)


def _found() -> dict[str, Target]:
    found = []
    for field in msgspec.structs.fields(AccessEvent):
        bare = _bare(field.type)
        if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
            found += [_target(member, field.name) for member in msgspec.structs.fields(bare)]
        elif field.name not in _UNMAPPED:
            found.append(_target(field, ""))
    return {target.name: target for target in found}


TARGETS: Final = _found()
GROUPS: Final[dict[str, Any]] = {
    field.name: _bare(field.type)
    for field in msgspec.structs.fields(AccessEvent)
    if isinstance(_bare(field.type), type) and issubclass(_bare(field.type), msgspec.Struct)
}
NEEDED: Final = tuple(target.name for target in TARGETS.values() if target.needed)

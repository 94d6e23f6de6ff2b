"""What a token's detail forbids: each restriction a frozen value that says yes, or no with a code and a sentence.

- A restriction knows one thing and looks at one thing. ``verify`` is asked of an access, ``contains`` of another
  detail: whether all that one allows is allowed here too. Neither raises, so that all of them can be told.
- Each has a ``tag``, its name on the wire (``wire``, ``read_wire``): in records and in what people are shown.
- ``check`` asks all that follow from a detail, in a fixed order; the first that fails is the reason.

>>> detail = AccessDetail("ostiary_dataset", "sales", ("dataset.read",))
>>> check(detail, AskedAccess("dataset", "payroll", "dataset.read"))
'token_other_resource'
>>> [wire(one) for one in restrictions_of(detail)][:2]
[['resource', 'dataset', 'sales'], ['actions', ['dataset.read']]]
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, Protocol

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.identity.exchange.details import AccessDetail

ALL_COLUMNS: Final = "*"
Saying = Literal["commit", "purpose", "stage"]
SAYINGS: Final[tuple[Saying, ...]] = ("purpose", "stage", "commit")
_SHOWN: Final = 80


class AskedAccess(msgspec.Struct, frozen=True):
    """One access that a token is used for; what is empty was not told and is not checked."""

    resource_type: str
    resource_id: str
    action: str
    columns: tuple[str, ...] = ()
    path: str = ""
    purpose: str = ""
    stage: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Success:
    """The restriction holds."""

    def __bool__(self) -> Literal[True]:
        """Holds."""
        return True


@dataclass(frozen=True, slots=True)
class Failure:
    """The restriction does not hold: a stable code, and one sentence for a person."""

    code: str
    reason: str

    def __bool__(self) -> Literal[False]:
        """Does not hold."""
        return False


Verdict = Success | Failure
HOLDS: Final = Success()


class Restriction(Protocol):
    """One thing that a token forbids: a frozen value, pure, and it never raises.

    Attributes:
        tag: its name on the wire; stable.
    """

    tag: ClassVar[str]

    def verify(self, asked: AskedAccess, /) -> Verdict:
        """Return whether one access keeps to it."""
        ...

    def contains(self, detail: AccessDetail, /) -> Verdict:
        """Return whether everything that ``detail`` allows keeps to it."""
        ...


@dataclass(frozen=True, slots=True)
class OneResource:
    """Good for this resource alone."""

    tag: ClassVar[str] = "resource"
    type: str
    id: str

    def verify(self, asked: AskedAccess, /) -> Verdict:
        """Refuse every other resource."""
        return self._is(asked.resource_type, asked.resource_id)

    def contains(self, detail: AccessDetail, /) -> Verdict:
        """Refuse every other resource."""
        return self._is(detail.resource_type, detail.identifier)

    def _is(self, kind: str, name: str) -> Verdict:
        if (kind, name) == (self.type, self.id):
            return HOLDS
        return Failure("token_other_resource", f"the token is not for {kind} `{name[:_SHOWN]}`")


@dataclass(frozen=True, slots=True)
class SomeActions:
    """Good for these actions alone."""

    tag: ClassVar[str] = "actions"
    names: tuple[str, ...]

    def verify(self, asked: AskedAccess, /) -> Verdict:
        """Refuse every other action."""
        return self._among(asked.action)

    def contains(self, detail: AccessDetail, /) -> Verdict:
        """Refuse every other action."""
        return self._among(*detail.actions)

    def _among(self, *actions: str) -> Verdict:
        other = [action for action in actions if action not in self.names]
        return Failure("token_other_action", f"the token is not for `{other[0][:_SHOWN]}`") if other else HOLDS


@dataclass(frozen=True, slots=True)
class OneSaying:
    """Good where the caller says nothing else of its purpose, stage or commit."""

    tag: ClassVar[str] = "saying"
    name: Saying
    value: str

    def verify(self, asked: AskedAccess, /) -> Verdict:
        """Refuse what contradicts the token; who says nothing says what the token says."""
        told = getattr(asked, self.name)
        return HOLDS if told in {"", self.value} else self._other(told)

    def contains(self, detail: AccessDetail, /) -> Verdict:
        """Refuse any other value, none included: a token without a purpose is not one for less."""
        told = getattr(detail, self.name)
        return HOLDS if told == self.value else self._other(told)

    def _other(self, told: str) -> Verdict:
        return Failure(f"token_other_{self.name}", f"the token is for another {self.name} than `{told[:_SHOWN]}`")


@dataclass(frozen=True, slots=True)
class SomeColumns:
    """Good for these columns alone; ``*`` leaves the choice to policy."""

    tag: ClassVar[str] = "columns"
    names: tuple[str, ...]

    def verify(self, asked: AskedAccess, /) -> Verdict:
        """Refuse every other column."""
        return self._within(asked.columns)

    def contains(self, detail: AccessDetail, /) -> Verdict:
        """Refuse every other column; ``*`` is more than any list of names."""
        return self._within(detail.datatypes)

    def _within(self, columns: Sequence[str]) -> Verdict:
        other = sorted(set(columns) - set(self.names)) if ALL_COLUMNS not in self.names else []
        return Failure("token_other_columns", f"the token is not for column `{other[0][:_SHOWN]}`") if other else HOLDS


@dataclass(frozen=True, slots=True)
class BelowPrefix:
    """Good for objects below this path alone; a prefix ends where a name ends, and no path climbs."""

    tag: ClassVar[str] = "prefix"
    prefix: str

    def verify(self, asked: AskedAccess, /) -> Verdict:
        """Refuse every other path."""
        return self._below(asked.path)

    def contains(self, detail: AccessDetail, /) -> Verdict:
        """Refuse every other path, the whole dataset included."""
        return self._below(detail.prefix.rstrip("/"))

    def _below(self, path: str) -> Verdict:
        whole = self.prefix.rstrip("/")
        climbs = not {".", ".."}.isdisjoint(path.replace("\\", "/").split("/"))
        if not climbs and (path == whole or path.startswith(whole + "/")):
            return HOLDS
        return Failure("token_other_prefix", f"`{path[:_SHOWN]}` is not below the path that the token is for")


@dataclass(frozen=True, slots=True)
class Budget:
    """Good for so much; the doors count it, over all tokens of one session. 0 leaves it to the door."""

    tag: ClassVar[str] = "budget"
    bytes: int
    objects: int

    def verify(self, _: AskedAccess, /) -> Verdict:
        """Hold: how much was used is the door's to know."""
        return HOLDS

    def contains(self, detail: AccessDetail, /) -> Verdict:
        """Refuse more, and refuse no limit where there is one."""
        for limit, wanted in ((self.bytes, detail.max_bytes), (self.objects, detail.max_objects)):
            if limit and not 0 < wanted <= limit:
                return Failure("token_other_budget", f"the token is for {limit} at most, not for {wanted or 'any'}")
        return HOLDS


KINDS: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {kind.tag: kind for kind in (OneResource, SomeActions, OneSaying, SomeColumns, BelowPrefix, Budget)}
)


_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {tag: tuple(one.name for one in fields(kind)) for tag, kind in KINDS.items()}
)


def restrictions_of(detail: AccessDetail) -> Iterator[Restriction]:
    """Yield what a detail forbids."""
    yield OneResource(detail.resource_type, detail.identifier)
    yield SomeActions(detail.actions)
    for name in SAYINGS:
        yield OneSaying(name, getattr(detail, name))
    yield SomeColumns(detail.datatypes)
    if detail.prefix.rstrip("/"):
        yield BelowPrefix(detail.prefix)
    if detail.max_bytes or detail.max_objects:
        yield Budget(detail.max_bytes, detail.max_objects)


def verify(detail: AccessDetail, asked: AskedAccess) -> Verdict:
    """Return whether ``detail`` covers an access: the first restriction's word against it, or success."""
    verdicts = (restriction.verify(asked) for restriction in restrictions_of(detail))
    return next((verdict for verdict in verdicts if isinstance(verdict, Failure)), HOLDS)


def check(detail: AccessDetail, asked: AskedAccess) -> str | None:
    """Return why ``detail`` does not cover ``asked``, or nothing."""
    verdict = verify(detail, asked)
    return verdict.code if isinstance(verdict, Failure) else None


def wire(restriction: Restriction) -> list[Any]:
    """Return a restriction as it is written down: its tag, then its members in order."""
    members = (getattr(restriction, name) for name in _MEMBERS[restriction.tag])
    return [restriction.tag, *(list(value) if isinstance(value, tuple) else value for value in members)]


def read_wire(value: object) -> Restriction:
    """Return the restriction that was written down.

    Raises:
        FaultyInputError: ``restriction_unknown``: one that nobody here understands forbids everything.
    """
    told: list[Any] = value if isinstance(value, list) else []
    kind = KINDS.get(told[0]) if told and isinstance(told[0], str) else None
    if kind is None:
        raise FaultyInputError("restriction_unknown", "a restriction is of no kind that is known here")
    try:
        made: Restriction = msgspec.convert(dict(zip(_MEMBERS[kind.tag], told[1:], strict=True)), kind)
    except (msgspec.ValidationError, ValueError) as fault:
        raise FaultyInputError("restriction_unknown", f"a restriction `{kind.tag}` is malformed") from fault
    return made

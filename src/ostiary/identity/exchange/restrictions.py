"""What a token's detail forbids: each restriction a frozen value that says yes, or no with a code.

A restriction knows one thing and looks at one thing; ``check`` asks all that follow from a detail, in a fixed order,
and the first that fails is the reason.

>>> detail = AccessDetail("ostiary_dataset", "sales", ("dataset.read",))
>>> check(detail, AskedAccess("dataset", "payroll", "dataset.read"))
'token_other_resource'
"""

from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from ostiary.identity.exchange.details import AccessDetail

ALL_COLUMNS: Final = "*"


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


class Restriction(Protocol):
    """One thing that a token forbids."""

    def refusal(self, asked: AskedAccess) -> str | None:
        """Return the code of the refusal, or nothing."""
        ...


class OneResource(msgspec.Struct, frozen=True, tag_field="restriction", tag="resource"):
    """Good for this resource alone."""

    type: str
    id: str

    def refusal(self, asked: AskedAccess) -> str | None:
        """Refuse every other resource."""
        return None if (asked.resource_type, asked.resource_id) == (self.type, self.id) else "token_other_resource"


class SomeActions(msgspec.Struct, frozen=True, tag_field="restriction", tag="actions"):
    """Good for these actions alone."""

    names: tuple[str, ...]

    def refusal(self, asked: AskedAccess) -> str | None:
        """Refuse every other action."""
        return None if asked.action in self.names else "token_other_action"


class OneSaying(msgspec.Struct, frozen=True, tag_field="restriction", tag="saying"):
    """Good where the caller says nothing else of its purpose, stage or commit."""

    name: str
    value: str

    def refusal(self, asked: AskedAccess) -> str | None:
        """Refuse what contradicts the token."""
        told = getattr(asked, self.name)
        return f"token_other_{self.name}" if told and told != self.value else None


class SomeColumns(msgspec.Struct, frozen=True, tag_field="restriction", tag="columns"):
    """Good for these columns alone."""

    names: tuple[str, ...]

    def refusal(self, asked: AskedAccess) -> str | None:
        """Refuse every other column."""
        inside = ALL_COLUMNS in self.names or set(asked.columns) <= set(self.names)
        return None if inside else "token_other_columns"


class BelowPrefix(msgspec.Struct, frozen=True, tag_field="restriction", tag="prefix"):
    """Good for objects below this path alone; a prefix ends where a name ends."""

    prefix: str

    def refusal(self, asked: AskedAccess) -> str | None:
        """Refuse every other path."""
        whole = self.prefix.rstrip("/")
        inside = asked.path == whole or asked.path.startswith(whole + "/")
        return None if inside else "token_other_prefix"


def restrictions_of(detail: AccessDetail) -> Iterator[Restriction]:
    """Yield what a detail forbids."""
    yield OneResource(detail.resource_type, detail.identifier)
    yield SomeActions(detail.actions)
    for name in ("purpose", "stage", "commit"):
        yield OneSaying(name, getattr(detail, name))
    yield SomeColumns(detail.datatypes)
    if detail.prefix.rstrip("/"):
        yield BelowPrefix(detail.prefix)


def check(detail: AccessDetail, asked: AskedAccess) -> str | None:
    """Return why ``detail`` does not cover ``asked``, or nothing."""
    codes = (restriction.refusal(asked) for restriction in restrictions_of(detail))
    return next((code for code in codes if code is not None), None)

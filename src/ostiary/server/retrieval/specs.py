"""What an index is made of, as an administrator wrote it down: its sources by kind.

    {"sources": [{"kind": "filesystem", "name": "handbook", "path": "/srv/handbook", "accounts": "system"}]}

It is the ``spec`` of a registered resource of type ``index``; policy does not see it. It holds no secret: databases are
named as in the settings, where their connection strings lie in files.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.rag.sources.accounts import Account

INVALID: Final = "index_invalid"
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?\Z")]
Path_ = Annotated[str, msgspec.Meta(pattern=r"^/", max_length=4096)]
Level = Annotated[int, msgspec.Meta(ge=0, le=4)]
Column = Annotated[str, msgspec.Meta(min_length=1, max_length=63)]


class _Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    name: Name
    confidentiality: Level = 0


class Filesystem(_Spec, frozen=True, kw_only=True, tag="filesystem"):
    """A folder; ``accounts`` says whose account each asker is, or ``system``."""

    path: Path_
    accounts: Literal["system"] | dict[str, Account] = "system"
    ends: tuple[str, ...] = ()


class Feed(_Spec, frozen=True, kw_only=True, tag="feed"):
    """A file of documents with allow and deny lists."""

    path: Path_


class Git(_Spec, frozen=True, kw_only=True, tag="git"):
    """A file of a Git host's permissions; repositories lie below ``roots``."""

    path: Path_
    roots: tuple[Path_, ...]
    subjects: dict[str, str] = {}


class Table(_Spec, frozen=True, kw_only=True, tag="postgres"):
    """A table with row-level security; ``roles`` says as which role each asker reads, in order."""

    database: Name
    table: Column
    key: Column
    columns: Annotated[tuple[Column, ...], msgspec.Meta(min_length=1, max_length=32)]
    roles: dict[str, Column]
    schema: Column = "public"
    title: Column | None = None
    setting: Annotated[str, msgspec.Meta(pattern=r"^(?:[a-z_]{1,40}\.[a-z_]{1,40})?\Z")] = ""


SourceSpec = Filesystem | Feed | Git | Table


class IndexSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an index is made of."""

    sources: Annotated[tuple[SourceSpec, ...], msgspec.Meta(min_length=1, max_length=64)]


def read_spec(value: Any) -> IndexSpec:
    """Return an index's spec.

    Raises:
        FaultyInputError: ``index_invalid``.
    """
    try:
        found = msgspec.convert(value, IndexSpec)
    except msgspec.ValidationError as fault:
        raise FaultyInputError(INVALID, f"the index's sources are malformed: {fault}") from fault
    names = [one.name for one in found.sources]
    if len(set(names)) != len(names):
        raise FaultyInputError(INVALID, "two sources have the same name")
    return found

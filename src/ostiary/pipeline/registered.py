"""What administrators have registered with the doors: datasets, feature sets, models, endpoints.

- What is registered is a known resource to policy, with its sensitivity, labels and attributes.
- ``spec`` is the door's own: policy does not see it. It never holds a secret, only where one is kept.

>>> Registered(type="dataset", id="sales", labels=("pii",)).sensitivity is None
True
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.vocabulary.unreadable import UNREADABLE

ResourceType = Literal["dataset", "endpoint", "feature_set", "index", "model"]
TYPES: Final[tuple[ResourceType, ...]] = ("dataset", "endpoint", "feature_set", "index", "model")
MAX_BYTES: Final = 262_144
_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?\Z")
_KIND: Final = "registered-"


class Registered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One registered resource.

    Attributes:
        type, id: how requests name it.
        sensitivity: 0 public … 4 crown jewels; ``None`` is unknown.
        critical, break_glass, labels: as in the catalogue.
        owner: who answers for it, as ``type:id``; signals and policy read it.
        attributes: anything else that policy may want to read.
        spec: what the door itself needs to know.
    """

    type: ResourceType
    id: str
    sensitivity: int | None = None
    critical: bool = False
    break_glass: bool = True
    labels: tuple[str, ...] = ()
    owner: str = ""
    attributes: dict[str, Any] = {}
    spec: dict[str, Any] = {}


class Documents(Protocol):
    """Keeps opaque bytes by tenant, kind and name."""

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one, replacing what was there."""
        ...

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        ...

    def all(self, tenant: str, kind: str) -> Sequence[Any]:
        """Return all of a kind in the order of their names; each has ``data``."""
        ...

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        """Erase one; return whether it was there."""
        ...


class Registry:
    """Registered resources by tenant, type and id."""

    def __init__(self, documents: Documents) -> None:
        """Keep them among ``documents``."""
        self._documents = documents

    def put(self, tenant: str, one: Registered, now_ns: int) -> None:
        """Register one, or change it.

        Raises:
            FaultyInputError: ``registered_invalid``.
        """
        check_id(one.id)
        if one.sensitivity is not None and not 0 <= one.sensitivity <= 4:  # noqa: PLR2004 - the scale of the catalogue
            raise FaultyInputError("registered_invalid", "`sensitivity` is 0 to 4")
        data = msgspec.json.encode(one)
        if len(data) > MAX_BYTES:
            raise FaultyInputError("registered_invalid", f"`{one.id}` has {len(data)} bytes, {MAX_BYTES} are allowed")
        self._documents.save(tenant, _KIND + one.type, one.id, data, now_ns)

    def get(self, tenant: str, kind: str, name: str) -> Registered | None:
        """Return one.

        Raises:
            UnavailableError: ``registered_damaged``.
        """
        data = self._documents.load(tenant, _KIND + kind, name) if kind in TYPES else None
        return _read(data) if data is not None else None

    def all(self, tenant: str, kind: ResourceType) -> list[Registered]:
        """Return all of a type in the order of their ids."""
        return [_read(row.data) for row in self._documents.all(tenant, _KIND + kind)]

    def remove(self, tenant: str, kind: ResourceType, name: str) -> bool:
        """Forget one; return whether it was there."""
        return self._documents.delete(tenant, _KIND + kind, name)


def check_id(name: str) -> str:
    """Return ``name`` when it can be a registered id.

    Raises:
        FaultyInputError: ``registered_invalid``.
    """
    if not _ID.match(name):
        text = f"`{name[:80]}` is no id: use a-z, 0-9, `.`, `_` and `-`, 1 to 128 of them"
        raise FaultyInputError("registered_invalid", text)
    return name


def _read(data: bytes) -> Registered:
    try:
        return msgspec.json.decode(data, type=Registered)
    except UNREADABLE as fault:
        raise UnavailableError("registered_damaged", "what is kept of a registered resource is damaged") from fault

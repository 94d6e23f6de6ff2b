"""Registering indexes, for the command line: checked, recorded, then done."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.registered import Registered, check_id
from ostiary.server.deeds import record_deed
from ostiary.server.retrieval.room import TYPE
from ostiary.server.wiring import House


def read_index(house: House, told: Mapping[str, Any]) -> Registered:
    """Return an index as it would be registered; nothing is done.

    Args:
        house: whose settings name databases.
        told: the members of ``Registered`` but its type.

    Raises:
        FaultyInputError: ``index_invalid`` or ``registered_invalid``.
        UnavailableError: ``source_unavailable``.
    """
    try:
        one = msgspec.convert({**told, "type": TYPE}, Registered)
    except msgspec.ValidationError as fault:
        raise FaultyInputError("registered_invalid", str(fault)[:1].lower() + str(fault)[1:]) from fault
    check_id(one.id)
    house.rag.check(one)
    return one


def register_index(house: House, who: str, tenant: str, told: Mapping[str, Any]) -> Registered:
    """Register an index, or change it, and return it.

    Raises:
        FaultyInputError: as ``read_index``.
        UnavailableError: it cannot be recorded, and was not done.
    """
    one = read_index(house, told)
    names = [str(source["name"]) for source in one.spec["sources"]]
    record_deed(house, who, tenant, "index.register", index=one.id, sources=names, sensitivity=one.sensitivity)
    house.registry.put(tenant, one, house.clock.now_ns())
    return one


def remove_index(house: House, who: str, tenant: str, name: str) -> None:
    """Forget an index and erase what it holds.

    Raises:
        RefusedError: ``index_unknown``.
    """
    if house.registry.get(tenant, TYPE, name) is None:
        raise RefusedError("index_unknown", f"there is no index `{name[:80]}`")
    record_deed(house, who, tenant, "index.remove", index=name)
    house.registry.remove(tenant, TYPE, name)
    house.rag.forget(tenant, name)

"""Registering endpoints, for the administrators' API and the command line: checked, recorded, then done."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.defence.budgets import Budget, Budgets
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.inference.endpoint import TYPE, EndpointSpec, read_spec, spec_document
from ostiary.pipeline.inference.serving import subject_want, tenant_want
from ostiary.pipeline.registered import Registered, check_id
from ostiary.server.deeds import record_deed
from ostiary.server.wiring import House

MAX_LABELS: Final = 64
MAX_ATTRIBUTES: Final = 64


def register_endpoint(house: House, who: str, tenant: str, told: Mapping[str, Any]) -> Registered:
    """Register an endpoint, or change it, and return it.

    Args:
        house: where it is registered.
        who: the administrator, for the record.
        tenant: whose endpoint it is.
        told: the members of ``Registered`` but its type.

    Raises:
        FaultyInputError: ``endpoint_invalid``, ``schema_invalid``, ``budget_invalid``, ``address_refused`` or
            ``registered_invalid``.
        UnavailableError: it cannot be recorded, and was not done.
    """
    spec = read_spec(told.get("spec"), house.settings.inference.rules())
    try:
        one = msgspec.convert({**told, "type": TYPE, "spec": spec_document(spec)}, Registered)
    except msgspec.ValidationError as fault:
        raise FaultyInputError("registered_invalid", str(fault)[:1].lower() + str(fault)[1:]) from fault
    check_id(one.id)
    if len(one.labels) > MAX_LABELS or len(one.attributes) > MAX_ATTRIBUTES:
        raise FaultyInputError("registered_invalid", f"at most {MAX_LABELS} labels and {MAX_ATTRIBUTES} attributes")
    record_deed(
        house,
        who,
        tenant,
        "endpoint.register",
        endpoint=one.id,
        model=spec.model,
        url=spec.url,
        labels=list(one.labels),
        sensitivity=one.sensitivity,
    )
    house.registry.put(tenant, one, house.clock.now_ns())
    return one


def find_endpoint(house: House, tenant: str, name: str) -> tuple[Registered, EndpointSpec]:
    """Return a registered endpoint.

    Raises:
        RefusedError: ``endpoint_unknown``.
    """
    one = house.registry.get(tenant, TYPE, name)
    if one is None:
        raise RefusedError("endpoint_unknown", f"there is no endpoint `{name[:80]}`")
    return one, read_spec(one.spec)


def remove_endpoint(house: House, who: str, tenant: str, name: str) -> None:
    """Forget an endpoint: it is unknown from then on.

    Raises:
        RefusedError: ``endpoint_unknown``.
    """
    find_endpoint(house, tenant, name)
    record_deed(house, who, tenant, "endpoint.remove", endpoint=name)
    house.registry.remove(tenant, TYPE, name)


def budget_of(house: House, tenant: str, name: str, subject: str = "") -> dict[str, Any]:
    """Return what is taken of an endpoint's budgets: of all subjects together, and of ``subject`` (``type:id``)."""
    _, spec = find_endpoint(house, tenant, name)
    budgets, now_ns = Budgets(house.store.budgets), house.clock.now_ns()
    told: dict[str, Any] = {
        "endpoint": name,
        "tenant": _told(spec.tenant, budgets.taken(tenant, tenant_want(name, spec), now_ns)),
    }
    if subject:
        mine = budgets.taken(tenant, subject_want(name, subject, spec), now_ns)
        told["subject"] = {"subject": subject, **_told(spec.subject, mine)}
    return told


def _told(budget: Budget, taken: int) -> dict[str, int]:
    return {"taken": taken, "limit": budget.limit, "window_s": budget.window_s}

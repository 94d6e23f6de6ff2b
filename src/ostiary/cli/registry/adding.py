"""``ostiary model add|release-key``: make a model known, and tell the key that programs pin."""

from typing import Annotated

from cyclopts import Parameter

from ostiary.cli.output import out, print_json
from ostiary.cli.registry.shared import Config, Data, Json, Name, Tenant, opened, operator, said
from ostiary.keys import ES256
from ostiary.keys.curve_of import curve_public_of
from ostiary.pipeline.registered import Registered
from ostiary.pipeline.registry.naming import check_name
from ostiary.server.model_trust import RELEASE_PURPOSE


def add(
    name: Name,
    *,
    sensitivity: Annotated[int, Parameter(help="0 public … 4 crown jewels.")] = 2,
    critical: Annotated[bool, Parameter(negative="", help="Models alone never deny here; people need more.")] = False,
    owner: Annotated[str, Parameter(help="Who answers for it, type:id.")] = "",
    label: Annotated[list[str] | None, Parameter(help="A label that policy may read.", negative="")] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Make a model known to policy; versions come in by `register`."""
    one = Registered(
        type="model",
        id=check_name(name),
        sensitivity=sensitivity,
        critical=critical,
        owner=owner,
        labels=tuple(label or ()),
    )
    with opened(data, config, tenant) as house:
        operator(house, tenant, "model.add", model=name, sensitivity=sensitivity, critical=critical)
        house.registry.put(tenant, one, house.clock.now_ns())
    said({"model": name, "sensitivity": sensitivity, "critical": critical}, f"{name} is known now", json=json)


def release_key(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """Print the public key of what the registry releases; programs that load pin it (`releasers/`)."""
    with opened(data, config, tenant) as house:
        key = curve_public_of(house.ring.active(tenant, RELEASE_PURPOSE, ES256).public)
    if json:
        print_json({"tenant": tenant, "fingerprint": key.fingerprint, "pem": key.pem().decode()})
    else:
        out.print(key.pem().decode().rstrip(), markup=False)

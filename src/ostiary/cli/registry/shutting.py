"""``ostiary model quarantine|release|retire|revoke``: shut a version out, let it in again, give it up."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ostiary.cli.registry.shared import (
    Config,
    Data,
    Json,
    Name,
    Tenant,
    Version,
    Why,
    opened,
    operator,
    read_file,
    said,
)
from ostiary.pipeline.registry.naming import check_name
from ostiary.server.model_door.uploads import shown


def quarantine(
    name: Name,
    version: Version,
    *,
    why: Why,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Shut a version out: it is not loaded any more, wherever it is live."""
    with opened(data, config, tenant) as house:
        actor = operator(house, tenant, "model.quarantine", model=check_name(name), version=version)
        found = house.models.warden.quarantine(tenant, name, version, actor, why)
    said(shown(found), f"{name} version {version} is shut out", json=json)


def release(
    name: Name,
    version: Version,
    *,
    approval: Annotated[Path, Parameter(help="Approval of several people (`ostiary model wanted --release`).")],
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Let a quarantined version in again."""
    with opened(data, config, tenant) as house:
        actor = operator(house, tenant, "model.release", model=check_name(name), version=version)
        found = house.models.warden.release(tenant, name, version, actor, read_file(approval))
    said(shown(found), f"{name} version {version} may be used again", json=json)


def retire(
    name: Name,
    version: Version,
    *,
    why: Why = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Give a version up for good."""
    with opened(data, config, tenant) as house:
        actor = operator(house, tenant, "model.retire", model=check_name(name), version=version)
        found = house.models.warden.retire(tenant, name, version, actor, why)
    said(shown(found), f"{name} version {version} is retired", json=json)


def revoke(
    name: Name,
    approval: Annotated[str, Parameter(help="Digest of the approval, sha256:….")],
    *,
    why: Why,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Take an approval back: what became live by it is not loaded any more."""
    with opened(data, config, tenant) as house:
        actor = operator(house, tenant, "model.revoke", model=check_name(name), approval=approval[:80])
        house.models.warden.revoke(tenant, name, approval, actor, why)
    said({"revoked": approval}, f"{approval} holds no more", json=json)

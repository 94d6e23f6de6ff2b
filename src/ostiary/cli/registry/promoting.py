"""``ostiary model promote|rollback|withdraw``: what becomes live in a stage, and what is live no more."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ostiary.cli.registry.shared import (
    Config,
    Data,
    DryRun,
    Json,
    Name,
    Stage,
    Tenant,
    Version,
    Why,
    opened,
    operator,
    read_file,
    said,
    when,
)
from ostiary.pipeline.registry.naming import check_name, check_stage
from ostiary.pipeline.registry.promoting import Asked
from ostiary.server.model_door.promotions import shown

Report = Annotated[Path, Parameter(help="Validation report (`ostiary model report`).")]
Approval = Annotated[Path, Parameter(help="Approval, signed by several people (`ostiary model approve`).")]


def promote(
    name: Name,
    version: Version,
    *,
    stage: Stage,
    report: Report,
    approval: Approval,
    dry_run: DryRun = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Make a version live in a stage."""
    asked = Asked(tenant, name, version, stage, "promote", read_file(report), read_file(approval))
    _change(asked, data, config, dry_run=dry_run, json=json)


def rollback(
    name: Name,
    version: Version,
    *,
    stage: Stage,
    report: Report,
    approval: Approval,
    dry_run: DryRun = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Make a version live again that was live in the stage before."""
    asked = Asked(tenant, name, version, stage, "rollback", read_file(report), read_file(approval))
    _change(asked, data, config, dry_run=dry_run, json=json)


def _change(asked: Asked, data: Path | None, config: Path | None, *, dry_run: bool, json: bool) -> None:
    check_name(asked.name)
    check_stage(asked.stage)
    with opened(data, config, asked.tenant) as house:
        deed: Literal["model.promote", "model.rollback"]
        deed = "model.rollback" if asked.action == "rollback" else "model.promote"
        told = {"model": asked.name, "version": asked.number, "stage": asked.stage, "dry_run": dry_run}
        actor = operator(house, asked.tenant, deed, **told)
        live = house.models.promoter.change(asked, actor, dry=dry_run)
    would = "would be" if dry_run else "is"
    words = f"{live.name} version {live.number} {would} live in {live.stage} until {when(live.expires_ns)}"
    said(shown(live), words, json=json)


def withdraw(
    name: Name,
    *,
    stage: Stage,
    why: Why = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Let nothing be live in a stage any more."""
    with opened(data, config, tenant) as house:
        actor = operator(house, tenant, "model.withdraw", model=check_name(name), stage=check_stage(stage))
        live = house.models.promoter.withdraw(tenant, name, stage, actor, why)
    said(shown(live), f"nothing is live in {stage} any more", json=json)

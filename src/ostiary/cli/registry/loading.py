"""``ostiary model load``: take what is live out of the registry, everything asked again, into a fresh folder."""

import os
import shutil
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from ostiary.artifacts.oms import BUNDLE_NAME, RELEASE_NAME
from ostiary.cli.registry.shared import (
    Config,
    Data,
    DryRun,
    Json,
    Name,
    Stage,
    Tenant,
    opened,
    operator,
    said,
    write_new,
)
from ostiary.errors import FaultyInputError
from ostiary.pipeline.registry.loading import Loader, Ticket
from ostiary.pipeline.registry.model import Actor
from ostiary.pipeline.registry.naming import check_name, check_stage
from ostiary.server.model_door.promotions import shown as live_shown
from ostiary.server.model_door.uploads import shown
from ostiary.server.model_trust import judge_file

_FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def load(
    name: Name,
    *,
    stage: Stage,
    out: Annotated[Path, Parameter(help="Folder to be made.")],
    dry_run: DryRun = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Write the model that is live in a stage, with its signature and release; exit code 3 or 5 when it is refused."""
    with opened(data, config, tenant) as house:
        told = {"model": check_name(name), "stage": check_stage(stage), "dry_run": dry_run}
        actor = operator(house, tenant, "model.load", **told)
        loader = house.models.loader
        ticket = (loader.check if dry_run else loader.load)(tenant, name, stage, actor)
        if not dry_run:
            _write(loader, ticket, actor, out)
    version = ticket.version
    words = f"{name} version {version.number} of {stage}: {version.digest}" + ("" if dry_run else f" in {out}")
    said({**shown(version), **live_shown(ticket.live)}, words, json=json)


def _write(loader: Loader, ticket: Ticket, actor: Actor, out: Path) -> None:
    try:
        out.mkdir(mode=0o700)
    except OSError as fault:
        raise FaultyInputError("file_unwritable", f"`{out}` cannot be made: {fault.strerror}") from fault
    try:
        _fill(loader, ticket, actor, out)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)  # half a model is none
        raise


def _fill(loader: Loader, ticket: Ticket, actor: Actor, out: Path) -> None:
    for file in ticket.version.files:
        place = out / file.path
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(place, _FRESH, 0o600), "wb") as written:
            for piece in loader.read(ticket, file, actor):
                written.write(piece)
        judge_file(file.path, place)  # the list of formats may be shorter than when it came in
    write_new(out / BUNDLE_NAME, ticket.version.documents["signature"])
    write_new(out / RELEASE_NAME, ticket.live.release)

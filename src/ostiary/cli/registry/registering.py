"""``ostiary model register``: a signed folder becomes a version."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from ostiary.artifacts.oms import BUNDLE_NAME, RELEASE_NAME
from ostiary.cli.registry.shared import (
    Config,
    Data,
    DryRun,
    Json,
    Tenant,
    opened,
    operator,
    read_file,
    said,
)
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.pipeline.registry.staging import Staging
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.model_door.uploads import shown

_PIECE: Final = 1 << 20
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def register(
    folder: Annotated[Path, Parameter(help="The signed folder.")],
    *,
    name: Annotated[str, Parameter(help="Name of the model. Default: the folder's own.")] = "",
    trainer: Annotated[str, Parameter(help="Who made it, type:id: neither approves, validates nor promotes it.")],
    provenance: Annotated[Path, Parameter(help="SLSA provenance v1, signed by a known builder (DSSE).")],
    signature: Annotated[Path | None, Parameter(help="OMS bundle. Default: model.sig in the folder.")] = None,
    release: Annotated[Path | None, Parameter(help="Release of the signer. Default: release.sig, if there.")] = None,
    dry_run: DryRun = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Verify a folder whole, and keep it as the next version; exit code 5 when it does not verify."""
    called = name or folder.resolve().name
    own = release or folder / RELEASE_NAME
    documents = {"signature": read_file(signature or folder / BUNDLE_NAME), "provenance": read_file(provenance)}
    if release is not None or own.exists():
        documents["release"] = read_file(own)
    with opened(data, config, tenant) as house:
        deed = operator(house, tenant, "model.register", model=called, dry_run=dry_run)
        actor = msgspec.structs.replace(deed, subject=trainer)
        staging = house.models.staging
        upload = staging.begin(tenant, called, COMMAND_LINE)
        place = (tenant, upload.upload_id, called, COMMAND_LINE)
        try:
            _copy(folder, staging, place)
            sealed = staging.seal(*place)
            version = house.models.registrar.register(tenant, called, sealed, documents, actor, dry=dry_run)
        finally:
            staging.drop(*place)
    told = shown(version)
    words = f"{called} would be" if dry_run else f"{called} version {version.number} is"
    said(told, f"{words} {version.state.value}: {version.digest}, {len(version.files)} files", json=json)


def _copy(folder: Path, staging: Staging, place: tuple[str, str, str, str]) -> None:
    for path in _files(folder):
        incoming = staging.incoming(*place, path.relative_to(folder).as_posix())
        try:
            with os.fdopen(os.open(path, _FLAGS), "rb", buffering=0) as file:
                while piece := file.read(_PIECE):
                    incoming.feed(piece)
        except OSError as fault:
            incoming.drop()
            raise FaultyInputError("file_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault
        except BaseException:
            incoming.drop()
            raise
        incoming.finish()


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder; a link or anything else that is no file refuses the whole."""
    if not folder.is_dir():
        raise FaultyInputError("artifact_absent", f"`{folder}` is no folder that can be read")
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise VerificationError("artifact_link", f"`{path}` is a link or no regular file")
        if path.is_file() and path.relative_to(folder).as_posix() not in {BUNDLE_NAME, RELEASE_NAME}:
            yield path

"""``ostiary model verify``: verify an artefact folder, or a model with an OMS bundle, as before every load."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter

from ostiary.artifacts import verify_artifact
from ostiary.artifacts.oms import BUNDLE_NAME
from ostiary.cli.model._oms import VerifyWish, verify_oms
from ostiary.cli.model._shared import Data, Json, Tenant, read_pems
from ostiary.cli.output import out, print_json
from ostiary.keys import KeyRing
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.vocabulary.clock import SystemClock

_OMS = Group("OMS bundles", help="For folders with a model.sig, or with --bundle or --policy.")


def register(command: App) -> None:
    """Add the sub-verb."""
    command.command(verify)


def verify(
    folder: Annotated[Path, Parameter(help="Folder of the artefact.")],
    *,
    key: Annotated[list[Path] | None, Parameter(help="Trust only these public keys (PEM).", negative="")] = None,
    kind: Annotated[str, Parameter(help="Accept only this kind.")] = "",
    pinned: Annotated[str, Parameter(help="Accept only this digest, sha256:….")] = "",
    policy: Annotated[
        Path | None, Parameter(group=_OMS, help="Who may sign, and what else must be true (TOML).")
    ] = None,
    bundle: Annotated[Path | None, Parameter(group=_OMS, help="The bundle. Default: FOLDER/model.sig.")] = None,
    release: Annotated[Path | None, Parameter(group=_OMS, help="The release. Default: FOLDER/release.sig.")] = None,
    name: Annotated[str, Parameter(group=_OMS, help="The name it must bear. Default: the folder's.")] = "",
    stage: Annotated[str, Parameter(group=_OMS, help="Demand a release for this stage.")] = "",
    marks: Annotated[Path | None, Parameter(group=_OMS, help="File that remembers the highest version seen.")] = None,
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Verify a folder; exit code 5 when it is not exactly what a trusted key signed."""
    places = Places(data_dir(data))
    ring = KeyRing(places.keys / "ring", SystemClock())
    if policy or bundle or release or name or stage or marks or (folder / BUNDLE_NAME).exists():
        wish = VerifyWish(folder, policy, key or [], bundle, release, marks, name, stage, pinned, tenant)
        verify_oms(wish, ring, json=json)
        return
    from ostiary.server.wiring import trusted_model_keys  # noqa: PLC0415 - the whole server, which bundles do not need

    trusted = read_pems(key) if key else trusted_model_keys(places, ring, tenant)
    verified = verify_artifact(folder, trusted, kind=kind, pinned=pinned)
    if json:
        print_json({"digest": verified.digest, "files": sorted(verified.files), "predicate": verified.predicate})
        return
    out.print(f"good: {verified.digest} ({verified.predicate.kind}), {len(verified.files)} files", markup=False)

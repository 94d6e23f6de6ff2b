"""``ostiary model verify``: verify an artefact folder as it is verified before every load."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ostiary.artifacts import verify_artifact
from ostiary.cli.model._shared import Data, Json, Tenant, read_pems
from ostiary.cli.output import out, print_json
from ostiary.keys import KeyRing
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.server.wiring import trusted_model_keys
from ostiary.vocabulary.clock import SystemClock


def register(command: App) -> None:
    """Add the sub-verb."""
    command.command(verify)


def verify(
    folder: Annotated[Path, Parameter(help="Folder of the artefact.")],
    *,
    key: Annotated[list[Path] | None, Parameter(help="Trust only these public keys (PEM).", negative="")] = None,
    kind: Annotated[str, Parameter(help="Accept only this kind.")] = "",
    pinned: Annotated[str, Parameter(help="Accept only this digest, sha256:….")] = "",
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Verify a folder; exit code 5 when it is not exactly what a trusted key signed."""
    places = Places(data_dir(data))
    trusted = (
        read_pems(key) if key else trusted_model_keys(places, KeyRing(places.keys / "ring", SystemClock()), tenant)
    )
    verified = verify_artifact(folder, trusted, kind=kind, pinned=pinned)
    if json:
        print_json({"digest": verified.digest, "files": sorted(verified.files), "predicate": verified.predicate})
        return
    out.print(f"good: {verified.digest} ({verified.predicate.kind}), {len(verified.files)} files", markup=False)

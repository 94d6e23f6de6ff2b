"""``ostiary model sign``: sign an artefact folder."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ostiary.artifacts import ArtifactPredicate, sign_artifact
from ostiary.cli.model._shared import Data, Json, Tenant
from ostiary.cli.output import out, print_json
from ostiary.keys import KeyRing
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.server.wiring import MODEL_PURPOSE
from ostiary.vocabulary.clock import SystemClock


def register(command: App) -> None:
    """Add the sub-verb."""
    command.command(sign)


def sign(
    folder: Annotated[Path, Parameter(help="Folder of the artefact; every file in it is signed.")],
    *,
    kind: Annotated[str, Parameter(help="What it is; a loader asks for one kind only.")] = "access-risk-model",
    feature_set: Annotated[str, Parameter(help="Digest of the feature catalogue it belongs to, if any.")] = "",
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Sign a folder with the tenant's model key, which is made when there is none."""
    key = KeyRing(Places(data_dir(data)).keys / "ring", SystemClock()).active(tenant, MODEL_PURPOSE)
    predicate = ArtifactPredicate(
        kind=kind, created_ns=SystemClock().now_ns(), producer="ostiary model sign", feature_set=feature_set
    )
    digest = sign_artifact(folder, key, predicate)
    if json:
        print_json({"folder": str(folder), "digest": digest, "kid": key.kid, "kind": kind})
    else:
        out.print(f"signed {folder} as {digest} with {key.kid}", markup=False)

"""``ostiary model sign``: sign an artefact folder, or a model as an OMS bundle."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Group, Parameter

from ostiary.artifacts import ArtifactPredicate, sign_artifact
from ostiary.artifacts.oms import Hashing
from ostiary.cli.model._oms import SignWish, sign_oms
from ostiary.cli.model._shared import Data, Json, Tenant
from ostiary.cli.output import out, print_json
from ostiary.keys import KeyRing
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.vocabulary.clock import SystemClock

_OMS = Group("OMS bundles", help="OpenSSF Model Signing; --oms, --key, --certificate, --bundle or --version make one.")
_RELEASE = Group("Release", help="Bound to the bundle when --version is told.")


def register(command: App) -> None:
    """Add the sub-verb."""
    command.command(sign)


def sign(
    folder: Annotated[Path, Parameter(help="Folder of the artefact; every file in it is signed.")],
    *,
    kind: Annotated[str, Parameter(help="What it is; a loader asks for one kind only.")] = "access-risk-model",
    feature_set: Annotated[str, Parameter(help="Digest of the feature catalogue it belongs to, if any.")] = "",
    oms: Annotated[bool, Parameter(group=_OMS, negative="", help="Make an OMS bundle with the tenant's key.")] = False,
    key: Annotated[Path | None, Parameter(group=_OMS, help="Sign with this private key: P-256, P-384, P-521.")] = None,
    certificate: Annotated[Path | None, Parameter(group=_OMS, help="Its certificate, then its issuers (PEM).")] = None,
    bundle: Annotated[Path | None, Parameter(group=_OMS, help="Where to write. Default: FOLDER/model.sig.")] = None,
    name: Annotated[str, Parameter(group=_OMS, help="The model's name. Default: the folder's.")] = "",
    hash: Annotated[Literal["blake3", "sha256"], Parameter(group=_OMS, help="Content hash.")] = "blake3",  # noqa: A002
    shard_bytes: Annotated[int, Parameter(group=_OMS, help="Hash in shards of this size; 0: whole files.")] = 0,
    version: Annotated[int, Parameter(group=_RELEASE, help="Rollback counter, from 1; 0: no release.")] = 0,
    stage: Annotated[str, Parameter(group=_RELEASE, help="Where it may be loaded.")] = "staging",
    days: Annotated[int, Parameter(group=_RELEASE, help="For how many days.")] = 90,
    training_run: Annotated[str, Parameter(group=_RELEASE, help="Id of the run that made it.")] = "",
    dataset: Annotated[
        list[str] | None, Parameter(group=_RELEASE, negative="", help="NAME=sha256:… of a dataset.")
    ] = None,
    metrics: Annotated[str, Parameter(group=_RELEASE, help="sha256:… of the metrics report.")] = "",
    label: Annotated[str, Parameter(group=_RELEASE, help="The version as people write it.")] = "",
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Sign a folder with the tenant's model key, which is made when there is none, or with a key of yours."""
    ring = KeyRing(Places(data_dir(data)).keys / "ring", SystemClock())
    if oms or key or certificate or bundle or version:
        hashing = Hashing(hash, shard_bytes)
        told = (version, stage, days, training_run, dataset or [], metrics, label, tenant)
        sign_oms(SignWish(folder, name, key, certificate, bundle, hashing, *told), ring, json=json)
        return
    from ostiary.server.wiring import MODEL_PURPOSE  # noqa: PLC0415 - the whole server, which bundles do not need

    signer = ring.active(tenant, MODEL_PURPOSE)
    predicate = ArtifactPredicate(
        kind=kind, created_ns=SystemClock().now_ns(), producer="ostiary model sign", feature_set=feature_set
    )
    digest = sign_artifact(folder, signer, predicate)
    if json:
        print_json({"folder": str(folder), "digest": digest, "kid": signer.kid, "kind": kind})
    else:
        out.print(f"signed {folder} as {digest} with {signer.kid}", markup=False)

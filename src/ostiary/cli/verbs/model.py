"""``ostiary model``: sign and verify artefact folders (models and other files that a program loads)."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ostiary.artifacts import ArtifactPredicate, sign_artifact, verify_artifact
from ostiary.cli.model_scan import mount as mount_scan
from ostiary.cli.output import out, print_json
from ostiary.errors import FaultyInputError
from ostiary.keys import KeyRing, VerifyingKey
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.server.wiring import MODEL_PURPOSE, trusted_model_keys
from ostiary.vocabulary.clock import SystemClock

command = App(name="model", help="Sign models, and verify them as they are verified before every load.")
mount_scan(command)

Data = Annotated[Path | None, Parameter(help="Data directory. Default: $OSTIARY_DATA, else ./.ostiary.")]
Tenant = Annotated[str, Parameter(help="Tenant whose key signs or is trusted.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")]


@command.command
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


@command.command
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
    trusted = _pems(key) if key else trusted_model_keys(places, KeyRing(places.keys / "ring", SystemClock()), tenant)
    verified = verify_artifact(folder, trusted, kind=kind, pinned=pinned)
    if json:
        print_json({"digest": verified.digest, "files": sorted(verified.files), "predicate": verified.predicate})
        return
    out.print(f"good: {verified.digest} ({verified.predicate.kind}), {len(verified.files)} files", markup=False)


def _pems(paths: list[Path]) -> list[VerifyingKey]:
    try:
        return [VerifyingKey.from_pem(path.stem, path.read_bytes()) for path in paths]
    except OSError as fault:
        raise FaultyInputError("key_unreadable", f"a key cannot be read: {fault.strerror}") from fault

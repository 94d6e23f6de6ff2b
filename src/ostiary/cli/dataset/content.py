"""``ostiary dataset upload|manifest|verify|credentials``: what lies in a dataset, and what vouches for it.

``manifest`` reads every object, signs what it found with the producer's key, and has it accepted. The key is the
producer's, and stays where it runs: this is for a producer on the machine of the data directory.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from ostiary.cli.dataset.registering import DatasetId, Many, living
from ostiary.cli.output import out, plain, print_json
from ostiary.cli.places import Config, Data, Json, Tenant, open_data
from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.keys import SigningKey
from ostiary.keys.files import read_private
from ostiary.pipeline.datasets.cloud import MIN_LIFETIME_S, CloudAction, Wish, credentials_document
from ostiary.pipeline.datasets.making import entries_of
from ostiary.pipeline.datasets.manifests import sign_manifest
from ostiary.pipeline.datasets.names import check_name, check_prefix, join
from ostiary.pipeline.datasets.ports import Objects
from ostiary.pipeline.datasets.statement import Manifest, Parent
from ostiary.pipeline.datasets.uploads import Upload
from ostiary.server.datasets.parts import open_datasets
from ostiary.server.datasets.tending import accept, differences
from ostiary.server.deeds import COMMAND_LINE, record_deed

_PIECE = 1 << 20


def register(command: App) -> None:
    """Add these verbs."""
    for verb in (upload, manifest, verify, credentials):
        command.command(verb)


def upload(
    dataset: DatasetId,
    files: Annotated[tuple[Path, ...], Parameter(help="Files to put into the dataset.")],
    *,
    folder: Annotated[str, Parameter(help="Folder of the dataset.")] = "",
    replace: Annotated[bool, Parameter(negative="", help="Take the place of what is there.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Put files into a dataset, each whole or not at all."""
    rows = []
    with open_data(data, config) as house:
        living(house, tenant)
        parts = open_datasets(house)
        objects = parts.book.objects(parts.book.find(tenant, dataset))
        for path in files:
            name = check_name(join(folder, path.name))
            digest, size = _digest(path)
            told = {"object": name, "bytes": size, "digest": f"sha256:{digest.hex()}"}
            record_deed(house, COMMAND_LINE, tenant, "dataset.upload", dataset=dataset, **told)
            _put(objects, path, name, digest, size, replace=replace)
            rows.append(told)
    if json:
        print_json(rows)
    else:
        for row in rows:
            out.print(plain(f"{row['object']}  {row['bytes']} bytes  {row['digest']}"), markup=False)


def _digest(path: Path) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            return digest, file.tell()
    except OSError as fault:
        raise FaultyInputError("file_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault


def _put(objects: Objects, path: Path, name: str, digest: bytes, size: int, *, replace: bool) -> None:
    one = Upload(objects, digest, size)
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                one.write([piece])
        one.publish(name, replaces=_version(objects, name) if replace else None)
    finally:
        one.discard()


def _version(objects: Objects, name: str) -> str | None:
    try:
        with objects.open(name) as there:
            return there.stat.etag
    except RefusedError:
        return None


def manifest(
    dataset: DatasetId,
    *,
    producer: Annotated[str, Parameter(help="Name under which the dataset knows the key.")],
    key: Annotated[Path, Parameter(help="Private file (0600) of the producer's signing key, PEM.")],
    digest: Annotated[Literal["sha256", "blake3"], Parameter(help="Digest of the objects.")] = "sha256",
    parent: Annotated[
        Many, Parameter(help="Dataset that this one was made of; its manifest is the one of now; repeat.")
    ] = (),
    run: Annotated[str, Parameter(help="Which run made it, such as a CI job's address.")] = "",
    commit: Annotated[str, Parameter(help="Which source made it.")] = "",
    save: Annotated[Path | None, Parameter(help="Write the signed manifest to a file as well.")] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Sign what lies in a dataset now, and have it accepted."""
    with open_data(data, config) as house:
        living(house, tenant)
        parts = open_datasets(house)
        found = parts.book.find(tenant, dataset)
        signer = SigningKey.from_pem(producer, read_private(key))
        known = parts.book.manifests.history(tenant, dataset)
        made = Manifest(
            tenant=tenant,
            dataset=dataset,
            producer=producer,
            sequence=known[-1].sequence + 1 if known else 1,
            created_ns=house.clock.now_ns(),
            objects=tuple(entries_of(parts.book.objects(found), digest)),
            parents=tuple(Parent(name, parts.book.manifest_of(tenant, name).digest) for name in parent),
            producer_run=run,
            commit=commit,
        )
        envelope = sign_manifest(made, signer)
        accepted = accept(house, parts, COMMAND_LINE, tenant, dataset, envelope)
    if save is not None:
        save.write_bytes(envelope)
    told = {"digest": accepted.digest, "sequence": made.sequence, "objects": len(made.objects), "bytes": made.size}
    if json:
        print_json(told)
    else:
        out.print(f"{dataset} is {accepted.digest}: {len(made.objects)} objects, {made.size} bytes", markup=False)


def verify(
    dataset: DatasetId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Read every object and compare it with the signed manifest."""
    with open_data(data, config) as house:
        living(house, tenant)
        found, wrong = differences(open_datasets(house), tenant, dataset)
    told = {"dataset": dataset, "digest": found.digest, "objects": len(found.manifest.objects), "differences": wrong}
    if json:
        print_json(told)
    else:
        for one in wrong:
            out.print(plain(f"{one.what:10} {one.name}"), markup=False)
    if wrong:
        raise VerificationError("dataset_differs", f"{len(wrong)} objects are not as the manifest says")
    if not json:
        out.print(f"{dataset} is {found.digest}, as {found.manifest.producer} signed it", markup=False)


def credentials(
    dataset: DatasetId,
    *,
    action: Annotated[tuple[CloudAction, ...], Parameter(negative="", help="What may be done; repeat.")] = (
        "read",
        "list",
    ),
    folder: Annotated[str, Parameter(help="Folder of the dataset; empty for all of it.")] = "",
    lifetime_s: Annotated[int, Parameter(help="Seconds, 900 to 3600.")] = MIN_LIFETIME_S,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
) -> None:
    """Print the document that limits a cloud's own short-lived credentials to a dataset; no cloud is called."""
    with open_data(data, config) as house:
        living(house, tenant)
        parts = open_datasets(house)
        spec = parts.book.find(tenant, dataset).spec
        prefix = join(spec.prefix, check_prefix(folder))
        wish = Wish(parts.book.stores.check(spec), prefix, action, lifetime_s, house.clock.now_ns())
        document = credentials_document(wish)
        record_deed(house, COMMAND_LINE, tenant, "dataset.credentials", dataset=dataset, actions=list(action))
    print_json(document)

"""``ostiary release``: sign a folder of built files with their provenance, and verify one that was downloaded.

    ostiary release verify dist --key release.pem

Exits with 5 when a byte of any file is not what was released, or the key is another one.
"""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from ostiary.artifacts.provenance import sign_release, verify_release
from ostiary.cli.output import out, print_json
from ostiary.cli.places import Json
from ostiary.cli.verifying import read_bytes
from ostiary.errors import FaultyInputError
from ostiary.keys import SigningKey, VerifyingKey, sha256_hex
from ostiary.keys.files import read_private

command = App(name="release", help="Releases: files with a signed statement of what they were built from.")
Folder = Annotated[Path, Parameter(help="Folder of the release: wheel, sdist, SBOM.")]


@command.command
def sign(
    folder: Folder,
    *,
    key: Annotated[Path, Parameter(help="Private key (PEM, mode 0600).")],
    commit: Annotated[str, Parameter(help="Commit of the sources.")],
    material: Annotated[
        tuple[Path, ...], Parameter(negative="", help="File that went into the build, such as a lock; told by digest.")
    ] = (),
    builder: Annotated[str, Parameter(help="Who built it, a URI.")] = "urn:ostiary:builder:local",
    json: Json = False,
) -> None:
    """Write `provenance.dsse.json` beside the files: in-toto, SLSA provenance v1, DSSE."""
    if not commit or not all(char in "0123456789abcdef" for char in commit):
        raise FaultyInputError("usage", "a commit is told in hexadecimal")
    materials = {path.as_posix(): sha256_hex(read_bytes(path)) for path in material}
    digest = sign_release(folder, SigningKey.from_pem("release", read_private(key)), commit, materials, builder)
    if json:
        print_json({"folder": str(folder), "digest": digest})
    else:
        out.print(f"signed, statement sha256:{digest}", markup=False)


@command.command
def verify(
    folder: Folder,
    *,
    key: Annotated[
        tuple[Path, ...], Parameter(negative="", required=True, help="Public key (PEM) that you have from elsewhere.")
    ],
    json: Json = False,
) -> None:
    """Verify a downloaded release, every byte of it, against a key."""
    statement = verify_release(folder, [VerifyingKey.from_pem(path.stem, read_bytes(path)) for path in key])
    built: dict[str, Any] = statement.predicate
    if json:
        print_json({"verified": True, "files": statement.subject, "provenance": built})
        return
    for one in statement.subject:
        out.print(f"{one.digest['sha256']}  {one.name}", markup=False)
    out.print(f"built from commit {built['buildDefinition']['externalParameters']['commit']}", markup=False)
    out.print("verified", style="green")

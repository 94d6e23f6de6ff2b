"""Releases: a folder of files with an SLSA provenance statement that says what they were built from, signed.

- in-toto Statement v1, predicate ``https://slsa.dev/provenance/v1``, in a DSSE envelope: cosign and slsa-verifier read
  the same form.
- A release verifies when a given key signed the statement, every file it names is there with its SHA-256, and no other
  file is. The key comes from elsewhere; there is none to fall back on.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from ostiary.artifacts.dsse import seal, unseal
from ostiary.artifacts.object_digest import hasher
from ostiary.artifacts.ports import Signer, Verifier
from ostiary.artifacts.signing import write_file
from ostiary.errors import FaultyInputError, UnavailableError, VerificationError

PROVENANCE_NAME: Final = "provenance.dsse.json"
BUILD_TYPE: Final = "urn:ostiary:build:hatchling:v1"
_LIMIT: Final = 4 << 20
_MAX_FILES: Final = 1_000
_CHUNK: Final = 1 << 20
Word = Annotated[str, msgspec.Meta(max_length=1_024)]


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the release."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,254}$")]
    digest: dict[Word, Word]


class ReleaseStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """in-toto Statement v1 with an SLSA v1 provenance; another type does not parse."""

    subject: Annotated[list[Subject], msgspec.Meta(min_length=1, max_length=_MAX_FILES)]
    predicate: dict[str, Any]
    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(
        name="_type", default="https://in-toto.io/Statement/v1"
    )
    predicate_type: Literal["https://slsa.dev/provenance/v1"] = msgspec.field(
        name="predicateType", default="https://slsa.dev/provenance/v1"
    )


def sign_release(folder: Path, key: Signer, commit: str, materials: Mapping[str, str], builder: str) -> str:
    """Sign every file of ``folder`` and write the statement beside them; return the statement's SHA-256.

    Args:
        folder: the release; plain files only.
        key: who releases.
        commit: of the sources, in hexadecimal.
        materials: SHA-256 of what else went in, by name, such as lock files.
        builder: who built it, a URI.

    Raises:
        FaultyInputError: ``release_empty``.
        VerificationError: ``release_malformed``: something in the folder is no plain file.
    """
    digests = _digests(folder)
    if not digests:
        raise FaultyInputError("release_empty", f"`{folder}` holds no file to release")
    inputs = [{"uri": f"file:{name}", "digest": {"sha256": digest}} for name, digest in sorted(materials.items())]
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"commit": commit},
            "resolvedDependencies": [{"uri": "git:.", "digest": {"gitCommit": commit}}, *inputs],
        },
        "runDetails": {"builder": {"id": builder}},
    }
    subjects = [Subject(name, {"sha256": digests[name]}) for name in sorted(digests)]
    payload = msgspec.json.encode(ReleaseStatement(subjects, predicate), order="sorted")
    write_file(folder / PROVENANCE_NAME, seal(payload, [key]))
    digest = hasher("sha256")
    digest.update(payload)
    return digest.hexdigest()


def verify_release(folder: Path, keys: Sequence[Verifier]) -> ReleaseStatement:
    """Return what a release says of itself, after all of it was verified.

    Raises:
        UnavailableError: ``release_unreadable``.
        VerificationError: ``artifact_untrusted_key``, ``artifact_manifest_malformed``, ``release_malformed``,
            ``release_altered``.
    """
    try:
        with (folder / PROVENANCE_NAME).open("rb") as file:
            data = file.read(_LIMIT + 1)
    except OSError as fault:
        raise UnavailableError("release_unreadable", f"`{folder}` holds no release: {fault.strerror}") from fault
    if len(data) > _LIMIT:
        raise VerificationError("release_malformed", "the statement is larger than any that we write")
    payload = unseal(data, keys, threshold=1, max_signatures=8)
    try:
        statement = msgspec.json.decode(payload, type=ReleaseStatement)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise VerificationError("release_malformed", f"the signed statement is malformed: {fault}") from fault
    wanted, found = {one.name: one.digest.get("sha256") for one in statement.subject}, _digests(folder)
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            raise VerificationError("release_altered", f"`{name[:200]}` is missing from the release")
        if name not in wanted:
            raise VerificationError("release_altered", f"`{name[:200]}` is no part of the release")
        if wanted[name] != found[name]:
            raise VerificationError("release_altered", f"`{name[:200]}` was altered")
    return statement


def _digests(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise VerificationError("release_malformed", f"`{path.name[:200]}` is no plain file of a release")
        if path.name == PROVENANCE_NAME:
            continue
        digest = hasher("sha256")
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                digest.update(piece)
        found[path.name] = digest.hexdigest()
    return found

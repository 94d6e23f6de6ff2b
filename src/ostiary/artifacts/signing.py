"""Signs a folder: every file is checked and listed, then the manifest lands beside them in one step."""

import os
from pathlib import Path

from ostiary.artifacts.dsse import seal
from ostiary.artifacts.formats import check_format
from ostiary.artifacts.limits import ArtifactLimits
from ostiary.artifacts.ports import Signer
from ostiary.artifacts.reading import read_folder
from ostiary.artifacts.statement import (
    MANIFEST_NAME,
    ArtifactPredicate,
    encode_statement,
    make_statement,
    sha256_hex,
)
from ostiary.errors import FaultyInputError


def sign_artifact(
    directory: Path, key: Signer, predicate: ArtifactPredicate, limits: ArtifactLimits | None = None
) -> str:
    """Sign every file of ``directory`` with ``key`` and return the artefact's digest, ``sha256:…``.

    An older manifest is replaced. The digest is that of the signed statement, so it names files and predicate alike.

    Raises:
        FaultyInputError: ``artifact_absent``, ``artifact_empty``.
        VerificationError: a file has no allowed format, is a link or is too large.
    """
    files = read_folder(directory, limits or ArtifactLimits())
    files.pop(MANIFEST_NAME, None)
    if not files:
        raise FaultyInputError("artifact_empty", f"`{directory}` holds no file to sign")
    for name, data in files.items():
        check_format(name, data)
    payload = encode_statement(make_statement(files, predicate))
    write_file(directory / MANIFEST_NAME, seal(payload, [key]))
    return "sha256:" + sha256_hex(payload)


def write_file(path: Path, data: bytes) -> None:
    """Write ``data`` so that a reader sees the old file or the new one, never half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

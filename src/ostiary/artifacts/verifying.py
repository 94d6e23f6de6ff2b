"""Verifies a folder before anything is loaded from it.

What must be true, in this order:

1. The folder is readable: plain names, regular files, no links, within the limits. Every byte is read once, here.
2. There is a manifest, and enough distinct trusted keys signed exactly these bytes.
3. The statement is of our type and version, and of the kind the caller asked for.
4. It is the artefact the caller pinned, and not older than the one it had (no downgrade).
5. The files and the statement agree: none missing, none extra, every digest equal.
6. Every file is of an allowed format.

Only then the bytes are handed out.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from ostiary.artifacts.dsse import unseal
from ostiary.artifacts.formats import check_format
from ostiary.artifacts.limits import ArtifactLimits
from ostiary.artifacts.ports import Verifier
from ostiary.artifacts.reading import is_plain_name, read_folder
from ostiary.artifacts.statement import MANIFEST_NAME, ArtifactPredicate, Statement, parse_statement, sha256_hex
from ostiary.errors import FaultyInputError, VerificationError


class VerifiedArtifact(msgspec.Struct, frozen=True):
    """The bytes of an artefact that verified; made by ``verify_artifact`` only.

    Attributes:
        digest: ``sha256:…`` of the signed statement.
        files: content by file name, the very bytes whose digests were compared.
        predicate: what the signer said of it.
    """

    digest: str
    files: Mapping[str, bytes]
    predicate: ArtifactPredicate


def verify_artifact(
    directory: Path,
    trusted_keys: Iterable[Verifier],
    *,
    kind: str = "",
    pinned: str = "",
    not_before_ns: int = 0,
    threshold: int = 1,
    limits: ArtifactLimits | None = None,
) -> VerifiedArtifact:
    """Return the artefact's bytes, or refuse.

    Args:
        directory: the folder.
        trusted_keys: public keys that may sign; the envelope's own key ids decide nothing.
        kind: the only kind accepted; empty accepts any.
        pinned: the only digest accepted; empty accepts any.
        not_before_ns: refuse an artefact made earlier (a replayed older model).
        threshold: how many distinct trusted keys must have signed.
        limits: bounds on files and bytes.

    Raises:
        FaultyInputError: ``artifact_absent``.
        VerificationError: any ``artifact_…`` code of this room.
    """
    bounds = limits or ArtifactLimits()
    files = read_folder(directory, bounds)  # 1
    manifest = files.pop(MANIFEST_NAME, None)
    if manifest is None:  # 2
        raise VerificationError("artifact_unsigned", f"`{directory}` has no `{MANIFEST_NAME}`")
    payload = unseal(manifest, trusted_keys, threshold=threshold, max_signatures=bounds.max_signatures)
    statement = parse_statement(payload)  # 3
    digest = "sha256:" + sha256_hex(payload)
    _check_predicate(statement.predicate, kind, not_before_ns)  # 3, 4
    if pinned and digest != pinned:  # 4
        raise VerificationError("artifact_not_pinned", f"the artefact is {digest}, pinned is `{pinned[:80]}`")
    _check_files(statement, files)  # 5
    for name, data in files.items():  # 6
        check_format(name, data)
    return VerifiedArtifact(digest=digest, files=MappingProxyType(files), predicate=statement.predicate)


def signed_digest(directory: Path, trusted_keys: Iterable[Verifier], limits: ArtifactLimits | None = None) -> str:
    """Return the digest that ``verify_artifact`` would give, whatever became of the files; nothing when nobody signed.

    It names a version for people and block lists. Nothing may be loaded on the strength of it.
    """
    bounds = limits or ArtifactLimits()
    try:
        manifest = read_folder(directory, bounds).get(MANIFEST_NAME, b"")
        return "sha256:" + sha256_hex(unseal(manifest, trusted_keys, threshold=1, max_signatures=bounds.max_signatures))
    except (FaultyInputError, VerificationError):
        return ""


def _check_predicate(predicate: ArtifactPredicate, kind: str, not_before_ns: int) -> None:
    if kind and predicate.kind != kind:
        raise VerificationError("artifact_wrong_kind", f"the artefact is a `{predicate.kind}`, wanted is a `{kind}`")
    if predicate.created_ns < not_before_ns:
        raise VerificationError("artifact_downgrade", "the artefact is older than the one it would replace")


def _check_files(statement: Statement, files: Mapping[str, bytes]) -> None:
    listed = {subject.name: subject.digest.get("sha256", "") for subject in statement.subject}
    if len(listed) != len(statement.subject) or not all(is_plain_name(name) for name in listed):
        raise VerificationError("artifact_manifest_malformed", "the statement names a file twice or outside the folder")
    for name in sorted(listed.keys() - files.keys()):
        raise VerificationError("artifact_missing_file", f"`{name}` is in the manifest and not in the folder")
    for name in sorted(files.keys() - listed.keys()):
        raise VerificationError("artifact_extra_file", f"`{name}` is in the folder and not in the manifest")
    for name, data in files.items():
        if sha256_hex(data) != listed[name]:
            raise VerificationError("artifact_modified", f"`{name}` is not the file that was signed")

"""Compares what was signed with what is there: the same files, and the same bytes in them."""

from collections.abc import Collection, Mapping

from ostiary.artifacts.oms.digests import Work, hash_all
from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.artifacts.oms.staging.base import StagedFile
from ostiary.artifacts.oms.statement import ModelStatement


def check_files(statement: ModelStatement, found: Collection[str]) -> None:
    """Refuse when the folder does not hold exactly the signed files.

    Raises:
        VerificationError: ``artifact_renamed_file``, ``artifact_missing_file``, ``artifact_hidden_file``,
            ``artifact_extra_file``.
    """
    missing = sorted(statement.files.keys() - set(found))
    extra = sorted(set(found) - statement.files.keys())
    if missing and extra:
        text = f"`{shown(missing[0])}` is missing, and `{shown(extra[0])}` stands there unsigned"
        raise refuse("artifact_renamed_file", text, "artifact_missing_file", "artifact_extra_file")
    if missing:
        raise refuse("artifact_missing_file", f"`{shown(missing[0])}` was signed and is missing")
    if extra:
        hidden = [path for path in extra if any(part.startswith(".") for part in path.split("/"))]
        code = "artifact_hidden_file" if hidden else "artifact_extra_file"
        raise refuse(code, f"`{shown((hidden or extra)[0])}` is there and was not signed")


def check_digests(statement: ModelStatement, staged: Mapping[str, StagedFile]) -> None:
    """Refuse when a file is not, byte for byte, the one that was signed.

    Raises:
        VerificationError: ``artifact_modified``.
    """
    works: list[Work] = []
    signed: list[bytes] = []
    for path, covered in statement.files.items():
        if covered.size is not None and covered.size != staged[path].size:
            raise refuse("artifact_modified", f"`{shown(path)}` has not the size that was signed")
        works += [Work(staged[path], piece.start, piece.end) for piece in covered.pieces]
        signed += [piece.digest for piece in covered.pieces]
    for work, digest, right in zip(works, hash_all(works, statement.algorithm), signed, strict=True):
        if digest != right:
            raise refuse("artifact_modified", f"`{shown(work.file.name)}` is not the file that was signed")

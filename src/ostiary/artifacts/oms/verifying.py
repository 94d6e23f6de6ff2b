"""Verifies a model before anything is loaded from it (stub)."""

from pathlib import Path

from ostiary.artifacts.oms.policy import ModelPolicy
from ostiary.artifacts.oms.ports import FormatJudge, VersionMarks
from ostiary.artifacts.oms.staging import Staging
from ostiary.artifacts.oms.verified import VerifiedModel
from ostiary.vocabulary.clock import Clock


def verify_model(
    path: Path,
    policy: ModelPolicy,
    staging: Staging,
    *,
    clock: Clock,
    name: str | None = None,
    bundle: bytes | None = None,
    release: bytes | None = None,
    marks: VersionMarks | None = None,
    judge: FormatJudge | None = None,
) -> VerifiedModel:
    """Return the model's facts and staged bytes, or refuse.

    Args:
        path: the folder.
        policy: who may sign, and what else must be true.
        staging: where the bytes that are checked and handed on lie.
        clock: tells the time against which certificates and releases are held.
        name: the name it must bear; without it, the folder's own.
        bundle: the OMS bundle; without it, ``model.sig`` in the folder.
        release: the release's bundle; without it, ``release.sig`` in the folder.
        marks: the highest versions seen; raised when everything else held.
        judge: refuses files of formats that are not allowed.

    Raises:
        FaultyInputError: ``artifact_absent``.
        VerificationError: any ``artifact_…`` code of this room.
    """
    raise NotImplementedError

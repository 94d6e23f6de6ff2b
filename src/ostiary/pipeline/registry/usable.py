"""Whether a version may be used in a stage at all: asked at promotion, and again at every load."""

from ostiary.errors import RefusedError
from ostiary.pipeline.registry.model import Live, State, Version
from ostiary.pipeline.registry.ports import Blobs


def check_usable(version: Version, stage: str, now_ns: int) -> None:
    """Refuse what is shut out, signed for another stage, or past its end.

    Raises:
        RefusedError: ``model_quarantined``, ``model_retired``, ``model_stage_not_signed``, ``model_expired``.
    """
    if version.state is State.QUARANTINED:
        raise RefusedError("model_quarantined", f"version {version.number} is quarantined: {version.why[:120]}")
    if version.state is State.RETIRED:
        raise RefusedError("model_retired", f"version {version.number} is retired")
    if version.stages and stage not in version.stages:
        raise RefusedError("model_stage_not_signed", f"version {version.number} is not signed for `{stage[:40]}`")
    if version.not_after_ns and now_ns >= version.not_after_ns:
        raise RefusedError("model_expired", f"version {version.number} is past the end that its signer set")


def check_blobs(blobs: Blobs, version: Version) -> None:
    """Refuse a version of which a file is gone or has another length.

    Raises:
        RefusedError: ``model_file_missing``.
        UnavailableError: ``blobs_unavailable``.
    """
    for file in version.files:
        if blobs.size(version.tenant, file.sha256) != file.size:
            raise RefusedError("model_file_missing", f"`{file.path}` is missing or damaged")


def nothing_live(tenant: str, name: str, stage: str) -> Live:
    """Return a stage in which nothing ever was live."""
    return Live(tenant, name, stage, 0, 0, "", "", 0, (), "", b"", b"", {}, 0, "", 0, "")

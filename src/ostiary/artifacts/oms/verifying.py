"""Verifies a model before anything is loaded from it.

What must be true, in this order; the cheap questions come before the bytes:

1. There is a bundle, well-formed, and a signer whom *the policy* trusts made it.
2. Its statement is of OMS v1.0, hashed as the policy accepts, and agrees with itself.
3. It bears the name that was asked for.
4. There is a release, by a releaser whom the policy trusts, bound to this very statement; for this name, tenant and
   stage; not over; not older than the highest version seen.
5. The folder holds exactly the files that were signed: nothing is ignored, nothing is a link, nothing is odd.
6. Every byte is taken first, and the digests of what was taken are those that were signed.
7. Every file is of a format that the caller's judge accepts.
8. The version mark rises. Of two callers at once with different releases of one version, one is refused.

Only then the bytes are handed out. What the signature says of ignored paths, links or itself decides nothing.
"""

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from ostiary.artifacts.oms.bundle import BUNDLE_NAME, RELEASE_NAME, parse_bundle
from ostiary.artifacts.oms.comparing import check_digests, check_files
from ostiary.artifacts.oms.digests import core_count
from ostiary.artifacts.oms.policy import ModelPolicy
from ostiary.artifacts.oms.ports import FormatJudge, VersionMark, VersionMarks
from ostiary.artifacts.oms.proving import prove
from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.artifacts.oms.release import Release, read_release
from ostiary.artifacts.oms.signers import SignerProof
from ostiary.artifacts.oms.staging import StagedFile, Staging, Taken
from ostiary.artifacts.oms.statement import ModelStatement, read_statement
from ostiary.artifacts.oms.tree import Walk, open_root, read_beneath
from ostiary.artifacts.oms.verified import VerifiedModel
from ostiary.vocabulary.clock import Clock

_NS: Final = 1_000_000_000
_SKEW_NS: Final = 300 * _NS  # how far the releaser's clock may be ahead
_OWN: Final = (BUNDLE_NAME, RELEASE_NAME)


class _Released(msgspec.Struct, frozen=True):
    release: Release
    by: SignerProof
    digest: str


class _Admitted(msgspec.Struct, frozen=True):
    statement: ModelStatement
    digest: str
    signer: SignerProof
    released: _Released | None


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
        UnavailableError: ``artifact_staging_full``, ``artifact_staging_unavailable``, ``artifact_blake3_missing``.
        VerificationError: any reason of ``refusing.REASONS``.
    """
    root = open_root(path)
    try:
        asked = path.resolve().name if name is None else name
        admitted = _admit(root, asked, policy, bundle, release, clock.now_ns())  # 1-4
        _check_mark(admitted.released, policy.tenant, marks)  # 4
        walk = Walk(policy.limits, listed=admitted.statement.files, own=_OWN, any_mode=policy.any_mode)
        files = walk.into(root)
        check_files(admitted.statement, files)  # 5
        taken = staging.take(root, files)
        try:
            staged = _take(taken, admitted.statement)  # 6
            _judge(staged, judge)  # 7
            _advance(admitted.released, policy.tenant, marks)  # 8
        except BaseException:
            taken.drop()
            raise
    finally:
        os.close(root)
    return _verified(admitted, staged, taken)


def _admit(
    root: int, asked: str, policy: ModelPolicy, bundle: bytes | None, release: bytes | None, now_ns: int
) -> _Admitted:
    """Return what the signatures say, once they were found good."""
    signer, payload = prove(parse_bundle(_bundle(root, bundle, policy)), policy.signers, now_ns)
    digest = "sha256:" + hashlib.sha256(payload).hexdigest()
    statement = _read_statement(payload, asked, policy)
    sealed = release if release is not None else read_beneath(root, RELEASE_NAME, policy.limits.max_bundle_bytes)
    return _Admitted(statement, digest, signer, _released(sealed, statement, digest, policy, now_ns))


def _verified(admitted: _Admitted, staged: Mapping[str, StagedFile], taken: Taken) -> VerifiedModel:
    released = admitted.released
    return VerifiedModel(
        name=admitted.statement.name,
        root=admitted.statement.root,
        digest=admitted.digest,
        hashed_with=admitted.statement.algorithm,
        signer=admitted.signer,
        files=staged,
        taken=taken,
        release=released.release if released else None,
        releaser=released.by if released else None,
        release_digest=released.digest if released else "",
    )


def _judge(staged: Mapping[str, StagedFile], judge: FormatJudge | None) -> None:
    if judge is not None:
        for file in staged.values():
            judge(file.name, file.view())


def _bundle(root: int, given: bytes | None, policy: ModelPolicy) -> bytes:
    data = given if given is not None else read_beneath(root, BUNDLE_NAME, policy.limits.max_bundle_bytes)
    if data is None:
        raise refuse("artifact_unsigned", f"the model has no `{BUNDLE_NAME}`")
    if len(data) > policy.limits.max_bundle_bytes:
        raise refuse("artifact_too_large", f"the bundle has more than {policy.limits.max_bundle_bytes} bytes")
    return data


def _read_statement(payload: bytes, asked: str, policy: ModelPolicy) -> ModelStatement:
    statement = read_statement(payload, policy.limits)
    if statement.algorithm not in policy.hashes:
        accepted = ", ".join(sorted(policy.hashes))
        raise refuse("artifact_algorithm", f"the files are hashed with {statement.algorithm}, accepted is {accepted}")
    if statement.name != asked:
        raise refuse(
            "artifact_wrong_name", f"the model was signed as `{shown(statement.name)}`, not as `{shown(asked)}`"
        )
    return statement


def _released(
    sealed: bytes | None, statement: ModelStatement, digest: str, policy: ModelPolicy, now_ns: int
) -> _Released | None:
    if sealed is None:
        if policy.release_needed:
            raise refuse("artifact_release_missing", f"the model has no `{RELEASE_NAME}`, and the policy needs one")
        return None
    if len(sealed) > policy.limits.max_bundle_bytes:
        raise refuse("artifact_too_large", f"the release has more than {policy.limits.max_bundle_bytes} bytes")
    by, payload = prove(parse_bundle(sealed), policy.releasers or policy.signers, now_ns)
    release = read_release(payload, root=statement.root, digest=digest)
    _check_release(release, statement, policy, now_ns)
    return _Released(release, by, "sha256:" + hashlib.sha256(payload).hexdigest())


def _check_release(release: Release, statement: ModelStatement, policy: ModelPolicy, now_ns: int) -> None:
    if release.name != statement.name:
        raise refuse(
            "artifact_wrong_name", f"the release is of `{shown(release.name)}`, not of `{shown(statement.name)}`"
        )
    if release.tenant not in {"", policy.tenant}:
        raise refuse("artifact_wrong_tenant", "the release is for another tenant")
    if policy.stages and release.stage not in policy.stages:
        raise refuse("artifact_wrong_stage", f"the release is for `{shown(release.stage)}`, not for this stage")
    if release.released_ns > now_ns + _SKEW_NS:
        raise refuse("artifact_release_not_yet", "the release says that it was made in the future")
    too_old = policy.max_age_s and now_ns - release.released_ns > policy.max_age_s * _NS
    if now_ns > release.not_after_ns or too_old:
        raise refuse("artifact_release_expired", "the release is over: it must be released again")
    if release.version < policy.min_version:
        text = f"version {release.version} is older than {policy.min_version}, the lowest that is accepted"
        raise refuse("artifact_replayed", text)


def _check_mark(released: _Released | None, tenant: str, marks: VersionMarks | None) -> None:
    if released is None or marks is None:
        return
    release = released.release
    stands = marks.find(tenant, release.name, release.stage)
    if stands is not None:
        _compare(released, stands)


def _advance(released: _Released | None, tenant: str, marks: VersionMarks | None) -> None:
    if released is None or marks is None:
        return
    release, mark = released.release, VersionMark(released.release.version, released.digest)
    _compare(released, marks.advance(tenant, release.name, release.stage, mark))


def _compare(released: _Released, stands: VersionMark) -> None:
    version = released.release.version
    if version < stands.version:
        raise refuse("artifact_replayed", f"version {version} was loaded before; the highest seen is {stands.version}")
    if version == stands.version and released.digest != stands.digest:
        raise refuse("artifact_version_reused", f"another release was already seen as version {version}")


def _take(taken: Taken, statement: ModelStatement) -> Mapping[str, StagedFile]:
    paths = sorted(statement.files)
    with ThreadPoolExecutor(max_workers=core_count(), thread_name_prefix="stage") as pool:
        staged = dict(zip(paths, pool.map(taken.file, paths), strict=True))
    check_digests(statement, staged)
    taken.finish()
    return staged

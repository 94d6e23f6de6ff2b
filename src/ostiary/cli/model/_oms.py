"""Signing and verifying OMS bundles on the command line: who signs, who is trusted, and what is said of a verdict."""

from pathlib import Path

import msgspec

from ostiary.artifacts import write_file
from ostiary.artifacts.oms import (
    BUNDLE_NAME,
    RELEASE_NAME,
    BundleSigner,
    CertificateSigner,
    CheckOnly,
    FileMarks,
    Hashing,
    KeySigner,
    ModelPolicy,
    Release,
    TrustedKey,
    VerifiedModel,
    sign_model,
    sign_release,
    verify_model,
)
from ostiary.artifacts.oms.policy_file import read_policy
from ostiary.cli.output import out, print_json
from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.keys import ES256, KeyRing
from ostiary.keys.certificates import read_pems
from ostiary.keys.curves import CurveKey, CurvePublicKey
from ostiary.vocabulary.clock import SystemClock

OMS_PURPOSE = "model-bundles"
_DAY_NS = 86_400 * 10**9


class SignWish(msgspec.Struct, frozen=True):
    """What ``ostiary model sign`` was asked for."""

    folder: Path
    name: str
    key: Path | None
    certificate: Path | None
    bundle: Path | None
    hashing: Hashing
    version: int
    stage: str
    days: int
    training_run: str
    dataset: list[str]
    metrics: str
    label: str
    tenant: str


class VerifyWish(msgspec.Struct, frozen=True):
    """What ``ostiary model verify`` was asked for."""

    folder: Path
    policy: Path | None
    keys: list[Path]
    bundle: Path | None
    release: Path | None
    marks: Path | None
    name: str
    stage: str
    pinned: str
    tenant: str


def sign_oms(wish: SignWish, ring: KeyRing, *, json: bool) -> None:
    """Sign a model as an OMS bundle, and release it when a version was told."""
    signer = _signer(wish, ring)
    signed = sign_model(wish.folder, signer, name=wish.name, hashing=wish.hashing)
    bundle = wish.bundle or wish.folder / BUNDLE_NAME
    write_file(bundle, signed.bundle)
    release = _release(wish, signed.name) if wish.version else None
    if release is not None:
        sealed = sign_release(release, signer, root=signed.root, digest=signed.digest)
        write_file(bundle.with_name(RELEASE_NAME), sealed)
    facts = {name: getattr(signed, name) for name in ("name", "root", "digest", "files", "total_bytes")}
    if json:
        print_json({**facts, "bundle": str(bundle), "release": release})
        return
    out.print(f"signed {signed.name}: {signed.files} files as {signed.root}, in {bundle}", markup=False)
    if release is not None:
        out.print(f"released as version {release.version} for {release.stage}", markup=False)


def verify_oms(wish: VerifyWish, ring: KeyRing, *, json: bool) -> None:
    """Verify a model; a refusal leaves with its reasons and exit code 5, with ``--json`` also on stdout."""
    try:
        model = _verify(wish, ring)
    except RefusedError as fault:
        if json:
            print_json({"verified": False, "code": fault.code, "reasons": fault.reasons, "message": fault.message})
        raise
    if json:
        print_json({"verified": True, **model.facts()})
        return
    words = f"good: {model.name} {model.root}, {len(model.files)} files, signed by {model.signer.identity}"
    out.print(words, markup=False)
    if model.release is None:
        out.print("no release: nothing binds its version, stage or last day", markup=False)
    else:
        out.print(f"version {model.release.version} for {model.release.stage}", markup=False)


def _verify(wish: VerifyWish, ring: KeyRing) -> VerifiedModel:
    model = verify_model(
        wish.folder,
        _policy(wish, ring),
        CheckOnly(),
        clock=SystemClock(),
        name=wish.name or None,
        bundle=_read(wish.bundle),
        release=_read(wish.release),
        marks=FileMarks(wish.marks) if wish.marks else None,
    )
    if wish.pinned and wish.pinned not in {model.root, model.digest}:
        text = f"the model is {model.root}, pinned is `{wish.pinned[:80]}`"
        raise VerificationError("artifact_not_pinned", text)
    return model


def _policy(wish: VerifyWish, ring: KeyRing) -> ModelPolicy:
    """Return the policy of the file; without one, the given keys or the data directory's own are trusted."""
    if wish.policy is not None:
        return _narrowed(read_policy(wish.policy), wish.stage)
    keys = [CurvePublicKey.from_pem(_read(path) or b"") for path in wish.keys]
    if not wish.keys:
        keys = [CurvePublicKey.from_pem(key.pem()) for key in ring.all_public(wish.tenant, OMS_PURPOSE)]
    return ModelPolicy(
        signers=tuple(TrustedKey(key) for key in keys),
        release_needed=bool(wish.stage),
        tenant=wish.tenant,
        stages=frozenset({wish.stage} if wish.stage else ()),
    )


def _narrowed(policy: ModelPolicy, stage: str) -> ModelPolicy:
    """Return the policy for one stage; the command line may narrow a policy and never widen it."""
    if not stage:
        return policy
    if policy.stages and stage not in policy.stages:
        raise FaultyInputError("model_policy_narrower", f"the policy accepts no release for `{stage[:64]}`")
    return msgspec.structs.replace(policy, stages=frozenset({stage}), release_needed=True)


def _signer(wish: SignWish, ring: KeyRing) -> BundleSigner:
    if wish.key is None:
        if wish.certificate is not None:
            raise FaultyInputError("key_missing", "a certificate signs nothing without its `--key`")
        return KeySigner(CurveKey.from_pem(ring.active(wish.tenant, OMS_PURPOSE, ES256).private_pem()))
    key = CurveKey.from_pem(_read(wish.key) or b"")
    if wish.certificate is None:
        return KeySigner(key)
    return CertificateSigner(key, read_pems(_read(wish.certificate) or b""))


def _release(wish: SignWish, name: str) -> Release:
    now = SystemClock().now_ns()
    datasets = dict(_pair(text) for text in wish.dataset)
    return Release(
        name=name,
        version=wish.version,
        stage=wish.stage,
        not_after_ns=now + wish.days * _DAY_NS,
        released_ns=now,
        training_run=wish.training_run,
        datasets=datasets,
        metrics=wish.metrics,
        label=wish.label,
    )


def _pair(text: str) -> tuple[str, str]:
    name, _, digest = text.partition("=")
    if not name or not digest:
        raise FaultyInputError("release_malformed", f"`{text[:80]}` is not NAME=sha256:…")
    return name, digest


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as fault:
        raise FaultyInputError("file_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault

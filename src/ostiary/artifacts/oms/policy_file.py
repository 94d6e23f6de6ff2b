"""Reads a ``ModelPolicy`` from TOML; keys, authorities and trust roots lie in files beside it.

Unknown names are errors, and so is a policy that trusts nobody.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     _ = Path(folder, "policy.toml").write_text("release_need = false")
...     try:
...         read_policy(Path(folder, "policy.toml"))
...     except FaultyInputError as fault:
...         print(fault)
the model policy is malformed: Object contains unknown field `release_need`
"""

import tomllib
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec

from ostiary.artifacts.oms.limits import ModelLimits
from ostiary.artifacts.oms.policy import SAFE_HASHES, ModelPolicy
from ostiary.artifacts.oms.signers import IdentityKind, TrustedCertificate, TrustedIdentity, TrustedKey, TrustedSigner
from ostiary.artifacts.oms.statement import DIGEST_BYTES
from ostiary.artifacts.oms.trusted_root import read_trusted_root
from ostiary.errors import FaultyInputError
from ostiary.keys.certificates import read_pems
from ostiary.keys.curves import CurvePublicKey

_MAX_BYTES: Final = 4 << 20

_Made = TypeVar("_Made")
Words = Annotated[list[str], msgspec.Meta(max_length=64)]


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="key", tag_field="kind"):
    path: str
    name: str = ""


class _Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="certificate", tag_field="kind"):
    roots: str
    identity_kind: IdentityKind
    identity: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""


class _Sigstore(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="sigstore", tag_field="kind"):
    trusted_root: str
    identity: Annotated[str, msgspec.Meta(min_length=1)]
    issuer: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""


_Signers = Annotated[list[_Key | _Certificate | _Sigstore], msgspec.Meta(max_length=64)]


class _Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    signers: _Signers = msgspec.field(default_factory=list)
    releasers: _Signers = msgspec.field(default_factory=list)
    release_needed: bool = True
    tenant: str = ""
    stages: Words = msgspec.field(default_factory=list)
    min_version: Annotated[int, msgspec.Meta(ge=1)] = 1
    max_age_s: Annotated[int, msgspec.Meta(ge=0)] = 0
    hashes: Words = msgspec.field(default_factory=lambda: sorted(SAFE_HASHES))
    any_mode: bool = False
    limits: dict[str, Annotated[int, msgspec.Meta(ge=1)]] = msgspec.field(default_factory=dict)


def read_policy(path: Path) -> ModelPolicy:
    """Read a policy; paths in it are relative to its own folder.

    Raises:
        FaultyInputError: ``model_policy_malformed``, ``model_policy_unreadable``, and what keys and certificates raise.
    """
    raw = _parse(_read(path))
    if not raw.signers:
        raise FaultyInputError("model_policy_malformed", "the model policy trusts no signer")
    if unknown := set(raw.hashes) - DIGEST_BYTES.keys():
        raise FaultyInputError("model_policy_malformed", f"`{min(unknown)[:20]}` is no content hash of OMS")
    return ModelPolicy(
        signers=tuple(_signer(one, path.parent) for one in raw.signers),
        releasers=tuple(_signer(one, path.parent) for one in raw.releasers),
        release_needed=raw.release_needed,
        tenant=raw.tenant,
        stages=frozenset(raw.stages),
        min_version=raw.min_version,
        max_age_s=raw.max_age_s,
        hashes=frozenset(raw.hashes),
        any_mode=raw.any_mode,
        limits=_convert(raw.limits, ModelLimits),
    )


def _parse(data: bytes) -> _Policy:
    try:
        return _convert(tomllib.loads(data.decode()), _Policy)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise FaultyInputError("model_policy_malformed", f"the model policy is no TOML: {fault}") from fault


def _convert(raw: object, kind: type[_Made]) -> _Made:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as fault:
        raise FaultyInputError("model_policy_malformed", f"the model policy is malformed: {fault}") from fault


def _signer(raw: _Key | _Certificate | _Sigstore, folder: Path) -> TrustedSigner:
    if isinstance(raw, _Key):
        return TrustedKey(CurvePublicKey.from_pem(_read(folder / raw.path)), raw.name or raw.path)
    if isinstance(raw, _Certificate):
        roots = tuple(one.der for one in read_pems(_read(folder / raw.roots)))
        return TrustedCertificate(roots, raw.identity_kind, raw.identity, raw.name or raw.identity)
    root = read_trusted_root(_read(folder / raw.trusted_root))
    return TrustedIdentity(root, raw.identity, raw.issuer, raw.name or raw.identity)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as fault:
        raise FaultyInputError("model_policy_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault
    if len(data) > _MAX_BYTES:
        raise FaultyInputError("model_policy_unreadable", f"`{path}` has more than {_MAX_BYTES} bytes")
    return data

"""Sigstore's trust root, pinned: authorities, certificate logs and signature logs, each with its time of service.

- Read from a ``trusted_root.json`` (or a client trust configuration around one) that the operator put there; never
  fetched, so that a verification needs no network and no update can change whom one trusts.
- Logs with keys that are not on our curves (Rekor v2 signs with Ed25519 and proves no time of its own) are left out;
  what only they vouch for is refused.

>>> read_trusted_root(b"{}")
Traceback (most recent call last):
ostiary.errors.FaultyInputError: the trust root names no authority, certificate log or signature log
"""

import base64
import binascii
from datetime import datetime
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.keys.certificates import Certificate
from ostiary.keys.curves import CurvePublicKey

_MAX_BYTES: Final = 4 << 20
_FOR_EVER: Final = 1 << 63
_NS: Final = 1_000_000_000


class Service(msgspec.Struct, frozen=True):
    """When something was in service; both ends count."""

    start_ns: int = 0
    end_ns: int = _FOR_EVER

    def covers(self, at_ns: int) -> bool:
        """Return whether it was in service at that time."""
        return self.start_ns <= at_ns <= self.end_ns


class Authority(msgspec.Struct, frozen=True):
    """A certificate authority: its certificates from the issuing one to the root."""

    chain: tuple[Certificate, ...]
    service: Service


class Log(msgspec.Struct, frozen=True):
    """A log: the id by which entries name it, and its key."""

    log_id: bytes
    key: CurvePublicKey
    service: Service


class TrustedRoot(msgspec.Struct, frozen=True):
    """What a Sigstore signature is checked against.

    Attributes:
        authorities: who issues certificates.
        certificate_logs: where certificates are logged, by id.
        signature_logs: where signatures are logged, by id.
    """

    authorities: tuple[Authority, ...]
    certificate_logs: dict[bytes, Log]
    signature_logs: dict[bytes, Log]


class _Range(msgspec.Struct, frozen=True):
    start: datetime | None = None
    end: datetime | None = None


class _Raw(msgspec.Struct, frozen=True, rename="camel"):
    raw_bytes: str = ""


class _Key(msgspec.Struct, frozen=True, rename="camel"):
    raw_bytes: str = ""
    valid_for: _Range = _Range()


class _Id(msgspec.Struct, frozen=True, rename="camel"):
    key_id: str = ""


class _Log(msgspec.Struct, frozen=True, rename="camel"):
    public_key: _Key = _Key()
    log_id: _Id = _Id()


class _Chain(msgspec.Struct, frozen=True):
    certificates: list[_Raw] = msgspec.field(default_factory=list)


class _Authority(msgspec.Struct, frozen=True, rename="camel"):
    cert_chain: _Chain = _Chain()
    valid_for: _Range = _Range()


class _Root(msgspec.Struct, frozen=True, rename="camel"):
    tlogs: list[_Log] = msgspec.field(default_factory=list)
    ctlogs: list[_Log] = msgspec.field(default_factory=list)
    certificate_authorities: list[_Authority] = msgspec.field(default_factory=list)
    trusted_root: "_Root | None" = None


def read_trusted_root(data: bytes) -> TrustedRoot:
    """Read a trust root.

    Raises:
        FaultyInputError: ``trusted_root_malformed``.
    """
    raw = _decode(data)
    raw = raw.trusted_root or raw
    root = TrustedRoot(
        authorities=tuple(_authority(one) for one in raw.certificate_authorities),
        certificate_logs=_logs(raw.ctlogs),
        signature_logs=_logs(raw.tlogs),
    )
    if not (root.authorities and root.certificate_logs and root.signature_logs):
        raise _malformed("the trust root names no authority, certificate log or signature log")
    return root


def _decode(data: bytes) -> _Root:
    if len(data) > _MAX_BYTES:
        raise _malformed(f"the trust root has {len(data)} bytes, {_MAX_BYTES} are read")
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise _malformed(f"the trust root is malformed: {fault}") from fault


def _authority(raw: _Authority) -> Authority:
    chain = tuple(Certificate.from_der(_unbase64(one.raw_bytes)) for one in raw.cert_chain.certificates)
    if not chain:
        raise _malformed("an authority of the trust root has no certificate")
    return Authority(chain, _service(raw.valid_for))


def _logs(raws: list[_Log]) -> dict[bytes, Log]:
    found = (_log(raw) for raw in raws)
    return {log.log_id: log for log in found if log is not None}


def _log(raw: _Log) -> Log | None:
    try:
        key = CurvePublicKey.from_der(_unbase64(raw.public_key.raw_bytes))
    except FaultyInputError as fault:
        if fault.code == "key_malformed":
            return None  # a kind of log that we do not check: nothing is accepted on its word
        raise
    return Log(_unbase64(raw.log_id.key_id), key, _service(raw.public_key.valid_for))


def _service(raw: _Range) -> Service:
    start = int(raw.start.timestamp()) * _NS if raw.start else 0
    end = int(raw.end.timestamp()) * _NS if raw.end else _FOR_EVER
    return Service(start, end)


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise _malformed("the trust root holds text that is no base64") from fault


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("trusted_root_malformed", text)


_DECODER: Final = msgspec.json.Decoder(_Root)

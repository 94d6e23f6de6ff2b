"""Entries of Sigstore's signature log (Rekor v1): what proves that a signature was logged, and when.

What must be true of an entry:

1. A pinned log made it, and it is of the kind ``dsse`` 0.0.1. Another kind proves no time, or not this signature.
2. The log's promise (signed entry timestamp) covers body, time, log and index.
3. The body stands in the log: the inclusion proof leads to the root of a checkpoint that the same log signed.
4. The body is of this very bundle: digest of the payload, the signature, the certificate.
5. The log was in service at that time.
"""

import hashlib
from typing import Annotated, Final, Literal

import msgspec

from ostiary.artifacts.oms.bundle import Bundle, Inclusion, LogEntry, unbase64
from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.artifacts.oms.trusted_root import Log, TrustedRoot
from ostiary.audit.tlog.merkle import inclusion_holds, leaf_hash
from ostiary.errors import FaultyInputError
from ostiary.keys.certificates import read_pems

_NS: Final = 1_000_000_000
_NOTE_PARTS: Final = 2
_KEY_HINT: Final = 4  # a note's signature begins with four bytes that name the key
_DASH: Final = "\N{EM DASH} "


class _Hash(msgspec.Struct, frozen=True):
    algorithm: Literal["sha256"]
    value: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Signature(msgspec.Struct, frozen=True):
    signature: str
    verifier: str


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    payload_hash: _Hash
    signatures: list[_Signature]


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    api_version: Literal["0.0.1"]
    kind: Literal["dsse"]
    spec: _Spec


def logged_ns(bundle: Bundle, root: TrustedRoot) -> int:
    """Return when the log promised to take in this signature, UTC nanoseconds.

    Raises:
        VerificationError: ``artifact_log_entry``, ``artifact_bundle_malformed``.
    """
    entry = bundle.entry
    if entry is None:
        raise _bad("there is none")
    log = root.signature_logs.get(unbase64(entry.log_id.key_id))  # 1
    if log is None:
        raise _bad("no pinned log made it")
    kind = (entry.kind_version.kind, entry.kind_version.version)
    if kind != ("dsse", "0.0.1"):
        raise _bad(f"it is of the kind `{shown('/'.join(kind))}`, which proves no time of its own")
    body = unbase64(entry.canonicalized_body)
    _check_promise(entry, log)  # 2
    _check_inclusion(entry.inclusion_proof, body, log)  # 3
    _check_body(body, bundle)  # 4
    at_ns = _number(entry.integrated_time) * _NS
    if not log.service.covers(at_ns):  # 5
        raise _bad("the log was not in service then")
    return at_ns


def _check_promise(entry: LogEntry, log: Log) -> None:
    if entry.inclusion_promise is None:
        raise _bad("it has no signed time")
    promised = {  # RFC 8785: names in order, no spaces; the values are base64, hexadecimal and plain numbers
        "body": entry.canonicalized_body,
        "integratedTime": _number(entry.integrated_time),
        "logID": log.log_id.hex(),
        "logIndex": _number(entry.log_index),
    }
    signature = unbase64(entry.inclusion_promise.signed_entry_timestamp)
    if not log.key.verify(signature, msgspec.json.encode(promised)):
        raise _bad("the log did not sign its time")


def _check_inclusion(proof: Inclusion | None, body: bytes, log: Log) -> None:
    if proof is None:
        raise _bad("it has no inclusion proof")
    size, root = _signed_head(proof.checkpoint.envelope, log)
    if (size, root) != (_number(proof.tree_size), unbase64(proof.root_hash)):
        raise _bad("its proof leads to another tree than the checkpoint's")
    hashes = [unbase64(one) for one in proof.hashes]
    if not inclusion_holds(_number(proof.log_index), size, leaf_hash(body), hashes, root):
        raise _bad("it does not stand in the log's tree")


def _signed_head(envelope: str, log: Log) -> tuple[int, bytes]:
    """Return size and root of a checkpoint that ``log`` signed (C2SP signed-note, with Rekor's own key type)."""
    parts = envelope.split("\n\n")
    if len(parts) != _NOTE_PARTS:
        raise _bad("its checkpoint is no signed note")
    text = parts[0] + "\n"
    if not any(_signs(line, text.encode(), log) for line in parts[1].splitlines()):
        raise _bad("the log did not sign its checkpoint")
    lines = text.split("\n")
    if len(lines) < 4:  # noqa: PLR2004 - origin, size, root and the end of the last line
        raise _bad("its checkpoint is too short")
    return _number(lines[1]), unbase64(lines[2])


def _signs(line: str, text: bytes, log: Log) -> bool:
    if not line.startswith(_DASH):
        return False
    _, _, blob = line.removeprefix(_DASH).partition(" ")
    raw = unbase64(blob)
    return raw[:_KEY_HINT] == log.log_id[:_KEY_HINT] and log.key.verify(raw[_KEY_HINT:], text)


def _check_body(body: bytes, bundle: Bundle) -> None:
    try:
        spec = _BODY.decode(body).spec
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise _bad(f"its body is malformed: {fault}") from fault
    if spec.payload_hash.value != hashlib.sha256(bundle.unverified_payload).hexdigest():
        raise _bad("it is of another statement")
    if len(spec.signatures) != 1 or unbase64(spec.signatures[0].signature) != bundle.signature:
        raise _bad("it is of another signature")
    try:
        [certificate] = read_pems(unbase64(spec.signatures[0].verifier))
    except (FaultyInputError, ValueError) as fault:
        raise _bad("it names no certificate") from fault
    if certificate.der != bundle.certificates[0]:
        raise _bad("it is of another certificate")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):  # noqa: PLR2004 - 64 bits
        raise _bad(f"`{shown(text)}` is no number")
    return int(text)


def _bad(text: str) -> Exception:
    return refuse("artifact_log_entry", f"the log entry proves nothing: {text}")


_BODY: Final = msgspec.json.Decoder(_Body)

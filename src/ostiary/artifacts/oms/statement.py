"""The OMS statement (in-toto Statement v1, predicate v1.0): which files with which digests, whole or in shards.

- ``resources`` are sorted by path, part by part, then by shard, as ``model-signing`` sorts them. The root digest is the
  SHA-256 of their raw digests in that order (OMS v1.0): it covers no names, sizes or algorithms. Whoever needs those
  bound takes the digest of the whole statement.
- What a statement says of ignored paths is read and never followed. One that allows symbolic links is refused.
- Shards must cover each file from its first byte without gap or overlap; a file's size is where the last one ends.

>>> covered = Covered("a.bin", "sha256", (Piece(0, None, hashlib.sha256(b"hello").digest()),))
>>> statement = read_statement(write_statement("demo", (covered,), "sha256", 0))
>>> statement.name, statement.files["a.bin"] == covered
('demo', True)
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from ostiary.artifacts.oms.limits import ModelLimits
from ostiary.artifacts.oms.names import check_distinct, check_path
from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.artifacts.statement import STATEMENT_TYPE

PREDICATE_TYPE: Final = "https://model_signing/signature/v1.0"
DIGEST_BYTES: Final = {"sha256": 32, "blake3": 32, "blake2b": 64}
_SHARD_PARTS: Final = 3
_MAX_SHARD: Final = 2**53  # beyond, JSON's numbers are not exact

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
Hex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2}){1,64}$", max_length=128)]


class Piece(msgspec.Struct, frozen=True):
    """A range of a file and its digest; ``end`` is ``None`` for the whole file."""

    start: int
    end: int | None
    digest: bytes


class Covered(msgspec.Struct, frozen=True):
    """A file that was signed: its pieces in order."""

    path: str
    algorithm: str
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int | None:
        """The size that shards prove; ``None`` for a file hashed whole."""
        return self.pieces[-1].end


class ModelStatement(msgspec.Struct, frozen=True):
    """A statement whose parts agree with each other.

    Attributes:
        name: what the signer called the model.
        root: OMS root digest, ``sha256:…``.
        algorithm: the one hash of all pieces.
        files: what was signed, by path.
    """

    name: str
    root: str
    algorithm: str
    files: Mapping[str, Covered]


class _Resource(msgspec.Struct, frozen=True):
    name: Text
    digest: Hex
    algorithm: str


class _Serialization(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    method: str
    hash_type: str
    allow_symlinks: bool
    shard_size: float | None = None  # model-signing writes whole numbers as 1000.0 (a protobuf Struct knows no other)
    ignore_paths: list[Text] = msgspec.field(default_factory=list)


class _Predicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    resources: list[_Resource]
    serialization: _Serialization


class _Subject(msgspec.Struct, frozen=True):
    name: Text
    digest: dict[str, Hex]


class _Head(msgspec.Struct, frozen=True, rename={"predicate_type": "predicateType"}):
    """As much of a statement as tells whether it is ours to read."""

    predicate_type: str
    type: str = msgspec.field(name="_type")


class _Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: list[_Subject]
    predicate: _Predicate
    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(name="_type")
    predicate_type: str = msgspec.field(name="predicateType")


def read_statement(payload: bytes, limits: ModelLimits | None = None) -> ModelStatement:
    """Read a statement whose signature was checked.

    Raises:
        VerificationError: ``artifact_predicate``, ``artifact_statement_malformed``, ``artifact_algorithm``,
            ``artifact_link``, ``artifact_name``, ``artifact_too_large``.
    """
    bounds = limits or ModelLimits()
    check_predicate_type(payload, PREDICATE_TYPE)
    raw = _decode(payload)
    _check_form(raw, bounds)
    files = _files(raw.predicate, bounds)
    check_distinct(files)
    root = _root(raw.predicate.resources)
    if raw.subject[0].digest != {"sha256": root}:
        raise _malformed("its root digest is not that of its resources")
    return ModelStatement(raw.subject[0].name, f"sha256:{root}", raw.predicate.serialization.hash_type, files)


def check_predicate_type(payload: bytes, wanted: str) -> None:
    """Refuse a statement of another type before its parts are looked at: one may not be read as another.

    Raises:
        VerificationError: ``artifact_predicate``, ``artifact_statement_malformed``.
    """
    try:
        head = _HEAD.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise _malformed(str(fault)) from fault
    if head.type != STATEMENT_TYPE or head.predicate_type != wanted:
        raise refuse("artifact_predicate", f"the statement is a `{shown(head.predicate_type)}`, wanted is `{wanted}`")


def write_statement(
    name: str, files: Iterable[Covered], algorithm: str, shard_bytes: int, ignored: Iterable[str] = ()
) -> bytes:
    """Return the statement over ``files`` as JSON.

    ``ignored`` is for other verifiers only: names of bundles that lie in the folder itself.
    """
    called = _algorithm(algorithm, shard_bytes)
    resources = [_resource(file.path, piece, called) for file in sorted(files, key=_order) for piece in file.pieces]
    how: dict[str, Any] = {"method": "files", "hash_type": algorithm, "allow_symlinks": False}
    if shard_bytes:
        how |= {"method": "shards", "shard_size": shard_bytes}
    if paths := sorted(ignored):
        how["ignore_paths"] = paths
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": _root(resources)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"serialization": how, "resources": resources},
    }
    return msgspec.json.encode(document)


def root_of(payload: bytes) -> str:
    """Return the root digest of a statement that we just wrote, ``sha256:…``."""
    return read_statement(payload).root


def _order(file: Covered) -> list[str]:
    return file.path.split("/")


def _algorithm(algorithm: str, shard_bytes: int) -> str:
    """Return what model-signing calls the hash of a piece; of shards it compares this text, which no schema has."""
    return f"{algorithm}-sharded-{shard_bytes}" if shard_bytes else algorithm


def _resource(path: str, piece: Piece, algorithm: str) -> _Resource:
    name = path if piece.end is None else f"{path}:{piece.start}:{piece.end}"
    return _Resource(name=name, digest=piece.digest.hex(), algorithm=algorithm)


def _root(resources: Iterable[_Resource]) -> str:
    whole = hashlib.sha256()
    for resource in resources:
        whole.update(bytes.fromhex(resource.digest))
    return whole.hexdigest()


def _decode(payload: bytes) -> _Statement:
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise _malformed(str(fault)) from fault


def _check_form(raw: _Statement, limits: ModelLimits) -> None:
    how = raw.predicate.serialization
    if len(raw.subject) != 1:
        raise _malformed(f"it has {len(raw.subject)} subjects, one is a model")
    if len(raw.predicate.resources) > limits.max_resources:
        raise refuse("artifact_too_large", f"{len(raw.predicate.resources)} digests, {limits.max_resources} are read")
    if how.hash_type not in DIGEST_BYTES:
        raise refuse("artifact_algorithm", f"`{shown(how.hash_type)}` is no content hash of OMS")
    if how.method not in {"files", "shards"} or (how.method == "shards") != (how.shard_size is not None):
        raise _malformed("its serialization is neither of files nor of shards")
    if how.shard_size is not None and not (0 < how.shard_size <= _MAX_SHARD and how.shard_size.is_integer()):
        raise _malformed("its shard size is no whole number of bytes")
    if how.allow_symlinks:
        raise refuse("artifact_link", "the statement was made by following symbolic links: sign the files themselves")


def _files(predicate: _Predicate, limits: ModelLimits) -> dict[str, Covered]:
    how = predicate.serialization
    names = {how.hash_type, _algorithm(how.hash_type, int(how.shard_size or 0))}
    pieces: dict[str, list[Piece]] = {}
    for resource in predicate.resources:
        digest = bytes.fromhex(resource.digest)
        if resource.algorithm not in names or len(digest) != DIGEST_BYTES[how.hash_type]:
            text = f"`{shown(resource.name)}` is hashed with `{shown(resource.algorithm)}`, not with {how.hash_type}"
            raise refuse("artifact_algorithm", text)
        path, piece = _piece(resource.name, digest, sharded=how.shard_size is not None)
        pieces.setdefault(path, []).append(piece)
    for path, found in pieces.items():
        _check_one(path, found, int(how.shard_size or 0), limits)
    return {path: Covered(path, how.hash_type, tuple(found)) for path, found in pieces.items()}


def _piece(name: str, digest: bytes, *, sharded: bool) -> tuple[str, Piece]:
    if not sharded:
        return name, Piece(0, None, digest)
    parts = name.split(":")
    if len(parts) != _SHARD_PARTS or not all(_is_offset(part) for part in parts[1:]):
        raise _malformed(f"`{shown(name)}` names no shard")
    return parts[0], Piece(int(parts[1]), int(parts[2]), digest)


def _is_offset(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19 and (text == "0" or text[0] != "0")  # noqa: PLR2004


def _check_one(path: str, pieces: list[Piece], shard_size: int, limits: ModelLimits) -> None:
    check_path(path)
    if len(path.encode()) > limits.max_path_bytes or path.count("/") > limits.max_depth:
        raise refuse("artifact_too_large", f"the path `{shown(path)}` is too long or too deep")
    if not shard_size:
        if len(pieces) != 1:
            raise _malformed(f"it names `{shown(path)}` twice")
        return
    at = 0
    for piece in pieces:
        end = piece.end or 0
        last = piece is pieces[-1]
        if piece.start != at or not at < end <= at + shard_size or (end != at + shard_size and not last):
            raise _malformed(f"the shards of `{shown(path)}` leave a gap or overlap")
        at = end


def _malformed(text: str) -> Exception:
    return refuse("artifact_statement_malformed", f"the signed statement is malformed: {text}")


_DECODER: Final = msgspec.json.Decoder(_Statement)
_HEAD: Final = msgspec.json.Decoder(_Head)

"""The in-toto Statement v1 inside the manifest: which files with which digests, and what they are together.

>>> statement = make_statement({"card.md": b"hello"}, ArtifactPredicate(kind="access-risk-model", created_ns=1))
>>> statement.subject[0].digest["sha256"][:8]
'2cf24dba'
>>> parse_statement(encode_statement(statement)) == statement
True
"""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from ostiary.errors import VerificationError

MANIFEST_NAME: Final = "manifest.dsse.json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:ostiary:artifact:v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"

Word = Annotated[str, msgspec.Meta(max_length=256)]


class ArtifactPredicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the signer says of the artefact as a whole.

    Attributes:
        kind: what it is, for instance ``access-risk-model``; a loader asks for one kind only.
        created_ns: when it was made, UTC nanoseconds; a loader may refuse anything older than what it had.
        producer: which program made it.
        feature_set: digest of the feature catalogue it was trained on.
        tenant: whose it is; empty for one that any tenant may load.
        details: further short facts.
    """

    kind: Word
    created_ns: int
    producer: Word = ""
    feature_set: Word = ""
    tenant: Word = ""
    details: dict[Word, Word] = msgspec.field(default_factory=dict)


class FileSubject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: its plain name and its digest."""

    name: Word
    digest: dict[Word, Word]


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """in-toto Statement v1 with our predicate; another type or version does not parse."""

    subject: list[FileSubject]
    predicate: ArtifactPredicate
    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(
        name="_type", default="https://in-toto.io/Statement/v1"
    )
    predicate_type: Literal["urn:ostiary:artifact:v1"] = msgspec.field(
        name="predicateType", default="urn:ostiary:artifact:v1"
    )


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def make_statement(files: Mapping[str, bytes], predicate: ArtifactPredicate) -> Statement:
    """Return the statement over ``files``, in name order."""
    subjects = [FileSubject(name=name, digest={"sha256": sha256_hex(files[name])}) for name in sorted(files)]
    return Statement(subject=subjects, predicate=predicate)


def encode_statement(statement: Statement) -> bytes:
    """Return the statement as JSON with sorted keys."""
    return msgspec.json.encode(statement, order="sorted")


def parse_statement(payload: bytes) -> Statement:
    """Read a statement whose signature was checked.

    Raises:
        VerificationError: ``artifact_manifest_malformed``, also for another statement or predicate version.
    """
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise VerificationError("artifact_manifest_malformed", f"the signed statement is malformed: {fault}") from fault


_DECODER: Final = msgspec.json.Decoder(Statement)

"""The signed statement of a dataset: which objects with which digests, who made them, when, and out of what.

- An in-toto Statement v1 in a DSSE envelope; every object is a subject with a SHA-256 or BLAKE3 digest.
- ``tenant`` and ``dataset`` are inside, so a manifest of one dataset is nothing at another; ``sequence`` only grows, so
  an old one cannot come again.
- Its digest is that of the signed bytes: it names the objects and their provenance alike. Training and promotion bind
  to it.

>>> made = Manifest("acme", "sales", "ingest", sequence=1, created_ns=5, objects=(Entry("a", 3, "sha256", "00" * 32),))
>>> parse_manifest(encode_manifest(made)) == made
True
"""

from typing import Annotated, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys import sha256_hex
from ostiary.pipeline.datasets.names import check_name

MANIFEST_INVALID: Final = "manifest_invalid"
MAX_OBJECTS: Final = 100_000
MAX_PARENTS: Final = 64
MAX_BYTES: Final = 48 << 20
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:ostiary:dataset:v1"
Algorithm = Literal["sha256", "blake3"]
Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")]
Text = Annotated[str, msgspec.Meta(max_length=256)]


class Entry(msgspec.Struct, frozen=True):
    """One object."""

    name: str
    size: int
    algorithm: Algorithm
    digest: str


class Parent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dataset that this one was made of, as it stood then."""

    dataset: Word
    digest: Digest


class Manifest(msgspec.Struct, frozen=True):
    """What a producer says of a dataset.

    Attributes:
        tenant, dataset: whose it is and which.
        producer: who signs; the door knows the key under this name.
        sequence: larger than that of the manifest before.
        created_ns: when it was made.
        objects: in the order of their names, each once.
        parents: what it was made of.
        producer_run: which run made it, such as a CI job's address.
        commit: which source made it.
    """

    tenant: str
    dataset: str
    producer: str
    sequence: int
    created_ns: int
    objects: tuple[Entry, ...]
    parents: tuple[Parent, ...] = ()
    producer_run: str = ""
    commit: str = ""

    @property
    def size(self) -> int:
        """The bytes of all objects."""
        return sum(entry.size for entry in self.objects)


class _Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=1024)]
    digest: Annotated[dict[Algorithm, Hex], msgspec.Meta(min_length=1, max_length=1)]


class _Predicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    tenant: Word
    dataset: Word
    producer: Word
    sequence: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    created_ns: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    sizes: Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=2**53)]], msgspec.Meta(max_length=MAX_OBJECTS)]
    parents: Annotated[tuple[Parent, ...], msgspec.Meta(max_length=MAX_PARENTS)] = ()
    producer_run: Text = ""
    commit: Text = ""


class _Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: Annotated[list[_Subject], msgspec.Meta(max_length=MAX_OBJECTS)]
    predicate: _Predicate
    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(name="_type", default=STATEMENT_TYPE)
    predicate_type: Literal["urn:ostiary:dataset:v1"] = msgspec.field(name="predicateType", default=PREDICATE_TYPE)


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the statement as JSON with sorted keys."""
    predicate = _Predicate(
        tenant=manifest.tenant,
        dataset=manifest.dataset,
        producer=manifest.producer,
        sequence=manifest.sequence,
        created_ns=manifest.created_ns,
        sizes=[entry.size for entry in manifest.objects],
        parents=manifest.parents,
        producer_run=manifest.producer_run,
        commit=manifest.commit,
    )
    subjects = [_Subject(entry.name, {entry.algorithm: entry.digest}) for entry in manifest.objects]
    return msgspec.json.encode(_Statement(subjects, predicate), order="sorted")


def digest_of(payload: bytes) -> str:
    """Return the digest of a dataset, from its signed statement."""
    return "sha256:" + sha256_hex(payload)


def parse_manifest(payload: bytes) -> Manifest:
    """Read a statement; whether anybody signed it is not looked at here.

    Raises:
        VerificationError: ``manifest_invalid``.
    """
    try:
        statement = _DECODER.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise _invalid(f"the manifest's statement is malformed: {fault}") from fault
    told = statement.predicate
    if len(told.sizes) != len(statement.subject):
        raise _invalid("the manifest does not tell the size of each object")
    return Manifest(
        tenant=told.tenant,
        dataset=told.dataset,
        producer=told.producer,
        sequence=told.sequence,
        created_ns=told.created_ns,
        objects=tuple(_entries(statement)),
        parents=told.parents,
        producer_run=told.producer_run,
        commit=told.commit,
    )


def _entries(statement: _Statement) -> list[Entry]:
    entries: list[Entry] = []
    for subject, size in zip(statement.subject, statement.predicate.sizes, strict=True):
        algorithm, digest = next(iter(subject.digest.items()))
        try:
            name = check_name(subject.name)
        except FaultyInputError as fault:
            raise _invalid(f"the manifest names an odd object: {fault.message}") from fault
        if entries and entries[-1].name >= name:
            raise _invalid("the manifest's objects are not in the order of their names, each once")
        entries.append(Entry(name, size, algorithm, digest))
    return entries


def _invalid(text: str) -> VerificationError:
    return VerificationError(MANIFEST_INVALID, text)


_DECODER: Final = msgspec.json.Decoder(_Statement)

"""The second statement: which version of which model this is, for which stage, made from what, and until when.

- An OMS signature says that these files belong together. It says nothing of name, version, stage or time, so an old
  signed model stays good for ever (ADR-0026). This statement binds the model's root digest, and the digest of the
  signed OMS statement itself, to those facts. The latter matters: the root covers no file names.
- ``version`` only rises, per tenant, name and stage: whoever loads keeps the highest one seen (``VersionMarks``).
- Going back to an older model is a *new* release of the old files, with a higher version, signed again.

>>> release = Release(name="fraud", version=3, stage="production", not_after_ns=10, released_ns=1)
>>> release.version
3
"""

from typing import Annotated, Final, Literal

import msgspec

from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.artifacts.oms.statement import check_predicate_type
from ostiary.artifacts.statement import STATEMENT_TYPE
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.unreadable import UNREADABLE

PREDICATE_TYPE: Final = "urn:ostiary:model-release:v1"
MAX_DATASETS: Final = 256

Word = Annotated[str, msgspec.Meta(max_length=256)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^(sha256:[0-9a-f]{64})?$", max_length=71)]


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the releaser says of one model.

    Attributes:
        name: the model's name in the registry.
        version: the rollback counter of this tenant, name and stage; at least 1.
        stage: where it may be loaded, for instance ``production``.
        not_after_ns: UTC nanoseconds after which it is not loaded any more.
        released_ns: when this was signed.
        tenant: whose it is; empty for one that any tenant may load.
        training_run: id of the run that made it.
        datasets: digest of each dataset's manifest, by dataset.
        metrics: digest of the metrics report.
        label: the version as people write it, for instance ``2.1.0``.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    stage: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    not_after_ns: Annotated[int, msgspec.Meta(ge=1)]
    released_ns: Annotated[int, msgspec.Meta(ge=0)]
    tenant: Word = ""
    training_run: Word = ""
    datasets: Annotated[dict[Word, Digest], msgspec.Meta(max_length=MAX_DATASETS)] = msgspec.field(default_factory=dict)
    metrics: Digest = ""
    label: Word = ""


class _Digest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Word
    digest: _Digest


class _Predicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    release: Release
    statement: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]


class _Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: Annotated[list[_Subject], msgspec.Meta(min_length=1, max_length=1)]
    predicate: _Predicate
    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(name="_type")
    predicate_type: str = msgspec.field(name="predicateType")


def write_release(release: Release, *, root: str, digest: str) -> bytes:
    """Return the statement that binds ``release`` to the model of ``root`` and to its signed statement ``digest``.

    Raises:
        FaultyInputError: ``release_malformed`` when a value is too long, out of range or no digest.
    """
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": release.name, "digest": {"sha256": root.removeprefix("sha256:")}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"release": release, "statement": digest},
    }
    payload = msgspec.json.encode(document)
    try:
        _DECODER.decode(payload)
    except UNREADABLE as fault:
        raise FaultyInputError("release_malformed", f"the release cannot be signed: {fault}") from fault
    return payload


def read_release(payload: bytes, *, root: str, digest: str) -> Release:
    """Read a release whose signature was checked, for the model that lies beside it.

    Raises:
        VerificationError: ``artifact_predicate``, ``artifact_release_malformed``, ``artifact_bundle_swapped``.
    """
    check_predicate_type(payload, PREDICATE_TYPE)
    try:
        statement = _DECODER.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise refuse("artifact_release_malformed", f"the signed release is malformed: {fault}") from fault
    bound = "sha256:" + statement.subject[0].digest.sha256
    if (bound, statement.predicate.statement) != (root, digest):
        name = shown(statement.predicate.release.name)
        raise refuse("artifact_bundle_swapped", f"the release of `{name}` is not for the model that lies here")
    return statement.predicate.release


_DECODER: Final = msgspec.json.Decoder(_Statement)

"""What the registry keeps: versions of models, what is live in a stage, and the events that made it so.

- A version's number is given once and never again; its digest stands under one number only.
- ``counter`` of a stage grows with every change, whatever it is: whoever saw a higher one knows a stale answer.
"""

from enum import StrEnum

import msgspec


class State(StrEnum):
    """What may be done with a version."""

    REGISTERED = "registered"
    QUARANTINED = "quarantined"
    RETIRED = "retired"


class ModelFile(msgspec.Struct, frozen=True):
    """One file of a model, known by its own SHA-256 (hex)."""

    path: str
    size: int
    sha256: str


class Signed(msgspec.Struct, frozen=True):
    """Who signed a model: the pinned identity, and the fingerprint of the key."""

    identity: str
    key: str


class Trainer(msgspec.Struct, frozen=True):
    """Who made a model: everybody who must neither approve, validate, promote nor load it alone.

    Attributes:
        subject: who registered it, ``type:id``, as the decision knows it.
        also: other names of theirs: who started the CI job, what the provenance says of who ran it.
        keys: fingerprints of the keys that signed model and provenance.
    """

    subject: str
    also: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """All names."""
        return frozenset((self.subject, *self.also))


class Origin(msgspec.Struct, frozen=True):
    """What the provenance says, checked: who built it, from which run, commit and datasets; ``digest`` is its own."""

    builder: str
    run: str
    commit: str
    datasets: tuple[str, ...]
    digest: str


class Version(msgspec.Struct, frozen=True):
    """One registered version.

    Attributes:
        tenant: whose it is.
        name: of the model.
        number: from 1, never given twice.
        digest: root digest of the signed manifest, ``sha256:…``.
        statement: digest of the manifest itself, which covers the files' names too.
        format: what loads it: ``safetensors``, ``lightgbm``, ``xgboost``, ``onnx`` or ``folder``.
        files: every file, in the order of their paths.
        signed: who signed it.
        not_after_ns: the signer's own end of use; 0 when it named none.
        stages: the stages that the signer made it for; empty for any.
        label: the version that the signer calls it.
        trainer: who made it.
        origin: where it comes from.
        documents: the signed documents as they came: ``signature``, ``release``, ``provenance``.
        state: what may be done with it.
        why: why it is quarantined or retired.
        registered_ns: when.
        decision_id: the decision that let it in.
        revision: how often its state changed.
    """

    tenant: str
    name: str
    number: int
    digest: str
    statement: str
    format: str
    files: tuple[ModelFile, ...]
    signed: Signed
    trainer: Trainer
    origin: Origin
    documents: dict[str, bytes]
    registered_ns: int
    decision_id: str
    not_after_ns: int = 0
    stages: tuple[str, ...] = ()
    label: str = ""
    state: State = State.REGISTERED
    why: str = ""
    revision: int = 0


class Actor(msgspec.Struct, frozen=True):
    """Who is doing something, as the decision knows it.

    Attributes:
        subject: ``type:id``.
        also: other names of the same: the identity that a token was exchanged for, who started the CI job.
        decision_id: the decision that lets it happen; empty for whoever may open the data directory.
    """

    subject: str
    also: tuple[str, ...] = ()
    decision_id: str = ""

    @property
    def names(self) -> frozenset[str]:
        """All names."""
        return frozenset((self.subject, *self.also))


class Live(msgspec.Struct, frozen=True):
    """What is live in one stage of one model; ``number`` 0 says that nothing is.

    Attributes:
        tenant: whose it is.
        name: of the model.
        stage: where.
        counter: how many changes there were.
        number: the version.
        digest: its root digest.
        action: the deed that made it so: ``promote``, ``rollback`` or ``withdraw``.
        highest: the highest number that was ever live here; a promotion never goes below it.
        was: every number that was ever live here, oldest first: where a rollback may go.
        previous: what was live before, by digest: the approval names it.
        approval: the approval as it came.
        report: the validation report as it came.
        metrics: the report's numbers.
        expires_ns: end of the approval.
        release: what the registry itself signed of it, for whoever loads.
        by: who did it, ``type:id``.
        since_ns: when.
        decision_id: the decision that let it happen.
    """

    tenant: str
    name: str
    stage: str
    counter: int
    number: int
    digest: str
    action: str
    highest: int
    was: tuple[int, ...]
    previous: str
    approval: bytes
    report: bytes
    metrics: dict[str, float]
    expires_ns: int
    by: str
    since_ns: int
    decision_id: str
    release: bytes = b""


class Kept(msgspec.Struct, frozen=True):
    """A stored version or stage: its bytes, and the record in the log that holds their digest."""

    body: bytes
    record_id: str


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="model"):
    """Payload of a ``model`` record; it holds no person's name: the decision it names knows who asked.

    Attributes:
        v: version of this form.
        action: ``register``, ``promote``, ``rollback``, ``withdraw``, ``quarantine``, ``release``, ``retire``,
            ``load``, ``revoke``, or any of them with ``.refused``.
        model: its name.
        number: the version, 0 when it is not known.
        stage: where, if anywhere.
        digest: root digest of the model.
        previous: what was live before.
        counter: the stage's counter afterwards.
        decision_id: the decision that let it happen, or nearly did.
        approval: digest of the approval.
        report: digest of the validation report.
        metrics: digest of the report's metrics.
        keys: fingerprints of the approvers' keys.
        expires_ns: end of the approval, or of the model itself where its signer set an earlier one.
        row: SHA-256 of the stored body: a row that says something else was changed behind the log's back.
        code: why it was refused.
        told: further short facts.
    """

    v: int
    action: str
    model: str
    number: int = 0
    stage: str = ""
    digest: str = ""
    previous: str = ""
    counter: int = 0
    decision_id: str = ""
    approval: str = ""
    report: str = ""
    metrics: str = ""
    keys: tuple[str, ...] = ()
    expires_ns: int = 0
    row: str = ""
    code: str = ""
    told: dict[str, str] = {}

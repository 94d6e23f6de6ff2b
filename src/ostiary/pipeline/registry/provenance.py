"""Where a model comes from: SLSA provenance v1, signed by a builder that the tenant knows.

What must be true:

1. The builder that ``runDetails.builder.id`` names is one of the tenant's, and signed the statement with its own key.
2. It is about this model: one of the subjects is its root digest, or each of its files is a subject.
3. Every dataset among ``resolvedDependencies`` (``ostiary://…``) is known by its digest, and there is one at least.
4. Datasets and run are those that the signer names, where it names any.

Sources: SLSA v1.2 "provenance", in-toto Statement v1.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.keys import SigningKey
from ostiary.pipeline.registry.model import Origin
from ostiary.pipeline.registry.people import People, fingerprint
from ostiary.pipeline.registry.ports import Inspected, KnownDatasets, KnownRuns
from ostiary.pipeline.registry.sealed import Opened, parse_envelope, read_subjects, seal_statement

PREDICATE_TYPE: Final = "https://slsa.dev/provenance/v1"
DATASET_SCHEME: Final = "ostiary://"
MAX_DEPENDENCIES: Final = 4096
_ACTORS: Final = ("subject", "actor", "started_by")


class Dependency(msgspec.Struct, frozen=True):
    """A resolved dependency: an in-toto resource descriptor."""

    uri: str = ""
    digest: dict[str, str] = {}
    name: str = ""


class Definition(msgspec.Struct, frozen=True):
    """How it was built."""

    build_type: str = msgspec.field(name="buildType")
    external: dict[str, Any] = msgspec.field(name="externalParameters")
    internal: dict[str, Any] = msgspec.field(name="internalParameters", default_factory=dict)
    dependencies: list[Dependency] = msgspec.field(name="resolvedDependencies", default_factory=list)


class Builder(msgspec.Struct, frozen=True):
    """Who built it."""

    id: str


class Metadata(msgspec.Struct, frozen=True):
    """Which run it was."""

    invocation: str = msgspec.field(name="invocationId", default="")


class Byproduct(msgspec.Struct, frozen=True):
    """Something else that came of it; one that is named ``decision`` names the decision that let the run begin."""

    name: str = ""
    annotations: dict[str, Any] = {}


class RunDetails(msgspec.Struct, frozen=True):
    """The run."""

    builder: Builder
    metadata: Metadata = Metadata()
    byproducts: list[Byproduct] = []


class Provenance(msgspec.Struct, frozen=True):
    """The predicate; members that are not read here stay unread, as SLSA has it."""

    definition: Definition = msgspec.field(name="buildDefinition")
    run: RunDetails = msgspec.field(name="runDetails")


class Checked(msgspec.Struct, frozen=True):
    """A checked provenance, with the names and keys of those behind the model."""

    origin: Origin
    names: tuple[str, ...]
    keys: tuple[str, ...]


def check_provenance(
    people: People, datasets: KnownDatasets, runs: KnownRuns, tenant: str, inspected: Inspected, evidence: bytes
) -> Checked:
    """Return what the provenance says, or refuse.

    Raises:
        RefusedError: ``provenance_missing``, ``provenance_untrusted``, ``provenance_other_model``,
            ``provenance_dataset_unknown``, ``provenance_disagrees``.
        FaultyInputError: ``statement_malformed``.
    """
    if not evidence:
        raise RefusedError("provenance_missing", "there is no provenance statement")
    opened = parse_envelope(evidence)
    subjects, said = read_subjects(opened.payload, PREDICATE_TYPE, Provenance)
    keys = _builder_keys(people, said.run.builder.id, opened)  # 1
    files = {"sha256:" + one.sha256 for one in inspected.files}
    if inspected.digest not in subjects and not files <= set(subjects):  # 2
        raise RefusedError("provenance_other_model", f"the provenance is not about `{inspected.digest}`")
    found = _datasets(datasets, tenant, said.definition.dependencies)  # 3
    _agree(inspected, found, said.run.metadata.invocation)  # 4
    origin = Origin(said.run.builder.id, said.run.metadata.invocation, _commit(said), found, opened.digest)
    return Checked(origin, (*_names(said.definition), *_asked_by(runs, tenant, said.run.byproducts)), keys)


def _builder_keys(people: People, builder: str, opened: Opened) -> tuple[str, ...]:
    named = next((one for one in people.builders if one.name == builder), None)
    signed = opened.signers(named.keys) if named else []
    if not signed:
        text = f"the builder `{builder[:120]}` is not known, or did not sign the provenance"
        raise RefusedError("provenance_untrusted", text)
    return tuple(fingerprint(key) for key in signed)


def _datasets(known: KnownDatasets, tenant: str, dependencies: list[Dependency]) -> tuple[str, ...]:
    if len(dependencies) > MAX_DEPENDENCIES:
        raise RefusedError("provenance_dataset_unknown", f"more than {MAX_DEPENDENCIES} dependencies")
    found: list[str] = []
    for one in dependencies:
        if not one.uri.startswith(DATASET_SCHEME):
            continue
        digest = "sha256:" + one.digest.get("sha256", "")
        dataset = one.uri.removeprefix(DATASET_SCHEME).partition("/")[0]
        if not known.knows(tenant, dataset, digest):
            text = f"`{one.uri[:120]}` as `{digest[:80]}` is no known dataset"
            raise RefusedError("provenance_dataset_unknown", text)
        found.append(digest)
    if not found:
        raise RefusedError("provenance_dataset_unknown", "the provenance names no dataset")
    return tuple(sorted(set(found)))


def _agree(inspected: Inspected, datasets: tuple[str, ...], run: str) -> None:
    if inspected.datasets and set(inspected.datasets) != set(datasets):
        raise RefusedError("provenance_disagrees", "signer and builder name different datasets")
    if inspected.training_run and inspected.training_run != run:
        raise RefusedError("provenance_disagrees", "signer and builder name different training runs")


def _commit(said: Provenance) -> str:
    found = (one.digest.get("gitCommit", "") for one in said.definition.dependencies)
    return next((commit for commit in found if commit), "")


def _names(definition: Definition) -> tuple[str, ...]:
    """Return who the builder says ran it: they made the model too."""
    told = (definition.internal.get(name) for name in _ACTORS)
    return tuple(name for name in told if isinstance(name, str) and name)


def _asked_by(runs: KnownRuns, tenant: str, byproducts: list[Byproduct]) -> tuple[str, ...]:
    """Return who asked for the run, by the decision that the builder names: they made the model too."""
    decisions = [one.annotations.get("id") for one in byproducts[:MAX_DEPENDENCIES] if one.name == "decision"]
    return tuple(name for one in decisions if isinstance(one, str) and (name := runs.asked_by(tenant, one)))


def make_provenance(
    name: str,
    digest: str,
    builder: str,
    run: str,
    dependencies: Iterable[Dependency],
    keys: Iterable[SigningKey],
    *,
    subject: str = "",
) -> bytes:
    """Return a provenance statement, signed by ``keys``: what a builder of ours writes."""
    internal = {"subject": subject} if subject else {}
    said = Provenance(
        Definition("urn:ostiary:train:v1", {}, internal, list(dependencies)),
        RunDetails(Builder(builder), Metadata(run)),
    )
    return seal_statement(PREDICATE_TYPE, name, digest, said, keys)

"""What administrators do with datasets, the same for the API and for the command line: checked, recorded, done."""

from ostiary.errors import RefusedError
from ostiary.pipeline.datasets.book import DATASET_UNKNOWN
from ostiary.pipeline.datasets.making import Difference, compare
from ostiary.pipeline.datasets.manifests import VerifiedManifest
from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import DatasetParts
from ostiary.server.deeds import record_deed
from ostiary.server.wiring import House


def register(house: House, parts: DatasetParts, who: str, tenant: str, wanted: Registered) -> Registered:
    """Register a dataset, or change it.

    Raises:
        FaultyInputError: it is malformed, or lies where none may lie.
        UnavailableError: the log cannot be written.
    """
    prepared = parts.book.prepared(wanted)
    told = {name: prepared.spec[name] for name in ("store", "prefix", "reads", "purposes", "stages", "credentials")}
    told["producers"] = sorted(prepared.spec["producers"])
    record_deed(house, who, tenant, "dataset.register", dataset=wanted.id, **told)
    parts.book.register(tenant, prepared)
    return prepared


def remove(house: House, parts: DatasetParts, who: str, tenant: str, dataset: str) -> None:
    """Forget a dataset.

    Raises:
        RefusedError: ``dataset_unknown``.
    """
    if house.registry.get(tenant, "dataset", dataset) is None:
        raise RefusedError(DATASET_UNKNOWN, f"there is no dataset `{dataset[:80]}`")
    record_deed(house, who, tenant, "dataset.remove", dataset=dataset)
    parts.book.remove(tenant, dataset)


def accept(house: House, parts: DatasetParts, who: str, tenant: str, dataset: str, envelope: bytes) -> VerifiedManifest:
    """Accept a manifest that one of the dataset's producers signed.

    Raises:
        RefusedError: ``dataset_unknown``.
        VerificationError: the manifest is not accepted.
    """
    found = parts.book.find(tenant, dataset)
    checked = parts.book.manifests.check(tenant, dataset, found.spec, envelope)
    told = {"digest": checked.digest, "sequence": checked.manifest.sequence, "producer": checked.manifest.producer}
    record_deed(house, who, tenant, "dataset.manifest", dataset=dataset, **told)
    return parts.book.manifests.accept(tenant, dataset, found.spec, envelope)


def differences(parts: DatasetParts, tenant: str, dataset: str) -> tuple[VerifiedManifest, list[Difference]]:
    """Return a dataset's manifest, and every object that is not as it says.

    Raises:
        RefusedError: ``dataset_unknown``.
        VerificationError: there is no manifest that anybody vouches for.
    """
    found = parts.book.find(tenant, dataset)
    manifest = parts.book.manifest_of(tenant, dataset)
    return manifest, list(compare(parts.book.objects(found), manifest.manifest))

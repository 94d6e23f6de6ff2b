"""The registered datasets, and what is known of each: where its objects lie and which manifest vouches for them.

- Only administrators register. What they say is checked before it is kept: the store, the reference to credentials,
  the producers' keys.
- ``manifest_of`` gives the dataset's digest after checking its signature; training and promotion bind to that digest.
- A dataset that is not there, or is another tenant's, is the same.
"""

from collections.abc import Callable

import msgspec

from ostiary.errors import RefusedError
from ostiary.pipeline.datasets.manifests import Kept, Manifests, VerifiedManifest
from ostiary.pipeline.datasets.ports import Objects
from ostiary.pipeline.datasets.spec import DatasetSpec, read_spec, spec_to_json
from ostiary.pipeline.datasets.stores import Stores
from ostiary.pipeline.registered import Registered, Registry, check_id

DATASET_UNKNOWN = "dataset_unknown"


class Dataset(msgspec.Struct, frozen=True):
    """One registered dataset."""

    tenant: str
    registered: Registered
    spec: DatasetSpec

    @property
    def id(self) -> str:
        """How requests name it."""
        return self.registered.id


class DatasetBook:
    """Registered datasets by tenant and id."""

    def __init__(self, registry: Registry, kept: Kept, stores: Stores, now_ns: Callable[[], int]) -> None:
        """Take where they are registered, where manifests are kept, and what opens stores."""
        self._registry = registry
        self._now = now_ns
        self.stores = stores
        self.manifests = Manifests(kept, now_ns)

    def prepared(self, wanted: Registered) -> Registered:
        """Return a dataset as it may be registered: checked, and with what policy shall see of it.

        Raises:
            FaultyInputError: what is wrong with it.
        """
        check_id(wanted.id)
        spec = read_spec(wanted.spec)
        self.stores.check(spec)
        attributes = {**wanted.attributes, **spec.attributes()}
        return msgspec.structs.replace(wanted, type="dataset", spec=spec_to_json(spec), attributes=attributes)

    def register(self, tenant: str, prepared: Registered) -> None:
        """Keep what ``prepared`` gave."""
        self._registry.put(tenant, prepared, self._now())

    def find(self, tenant: str, dataset: str) -> Dataset:
        """Return one.

        Raises:
            RefusedError: ``dataset_unknown``.
            UnavailableError: what is kept of it is damaged.
        """
        one = self._registry.get(tenant, "dataset", dataset)
        if one is None:
            raise RefusedError(DATASET_UNKNOWN, "there is no such dataset")
        return Dataset(tenant, one, read_spec(one.spec))

    def all(self, tenant: str) -> list[Dataset]:
        """Return a tenant's datasets in the order of their ids."""
        return [Dataset(tenant, one, read_spec(one.spec)) for one in self._registry.all(tenant, "dataset")]

    def remove(self, tenant: str, dataset: str) -> bool:
        """Forget one; its objects stay where they are. Return whether it was there."""
        self.manifests.forget(tenant, dataset)
        return self._registry.remove(tenant, "dataset", dataset)

    def objects(self, dataset: Dataset) -> Objects:
        """Return a dataset's objects.

        Raises:
            FaultyInputError, UnavailableError: its store cannot be opened.
        """
        return self.stores.objects(dataset.tenant, dataset.spec)

    def manifest_of(self, tenant: str, dataset: str) -> VerifiedManifest:
        """Return the manifest of a dataset, its signature checked now.

        Raises:
            RefusedError: ``dataset_unknown``.
            VerificationError: ``manifest_absent``, ``manifest_untrusted``, ….
        """
        found = self.find(tenant, dataset)
        return self.manifests.manifest_of(tenant, dataset, found.spec)

    def manifest_state(self, dataset: Dataset) -> str:
        """Return ``verified``, or the code of what is wrong with a dataset's manifest."""
        return self.manifests.state(dataset.tenant, dataset.id, dataset.spec)

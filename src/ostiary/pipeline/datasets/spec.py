"""What an administrator says of a dataset: where it lies, who may use it for what, and who may sign for it.

- A secret is never in it: ``credentials`` says where one is kept, ``env:NAME`` or ``file:NAME``.
- ``purposes`` and ``stages`` are visible to policy as attributes of the resource, and so is whether only verified
  objects are handed out.

>>> spec = read_spec({"store": "memory:///lake", "purposes": ["training"]})
>>> spec.attributes()["purposes"]
['training']
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.keys import VerifyingKey
from ostiary.pipeline.datasets.names import check_prefix

SPEC_INVALID: Final = "dataset_invalid"
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,63}\Z")]
Words = Annotated[tuple[Word, ...], msgspec.Meta(max_length=64)]
Pem = Annotated[str, msgspec.Meta(max_length=4096)]


class DatasetSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dataset.

    Attributes:
        store: ``file:///folder``, ``s3://bucket``, ``gs://bucket``, ``az://account/container`` or ``memory:///name``.
        prefix: the folder inside the store; nothing outside of it is reachable.
        credentials: ``env:NAME`` or ``file:NAME``; empty for a store that needs none.
        endpoint: another server that speaks the store's protocol; only those that the settings name.
        region: of an S3 bucket.
        purposes: what its objects may be read for; empty leaves it to policy's other rules.
        stages: which stages of a pipeline may read.
        produced_by: which stages may write.
        producers: names of those who may sign its manifest, each with a public key in PEM.
        reads: ``verified`` hands out only what agrees with a signed manifest; ``any`` hands out what is there.
        max_read_bytes: no more than this in one read; 0 for no bound.
        max_object_bytes: no larger object is taken in; 0 for the door's own bound.
    """

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
    prefix: str = ""
    credentials: Annotated[str, msgspec.Meta(max_length=256)] = ""
    endpoint: Annotated[str, msgspec.Meta(max_length=2048)] = ""
    region: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{0,64}\Z")] = ""
    purposes: Words = ()
    stages: Words = ()
    produced_by: Words = ()
    producers: Annotated[dict[Word, Pem], msgspec.Meta(max_length=64)] = {}
    reads: Literal["any", "verified"] = "any"
    max_read_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    max_object_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0

    def attributes(self) -> dict[str, Any]:
        """Return what policy sees of it."""
        return {
            "purposes": list(self.purposes),
            "stages": list(self.stages),
            "produced_by": list(self.produced_by),
            "reads": self.reads,
            "max_read_bytes": self.max_read_bytes,
            "producers": sorted(self.producers),
        }

    def keys(self) -> dict[str, VerifyingKey]:
        """Return the producers' public keys by their names.

        Raises:
            FaultyInputError: a key cannot be read.
        """
        return {name: VerifyingKey.from_pem(name, pem.encode()) for name, pem in self.producers.items()}


def read_spec(value: Mapping[str, Any]) -> DatasetSpec:
    """Return a dataset's spec from parsed JSON; where it lies is for ``store_urls`` to check.

    Raises:
        FaultyInputError: ``dataset_invalid`` or ``object_name_invalid``.
    """
    try:
        spec = msgspec.convert(value, DatasetSpec)
    except msgspec.ValidationError as fault:
        raise FaultyInputError(SPEC_INVALID, f"the dataset is malformed: {fault}") from fault
    keys = spec.keys()
    if len(set(keys.values())) != len(keys):
        raise FaultyInputError(SPEC_INVALID, "two producers have the same key")
    if spec.reads == "verified" and not keys:
        raise FaultyInputError(SPEC_INVALID, "a dataset of which only verified objects are read needs a producer")
    return msgspec.structs.replace(spec, prefix=check_prefix(spec.prefix))


def spec_to_json(spec: DatasetSpec) -> dict[str, Any]:
    """Return a spec as plain JSON values."""
    built: dict[str, Any] = msgspec.to_builtins(spec)
    return built

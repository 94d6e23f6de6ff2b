"""Datasets of a run, vouched for by the book of registered datasets: its signed manifests, and its verified reads.

- A dataset is what its manifest lists: an object that is not listed does not come, one that differs refuses the run.
- The manifest is verified once more when data is staged, and must still be the one that was decided on.
- Names of objects become paths below the dataset's folder, and nowhere else.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, Protocol

from ostiary.errors import RefusedError
from ostiary.pipeline.training.ports import DatasetRef
from ostiary.pipeline.training.staging import place_of

CHANGED: Final = "training_dataset_changed"


class Entry(Protocol):
    """One object of a manifest."""

    @property
    def name(self) -> str:
        """Its name inside the dataset."""
        ...


class Manifest(Protocol):
    """What a producer signed."""

    @property
    def producer(self) -> str:
        """Who signed it."""
        ...

    @property
    def objects(self) -> Sequence[Entry]:
        """What it lists."""
        ...


class Vouched(Protocol):
    """A manifest whose signature was checked just now."""

    @property
    def digest(self) -> str:
        """The dataset's digest."""
        ...

    @property
    def manifest(self) -> Manifest:
        """What the producer says."""
        ...


class Book(Protocol):
    """The registered datasets of all tenants."""

    def find(self, tenant: str, dataset: str) -> Any:
        """Return one."""
        ...

    def objects(self, dataset: Any) -> "Objects":
        """Return its objects."""
        ...

    def manifest_of(self, tenant: str, dataset: str) -> Vouched:
        """Return its manifest, verified now."""
        ...


class Objects(Protocol):
    """The objects of one dataset."""

    def open(self, name: str) -> AbstractContextManager[Any]:
        """Open one version of an object."""
        ...


class Reads(Protocol):
    """Reads only what agrees with a manifest."""

    def blocks(self, scope: tuple[str, str], one: Any, entry: Any) -> Any:
        """Return what is needed to compare an open object, block by block."""
        ...

    def pieces(self, one: Any, blocks: Any, start: int, length: int) -> Iterator[memoryview]:
        """Yield bytes, each compared before it is handed out."""
        ...


class BookedDatasets:
    """A ``DatasetCheck`` over the book."""

    def __init__(self, book: Book, reads: Reads) -> None:
        """Take both."""
        self._book = book
        self._reads = reads

    def verified(self, tenant: str, dataset: str) -> DatasetRef:
        """Return a dataset whose manifest is signed by a producer that is known."""
        found = self._book.manifest_of(tenant, dataset)
        return DatasetRef(dataset, found.digest, found.manifest.producer)

    def stage(self, tenant: str, dataset: DatasetRef, folder: Path) -> None:
        """Write the listed objects."""
        found = self._book.manifest_of(tenant, dataset.name)
        if found.digest != dataset.digest:
            raise RefusedError(CHANGED, f"`{dataset.name}` got another manifest while the run was decided on")
        objects = self._book.objects(self._book.find(tenant, dataset.name))
        scope = (tenant, dataset.name)
        for entry in found.manifest.objects:
            place = place_of(folder, entry.name)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with objects.open(entry.name) as one:
                blocks = self._reads.blocks(scope, one, entry)
                _write(place, self._reads.pieces(one, blocks, 0, one.stat.size))


def _write(place: Path, pieces: Iterable[memoryview]) -> None:
    with place.open("xb") as file:
        for piece in pieces:
            file.write(piece)

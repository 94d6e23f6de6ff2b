"""What training needs of others: who decides, who vouches for data, who keeps records, who takes what is left."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ostiary.pipeline.training.outputs import OutputFile


class DatasetRef(msgspec.Struct, frozen=True):
    """A dataset whose manifest was verified just now: its digest, and the producer that signed it."""

    name: str
    digest: str
    producer: str


class DatasetCheck(Protocol):
    """Vouches for datasets."""

    def verified(self, tenant: str, dataset: str) -> DatasetRef:
        """Return a dataset, its manifest's signature checked now.

        Raises:
            RefusedError: it is unknown, unsigned, or signed by nobody who may.
        """
        ...

    def stage(self, tenant: str, dataset: DatasetRef, folder: Path) -> None:
        """Write the files that the manifest lists into an empty folder, each compared with its digest as it is written.

        Raises:
            RefusedError: a file is not what the manifest lists, or the manifest is another by now.
        """
        ...


class Question(msgspec.Struct, frozen=True):
    """One thing that a run wants to do: ``train.run`` on its pipeline, ``dataset.read`` on each dataset."""

    action: str
    resource_type: str
    resource_id: str
    properties: Mapping[str, Any]


class Granted(msgspec.Struct, frozen=True):
    """A permission; its decision is on record."""

    decision_id: str
    obligations: Sequence[tuple[str, Mapping[str, Any]]] = ()


class Authority(Protocol):
    """Decides, in the name of whoever starts the run."""

    def ask(self, tenant: str, question: Question) -> Granted:
        """Return the permission.

        Raises:
            RefusedError: the decision is no; ``reasons`` has its own.
            UnavailableError: nobody can decide or record now.
        """
        ...


class RunLog(Protocol):
    """Keeps records for good."""

    def write(self, tenant: str, record_id: str, document: Mapping[str, Any]) -> None:
        """Write one record of kind ``training`` and return when it is on disk.

        Raises:
            UnavailableError: it cannot be written; what it tells of must not happen.
        """
        ...


class Delivery(msgspec.Struct, frozen=True):
    """What a run hands to the artefact door."""

    run_id: str
    folder: Path
    files: tuple[OutputFile, ...]
    digest: str
    provenance: bytes


class ArtifactDoor(Protocol):
    """Takes what runs leave behind; nothing else does."""

    def deliver(self, tenant: str, delivery: Delivery) -> str:
        """Take the outputs of a run; return under what name they are kept."""
        ...

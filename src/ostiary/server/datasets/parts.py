"""What the door to datasets works with, put together from the house and its settings."""

from typing import Final

import msgspec

from ostiary.keys.files import private_folder
from ostiary.pipeline.datasets.book import DatasetBook
from ostiary.pipeline.datasets.budgets import Bounds, Meter
from ostiary.pipeline.datasets.counting import MemoryBudgets
from ostiary.pipeline.datasets.places import Where
from ostiary.pipeline.datasets.stores import Stores
from ostiary.pipeline.datasets.verified import VerifiedReads
from ostiary.server.settings.datasets import DatasetsSection
from ostiary.server.wiring import House

MIB: Final = 1 << 20


class DatasetParts(msgspec.Struct, frozen=True):
    """Parts of the door.

    Attributes:
        book: the registered datasets.
        meter: counts what is read with each token.
        reads: remembers which versions agreed with a manifest.
        settings: how much, and for how long.
        bounds: what every token, and every workload with all of its tokens, may read.
    """

    book: DatasetBook
    meter: Meter
    reads: VerifiedReads
    settings: DatasetsSection
    bounds: Bounds


def open_datasets(house: House) -> DatasetParts:
    """Return the parts, made anew."""
    settings = house.settings.datasets
    spool = private_folder(settings.spool or house.places.spool)
    own = (house.places.root, spool, *((settings.credentials,) if settings.credentials is not None else ()))
    where = Where(roots=settings.roots, endpoints=settings.endpoints, memory=settings.memory, own=own)
    stores = Stores(where, spool, secrets=settings.credentials)
    clock, store = house.clock, house.store
    return DatasetParts(
        book=DatasetBook(house.registry, store.snapshots, stores, clock.now_ns),
        meter=Meter(store.dataset_budgets, MemoryBudgets(), clock.now_ns),
        reads=VerifiedReads(),
        settings=settings,
        bounds=Bounds(settings.max_read_mb * MIB, house.settings.tokens.max_bytes, house.settings.tokens.max_objects),
    )

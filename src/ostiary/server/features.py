"""Puts the features door together: files below the data directory, engine, databases, online values, mask keys."""

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from ostiary.errors import UnavailableError
from ostiary.keys import TenantSecrets
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import check_tenant

if TYPE_CHECKING:
    from ostiary.pipeline.features.door import FeatureDoor
    from ostiary.pipeline.features.ports import Relations
    from ostiary.server.settings.features import FeaturesSection

_MIB: Final = 1 << 20
MAX_DSN: Final = 4096
READY: Final = 2
FOLDER: Final = "features"
SET: Final = "feature_set"
_NEEDED: Final = ("duckdb", "pyarrow", "sqlglot")


def are_served(house: House) -> bool:
    """Return whether feature sets are to be served and can be."""
    return house.settings.features.enabled and all(find_spec(name) is not None for name in _NEEDED)


def mask_secrets(house: House) -> TenantSecrets:
    """Return the keys of hashed columns."""
    return TenantSecrets(house.places.keys / "masks")


def forget_features(house: House, tenant: str) -> None:
    """Destroy a tenant's mask key, and the history in Ostiary's own folder; other sources are their owners'."""
    mask_secrets(house).erase(tenant)
    shutil.rmtree(house.places.root / FOLDER / check_tenant(tenant), ignore_errors=True)


def waiting(house: House) -> int:
    """Return how many processes are to wait for queries: none where there is nothing to be queried yet.

    Each takes a second of a core to start and 160 MB while it waits; the first query starts one where none does.
    """
    return READY if any(house.registry.all(row.tenant, SET) for row in house.tenants.living()) else 0


def open_features(house: House, *, ready: int = READY) -> "FeatureDoor":
    """Return the door; what it opens is closed with the house. ``ready`` processes wait for queries.

    Raises:
        UnavailableError: a DSN cannot be read.
    """
    from ostiary.pipeline.features.door import FeatureDoor  # noqa: PLC0415 - needs an extra
    from ostiary.pipeline.features.masks import MaskKey  # noqa: PLC0415
    from ostiary.pipeline.features.parquet import ParquetHistory  # noqa: PLC0415
    from ostiary.pipeline.features.ports import Limits  # noqa: PLC0415
    from ostiary.storage.duckdb import DuckEngine  # noqa: PLC0415

    settings, secrets = house.settings.features, mask_secrets(house)
    engine = DuckEngine(settings.memory_mb, ready)
    house.opened.callback(engine.close)
    return FeatureDoor(
        house.registry,
        ParquetHistory(house.places.root / FOLDER, settings.roots),
        engine,
        house.store.online_features,
        lambda tenant: MaskKey(secrets.of(tenant)),
        relations=_relations(house, settings),
        limits=Limits(settings.max_rows, settings.max_bytes, settings.timeout_s, settings.memory_mb),
        kept_bytes=settings.kept_mb * _MIB,
    )


def _relations(house: House, settings: "FeaturesSection") -> "Relations | None":
    if not settings.postgres:
        return None
    from ostiary.storage.postgres.link import PostgresSource  # noqa: PLC0415 - a driver
    from ostiary.storage.postgres.relations import PostgresRelations  # noqa: PLC0415 - a driver

    sources = {}
    for one in settings.postgres:
        try:
            dsn = one.dsn_file.read_text("utf-8")[:MAX_DSN].strip()
        except (OSError, UnicodeDecodeError) as fault:
            raise UnavailableError("source_unavailable", f"the DSN of `{one.name}` cannot be read") from fault
        sources[one.name] = PostgresSource(one.name, dsn)
    relations = PostgresRelations(sources)
    house.opened.callback(relations.close)
    return relations

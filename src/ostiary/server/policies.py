"""Which policy engine answers for a tenant, and how a new bundle goes live without a dropped decision.

1. A tenant's own bundle wins over the configured one, that over the shipped one. Tenants on the same folder share
   one engine.
2. A new bundle is admitted first (lint, its own tests, in a process that is thrown away), then compiled beside the
   old one, and only then is the reference swapped. Whoever is deciding keeps the engine it began with.
3. A bundle that is refused changes nothing: the old one stays in force.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import Engine
from ostiary.server.places import Places

Open = Callable[[Bundle], Engine]
Admit = Callable[[Path, Bundle], None]


class BundleStatus(msgspec.Struct, frozen=True):
    """Which bundle is in force for a tenant, and whose it is."""

    digest: str
    revision: str
    rules: int
    source: str


class Policies:
    """Engines by the folder of their bundle; a ``PolicySource``, safe for several threads."""

    def __init__(self, places: Places, configured: Path | None, open_engine: Open, admit: Admit) -> None:
        """Take where bundles lie, what opens an engine, and what a new bundle must pass before it goes live."""
        self._places = places
        self._configured = configured
        self._open = open_engine
        self._admit = admit
        self._lock = threading.Lock()
        self._engines: dict[Path, Engine] = {}
        self._sources: dict[str, Path] = {}

    def engine(self, tenant: str) -> Engine:
        """Return the engine in force for a tenant, opened at first use.

        Raises:
            FaultyInputError: the bundle is malformed.
            UnavailableError: the engine or the bundle is missing.
        """
        source = self._sources.get(tenant)
        engine = self._engines.get(source) if source is not None else None
        return engine if engine is not None else self._first(tenant)

    def reload(self, tenant: str) -> BundleStatus:
        """Put a tenant's bundle as it is on disk now in force.

        Raises:
            FaultyInputError: the bundle is malformed, or fails its own tests; the old one stays in force.
        """
        source = self.source(tenant)
        bundle = Bundle.load(source)
        self._admit(source, bundle)
        fresh = self._open(bundle)
        with self._lock:
            self._engines[source] = fresh
            self._sources[tenant] = source
        return self.status(tenant)

    def status(self, tenant: str) -> BundleStatus:
        """Return which bundle is in force for a tenant."""
        info = self.engine(tenant).bundle
        own = self._sources[tenant] == self._places.bundle(tenant)
        shared = "configured" if self._configured else "shipped"
        return BundleStatus(info.digest, info.revision, len(info.rules), "own" if own else shared)

    def source(self, tenant: str) -> Path:
        """Return the folder that a tenant's bundle comes from."""
        own = self._places.bundle(tenant)
        return own if own.is_dir() else self._configured or policies_dir()

    def close(self) -> None:
        """Release every engine."""
        with self._lock:
            for engine in self._engines.values():
                engine.close()
            self._engines.clear()
            self._sources.clear()

    def _first(self, tenant: str) -> Engine:
        source = self.source(tenant)
        with self._lock:
            engine = self._engines.get(source)
            if engine is None:
                engine = self._engines[source] = self._open(Bundle.load(source))
            self._sources[tenant] = source
            return engine

"""Which policy engine answers for a tenant, and how a new bundle goes live without a dropped decision.

1. A tenant's own bundle wins over the configured one, that over the shipped one. Tenants on the same folder share
   one engine.
2. A new bundle is admitted first (lint, its own tests, in a process that is thrown away), then compiled beside the
   old one, and only then is the reference swapped. Whoever is deciding keeps the engine it began with.
3. What was admitted once is remembered by its digest, so that a restart is quick. The shipped bundle was tested where
   it was built; once somebody reloads it changed, it is tried out like any other.
4. A bundle that is refused changes nothing: the old one stays in force. At a start there is no old one: DENY.
5. A decision never waits for a bundle to load: ``engine`` answers at once or not at all, ``load`` takes its time.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import msgspec

from ostiary.artifacts.shipped import policies_dir
from ostiary.errors import UnavailableError
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import Engine
from ostiary.server.places import Places

PAUSE_S: Final = 2.0
Open = Callable[[Bundle], Engine]
Admit = Callable[[Bundle], object]
OnFault = Callable[[str, BaseException], None]


class Admitted(Protocol):
    """Remembers which bundles have passed."""

    def knows(self, digest: str) -> bool:
        """Return whether a bundle has passed before."""
        ...

    def remember(self, digest: str) -> None:
        """Note that a bundle has passed."""
        ...


class BundleStatus(msgspec.Struct, frozen=True):
    """Which bundle is in force for a tenant, and whose it is."""

    digest: str
    revision: str
    rules: int
    source: str


class Policies:
    """Engines by the folder of their bundle; a ``PolicySource``, safe for several threads."""

    def __init__(
        self,
        places: Places,
        configured: Path | None,
        open_engine: Open,
        admit: Admit,
        admitted: Admitted,
        on_fault: OnFault,
    ) -> None:
        """Take where bundles lie, what opens an engine, what a new bundle must pass, and whom to tell of faults."""
        self._places = places
        self._configured = configured
        self._open = open_engine
        self._admit = admit
        self._admitted = admitted
        self._on_fault = on_fault
        self._loading: set[str] = set()
        self._lock = threading.Lock()
        self._engines: dict[Path, Engine] = {}
        self._sources: dict[str, Path] = {}

    def engine(self, tenant: str) -> Engine:
        """Return the engine in force for a tenant, at once.

        Raises:
            UnavailableError: ``policy_unavailable``: it is being loaded, or could not be.
        """
        source = self._sources.get(tenant)
        engine = self._engines.get(source) if source is not None else self._shared(tenant)
        if engine is None:
            self._load_beside(tenant)
            raise UnavailableError("policy_unavailable", f"the policy of tenant `{tenant}` is not loaded")
        return engine

    def load(self, tenant: str) -> Engine:
        """Return the engine in force for a tenant, loading its bundle if need be.

        Raises:
            RefusedError: the bundle fails lint or its own tests.
            FaultyInputError: the bundle is malformed.
            UnavailableError: the engine or the bundle is missing.
        """
        source = self.source(tenant)
        with self._lock:
            engine = self._engines.get(source)
            if engine is None:
                bundle = Bundle.load(source)
                if source != policies_dir():
                    self._try_out(bundle)
                engine = self._engines[source] = self._open(bundle)
            self._sources[tenant] = source
            return engine

    def reload(self, tenant: str) -> BundleStatus:
        """Put a tenant's bundle as it is on disk now in force.

        Raises:
            RefusedError: the bundle fails lint or its own tests; the old one stays in force.
            FaultyInputError: the bundle is malformed; likewise.
        """
        source = self.source(tenant)
        known = self._engines.get(source)
        bundle = Bundle.load(source)
        if known is None or known.digest != bundle.digest:
            self._try_out(bundle)
        fresh = self._open(bundle)
        with self._lock:
            self._engines[source] = fresh
            self._sources[tenant] = source
        return self.status(tenant)

    def status(self, tenant: str) -> BundleStatus:
        """Return which bundle is in force for a tenant."""
        info = self.load(tenant).bundle
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

    def _shared(self, tenant: str) -> Engine | None:
        """Return the engine of a tenant that is new here, when another one uses the same bundle."""
        source = self.source(tenant)
        engine = self._engines.get(source)
        if engine is not None:
            self._sources[tenant] = source
        return engine

    def _load_beside(self, tenant: str) -> None:
        """Load a tenant's bundle in a thread of its own; while one loads, nobody starts another."""
        if tenant in self._loading:
            return
        self._loading.add(tenant)
        threading.Thread(target=self._load_quietly, args=(tenant,), name=f"policy-{tenant}", daemon=True).start()

    def _load_quietly(self, tenant: str) -> None:
        try:
            self.load(tenant)
        except Exception as fault:  # noqa: BLE001 - told, and tried again at a request after a pause
            self._on_fault("policy_unavailable", fault)
            # A broken bundle would be tried out again and again, for as long as anybody asks.
            time.sleep(PAUSE_S)
        finally:
            self._loading.discard(tenant)

    def _try_out(self, bundle: Bundle) -> None:
        if not self._admitted.knows(bundle.digest):
            self._admit(bundle)
            self._admitted.remember(bundle.digest)

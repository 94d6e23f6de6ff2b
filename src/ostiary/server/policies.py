"""Which policy engine answers for a tenant, and how a new bundle goes live without a dropped decision.

1. A tenant's own bundle wins over the configured one, that over the shipped one. Tenants on the same folder share
   one engine.
2. A new bundle is admitted first (lint, its own tests, in a process that is thrown away), then compiled beside the
   old one, and only then is the reference swapped. Whoever is deciding keeps the engine it began with.
3. What was admitted once is remembered by its digest, so that a restart is quick. The shipped bundle was tested where
   it was built; once somebody reloads it changed, it is tried out like any other.
4. A bundle that is refused changes nothing: the old one stays in force. At a start there is no old one: DENY.
5. A decision never waits for a bundle to load: ``engine`` answers at once or not at all, ``load`` takes its time.
6. Among replicas one reloads and the others follow. One whose folder holds another bundle answers no more for that
   tenant until it holds the right one.
7. Where a tenant has people, only what they agreed to is put in force: judged by the digest of what was read, which is
   what is opened. A tenant that shares a bundle with others is asked, too, when somebody reloads it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec

from ostiary.artifacts.shipped import policies_dir
from ostiary.errors import UnavailableError
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import Engine
from ostiary.policy.sandbox import Report, report_digest
from ostiary.server.places import Places

KIND: Final = "policy.activate"
SHIPPED: Final = "shipped"
PAUSE_S: Final = 2.0
Open = Callable[[Bundle], Engine]
Admit = Callable[[Bundle], Report]
OnFault = Callable[[str, BaseException], None]


class Admitted(Protocol):
    """Remembers which bundles have passed."""

    def knows(self, digest: str) -> bool:
        """Return whether a bundle has passed before."""
        ...

    def remember(self, digest: str, report: str) -> None:
        """Note that a bundle has passed, by the report with this digest."""
        ...

    def report(self, digest: str) -> str:
        """Return the digest of the report by which a bundle passed, or an empty string."""
        ...


class Consents(Protocol):
    """Whether a tenant's people agreed to what is to be put in force."""

    def check_load(self, tenant: str, kind: str, digest: str, source: str) -> None:
        """Check what was just loaded.

        Raises:
            OstiaryError: it must not take effect.
        """
        ...

    def agree(
        self, tenant: str, kind: str, digest: str, source: str, *, proposal: str, by: str, reports: Mapping[str, str]
    ) -> object:
        """Note what is to be in force from now on; raises as ``check_load``."""
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
        *,
        trial: bool = False,
    ) -> None:
        """Take where bundles lie, what opens an engine, what a new bundle must pass, and whom to tell of faults.

        ``trial`` says that ``configured`` is tried out beside what is in force: nobody's agreement is asked.
        """
        self._places = places
        self._configured = configured
        self._open = open_engine
        self._admit = admit
        self._admitted = admitted
        self._on_fault = on_fault
        self._trial = trial
        self._consents: Consents | None = None
        self._loading: set[str] = set()
        self._lock = threading.Lock()
        self._engines: dict[Path, Engine] = {}
        self._sources: dict[str, Path] = {}
        self._apart: set[str] = set()

    def heed(self, consents: Consents) -> None:
        """Put in force only what ``consents`` lets."""
        self._consents = None if self._trial else consents

    def engine(self, tenant: str) -> Engine:
        """Return the engine in force for a tenant, at once.

        Raises:
            UnavailableError: ``policy_unavailable``: it is being loaded, or could not be.
        """
        if tenant in self._apart:
            raise UnavailableError(
                "policy_unavailable", f"the policy of tenant `{tenant}` here is not the one in force"
            )
        source = self._sources.get(tenant)
        engine = self._engines.get(source) if source is not None else self._shared(tenant)
        if engine is None:
            self._load_beside(tenant)
            raise UnavailableError("policy_unavailable", f"the policy of tenant `{tenant}` is not loaded")
        return engine

    def load(self, tenant: str) -> Engine:
        """Return the engine in force for a tenant, loading its bundle if need be.

        Raises:
            RefusedError: the bundle fails lint or its own tests, or people did not agree to it.
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
                self._check(tenant, source, bundle.digest)
                engine = self._engines[source] = self._open(bundle)
            elif tenant not in self._sources:
                self._check(tenant, source, engine.digest)
            self._sources[tenant] = source
            return engine

    def reload(self, tenant: str, *, proposal: str = "", by: str = "", impact: str = "") -> BundleStatus:
        """Put a tenant's bundle as it is on disk now in force.

        Args:
            tenant: whose.
            proposal: what people agreed to, where there are people.
            by: who does it.
            impact: digest of the report of what it would change, if people were shown one.

        Raises:
            RefusedError: the bundle fails lint or its own tests, or people did not agree to it; the old one stays in
                force.
            FaultyInputError: the bundle is malformed; likewise.
        """
        source = self.source(tenant)
        known = self._engines.get(source)
        bundle = Bundle.load(source)
        if known is None or known.digest != bundle.digest:
            self._try_out(bundle)
        fresh = self._open(bundle)
        try:
            self._agree(tenant, source, bundle.digest, proposal, by, impact)
        except BaseException:
            fresh.close()
            raise
        with self._lock:
            self._engines[source] = fresh
            self._sources[tenant] = source
        return self.status(tenant)

    def follow(self, tenant: str, digest: str) -> bool:
        """Put in force what another replica has put in force; return whether that lies here.

        Raises:
            OstiaryError: what lies here cannot be loaded; the tenant is not answered for.
        """
        source = self.source(tenant)
        known = self._engines.get(source)
        if known is None or known.digest != digest:
            self._apart.add(tenant)
            bundle = Bundle.load(source)
            if bundle.digest != digest:
                return False
            self._try_out(bundle)
            fresh = self._open(bundle)
            with self._lock:
                self._engines[source] = fresh
                self._sources[tenant] = source
        self._apart.discard(tenant)
        return True

    def status(self, tenant: str) -> BundleStatus:
        """Return which bundle is in force for a tenant."""
        info = self.load(tenant).bundle
        return BundleStatus(info.digest, info.revision, len(info.rules), self._whose(tenant, self._sources[tenant]))

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

    def _check(self, tenant: str, source: Path, digest: str) -> None:
        if self._consents is not None:
            self._consents.check_load(tenant, KIND, digest, self._whose(tenant, source))

    def _agree(self, tenant: str, source: Path, digest: str, proposal: str, by: str, impact: str) -> None:
        """Ask everybody whom it concerns: the tenant itself last, for its agreement is used up by it."""
        if self._consents is None:
            return
        for other in [one for one, place in self._sources.items() if place == source and one != tenant]:
            self._consents.check_load(other, KIND, digest, self._whose(other, source))
        reports = {"tests": self._admitted.report(digest), "impact": impact}
        whose = self._whose(tenant, source)
        self._consents.agree(tenant, KIND, digest, whose, proposal=proposal, by=by, reports=reports)

    def _whose(self, tenant: str, source: Path) -> str:
        if source == self._places.bundle(tenant):
            return "own"
        return "configured" if self._configured else SHIPPED

    def _shared(self, tenant: str) -> Engine | None:
        """Return the engine of a tenant that is new here, when another one uses the same bundle."""
        source = self.source(tenant)
        engine = self._engines.get(source)
        if engine is not None:
            self._check(tenant, source, engine.digest)
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
            report = self._admit(bundle)
            self._admitted.remember(bundle.digest, report_digest(report))

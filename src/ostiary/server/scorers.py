"""Which risk model scores for a tenant: verified before it is read, fenced in, and never needed.

1. A tenant's own model wins over the configured one, that over a shipped one. No model is an honest answer.
2. A model loads only when a trusted key signed it: this deployment's own model keys, or those in ``trust/models.pem``.
3. Without any model the likelihood ratio scores, where ``risk.cold_start`` asks for it.
4. A model that does not load is no model: the fault is told, and policy sees ``risk.available = false``. So is one
   whose version was blocked; and one that does not verify is told to whoever responds.
5. Where a tenant has people, a model that they did not agree to, or agree to no more, is no model either: judged by the
   digest of what was loaded, at each load.
"""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from ostiary.errors import OstiaryError, RefusedError, VerificationError
from ostiary.server.places import Places
from ostiary.server.policies import SHIPPED, Consents
from ostiary.vocabulary.scoring import Scorer, SessionScorer

KIND: Final = "threshold.change"
Load = Callable[[str, Path], Scorer]
Judging = Callable[[str, Scorer], SessionScorer | None]
OnFault = Callable[[str, BaseException], None]
OnTampered = Callable[[str, Path, VerificationError], None]


class Scorers:
    """Scorers by tenant; a ``ScorerSource``, safe for several threads."""

    def __init__(
        self,
        places: Places,
        configured: Path | None,
        shipped: Iterable[Path],
        load: Load,
        on_fault: OnFault,
        *,
        enabled: bool = True,
        cold: Scorer | None = None,
        judging: Judging = lambda _tenant, _scorer: None,
        blocked: Callable[[str, str], bool] = lambda _tenant, _digest: False,
    ) -> None:
        """Take where models lie, what loads one, whom to tell when that fails, and what scores until there is one.

        ``judging`` makes what judges sessions from a loaded scorer; ``blocked`` says whether a tenant must not use a
        model.
        """
        self._places = places
        self._shipped = tuple(shipped)
        self._others = tuple(path for path in (configured, *self._shipped) if path is not None)
        self._load = load
        self._on_fault = on_fault
        self._enabled = enabled
        self._cold = cold
        self._lock = threading.Lock()
        self._scorers: dict[str, Scorer | None] = {}
        self._judging = judging
        self._blocked = blocked
        self._refused: dict[str, str] = {}
        self._consents: Consents | None = None
        self._on_tampered: OnTampered = lambda _tenant, _source, _fault: None

    def tell_tampered(self, callback: OnTampered) -> None:
        """Tell ``callback`` of every model that does not verify."""
        self._on_tampered = callback

    def heed(self, consents: Consents) -> None:
        """Use only models that ``consents`` lets."""
        self._consents = consents

    def agree(self, tenant: str, *, proposal: str, by: str) -> str:
        """Note that a tenant's model as it is on disk now is to be used from its next load on; return its digest.

        Raises:
            OstiaryError: it does not load, or people did not agree to it; what is in force stays.
        """
        source = self.source(tenant)
        if source is None or self._consents is None:
            return ""
        scorer = self._load(tenant, source)
        whose = self._whose(tenant, source)
        self._consents.agree(tenant, KIND, scorer.digest, whose, proposal=proposal, by=by, reports={})
        return scorer.digest

    def scorer(self, tenant: str) -> Scorer | None:
        """Return a tenant's scorer, loaded at first use, or ``None``."""
        try:
            return self._scorers[tenant]
        except KeyError:
            return self.reload(tenant)

    def reload(self, tenant: str) -> Scorer | None:
        """Load a tenant's model as it is on disk now."""
        with self._lock:
            self._scorers[tenant] = self._first(tenant) if self._enabled else None
            return self._scorers[tenant]

    def follow(self, tenant: str, digest: str) -> bool:
        """Use what another replica has put in force, if a model is used here; return whether that lies here."""
        with self._lock:
            known = self._scorers.get(tenant)
        if tenant not in self._scorers or not self._enabled or (known is not None and known.digest == digest):
            return True
        fresh = self.reload(tenant)
        return fresh is not None and fresh.digest == digest

    def heed_blocks(self) -> int:
        """Load anew where another process blocked a model, or let one in again; return for how many tenants."""
        with self._lock:
            loaded = {tenant: scorer.digest for tenant, scorer in self._scorers.items() if scorer is not None}
            refused = dict(self._refused)
        changed = [tenant for tenant, digest in loaded.items() if self._blocked(tenant, digest)]
        changed += [tenant for tenant, digest in refused.items() if not self._blocked(tenant, digest)]
        for tenant in changed:
            self.reload(tenant)
        return len(changed)

    def session_scorer(self, tenant: str) -> SessionScorer | None:
        """Return what judges a tenant's sessions: a part of its scorer's model, or ``None`` when that has none."""
        scorer = self.scorer(tenant)
        return None if scorer is None else self._judging(tenant, scorer)

    def source(self, tenant: str) -> Path | None:
        """Return the folder that a tenant's model comes from, or ``None``."""
        places = (self._places.model(tenant), *self._others)
        return next((place for place in places if place.is_dir()), None)

    def _first(self, tenant: str) -> Scorer | None:
        self._refused.pop(tenant, None)
        source = self.source(tenant)
        if source is None:
            return self._cold
        try:
            scorer = self._load(tenant, source)
            self._refuse_blocked(tenant, scorer)
        except (OstiaryError, ImportError) as fault:
            self._on_fault(getattr(fault, "code", "risk_extra_missing"), fault)
            if isinstance(fault, VerificationError):
                self._on_tampered(tenant, source, fault)
            return None
        return scorer if self._agreed_to(tenant, source, scorer) else None

    def _agreed_to(self, tenant: str, source: Path, scorer: Scorer) -> bool:
        try:
            if self._consents is not None:
                self._consents.check_load(tenant, KIND, scorer.digest, self._whose(tenant, source))
        except OstiaryError as fault:  # no fault of the model's file: nobody is to block it for that
            self._on_fault(fault.code, fault)
            return False
        return True

    def _whose(self, tenant: str, source: Path) -> str:
        if source == self._places.model(tenant):
            return "own"
        return SHIPPED if source in self._shipped else "configured"

    def _refuse_blocked(self, tenant: str, scorer: Scorer) -> None:
        if self._blocked(tenant, scorer.digest):
            self._refused[tenant] = scorer.digest
            raise RefusedError("model_blocked", f"the model {scorer.digest} was blocked for this tenant")

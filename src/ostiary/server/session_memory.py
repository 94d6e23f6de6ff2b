"""What the models of sessions remember: one memory a tenant, kept over a restart, gone with a person or a tenant.

- Without a model there is no memory; a model that is loaded anew judges on from the same one.
- A memory that cannot be read back is told and begins with nothing known: sessions are judged without their past then.
"""

from collections.abc import Callable
from typing import Final, Protocol

from ostiary.errors import OstiaryError
from ostiary.vocabulary.scoring import Scorer, SessionScorer

KIND: Final = "session_memory"
NAME: Final = "trails"
OnFault = Callable[[str, BaseException], None]


class Snapshots(Protocol):
    """Keeps opaque bytes by tenant, kind and name."""

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one, replacing what was there."""
        ...

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        ...


class SessionMemory:
    """Makes what judges a tenant's sessions from its scorer, and keeps what that remembers."""

    def __init__(self, snapshots: Snapshots, on_fault: OnFault) -> None:
        """Begin with nothing; what was kept is read when a tenant's sessions are first judged."""
        from ostiary.risk.model import RiskModel  # noqa: PLC0415 - the risk extra may be absent (law 2)
        from ostiary.risk.session_scorer import SessionMemories  # noqa: PLC0415 - as above

        self._kind = RiskModel
        self._models: dict[str, RiskModel] = {}
        self._snapshots = snapshots
        self._on_fault = on_fault
        self._memories = SessionMemories(self._models.get, lambda fault: on_fault("session_risk_error", fault))

    def scorer(self, tenant: str, scorer: Scorer) -> SessionScorer | None:
        """Return what judges the sessions of a tenant whose accesses ``scorer`` judges, or ``None``."""
        model = getattr(scorer, "inner", scorer)
        if not isinstance(model, self._kind):
            return None
        known = tenant in self._memories.tenants()
        self._models[tenant] = model
        memory = self._memories.scorer(tenant)
        if memory is not None and not known:
            self._restore(tenant, memory.restore)
        return memory

    def save(self, now_ns: int) -> None:
        """Store what every tenant's memory holds."""
        for tenant in self._memories.tenants():
            memory = self._memories.scorer(tenant)
            if memory is not None:
                self._snapshots.save(tenant, KIND, NAME, memory.snapshot(), now_ns)

    def forget(self, tenant: str, subject: str, now_ns: int) -> None:
        """Forget ``type:id`` here and in what is kept."""
        if tenant not in self._memories.tenants():
            self._load_to_forget(tenant)
        self._memories.forget(tenant, subject)
        if tenant in self._memories.tenants():
            self.save(now_ns)
        else:
            self._snapshots.save(tenant, KIND, NAME, b"", now_ns)

    def _load_to_forget(self, tenant: str) -> None:
        memory = self._memories.scorer(tenant)
        if memory is not None:
            self._restore(tenant, memory.restore)

    def _restore(self, tenant: str, restore: Callable[[bytes], None]) -> None:
        kept = self._snapshots.load(tenant, KIND, NAME)
        try:
            if kept:
                restore(kept)
        except OstiaryError as fault:
            self._on_fault(fault.code, fault)

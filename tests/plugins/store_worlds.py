"""Worlds for a workload over all tables: every part in memory, and a store of any backend."""

from typing import Any

from ostiary.defence.memory import MemoryBudgets
from ostiary.identity.replay import MemoryReplay
from ostiary.pipeline.datasets.counting import MemoryBudgets as MemoryDatasetBudgets
from ostiary.storage.tables import Store
from ostiary.storage.tables.rooms import Snapshot
from ostiary.testing.approval_book import MemoryApprovalBook
from ostiary.testing.authenticator_store import MemoryAuthenticators
from ostiary.testing.conversation_store import MemoryConversationStore
from ostiary.testing.decision_index import MemoryDecisionIndex
from ostiary.testing.memory_cards import MemoryCards
from ostiary.testing.memory_store import MemoryStore
from ostiary.testing.model_book import MemoryModelBook
from ostiary.testing.online_features import MemoryOnlineStore
from ostiary.testing.producers import MemoryProducers
from ostiary.testing.profile_store import MemoryProfileStore
from ostiary.testing.rag import MemoryBook
from ostiary.testing.session_store import MemorySessionStore
from ostiary.testing.shadow_counts import MemoryShadowCounts
from ostiary.testing.signal_store import MemorySignalStore
from ostiary.testing.template_store import MemoryTemplates


class MemorySnapshots:
    """Snapshots in a dictionary; the product needs none."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], Snapshot] = {}

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        self.kept[tenant, kind, name] = Snapshot(name, data, now_ns)

    def add(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> bool:
        fresh = Snapshot(name, data, now_ns)
        return self.kept.setdefault((tenant, kind, name), fresh) is fresh

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        found = self.kept.get((tenant, kind, name))
        return found.data if found else None

    def all(self, tenant: str, kind: str) -> list[Snapshot]:
        found = [one for key, one in self.kept.items() if key[:2] == (tenant, kind)]
        return sorted(found, key=lambda one: one.name.encode())

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        return self.kept.pop((tenant, kind, name), None) is not None


class MemoryWorld:
    """All parts in memory, by the names they have in a ``Store``."""

    def __init__(self) -> None:
        self.log = MemoryStore()
        self.snapshots = MemorySnapshots()
        self.sessions = MemorySessionStore()
        self.profiles = MemoryProfileStore()
        self.used_tokens = MemoryReplay(0, 1000)
        self.authenticators = MemoryAuthenticators()
        self.signals = MemorySignalStore()
        self.cards = MemoryCards()
        self.models = MemoryModelBook(self.log)
        self.budgets = MemoryBudgets()
        self.dataset_budgets = MemoryDatasetBudgets()
        self.online_features = MemoryOnlineStore()
        self.conversations = MemoryConversationStore()
        self.rag = MemoryBook()
        self.producers = MemoryProducers()
        self.approvals = MemoryApprovalBook(self.log)
        self.shadow = MemoryShadowCounts()
        self.templates = MemoryTemplates()
        self.decisions = MemoryDecisionIndex()

    def lost(self, indexes: list[int]) -> None:
        """Tell the index which payloads are gone; a store sees that by itself."""
        self.decisions.gone.update(indexes)


class TableWorld:
    """A ``Store`` with its log as a part."""

    def __init__(self, store: Store) -> None:
        self.log = store
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def lost(self, indexes: list[int]) -> None:
        """Nobody need be told."""

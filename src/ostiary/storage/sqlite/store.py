"""The whole store in one file, part by part."""

from pathlib import Path
from types import TracebackType
from typing import Self

from ostiary.storage.sqlite.approvals import ApprovalTable
from ostiary.storage.sqlite.authenticators import AuthenticatorTable
from ostiary.storage.sqlite.biometrics import TemplateTable
from ostiary.storage.sqlite.conversations import ConversationTable
from ostiary.storage.sqlite.database import Database
from ostiary.storage.sqlite.datasets import DatasetBudgetTable
from ostiary.storage.sqlite.decision_index import DecisionTable
from ostiary.storage.sqlite.devices import DeviceTable
from ostiary.storage.sqlite.features import OnlineFeatureTable
from ostiary.storage.sqlite.inference import BudgetTable
from ostiary.storage.sqlite.log_store import LogStore
from ostiary.storage.sqlite.models import ModelTable
from ostiary.storage.sqlite.producers import ProducerTable
from ostiary.storage.sqlite.profiles import ProfileTable
from ostiary.storage.sqlite.rag import RagTable
from ostiary.storage.sqlite.response import CardTable
from ostiary.storage.sqlite.rooms import PepTable, SnapshotTable, forget_tenant
from ostiary.storage.sqlite.sessions import SessionTable
from ostiary.storage.sqlite.shadow import ShadowTable
from ostiary.storage.sqlite.ssf import SignalTable
from ostiary.storage.sqlite.used_tokens import UsedTokenTable
from ostiary.vocabulary.clock import Clock, SystemClock


class SqliteStore(LogStore):
    """The audit log and wrapped keys; other rooms' tables as members, such as ``peps`` and ``authenticators``."""

    """The audit log and wrapped keys; other rooms' tables by their names."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        super().__init__(database)
        self.peps = PepTable(database)
        self.sessions = SessionTable(database)
        self.snapshots = SnapshotTable(database)
        self.profiles = ProfileTable(database)
        self.used_tokens = UsedTokenTable(database)
        self.authenticators = AuthenticatorTable(database)
        self.signals = SignalTable(database)
        self.cards = CardTable(database)
        self.devices = DeviceTable(database)
        self.models = ModelTable(database)
        self.budgets = BudgetTable(database)
        self.dataset_budgets = DatasetBudgetTable(database)
        self.online_features = OnlineFeatureTable(database)
        self.conversations = ConversationTable(database)
        self.rag = RagTable(database)
        self.producers = ProducerTable(database)
        self.approvals = ApprovalTable(database)
        self.shadow = ShadowTable(database)
        self.templates = TemplateTable(database)
        self.decisions = DecisionTable(database)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._database.path

    def forget_tenant(self, tenant: str) -> None:
        """Erase all that a tenant has in these tables."""
        forget_tenant(self._database, tenant)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()


def open_store(path: Path, clock: Clock | None = None) -> SqliteStore:
    """Open or make the database file ``path`` and bring its schema up to date.

    Raises:
        UnavailableError: ``storage_unavailable`` or ``schema_refused``.
    """
    return SqliteStore(Database(path, clock or SystemClock()))

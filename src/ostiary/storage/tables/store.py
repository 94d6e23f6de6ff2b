"""The whole store over one database, part by part."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from ostiary.storage.tables.approvals import ApprovalTable
from ostiary.storage.tables.authenticators import AuthenticatorTable
from ostiary.storage.tables.biometrics import TemplateTable
from ostiary.storage.tables.conversations import ConversationTable
from ostiary.storage.tables.database import Database
from ostiary.storage.tables.datasets import DatasetBudgetTable
from ostiary.storage.tables.decision_index import DecisionTable
from ostiary.storage.tables.devices import DeviceTable
from ostiary.storage.tables.features import OnlineFeatureTable
from ostiary.storage.tables.inbox import InboxTable, LeaseTable
from ostiary.storage.tables.inference import BudgetTable
from ostiary.storage.tables.log_store import LogStore
from ostiary.storage.tables.models import ModelTable
from ostiary.storage.tables.producers import ProducerTable
from ostiary.storage.tables.profiles import ProfileTable
from ostiary.storage.tables.rag import RagTable
from ostiary.storage.tables.response import CardTable
from ostiary.storage.tables.rooms import PepTable, SnapshotTable, forget_tenant
from ostiary.storage.tables.sessions import SessionTable
from ostiary.storage.tables.shadow import ShadowTable
from ostiary.storage.tables.ssf import SignalTable
from ostiary.storage.tables.used_tokens import UsedTokenTable

if TYPE_CHECKING:
    from ostiary.defence.ports import BudgetStore
    from ostiary.sessions import SessionStore


class Store(LogStore):
    """The audit log and wrapped keys; other rooms' tables as members, such as ``peps`` and ``authenticators``."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        super().__init__(database)
        self.peps = PepTable(database)
        self.sessions: SessionStore = SessionTable(database)
        self.snapshots = SnapshotTable(database)
        self.profiles = ProfileTable(database)
        self.used_tokens = UsedTokenTable(database)
        self.authenticators = AuthenticatorTable(database)
        self.signals = SignalTable(database)
        self.cards = CardTable(database)
        self.devices = DeviceTable(database)
        self.models = ModelTable(database)
        self.budgets: BudgetStore = BudgetTable(database)
        self.dataset_budgets = DatasetBudgetTable(database)
        self.online_features = OnlineFeatureTable(database)
        self.conversations = ConversationTable(database)
        self.rag = RagTable(database)
        self.producers = ProducerTable(database)
        self.approvals = ApprovalTable(database)
        self.shadow = ShadowTable(database)
        self.templates = TemplateTable(database)
        self.decisions = DecisionTable(database)
        self.inbox = InboxTable(database)
        self.leases = LeaseTable(database)

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

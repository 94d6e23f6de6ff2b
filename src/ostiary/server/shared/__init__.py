"""What the replicas of one Ostiary share beside their store, chosen in one place: nothing, or Valkey (ADR-0069)."""

from ostiary.server.shared.alone import Alone
from ostiary.server.shared.opening import open_shared
from ostiary.server.shared.ports import Shared

__all__ = ["Alone", "Shared", "open_shared"]

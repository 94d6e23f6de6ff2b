"""How long payloads are kept, by kind of record; commitments and proofs stay for ever.

- A kind without a number of days is kept for ever. Nothing is forgotten by default.
- Records of the tenant ``system`` are kept: they are what excuses the gaps that pruning leaves.

>>> RetentionPolicy({"decision": 365}).cutoff_ns("decision", 366 * 86_400 * 10**9) == 86_400 * 10**9
True
"""

from typing import Final

import msgspec

from ostiary.audit.erasure import Erased, erase
from ostiary.audit.log import AuditLog
from ostiary.audit.ports import Selection
from ostiary.audit.settings import SYSTEM_TENANT
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.clock import Clock

_DAY_NS: Final = 86_400 * 1_000_000_000


class RetentionPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days by record kind; a kind that is not named is kept for ever."""

    days: dict[str, int] = {}

    def __post_init__(self) -> None:
        """Refuse a negative number of days."""
        for kind, days in self.days.items():
            if days < 0:
                raise FaultyInputError("retention_invalid", f"`{kind}` cannot be kept for {days} days")

    def cutoff_ns(self, kind: str, now_ns: int) -> int | None:
        """Return the moment before which payloads of ``kind`` go, ``None`` when they stay."""
        days = self.days.get(kind)
        return None if days is None else now_ns - days * _DAY_NS


def prune(log: AuditLog, clock: Clock, tenant: str, policy: RetentionPolicy) -> Erased:
    """Erase a tenant's payloads that are older than the policy allows; the erasure is recorded.

    Raises:
        FaultyInputError: ``retention_invalid`` for the tenant ``system``.
        UnavailableError: the log cannot be written; then nothing was erased.
    """
    if tenant == SYSTEM_TENANT:
        raise FaultyInputError("retention_invalid", "records of `system` are kept: they account for every erasure")
    now = clock.now_ns()
    wanted = [Selection(tenant, kind, before_ns=policy.cutoff_ns(kind, now)) for kind in sorted(policy.days)]
    with log.store.transaction() as transaction:
        if not any(transaction.sealed_indexes(one) for one in wanted):
            return Erased(0, "")
    return erase(log, clock, "retention.prune", lambda _: wanted)

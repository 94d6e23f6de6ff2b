"""The audit log's settings; units are in the names."""

from typing import Literal

import msgspec

SYSTEM_TENANT = "system"
LOG_PURPOSE = "log"
Durability = Literal["before_answer", "async"]


class AuditSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the log is written.

    Attributes:
        origin: the log's name in checkpoints, such as ``log.example.com/ostiary``; empty = keep or invent one.
        durability: ``before_answer`` = an append is done when its record is on disk; ``async`` = when it is queued, so
            that a crash loses the last moments (shown by ``ostiary doctor``).
        queue_limit: records that may wait; more are refused as ``overloaded``.
        queue_mib: how much memory waiting payloads may take together.
        batch_limit: records written in one transaction.
        reserve_mib: disk space held back in a file, given up only to note down that the disk is full.
        min_free_mib: below this much free disk nothing is accepted.
        key_overlap_days: after a key rotation the old key signs checkpoints beside the new one for so long.
    """

    origin: str = ""
    durability: Durability = "before_answer"
    queue_limit: int = 8192
    queue_mib: int = 64
    batch_limit: int = 2048
    reserve_mib: int = 16
    min_free_mib: int = 32
    key_overlap_days: int = 30

"""What the verifier says: findings with the name of the attack and the entry, and what it looked at."""

from enum import StrEnum

import msgspec


class Attack(StrEnum):
    """The name of what was done to the log."""

    BACK_DATE = "back_date"
    BROKEN = "broken"
    DELETE = "delete"
    KEY_CHANGED = "key_changed"
    MODIFY = "modify"
    REORDER = "reorder"
    RESTORE = "restore_old_backup"
    REWRITE = "rewrite_and_append"
    SPLIT_VIEW = "split_view"
    TRUNCATE = "truncate"
    UNSIGNED = "unsigned"
    UNWITNESSED = "unwitnessed"


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong. ``index`` is the first entry concerned, ``None`` when it cannot be told."""

    attack: Attack
    index: int | None
    text: str
    evidence: str


class Payloads(msgspec.Struct):
    """How many payloads were compared with their commitments."""

    opened: int = 0
    erased: int = 0
    looked: bool = False


class Report(msgspec.Struct):
    """The outcome of one verification; ``verified`` means nothing was found wrong."""

    origin: str = ""
    size: int = 0
    root: str = ""
    signed_by: list[str] = []
    cosigned_by: list[str] = []
    remembered_size: int | None = None
    first_use: bool = False
    payloads: Payloads = msgspec.field(default_factory=Payloads)
    findings: list[Finding] = []
    notes: list[str] = []

    @property
    def verified(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings

    def add(self, attack: Attack, index: int | None, text: str, evidence: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(attack, index, text, evidence))

"""The settings of the transparency log: when an answer may leave, how much room it needs, how long records are kept."""

from typing import Annotated, Literal

from pydantic import Field

from ostiary.server.settings.base import Section


class RetentionSection(Section):
    """How long records are kept, by class; 0 keeps them for ever. Proofs stay valid when a record goes."""

    decision_days: Annotated[int, Field(ge=0)] = 0
    """Decision records."""
    admin_days: Annotated[int, Field(ge=0)] = 0
    """Records of what administrators did."""
    device_days: Annotated[int, Field(ge=0)] = 0
    """Records of devices: enrolments, reports, attestations, quarantines. A device makes one with each report."""
    inference_days: Annotated[int, Field(ge=0)] = 0
    """Records of inferences: who asked which model, and what came of it; rows and answers are in them as digests."""
    shadow_days: Annotated[int, Field(ge=0)] = 0
    """Records of candidates that answered otherwise than the live ones."""


class AuditSection(Section):
    """The transparency log."""

    durability: Literal["before_answer", "async"] = "before_answer"
    """Whether an answer waits until its record is on disk. `async` can lose the last records in a crash."""
    origin: str = ""
    """Name of the log in its checkpoints; empty makes one of the public URL's host when the log is born."""
    reserve_mb: Annotated[int, Field(ge=0, le=1_048_576)] = 16
    """Disk space held back in a file, given up only to note down that the disk is full."""
    min_free_mb: Annotated[int, Field(ge=0, le=1_048_576)] = 32
    """Disk space that must stay free; below it every answer is DENY."""
    retention: RetentionSection = RetentionSection()
    """How long records are kept."""

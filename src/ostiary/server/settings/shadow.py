"""Settings of the shadow."""

from typing import Annotated

from pydantic import Field

from ostiary.server.settings.base import Section


class ShadowSection(Section):
    """Candidates that run beside the live ones: what they may cost, and how much of them is kept."""

    deadline_ms: Annotated[int, Field(ge=10, le=60_000)] = 1_000
    """How long a candidate may take for one decision; then its process is killed and started anew."""
    cpu_share: Annotated[float, Field(gt=0, le=4)] = 0.1
    """Processor time that one candidate may use, as a share of a core; what comes beyond is left out, and counted."""
    cpu_burst_s: Annotated[float, Field(gt=0, le=600)] = 10.0
    """How much processor time a candidate may save up."""
    memory_mb: Annotated[int, Field(ge=256, le=65_536)] = 4_096
    """Address space of a candidate's process."""
    max_waiting: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """Decisions that may wait for one candidate; one more is left out, and counted."""
    max_logged_per_hour: Annotated[int, Field(ge=0, le=1_000_000)] = 2_000
    """Differences of one candidate that get a record of their own in an hour; all are counted."""
    stalled_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    """After so many days beside the live one a candidate, or a control in its phase, is told as stalled."""
    keep_days: Annotated[int, Field(ge=1, le=3_650)] = 400
    """How long counts are kept."""
    figures_max_verdicts: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    """How many verdicts the figures of a gate look at, the newest."""

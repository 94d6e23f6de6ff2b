"""Settings of signed batches of events."""

from typing import Annotated

from pydantic import Field

from ostiary.defence.batches import MAX_BODY, MAX_EVENTS, IntakeSettings
from ostiary.server.settings.base import Section


class BatchesSection(Section):
    """Bounds of the signed batches in which registered producers send events that train."""

    skew_s: Annotated[int, Field(ge=0, le=86_400)] = 300
    """A batch, or an event in it, may be so far ahead of this machine's clock."""
    max_age_s: Annotated[int, Field(ge=60, le=366 * 86_400)] = 7 * 86_400
    """A batch may have been signed so long ago; its events may be older."""
    max_bytes: Annotated[int, Field(ge=1024, le=MAX_BODY)] = MAX_BODY
    """Bytes of the events of one batch."""
    max_events: Annotated[int, Field(ge=1, le=MAX_EVENTS)] = MAX_EVENTS
    """Events of one batch."""

    def bounds(self) -> IntakeSettings:
        """Return them as the room takes them."""
        return IntakeSettings(self.skew_s, self.max_age_s, self.max_bytes, self.max_events)

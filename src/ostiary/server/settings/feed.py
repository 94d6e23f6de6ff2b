"""The settings of the feed of changes: for how many, how often, how far back."""

from typing import Annotated

from pydantic import Field

from ostiary.server.feed.hub import FeedLimits
from ostiary.server.settings.base import Section


class FeedSection(Section):
    """The feed that tells enforcement points of every fall of a session."""

    feeds: Annotated[int, Field(ge=1, le=100_000)] = 1024
    """Most feeds in all; one more is answered 503, and that enforcement point asks every time."""
    tenant_feeds: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Most feeds of one tenant."""
    ring: Annotated[int, Field(ge=16, le=1_000_000)] = 4096
    """Changes of a tenant that are kept for whoever comes back; past that it gets a snapshot."""
    beat_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """Seconds of silence after which a heartbeat is sent; readers must wait for several before they call it silence."""
    recheck_s: Annotated[float, Field(ge=0.1, le=60)] = 3.0
    """Seconds after which an enforcement point must still be who it was."""
    stall_s: Annotated[float, Field(ge=0.5, le=600)] = 10.0
    """Seconds in which a reader must take what it was sent; then it is cut off."""
    keep_s: Annotated[float, Field(ge=60, le=31_622_400)] = 86_400
    """Age up to which ended sessions are named in a snapshot."""
    named: Annotated[int, Field(ge=0, le=100_000)] = 10_000
    """Most names of each kind in a snapshot."""

    def limits(self) -> FeedLimits:
        """Return what the feed needs."""
        return FeedLimits(**self.model_dump())

"""The section ``console``: pages for people, how long they stay signed in, who else may vouch for them."""

from typing import Annotated

from pydantic import Field

from ostiary.server.settings.base import Section


class ConsoleSection(Section):
    """The console."""

    enabled: bool = True
    """Whether there is a console; it needs `step_up.enabled`, since people sign in by passkey."""
    session_s: Annotated[int, Field(ge=60, le=604_800)] = 43_200
    """Longest time that a person stays signed in."""
    idle_s: Annotated[int, Field(ge=60, le=604_800)] = 3_600
    """Time without a click after which a person must sign in again."""
    max_sessions: Annotated[int, Field(ge=1, le=100)] = 10
    """Most sessions of one person; one more ends the oldest."""
    max_in_flight: Annotated[int, Field(ge=1, le=256)] = 16
    """Pages worked on at once; one more is asked to wait. The console must not slow decisions down."""
    max_streams: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Most tabs that are told of changes at once."""

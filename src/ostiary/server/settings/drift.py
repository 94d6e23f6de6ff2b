"""The section ``drift``: how slow drift is watched, and how much profiles may learn a day."""

from typing import Annotated

from pydantic import Field

from ostiary.server.settings.base import Section


class DriftSection(Section):
    """Slow drift and the learning of profiles."""

    slack: Annotated[float, Field(ge=0.05, le=2.0)] = 0.4
    """Deviations a day that a sum lets pass; a smaller shift is tolerated for ever."""
    height: Annotated[float, Field(ge=1.0, le=50.0)] = 5.0
    """Sum of deviations that is an alarm."""
    budget: Annotated[float, Field(ge=0.001, le=0.5)] = 0.05
    """Deviations that a profile may move a day: a shift by two takes `2 / budget` days with accesses at least."""
    lessons_free: Annotated[int, Field(ge=50, le=100_000)] = 500
    """Accesses of a new subject that teach its profile whatever the day."""
    lessons_share: Annotated[float, Field(ge=0.001, le=1.0)] = 0.05
    """Share of what a profile knows that it may learn on one day."""

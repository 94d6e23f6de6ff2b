"""The section ``break_glass``: how long a break-glass may last, and how long sealed codes are good."""

from typing import Annotated

from pydantic import Field

from ostiary.server.settings.base import Section


class BreakGlassSection(Section):
    """Break-glass: a time-limited rule that replaces named denies."""

    longest_s: Annotated[int, Field(ge=60, le=86_400)] = 14_400
    """Longest time that one may be open."""
    codes_days: Annotated[int, Field(ge=1, le=1_096)] = 366
    """How long the sealed codes of a ceremony are good."""

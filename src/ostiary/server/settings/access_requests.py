"""The section ``access_requests``: whether people may ask for access that was denied, to what, for how long."""

from typing import Annotated

from pydantic import Field

from ostiary.server.settings.base import Section


class AccessRequestsSection(Section):
    """Access requests (AuthZEN Access Request and Approval Profile)."""

    types: tuple[str, ...] = ()
    """Types of resources that can be asked for, `*` for all; none switches access requests off."""
    hint_s: Annotated[int, Field(ge=60, le=86_400)] = 900
    """How long after a denial one can ask."""
    answer_s: Annotated[int, Field(ge=300, le=2_592_000)] = 259_200
    """How long a request waits for its answer."""
    longest_s: Annotated[int, Field(ge=300, le=31_622_400)] = 28_800
    """Longest time that is granted; also what is asked for when nothing else is said."""
    of_subject: Annotated[int, Field(ge=1, le=100)] = 5
    """Most requests of one subject that wait at once."""
    of_tenant: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Most requests of a tenant that wait at once, and of grants that hold."""
    per_hour: Annotated[int, Field(ge=1, le=1_000)] = 20
    """Most requests of one subject within an hour, answered ones too."""

    def may_ask(self, resource_type: str) -> bool:
        """Return whether resources of a type can be asked for."""
        return "*" in self.types or resource_type in self.types

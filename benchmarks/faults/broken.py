"""What the campaign stops at."""

from ostiary.errors import OstiaryError


class BrokenInvariantError(OstiaryError):
    """Something that must always hold did not; the campaign ends here and says how to come here again.

    Attributes:
        invariant: ``lost``, ``doubled``, ``forked``, ``loosened``, ``crossed``, ``silent`` or ``not_recovered``.
    """

    def __init__(self, invariant: str, text: str) -> None:
        """Say what broke."""
        super().__init__(f"campaign_{invariant}", text)
        self.invariant = invariant

"""The ``FiguresSource`` that stands where nothing measures: it knows how long a control was watched."""

from typing import Final

from ostiary.vocabulary.rollout import GateFigures

DAY_NS: Final = 86_400 * 1_000_000_000


class KnownFigures:
    """A ``FiguresSource`` that knows how long a control was watched and nothing else."""

    def figures(self, tenant: str, control: str, since_ns: int, now_ns: int) -> GateFigures:
        """Return the days."""
        del tenant, control
        return GateFigures(days=max(0, now_ns - since_ns) / DAY_NS)

"""What deterministic code says of a subject's slow drift, as policy sees it."""

import msgspec


class DriftFacts(msgspec.Struct, frozen=True):
    """Where a subject stands against its frozen baseline.

    Attributes:
        alarm: whether its days have moved too far, or the baseline cannot be believed.
        measures: what moved and which way, such as ``hour:up``.
        days: days watched since the baseline was frozen.
        fault: why the baseline is not believed, a code; empty when it is.
    """

    alarm: bool = False
    measures: tuple[str, ...] = ()
    days: int = 0
    fault: str = ""

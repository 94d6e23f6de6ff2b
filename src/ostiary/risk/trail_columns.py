"""The columns of a trail's row, in order, and which of them may only raise a session's risk."""

from typing import Final

FACETS: Final = ("resource", "collection", "zone", "network", "device")
_SPAN_NAMES: Final = ("1d", "3d", "10d")
_COLUMNS: Final[tuple[str, ...]] = (
    "llr",
    "llr_sitting_worst",
    "llr_sitting_mean",
    "sitting_accesses",
    "llr_before",
    "llr_before_last",
    "gap",
    *(f"llr_level_{span}" for span in _SPAN_NAMES),
    *(f"odd_sum_{span}" for span in _SPAN_NAMES),
    *(f"llr_worst_{span}" for span in _SPAN_NAMES),
    "odd_sittings_3d",
    "odd_sittings_10d",
    "sittings_3d",
    "sittings_10d",
    *(f"{facet}_{what}" for facet in FACETS[1:] for what in ("worst", "mean")),
    "persona_mean",
    "persona",
    "others_mean",
    "others",
    "others_gap",
    "odd_since",
    "switches",
    *(f"{facet}_first" for facet in FACETS),
    "llr_unusual",
    "llr_sitting_unusual",
    "llr_own_mean",
    "llr_own_deviation",
)
NAMES: Final[tuple[str, ...]] = tuple(f"trail_{name}" for name in _COLUMNS)
"""Columns of a trail's row: log-likelihood ratios in nats, pauses in ln(1+minutes) or ln(1+hours), counts."""

_OWN_RISK: Final = frozenset({"llr", "llr_sitting_worst", "llr_sitting_mean", "llr_unusual", "llr_sitting_unusual"})
RISING: Final = tuple(int(name in _OWN_RISK) for name in _COLUMNS)
"""Direction of each column: what this access's own risk moves may only raise a session's."""

"""Which features somebody who holds an account can lower by adding accesses: *padding*, the "good word" attack.

An attacker may add accesses that look like the owner's, before and among his own; he takes none away. With habits that
have settled (``settled``), whatever comes from profiles does not move. What moves is counted lately:

- ``RISING``: counts that an added access can only raise, and more of which can only mean more risk. They may stay.
- ``PADDABLE``: everything else that is counted lately. Means and shares are thinned out by harmless accesses; a sitting
  is begun by one, so that "since it began" says nothing; what is counted once a window ("different resources") was
  counted already, and slides out sooner; what is missing may become told; a number without a direction may be moved to
  where the model likes it. A hardened model looks at none of them.

``tests/laws/test_padding_laws.py`` pads at random and holds every feature that is not named here to that.

>>> PADDABLE & RISING
frozenset()
>>> is_paddable("new_share_7d"), is_paddable("resource_surprise"), is_paddable("exports_1h")
(True, False, False)
"""

from typing import Final

RISING: Final = frozenset(
    {
        *(f"{what}_{span}" for what in ("admin", "deletes", "exports") for span in ("1h", "24h")),
        *(f"new_resources_{span}" for span in ("1h", "24h", "7d")),
        *(
            "denials_1h",
            "denials_7d",
            "failures_5m",
            "failures_1h",
            "failures_24h",
            "login_failures_1h",
            "sessions_live",
        ),
    }
)
"""Counts of late that an added access can only raise."""

_SITTING: Final = (
    *("age", "age_unusual", "amount", "breadth", "collections", "country_changed", "device_changed", "errors"),
    *("events", "events_unusual", "failures", "first", "moves", "network_changed", "new", "new_share", "once"),
    *("resources", "resources_unusual", "surprise_max", "surprise_mean", "tactics"),
)
PADDABLE: Final = frozenset(
    {
        *(f"session_{what}" for what in _SITTING),
        *("gap_unusual", "odds_session", "posture_changed", "posture_worsened", "zone_shift_session"),
        *(f"events_{span}" for span in ("5m", "1h", "24h", "7d")),
        *(f"events_{span}_ratio" for span in ("1h", "24h", "7d")),
        *("sessions_24h", "sessions_7d", "sessions_7d_ratio", "day_events_peers", "day_events_unusual"),
        *("amount_1h", "amount_24h", "writes_1h", "writes_24h", "lists_1h", "lists_24h", "enumeration_1h"),
        *("breadth_1h", "breadth_first_1h", "failure_share_24h", "new_share_7d"),
        *(f"{what}_{span}" for what in ("collections", "resources") for span in ("1h", "24h", "7d")),
        *("devices_24h", "networks_1h", "networks_24h", "bytes_1h", "bytes_24h", "sensitive_1h", "sensitive_24h"),
        *(f"day_{what}_{against}" for what in ("amount", "bytes", "resources") for against in ("peers", "unusual")),
        *("odds_24h", "odds_7d", "surprise_24h", "surprise_7d", "hour_surprise_7d", "zone_surprise_7d"),
    }
)
"""What padding can lower, or move either way where a model may like either."""


_SESSION_KEPT: Final = frozenset(
    {"trail_llr", "trail_llr_sitting_worst", "trail_odd_sum_1d", "trail_odd_sum_3d", "trail_odd_sum_10d"}
)
"""Of a session's own columns those that are a worst or a sum of what was odd: quiet accesses take nothing off."""


def is_paddable(name: str) -> bool:
    """Return whether added accesses can lower the risk through the feature, or column of a session, called ``name``."""
    if name.startswith(("trail_", "so_far_")):
        return name not in _SESSION_KEPT
    return name in PADDABLE

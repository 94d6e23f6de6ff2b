"""Where the subject is, in kilometres: from where it was last, and from where it usually is.

A journey is *impossible* only when all of this holds (each alone is a common false alarm): faster than an airliner,
farther than five hundred kilometres, neither end behind a shared exit, and not on the same device. The uncertainty of
both ends is taken off the distance first.
"""

from math import isnan, log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.geography import SHARED, distance_km, radius_of, sound_point
from ostiary.signals.history import History
from ostiary.signals.phrases import span, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_LEAST_S: Final = 60
_AIRLINER_KM_H: Final = 1_000.0
_FAR_KM: Final = 500.0
_POINT: Final = ("place.latitude", "place.longitude")
_FEATURES: Final = (
    Feature(
        "journey_distance", "kilometres from where the subject was last, less the uncertainty", "ln(1+km)", 1, _POINT
    ),
    Feature("journey_speed", "speed that this distance would mean", "ln(1+km/h)", 1, _POINT),
    Feature(
        "journey_impossible",
        "1 when faster than 1,000 km/h, farther than 500 km, no end behind a shared exit, on another device",
        "flag",
        1,
        (*_POINT, "place.kind", "device_id"),
    ),
    Feature(
        "journey_from_home", "kilometres to the nearest of the subject's three usual places", "ln(1+km)", 1, _POINT
    ),
    Feature("journey_uncertainty", "uncertainty of this place", "ln(1+km)", 0, ("place.radius_km",)),
)
_MISSING: Final = (NAN,) * len(_FEATURES)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the five features."""
    place = event.place
    if place is None:
        return _MISSING
    radius = radius_of(place)
    unsure = NAN if place.radius_km is None else log1p(radius)
    point = sound_point(place)
    if point is None:
        return (NAN, NAN, NAN, NAN, unsure)
    own = history.own
    home = log1p(min([distance_km(*point, *each[:2]) for each in own.homes])) if own.homes else NAN
    spot = own.spot
    if spot is None:
        return (NAN, NAN, NAN, home, unsure)
    away = max(0.0, distance_km(*point, spot.latitude, spot.longitude) - radius - spot.radius_km)
    speed = away / max(history.moment.now - spot.time, _LEAST_S) * 3_600
    fast = speed > _AIRLINER_KM_H and away > _FAR_KM
    hidden = spot.shared or place.kind in SHARED
    same = event.device_id is not None and event.device_id == spot.device
    impossible = 1.0 if fast and not hidden and not same else 0.0
    if place.kind is None or event.device_id is None:
        impossible = impossible or NAN
    return (log1p(away), log1p(speed), impossible, home, unsure)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the journey in words."""
    if isnan(value):
        return "the coordinates are not told"
    match name:
        case "journey_from_home":
            return f"{unlogged(value):,.0f} km from the nearest of your usual places"
        case "journey_uncertainty":
            return f"your place is known to within {unlogged(value):,.0f} km"
        case _:
            pass
    spot = history.own.spot
    if name == "journey_distance" or spot is None:
        return f"{unlogged(value):,.0f} km from where you were last"
    after = span(max(history.moment.now - spot.time, _LEAST_S))
    if name == "journey_speed":
        return f"you would have travelled at {unlogged(value):,.0f} km/h, {after} after your last access"
    return f"{'no' if value else 'a'} traveller could have come here {after} after your last access"


SIGNAL: Final = Signal(
    Family.TRAVEL,
    _FEATURES,
    (*_POINT, "place.kind", "place.radius_km", "device_id", "time_ns"),
    ("subject",),
    extract,
    words,
    "travel",
)

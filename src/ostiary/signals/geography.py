"""Distances on the globe, where the subject was, and where it often is; coordinates with their uncertainty.

Rules:
- A place without sound coordinates is no place: latitude within ±90 degrees, longitude within ±180.
- The uncertainty of both ends is taken off a distance before anything is made of it.
- At most three homes are remembered; a place within fifty kilometres of one moves it, another replaces the rarest.

>>> round(distance_km(51.5, -0.13, 40.7, -74.0) / 10) * 10
5570
"""

from math import asin, cos, isfinite, radians, sin, sqrt
from typing import Final

from ostiary.signals.profiles import MAX_HOMES, Home, Spot, Subject
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import NetworkKind, PlaceFacts

_DIAMETER_KM: Final = 12_742.0
_NEAR_KM: Final = 50.0
_MEMORY: Final = 50.0
_POLE: Final = 90.0
_DATE_LINE: Final = 180.0
_MOST_RADIUS_KM: Final = 2_000.0
SHARED: Final = frozenset({NetworkKind.HOSTING, NetworkKind.PROXY, NetworkKind.TOR, NetworkKind.VPN})
"""Exits behind which anybody may be anywhere: they say nothing of where a person is."""


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the great-circle distance (haversine) of two points given in degrees."""
    here, there = radians(latitude), radians(other_latitude)
    up, along = sin((there - here) / 2), sin(radians(other_longitude - longitude) / 2)
    return _DIAMETER_KM * asin(min(1.0, sqrt(up * up + cos(here) * cos(there) * along * along)))


def sound_point(place: PlaceFacts | None) -> tuple[float, float] | None:
    """Return latitude and longitude when both are told and on the globe."""
    if place is None or place.latitude is None or place.longitude is None:
        return None
    latitude, longitude = float(place.latitude), float(place.longitude)  # whole numbers are written differently
    if not (isfinite(latitude) and isfinite(longitude)):
        return None
    return (latitude, longitude) if abs(latitude) <= _POLE and abs(longitude) <= _DATE_LINE else None


def radius_of(place: PlaceFacts) -> float:
    """Return the uncertainty of the place in kilometres; what is not told counts as none."""
    radius = place.radius_km
    return float(min(max(radius, 0.0), _MOST_RADIUS_KM)) if radius is not None and isfinite(radius) else 0.0


def learn_spot(own: Subject, event: AccessEvent, now: int) -> None:
    """Remember where the subject was just now."""
    place, point = event.place, sound_point(event.place)
    if place is None or point is None:
        return
    shared = place.kind in SHARED
    own.spot = Spot(*point, radius_of(place), now, shared, event.device_id)
    if not shared:
        own.homes = _moved_in(own.homes, *point)


def _moved_in(homes: tuple[Home, ...], latitude: float, longitude: float) -> tuple[Home, ...]:
    nearest = min(range(len(homes)), key=lambda at: distance_km(latitude, longitude, *homes[at][:2]), default=-1)
    if nearest >= 0 and distance_km(latitude, longitude, *homes[nearest][:2]) <= _NEAR_KM:
        home = homes[nearest]
        share = 1.0 / min(home.times + 1.0, _MEMORY)
        east = (longitude - home.longitude + 540.0) % 360.0 - 180.0
        turned = (home.longitude + share * east + 540.0) % 360.0 - 180.0
        moved = Home(home.latitude + share * (latitude - home.latitude), turned, home.times + 1.0)
        return (*homes[:nearest], moved, *homes[nearest + 1 :])
    if len(homes) < MAX_HOMES:
        return (*homes, Home(latitude, longitude, 1.0))
    rarest = min(range(len(homes)), key=lambda at: homes[at].times)
    faded = tuple(home._replace(times=home.times / 2) for home in homes)
    return (*faded[:rarest], Home(latitude, longitude, 1.0), *faded[rarest + 1 :])

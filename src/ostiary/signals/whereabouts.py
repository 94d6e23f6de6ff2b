"""What MaxMind-format records tell of a place beyond country and autonomous system: coordinates and kind of network.

Rules:
- The members are those of MaxMind's City, Anonymous-IP, Connection-Type and Enterprise formats; other products write
  the same ones. A member of the wrong type is not told.
- An anonymiser is told before a rented machine: most exits of a VPN are both.

>>> facts_of([{"location": {"latitude": 51.5, "longitude": -0.1}, "is_tor_exit_node": True}]).kind
<NetworkKind.TOR: 'tor'>
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

from ostiary.signals.fields import at, text
from ostiary.vocabulary.facts import NetworkKind, PlaceFacts

_FLAGS: Final = (
    ("is_tor_exit_node", NetworkKind.TOR),
    ("is_anonymous_vpn", NetworkKind.VPN),
    ("is_public_proxy", NetworkKind.PROXY),
    ("is_residential_proxy", NetworkKind.PROXY),
    ("is_hosting_provider", NetworkKind.HOSTING),
)
_USES: Final = {
    "cellular": NetworkKind.MOBILE,
    "hosting": NetworkKind.HOSTING,
    "residential": NetworkKind.RESIDENTIAL,
}
_POINT: Final = ("latitude", "longitude")


def facts_of(records: Sequence[dict[str, Any]]) -> PlaceFacts | None:
    """Return what the records of one address tell together, an earlier one before a later; nothing when they do not."""
    facts: dict[str, Any] = {}
    for record in records:
        for name, value in _of(record).items():
            facts.setdefault(name, value)
    return PlaceFacts(**facts) if facts else None


def place_of(location: object, names: tuple[str, str, str, str], kind: NetworkKind | None = None) -> PlaceFacts | None:
    """Return the place that a log record tells, or ``None`` when it tells none.

    Args:
        location: the record's object that says where; anything else says nothing.
        names: its members for region, city, latitude and longitude; dots lead inwards.
        kind: of the network, where the record tells it elsewhere.
    """
    region, city, latitude, longitude = (name.split(".") for name in names)
    point = _finite(at(location, *latitude)), _finite(at(location, *longitude))
    if None in point or point == (0.0, 0.0):  # off the coast of Africa is what products write for nowhere
        point = (None, None)
    where = text(location, *region), text(location, *city)
    return PlaceFacts(*where, *point, kind=kind) if any((*where, point[0] is not None, kind)) else None


def _of(record: dict[str, Any]) -> dict[str, Any]:
    country, part = text(record, "country", "iso_code"), text(record, "subdivisions", 0, "iso_code")
    found = {
        "region": f"{country}-{part}" if country and part else None,
        "city": text(record, "city", "names", "en"),
        "kind": _kind(record),
        "radius_km": _number(record, "accuracy_radius"),
        **{name: _number(record, name) for name in _POINT},
    }
    if found["latitude"] is None or found["longitude"] is None:
        found |= {"latitude": None, "longitude": None, "radius_km": None}
    return {name: value for name, value in found.items() if value is not None}


def _kind(record: dict[str, Any]) -> NetworkKind | None:
    for holder in (record, at(record, "traits")):
        for flag, kind in _FLAGS:
            if at(holder, flag) is True:
                return kind
    use = text(record, "connection_type") or text(record, "traits", "user_type") or ""
    return _USES.get(use.lower())


def _number(record: dict[str, Any], name: str) -> float | None:
    return _finite(at(record, "location", name))


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)

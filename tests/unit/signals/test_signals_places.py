"""MaxMind-format files: a small one is written here by the format's own description, since none is shipped."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.signals.enrichment import Enricher
from ostiary.signals.places import Place, Places
from ostiary.vocabulary.events import AccessEvent

MARKER = b"\xab\xcd\xefMaxMind.com"
BITS = "00001000" * 3  # 8.8.8.0/24


def encoded(value: Any) -> bytes:
    """Encode a value of the data section (MaxMind DB format 2.0)."""
    if isinstance(value, str):
        return bytes([2 << 5 | len(value)]) + value.encode()
    if isinstance(value, int):
        return bytes([6 << 5 | 4]) + value.to_bytes(4, "big")
    if isinstance(value, list):
        return bytes([len(value), 4]) + b"".join(map(encoded, value))
    return bytes([7 << 5 | len(value)]) + b"".join(encoded(key) + encoded(each) for key, each in value.items())


def database(record: Any) -> bytes:
    """Return a database that knows 8.8.8.0/24 only."""
    count = len(BITS)
    tree = b""
    for number, bit in enumerate(BITS):
        onward = number + 1 if number + 1 < count else count + 16
        sides = (onward, count) if bit == "0" else (count, onward)
        tree += b"".join(side.to_bytes(3, "big") for side in sides)
    about = {
        "node_count": count,
        "record_size": 24,
        "ip_version": 4,
        "database_type": "Test",
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1,
        "description": {"en": "made by a test"},
    }
    return tree + bytes(16) + encoded(record) + MARKER + encoded(about)


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"country": {"iso_code": "NZ"}}, Place("NZ", None)),
        ({"registered_country": {"iso_code": "nz"}}, Place("NZ", None)),
        ({"autonomous_system_number": 15169}, Place("US", 15169)),
        ({"country": "NZ", "asn": 7}, Place("NZ", 7)),
        ({"country": {"iso_code": "NZL"}}, Place("US", None)),
        ("no map", Place("US", None)),
    ],
)
def test_a_file_wins_over_the_registries_where_it_tells(tmp_path: Path, record: Any, place: Place) -> None:
    path = tmp_path / "x.mmdb"
    path.write_bytes(database(record))
    places = Places(path)
    assert places.of("8.8.8.8") == place
    assert places.of("8.8.4.4") == Place("US", None), "what the file does not know the registries tell"
    assert places.of("2001:4860:4860::8888") == Place("US", None), "an IPv4 file knows no IPv6"
    assert places.of("10.0.0.1") == Place(None, None)


def test_two_files_complete_each_other(tmp_path: Path) -> None:
    one, other = tmp_path / "country.mmdb", tmp_path / "asn.mmdb"
    one.write_bytes(database({"country": {"iso_code": "NZ"}}))
    other.write_bytes(database({"autonomous_system_number": 15169, "country": {"iso_code": "AU"}}))
    event = AccessEvent("1", "default", 0, "ann", "read", "db", "x", ip="8.8.8.8")
    found = Enricher(mmdb=(one, other)).enrich(event)
    assert (found.country, found.asn) == ("NZ", 15169)


def test_a_damaged_leaf_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "x.mmdb"
    whole = database({"country": {"iso_code": "NZ"}})
    start = len(BITS) * 6 + 16
    path.write_bytes(whole[:start] + b"\xff" * 8 + whole[start + 8 :])
    assert Places(path).of("8.8.8.8").country == "US"

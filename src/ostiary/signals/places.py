"""Where an address is, told offline: by the registries' tables, or by MaxMind-format files where there are some.

Rules:
- Addresses inside private networks have no country.
- Nothing is looked up over the network; an answer is cached.
- A broken or wrong file is refused when it is opened, not when an access is decided.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import iptocc
import maxminddb
import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.hosting import HOSTING
from ostiary.signals.network import network_of, read_address
from ostiary.signals.whereabouts import facts_of
from ostiary.vocabulary.facts import NetworkKind, PlaceFacts

_CACHE: Final = 65_536
_CODE_LENGTH: Final = 2
_INSIDE: Final = frozenset({"loopback", "private"})


class Place(NamedTuple):
    """Country (ISO 3166-1 alpha-2) and autonomous system of an address; ``None`` is unknown."""

    country: str | None
    asn: int | None


NOWHERE: Final = Place(None, None)


class Places:
    """Looks up addresses, offline."""

    def __init__(self, *files: Path) -> None:
        """Open MaxMind-format files, if any; an earlier file wins where two tell.

        Raises:
            FaultyInputError: ``mmdb_malformed``.
        """
        self._readers = [_open(path) for path in files]
        self._cached = lru_cache(maxsize=_CACHE)(self._find)
        self.facts = lru_cache(maxsize=_CACHE)(self._facts)

    def of(self, ip: str) -> Place:
        """Return where ``ip`` is."""
        return self._cached(ip)

    def _find(self, ip: str) -> Place:
        if network_of(ip).kind != "public":
            return NOWHERE
        text = str(read_address(ip))
        country, asn = None, None
        for reader in self._readers:
            record = _record(reader, text)
            country = country or _country(record)
            asn = asn if asn is not None else _asn(record)
        return Place(country or iptocc.country_code(text), asn)

    def _facts(self, ip: str) -> PlaceFacts | None:
        """Return what is known of the place beyond country and autonomous system: by files, else by kind alone.

        The registries' own tables (``iptocc``) tell a country and nothing nearer.
        """
        kind = network_of(ip).kind
        if kind != "public":
            return PlaceFacts(kind=NetworkKind.PRIVATE) if kind in _INSIDE else None
        text = str(read_address(ip))
        facts = facts_of([_record(reader, text) for reader in self._readers])
        if facts is None or facts.kind is None:
            if self.of(ip).asn not in HOSTING:
                return facts
            return msgspec.structs.replace(facts or PlaceFacts(), kind=NetworkKind.HOSTING)
        return facts


def _open(path: Path) -> Any:
    try:
        return maxminddb.open_database(path, maxminddb.MODE_MMAP)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as fault:
        raise FaultyInputError("mmdb_malformed", f"`{path}` is no readable MaxMind file") from fault


def _record(reader: Any, ip: str) -> dict[str, Any]:
    try:
        record = reader.get(ip)
    except (ValueError, maxminddb.InvalidDatabaseError):  # an IPv6 address in an IPv4 file, or a damaged leaf: not told
        return {}
    return record if isinstance(record, dict) else {}


def _country(record: dict[str, Any]) -> str | None:
    for key in ("country", "registered_country"):
        part = record.get(key)
        code = part.get("iso_code") if isinstance(part, dict) else part if isinstance(part, str) else None
        if isinstance(code, str) and len(code) == _CODE_LENGTH and code.isalpha():
            return code.upper()
    return None


def _asn(record: dict[str, Any]) -> int | None:
    number = record.get("autonomous_system_number", record.get("asn"))
    return number if isinstance(number, int) and number >= 0 else None

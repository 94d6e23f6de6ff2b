"""One kind of log as a table: its name, and where its fields lie.

Rules:
- A place is a path of names joined by ``/``; alternatives are joined by ``|`` and tried in order.
- A place that begins with ``=`` is a constant.
- An alternative that begins with ``=`` and comes last is what absence means.
- Who acted is taken from what the product knows itself, a number or an address that it checked, before a name that
  anybody may give himself, his application or his account.
- A part ``-1`` of a path is the last member of a list.
- A field without a place in the table is looked for in the well-known places (``wellknown``).

>>> log_type("GitHub.Audit", "github_audit", "GitHub audit log", action="action", kind="=repository").format
'github_audit'
"""

from collections.abc import Mapping

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.wellknown import FIELDS


class LogType(msgspec.Struct, frozen=True):
    """One kind of log.

    Attributes:
        name: as Panther names it, such as ``GitHub.Audit``.
        format: what ``--format`` takes.
        describe: one line for a person.
        places: field to places.
        envelopes: keys of a JSON document whose list holds the records.
        finding: every record is an alert of a product, not an access.
        severe: number from which on a numeric severity is high.
        codes: what the product's numbers for actions mean.
        inner: place of a text that holds a record of its own in JSON.
        strict: name of the format whose own adapter reads whole records of this kind better.
        services: places of ``who`` at which only workloads stand, whatever they are called.
        realms: places of names with the places of what keeps those accounts: where that is the device itself, the
            account is its own, and nobody else's of the same name.
        failures: places at which something is told only of what failed, whatever the outcome says.
        whose: places of who acted for some numbers of ``codes``, before those of the table.
    """

    name: str
    format: str
    describe: str
    places: dict[str, str]
    envelopes: tuple[str, ...] = ()
    finding: bool = False
    severe: float = 7.0
    strict: str = ""
    codes: dict[str, str] = {}
    inner: str = ""
    services: str = ""
    whose: dict[str, str] = {}
    failures: str = ""
    realms: dict[str, str] = {}


def log_type(
    name: str,
    form: str,
    describe: str,
    *,
    envelopes: tuple[str, ...] = (),
    finding: bool = False,
    severe: float = 7.0,
    strict: str = "",
    codes: dict[str, str] | None = None,
    inner: str = "",
    services: str = "",
    failures: str = "",
    realms: dict[str, str] | None = None,
    whose: dict[str, str] | None = None,
    shared: Mapping[str, str] | None = None,
    **places: str,
) -> LogType:
    """Return a log type; its own places come before those that it shares with its kin.

    Raises:
        FaultyInputError: ``log_type_faulty``.
    """
    places = {**(shared or {}), **places}
    unknown = set(places) - set(FIELDS)
    if unknown:
        raise FaultyInputError("log_type_faulty", f"`{name}` fills no known field with `{min(unknown)}`")
    return LogType(
        name,
        form,
        describe,
        places,
        envelopes,
        finding,
        severe,
        strict,
        codes or {},
        inner,
        services,
        whose or {},
        failures,
        realms or {},
    )

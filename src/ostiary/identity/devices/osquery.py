"""Rows of osquery's own tables as a posture: one JSON object a line, as ``osqueryd`` logs them or ``osqueryi`` prints.

Lines are ``{"name": TABLE, "columns": {…}}`` (with ``action``), ``{"name": TABLE, "snapshot": [{…}]}`` or
``{"table": TABLE, "rows": [{…}]}``; a name may have a pack before it (``pack/ostiary/alf``).

Rules:

- A table that is absent tells nothing; a table whose rows cannot be read is an error with its line, never a guess.
- The disk that counts is the one that ``/`` or ``C:`` lies on. Where ``mounts`` does not say which that is, every disk
  must be encrypted.
- Rows that were taken away (``"action": "removed"``) do not count.
- Tables of others are left alone.

>>> read_osquery(['{"name": "alf", "columns": {"global_state": "1"}}'], now_ns=0).posture
{'firewall': True}
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from ostiary.identity.dates import SECOND_NS
from ostiary.identity.devices.collected import Collected, faulty
from ostiary.identity.strict import NotStrictError, parse_object

CODE: Final = "osquery_row_invalid"
MAX_LINE: Final = 1 << 20
MAX_LINES: Final = 100_000
MAX_ROWS: Final = 100_000
MAX_GRACE_S: Final = 900
EDR_PROCESSES: Final = frozenset(
    {
        "cbagentd",
        "cbdaemon",
        "com.crowdstrike.falcon.agent",
        "elastic-endpoint",
        "falcon-sensor",
        "falcond",
        "mssense.exe",
        "sentinelagent.exe",
        "sentinelone-agent",
        "sentineld",
        "wazuh-agentd",
        "wdavdaemon",
    }
)
# Longest first, so that `pack_windows_security_center` is not taken for a table of a shorter name.
_TABLES: Final = (
    "windows_security_center",
    "package_install_history",
    "disk_encryption",
    "bitlocker_info",
    "os_version",
    "screenlock",
    "secureboot",
    "processes",
    "iptables",
    "patches",
    "mounts",
    "alf",
)
_VIRTUAL: Final = re.compile(r"/dev/(?:loop|ram|zram|sr|fd)\d*\Z")
_DROPS: Final = frozenset({"DROP", "REJECT"})


class Row(msgspec.Struct, frozen=True):
    """One row with the line that it came from."""

    line: int
    columns: dict[str, Any]

    def text(self, name: str) -> str:
        """Return a column as text; osquery tells everything as text, its API some of it as numbers."""
        value = self.columns.get(name, "")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise faulty(CODE, f"`{name}` is neither text nor number", self.line)
        return str(value).strip()

    def flag(self, name: str) -> bool:
        """Return a column that is 0 or 1."""
        value = self.text(name)
        if value not in {"0", "1"}:
            raise faulty(CODE, f"`{name}` is neither 0 nor 1", self.line)
        return value == "1"

    def number(self, name: str) -> int:
        """Return a whole number."""
        value = self.text(name)
        if not re.fullmatch(r"-?\d{1,15}", value):
            raise faulty(CODE, f"`{name}` is no whole number", self.line)
        return int(value)


Tables = dict[str, list[Row]]


def read_osquery(lines: Iterable[str], *, now_ns: int, edr: frozenset[str] = EDR_PROCESSES) -> Collected:
    """Return what the rows tell; ``edr`` are the lower-case names of processes that protect an endpoint.

    Raises:
        FaultyInputError: ``osquery_row_invalid`` with the line.
    """
    tables = _tables(lines)
    found: dict[str, bool | float | None] = {
        "disk_encrypted": _disk(tables),
        "edr_alive": _edr(tables, edr),
        "firewall": _firewall(tables),
        "screen_lock": _screen_lock(tables),
        "secure_boot": _secure_boot(tables),
        "patch_age_s": _patch_age(tables, now_ns),
    }
    return Collected({name: value for name, value in found.items() if value is not None}, _os(tables))


def _tables(lines: Iterable[str]) -> Tables:
    tables: Tables = {}
    count = 0
    for number, line in enumerate(lines, 1):
        if number > MAX_LINES or len(line) > MAX_LINE:
            raise faulty(CODE, f"more than {MAX_LINES} lines, or one of more than {MAX_LINE} characters", number)
        if not line.strip():
            continue
        name, rows = _parse(line, number)
        count += len(rows)
        if count > MAX_ROWS:
            raise faulty(CODE, f"there are more than {MAX_ROWS} rows", number)
        if name in _TABLES:
            tables.setdefault(name, []).extend(rows)
    return tables


def _parse(line: str, number: int) -> tuple[str, list[Row]]:
    try:
        told = parse_object(line.encode())
    except (NotStrictError, UnicodeEncodeError) as fault:
        raise faulty(CODE, "no JSON object with unique members", number) from fault
    name = told.get("name", told.get("table"))
    rows = told.get("snapshot", told.get("rows"))
    if rows is None and "columns" in told:
        rows = [] if told.get("action") == "removed" else [told["columns"]]
    if not isinstance(name, str) or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise faulty(CODE, "no `name` with `columns`, `snapshot` or `rows`", number)
    return _table_of(name), [Row(number, row) for row in rows]


def _table_of(name: str) -> str:
    """Return the table that a query's name ends with: packs put their own name before it."""
    last = re.split(r"[/:]", name)[-1]
    return last if last in _TABLES else next((one for one in _TABLES if last.endswith(f"_{one}")), last)


def _disk(tables: Tables) -> bool | None:
    if "bitlocker_info" in tables:
        system = [row for row in tables["bitlocker_info"] if row.text("drive_letter").upper() == "C:"]
        return bool(system) and all(row.text("protection_status") == "1" for row in system)
    if "disk_encryption" not in tables:
        return None
    roots = {
        name
        for row in tables.get("mounts", ())
        if row.text("path") == "/"
        for name in (row.text("device_alias"), row.text("device"))
        if name
    }
    disks = [row for row in tables["disk_encryption"] if not _VIRTUAL.match(row.text("name"))]
    counted = [row for row in disks if row.text("name") in roots] if roots else disks
    return bool(counted) and all(row.flag("encrypted") for row in counted)


def _firewall(tables: Tables) -> bool | None:
    if "alf" in tables:
        return any(row.number("global_state") > 0 for row in tables["alf"])
    if "windows_security_center" in tables:
        return all(row.text("firewall") == "Good" for row in tables["windows_security_center"])
    if "iptables" not in tables:
        return None
    rules = [row for row in tables["iptables"] if row.text("chain") == "INPUT"]
    return any(row.text("policy") in _DROPS or row.text("target") in _DROPS for row in rules)


def _edr(tables: Tables, edr: frozenset[str]) -> bool | None:
    if "processes" in tables:
        return any(row.text("name").lower() in edr for row in tables["processes"])
    if "windows_security_center" in tables:
        return all(row.text("antivirus") == "Good" for row in tables["windows_security_center"])
    return None


def _screen_lock(tables: Tables) -> bool | None:
    if "screenlock" not in tables:
        return None
    rows = tables["screenlock"]
    return bool(rows) and all(row.flag("enabled") and 0 <= row.number("grace_period") <= MAX_GRACE_S for row in rows)


def _secure_boot(tables: Tables) -> bool | None:
    rows = tables.get("secureboot")
    return None if rows is None else bool(rows) and all(row.flag("secure_boot") for row in rows)


def _patch_age(tables: Tables, now_ns: int) -> float | None:
    moments = [row.number("time") for row in tables.get("package_install_history", ())]
    moments += [_day(row) for row in tables.get("patches", ())]
    return max(0.0, now_ns / SECOND_NS - max(moments)) if moments else None


def _day(row: Row) -> int:
    text = row.text("installed_on")
    for form in ("%m/%d/%Y", "%Y-%m-%d"):
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    raise faulty(CODE, "`installed_on` is no date", row.line)


def _os(tables: Tables) -> str:
    for row in tables.get("os_version", ()):
        return " ".join(part for part in (row.text("name"), row.text("version")) if part)[:128]
    return ""

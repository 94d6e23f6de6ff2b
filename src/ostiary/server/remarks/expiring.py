"""What ends soon or has ended: certificates in files, keys that sign for long, grants, suppressions, recoveries.

What ends by itself and was meant to (a grant, a suppression) is said a week before, so that nobody is surprised.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT
from ostiary.errors import OstiaryError
from ostiary.keys.certificates import read_pems
from ostiary.server.remarks import DAY_NS, Remark, days
from ostiary.server.settings.sections import Settings
from ostiary.server.step_up.inviting import open_recoveries
from ostiary.server.wiring import House

_CHECK: Final = "expiring"
_CERTIFICATE_NS: Final = 30 * DAY_NS
_SOON_NS: Final = 7 * DAY_NS
_KEY_NS: Final = 365 * DAY_NS
_PEM_LIMIT: Final = 1 << 20
_MARK: Final = b"-----BEGIN CERTIFICATE-----"


def certificate_remarks(settings: Settings, now_ns: int) -> Iterator[Remark]:
    """Yield a remark for each certificate that the configuration names and that has ended, or does within a month."""
    for name, path in dict(_files(settings)).items():
        try:
            with path.open("rb") as file:
                text = file.read(_PEM_LIMIT)
            ends = min((one.not_after_ns for one in read_pems(text)), default=0) if _MARK in text else 0
        except (OSError, OstiaryError):
            continue  # that a file cannot be read is said by whoever needs it
        if ends and ends <= now_ns:
            told = f"the certificate in `{path}` ended {days(now_ns - ends)} ago"
            yield Remark(_CHECK, told, f"a new one for `{name}`, then a new start", wrong=True)
        elif ends and ends - now_ns < _CERTIFICATE_NS:
            told = f"the certificate in `{path}` ends in {days(ends - now_ns)}"
            yield Remark(_CHECK, told, f"a new one for `{name}`, then a new start")


def expiring_remarks(house: House, now_ns: int) -> Iterator[Remark]:
    """Yield a remark for each key that signs for more than a year, and for what ends within a week."""
    yield from _keys(house, SYSTEM_TENANT, now_ns, only=LOG_PURPOSE)
    for row in house.tenants.living():
        yield from _keys(house, row.tenant, now_ns)
        for grant in house.access.book.grants(row.tenant):
            if now_ns < grant.until_ns <= now_ns + _SOON_NS:
                told = f"the grant `{grant.id}` of `{row.tenant}` ends in {days(grant.until_ns - now_ns)}"
                yield Remark(_CHECK, told, "ostiary access list --grants")
        for one in house.suppressions.listed(row.tenant):
            if now_ns < one.expires_ns <= now_ns + _SOON_NS:
                told = f"`{one.name}` is silenced for `{row.tenant}` only for {days(one.expires_ns - now_ns)} more"
                yield Remark(_CHECK, told, "ostiary suppress list")
        for recovery in open_recoveries(house, row.tenant):
            told = f"somebody of `{row.tenant}` waits for a recovery, `{recovery.recovery_id}`"
            yield Remark(_CHECK, told, f"ostiary authenticator approve {recovery.recovery_id} --tenant {row.tenant}")


def _keys(house: House, tenant: str, now_ns: int, only: str = "") -> Iterator[Remark]:
    for purpose in house.ring.purposes(tenant):
        for entry in house.ring.entries(tenant, purpose) if only in {"", purpose} else ():
            whose = "" if tenant == SYSTEM_TENANT else f" --tenant {tenant}"
            if entry.signs_until_ns is None and now_ns - entry.created_ns > _KEY_NS:
                told = f"the key of `{tenant}` for `{purpose}` signs since {days(now_ns - entry.created_ns)}"
                yield Remark(_CHECK, told, f"ostiary keys rotate {purpose}{whose}")
            elif purpose == LOG_PURPOSE and now_ns < (entry.signs_until_ns or 0) <= now_ns + _SOON_NS:
                left = days((entry.signs_until_ns or 0) - now_ns)
                told = f"an old key signs the log for {left} more: verifiers must know the new one by then"
                yield Remark(_CHECK, told, "ostiary audit checkpoint")


def _files(value: Any, name: str = "") -> Iterator[tuple[str, Path]]:
    """Yield every file that a configuration names, with the name of its setting."""
    if isinstance(value, Path):
        yield name, value
    elif isinstance(value, BaseModel):
        for key in type(value).model_fields:
            yield from _files(getattr(value, key), f"{name}.{key}" if name else key)
    elif isinstance(value, tuple | list):
        for number, one in enumerate(value):
            yield from _files(one, f"{name}.{number}")


__all__ = ["certificate_remarks", "expiring_remarks"]

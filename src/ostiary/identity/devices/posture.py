"""Reads the posture that a signed report tells, member by member; what is not told stays not told.

Rules: a member of the wrong type, out of bounds or unknown is refused, because the reporter is signed and at fault, and
a member that is dropped in silence reads as one that was never asked. A text is for people only.

>>> read_posture({"disk_encrypted": True, "patch_age_s": 3600})
PostureFacts(attested=None, attestation_age_s=None, report_age_s=None, patch_age_s=3600.0, disk_encrypted=True, \
edr_alive=None, firewall=None, screen_lock=None, secure_boot=None, rooted=None)
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ostiary.identity.devices.envelope import refuse
from ostiary.identity.devices.reasons import DeviceRefusal
from ostiary.identity.strict import is_name
from ostiary.vocabulary.facts import PostureFacts

FLAGS: Final = ("disk_encrypted", "edr_alive", "firewall", "rooted", "screen_lock", "secure_boot")
PATCH_AGE: Final = "patch_age_s"
_GOOD: Final = ("disk_encrypted", "edr_alive", "firewall", "screen_lock", "secure_boot")
_OLDEST_S: Final = 100 * 365 * 86_400
_MAX_OS: Final = 128


def read_posture(told: object) -> PostureFacts:
    """Return the facts of a ``posture`` claim.

    Raises:
        RefusedError: ``device_posture_invalid``.
    """
    if not isinstance(told, dict):
        refuse(DeviceRefusal.DEVICE_POSTURE_INVALID, "the report has no object `posture`")
    unknown = sorted(set(told) - {*FLAGS, PATCH_AGE})
    if unknown:
        shown = "".join(c if c.isprintable() else "?" for c in unknown[0][:40])
        refuse(DeviceRefusal.DEVICE_POSTURE_INVALID, f"`{shown}` is nothing that a report tells")
    for name in FLAGS:
        if name in told and not isinstance(told[name], bool):
            refuse(DeviceRefusal.DEVICE_POSTURE_INVALID, f"`{name}` is neither true nor false")
    return PostureFacts(**{name: told[name] for name in FLAGS if name in told}, patch_age_s=_age(told))


def _age(told: dict[str, Any]) -> float | None:
    if PATCH_AGE not in told:
        return None
    value = told[PATCH_AGE]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _OLDEST_S:
        refuse(DeviceRefusal.DEVICE_POSTURE_INVALID, f"`{PATCH_AGE}` is no number of seconds")
    return float(value)


def read_os(told: object) -> str:
    """Return name and version of the operating system, or nothing when they are not told.

    Raises:
        RefusedError: ``device_posture_invalid``.
    """
    if told is None:
        return ""
    if not is_name(told, _MAX_OS):
        refuse(DeviceRefusal.DEVICE_POSTURE_INVALID, "`os` is no text of at most 128 characters")
    return str(told)


def worst_of(postures: Iterable[PostureFacts]) -> PostureFacts:
    """Return the worst that any of several sources says: none can mend what another one told.

    >>> worst_of([PostureFacts(firewall=True, patch_age_s=5.0), PostureFacts(firewall=False)]).firewall
    False
    """
    found = list(postures)
    members: dict[str, Any] = {name: _all([getattr(one, name) for one in found]) for name in _GOOD}
    rooted = [one.rooted for one in found if one.rooted is not None]
    ages = [one.patch_age_s for one in found if one.patch_age_s is not None]
    return PostureFacts(**members, rooted=any(rooted) if rooted else None, patch_age_s=max(ages) if ages else None)


def _all(values: list[bool | None]) -> bool | None:
    told = [value for value in values if value is not None]
    return all(told) if told else None


def told_members(posture: PostureFacts) -> dict[str, Any]:
    """Return what a posture tells, as a report would say it."""
    told: dict[str, Any] = msgspec.to_builtins(posture)
    return {name: told[name] for name in (*FLAGS, PATCH_AGE) if told.get(name) is not None}

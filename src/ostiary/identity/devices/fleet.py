"""A host as Fleet's API tells it (``GET /api/v1/fleet/hosts/{id}``) as a posture.

- ``disk_encryption_enabled`` and the host's *policies* are read: a policy whose name says what it checks tells that
  member by its ``response``: ``pass`` or ``fail``; one that has not run yet tells nothing.
- Names of Fleet's own policy library are known; ``names`` adds those of a deployment.
- Two policies about one member: the worse counts. ``detail_updated_at`` is when all of it was collected.

>>> host = {"host": {"platform": "ubuntu", "os_version": "Ubuntu 24.04", "disk_encryption_enabled": True,
...                  "detail_updated_at": "2026-11-26T10:00:00Z",
...                  "policies": [{"name": "Firewall enabled (Linux)", "response": "fail"}]}}
>>> read_fleet(host).posture
{'disk_encrypted': True, 'firewall': False}
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.identity.dates import SECOND_NS
from ostiary.identity.devices.collected import Collected

CODE: Final = "fleet_host_invalid"
MAX_POLICIES: Final = 2000
_EPOCH: Final = 1971
MEMBERS: Final = ("disk_encrypted", "edr_alive", "firewall", "screen_lock", "secure_boot")
_NAMES: Final[tuple[tuple[str, str], ...]] = (
    ("full disk encryption enabled", "disk_encrypted"),
    ("firewall enabled", "firewall"),
    ("antivirus healthy", "edr_alive"),
    ("lock screen after inactivity", "screen_lock"),
    ("screen lock enabled", "screen_lock"),
    ("secure boot enabled", "secure_boot"),
)
_RESPONSES: Final[dict[str, bool | None]] = {"pass": True, "fail": False, "": None}


def read_fleet(told: object, names: Mapping[str, str] | None = None) -> Collected:
    """Return what Fleet knows of a host; ``names`` maps further policy names to members of a posture.

    Raises:
        FaultyInputError: ``fleet_host_invalid`` with a JSON pointer.
    """
    host = told.get("host", told) if isinstance(told, dict) else None
    if not isinstance(host, dict):
        raise _faulty("there is no object `host`", "/host")
    known = {name.lower(): _member(member) for name, member in (names or {}).items()}
    found: dict[str, Any] = {}
    encrypted = host.get("disk_encryption_enabled")
    if encrypted is not None:
        if not isinstance(encrypted, bool):
            raise _faulty("`disk_encryption_enabled` is neither true nor false", "/host/disk_encryption_enabled")
        found["disk_encrypted"] = encrypted
    for member, good in _policies(host.get("policies"), known):
        found[member] = found.get(member, True) and good
    return Collected({name: found[name] for name in MEMBERS if name in found}, _os(host), _moment(host))


def _member(member: str) -> str:
    if member not in MEMBERS:
        raise _faulty(f"`{member[:40]}` is nothing that a posture tells: {', '.join(MEMBERS)}", "")
    return member


def _policies(told: object, known: Mapping[str, str]) -> list[tuple[str, bool]]:
    if told is None:
        return []
    if not isinstance(told, list) or len(told) > MAX_POLICIES:
        raise _faulty(f"`policies` is no list of at most {MAX_POLICIES}", "/host/policies")
    found = []
    for place, policy in enumerate(told):
        where = f"/host/policies/{place}"
        if not isinstance(policy, dict) or not isinstance(policy.get("name"), str):
            raise _faulty("a policy has no `name`", where)
        response = policy.get("response") or ""
        if response not in _RESPONSES:
            raise _faulty("the `response` of a policy is neither pass nor fail", f"{where}/response")
        member, good = _about(policy["name"], known), _RESPONSES[response]
        if member and good is not None:
            found.append((member, good))
    return found


def _about(name: str, known: Mapping[str, str]) -> str:
    text = name.lower().strip()
    return known.get(text) or next((member for begins, member in _NAMES if text.startswith(begins)), "")


def _os(host: dict[str, Any]) -> str:
    told = host.get("os_version", "")
    if not isinstance(told, str):
        raise _faulty("`os_version` is no text", "/host/os_version")
    return "".join(c for c in told if c.isprintable())[:128]


def _moment(host: dict[str, Any]) -> int:
    told = host.get("detail_updated_at")
    if told is None:
        return 0
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", told))
    except (TypeError, ValueError) as fault:
        raise _faulty("`detail_updated_at` is no moment", "/host/detail_updated_at") from fault
    if moment.tzinfo is None or moment.year < _EPOCH:
        raise _faulty("`detail_updated_at` is no moment with its zone", "/host/detail_updated_at")
    return int(moment.timestamp()) * SECOND_NS


def _faulty(text: str, pointer: str) -> FaultyInputError:
    return FaultyInputError(CODE, text, pointer)

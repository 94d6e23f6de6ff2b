"""What a Linux machine can say of itself, member by member; what cannot be told is not told, never taken for good.

A probe returns its answer or raises ``NotToldError`` with the reason, which ``--dry-run`` shows. All of it is what the
machine's own software says: an attacker who is root can make it lie, which is what attestation is for.
"""

import json
import os
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ostiary.cli.device.looking import Machine, NotToldError
from ostiary.identity.devices.osquery import EDR_PROCESSES, MAX_GRACE_S

if TYPE_CHECKING:
    from collections.abc import Callable

_SECURE_BOOT: Final = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_EFI_BYTES: Final = 5  # four of attributes, one of value
_COMM_BYTES: Final = 15  # the kernel keeps so much of a process's name
_TAINTS: Final = {1: "a module was forced in", 13: "an unsigned module was loaded"}
_PATCH_STAMPS: Final = (
    "/var/lib/apt/periodic/unattended-upgrades-stamp",
    "/var/lib/dpkg/status",
    "/var/lib/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/var/lib/pacman/local",
    "/lib/apk/db/installed",
)
_DROPS: Final = frozenset({"drop", "reject"})
_MAX_DEPTH: Final = 8
_MOUNT: Final = re.compile(r"^\d+ \d+ (\d+):(\d+) \S+ / .*? - (\S+) (\S+)", re.MULTILINE)


class Probed(msgspec.Struct, frozen=True):
    """A posture as probed, and why the rest is not told."""

    posture: dict[str, Any]
    untold: dict[str, str]
    os: str


def probe(machine: Machine, now_ns: int, edr: frozenset[str] = EDR_PROCESSES) -> Probed:
    """Ask every probe."""
    found: dict[str, Any] = {}
    untold: dict[str, str] = {}
    asked: dict[str, Callable[[], object]] = {
        "disk_encrypted": lambda: disk_encrypted(machine),
        "edr_alive": lambda: edr_alive(machine, edr),
        "firewall": lambda: firewall(machine),
        "patch_age_s": lambda: patch_age_s(machine, now_ns),
        "rooted": lambda: rooted(machine),
        "screen_lock": lambda: screen_lock(machine),
        "secure_boot": lambda: secure_boot(machine),
    }
    for name, ask in asked.items():
        try:
            found[name] = ask()
        except NotToldError as why:
            untold[name] = str(why)
    return Probed(found, untold, system(machine))


def disk_encrypted(machine: Machine) -> bool:
    """Return whether every way down from the root file system to a disk goes through an encrypted layer."""
    mounts = _MOUNT.findall(machine.read("/proc/self/mountinfo"))
    if not mounts:
        raise NotToldError("the root file system is not in /proc/self/mountinfo")
    major, minor, kind, source = mounts[-1]  # what was mounted last lies on top
    device = f"{major}:{minor}"
    if major == "0":  # btrfs and others have no device of their own
        device = _device_of(machine, kind, source)
    place = f"/sys/dev/block/{device}"
    if not machine.exists(place):
        raise NotToldError(f"{place} is not there")
    return _encrypted(machine, place, _MAX_DEPTH)


def _device_of(machine: Machine, kind: str, source: str) -> str:
    if not source.startswith("/dev/"):
        raise NotToldError(f"the root file system is {kind}, on no disk that is known here")
    try:
        number = machine.path(source).stat().st_rdev
    except OSError as fault:
        raise NotToldError(f"{source}: {fault.strerror}") from fault
    return f"{os.major(number)}:{os.minor(number)}"


def _encrypted(machine: Machine, place: str, depth: int) -> bool:
    if depth == 0:
        raise NotToldError("the disks lie too deep")
    if machine.exists(f"{place}/dm/uuid") and machine.read(f"{place}/dm/uuid").startswith("CRYPT-"):
        return True
    below = machine.names(f"{place}/slaves")
    return bool(below) and all(_encrypted(machine, f"/sys/class/block/{name}", depth - 1) for name in below)


def secure_boot(machine: Machine) -> bool:
    """Return what the firmware says of Secure Boot."""
    value = machine.bytes(_SECURE_BOOT)
    if len(value) != _EFI_BYTES:
        raise NotToldError("the firmware's variable has another length")
    return value[-1] == 1


def rooted(machine: Machine) -> bool:
    """Return whether code that nobody signed runs in the kernel: a forced or an unsigned module."""
    text = machine.read("/proc/sys/kernel/tainted").strip()
    if not text.isdigit():
        raise NotToldError("/proc/sys/kernel/tainted is no number")
    return any(int(text) >> bit & 1 for bit in _TAINTS)


def edr_alive(machine: Machine, edr: frozenset[str]) -> bool:
    """Return whether a process with one of these names runs."""
    wanted = {name[:_COMM_BYTES] for name in edr}
    found = [name for name in machine.names("/proc") if name.isdigit()]
    if not found:
        raise NotToldError("no process is to be seen in /proc")
    return any(_comm(machine, name) in wanted for name in found)


def _comm(machine: Machine, process: str) -> str:
    try:
        return machine.read(f"/proc/{process}/comm").strip().lower()
    except NotToldError:
        return ""  # it ended meanwhile


def patch_age_s(machine: Machine, now_ns: int) -> float:
    """Return how long ago the package manager changed something; it is not proof that nothing is left to patch."""
    stamps = [moment for name in _PATCH_STAMPS if (moment := machine.changed_s(name)) is not None]
    if not stamps:
        raise NotToldError("no package manager is known here")
    return max(0.0, round(now_ns / 1e9 - max(stamps), 1))


def firewall(machine: Machine) -> bool:
    """Return whether something filters what comes in; only a ruleset that can be read says that nothing does."""
    if re.search(r"^ENABLED=yes\s*$", _or_empty(machine, "/etc/ufw/ufw.conf"), re.MULTILINE):
        return True
    if machine.program("systemctl") and machine.run("systemctl", "is-active", "firewalld")[0] == 0:
        return True
    code, wrote = machine.run("nft", "-j", "list", "ruleset")
    if code != 0:
        raise NotToldError("the rules of nftables cannot be read: run it as root")
    try:
        rules = json.loads(wrote)["nftables"]
    except (ValueError, TypeError, KeyError) as fault:
        raise NotToldError("`nft` answers something else than its rules") from fault
    return _filters_input(rules if isinstance(rules, list) else [])


def _or_empty(machine: Machine, name: str) -> str:
    return machine.read(name) if machine.exists(name) else ""


def _filters_input(rules: list[Any]) -> bool:
    chains = [one["chain"] for one in rules if isinstance(one, dict) and isinstance(one.get("chain"), dict)]
    inputs = {(c.get("family"), c.get("table"), c.get("name")): c for c in chains if c.get("hook") == "input"}
    if any(chain.get("policy") in _DROPS for chain in inputs.values()):
        return True
    for one in rules:
        rule = one.get("rule") if isinstance(one, dict) else None
        if isinstance(rule, dict) and (rule.get("family"), rule.get("table"), rule.get("chain")) in inputs:
            verdicts = [part for part in rule.get("expr", []) if isinstance(part, dict)]
            if any(_DROPS & set(part) for part in verdicts):
                return True
    return False


def screen_lock(machine: Machine) -> bool:
    """Return whether the desktop of whoever runs this locks its screen after some minutes alone.

    Settings answer with their defaults even where no desktop runs, so it must be seen to run.
    """
    if not any(_comm(machine, name) == "gnome-shell" for name in machine.names("/proc") if name.isdigit()):
        raise NotToldError("no desktop runs that is known here")
    locks = _setting(machine, "org.gnome.desktop.screensaver", "lock-enabled")
    idle = re.fullmatch(r"(?:uint32 )?(\d{1,9})", _setting(machine, "org.gnome.desktop.session", "idle-delay"))
    if locks not in {"true", "false"} or idle is None:
        raise NotToldError("the desktop does not say whether it locks its screen")
    return locks == "true" and 0 < int(idle[1]) <= MAX_GRACE_S


def _setting(machine: Machine, schema: str, key: str) -> str:
    code, wrote = machine.run("gsettings", "get", schema, key)
    return wrote.strip() if code == 0 else ""


def system(machine: Machine) -> str:
    """Return name and version of the system and its kernel, as far as they are told."""
    release = re.search(r'^PRETTY_NAME="?([^"\n]{1,80})"?$', _or_empty(machine, "/etc/os-release"), re.MULTILINE)
    kernel = _or_empty(machine, "/proc/sys/kernel/osrelease").strip()[:40]
    text = " · ".join(part for part in (release[1] if release else "", kernel) if part)
    return "".join(c for c in text if c.isprintable())

"""Probes of the file system: nothing of the host but what was declared, nothing to write but what is bounded."""

from __future__ import annotations

import errno
import os

from ostiary.pipeline.training.inside.trying import must, refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ostiary.pipeline.training.inside.trying import Order, Probe

_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT)
_SETTINGS = (
    "kernel/core_pattern",
    "kernel/hostname",
    "kernel/modprobe",
    "kernel/sysrq",
    "kernel/ns_last_pid",
    "fs/binfmt_misc/register",
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "user/max_user_namespaces",
)
_SECRET_TELLERS = ("kcore", "key-users", "keys", "kmsg", "sched_debug", "timer_list")
_DEVICES = {"console", "core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty"}
_MORE_DEVICES = {"urandom", "zero"}


def _write(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))


def _writing(path: str) -> Callable[[], None]:
    return lambda: _write(path)


def _create(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def host_file(order: Order) -> str:
    """The parent made a file: it is not here."""
    return refused(lambda: os.open(order["file"], os.O_RDONLY), errno.ENOENT, errno.EACCES)


def host_folders(order: Order) -> str:
    """Nothing lies in the root but what was put there."""
    found = sorted(set(os.listdir("/")) - set(order["root"]))
    return must(not found, f"also here: {found}")


def _closed(path: str) -> Callable[[Order], str]:
    def probe(_order: Order) -> str:
        return refused(lambda: _create(path + "/.probe"), *_CLOSED)

    return probe


def settings(order: Order) -> str:
    """No setting of the kernel can be written, whoever this user is outside."""
    for name in _SETTINGS:
        refused(_writing("/proc/sys/" + name), *_CLOSED)
    return f"{len(_SETTINGS)} settings"


def sysrq(order: Order) -> str:
    """Nobody presses the magic key."""
    return refused(lambda: _write("/proc/sysrq-trigger"), *_CLOSED)


def no_sys(order: Order) -> str:
    """There is no /sys, so no control groups and no devices in it."""
    return refused(lambda: os.listdir("/sys"), errno.ENOENT)


def no_control_groups(order: Order) -> str:
    """No control group is mounted anywhere."""
    with open("/proc/self/mountinfo") as file:
        kinds = {line.split(" - ")[1].split(" ")[0] for line in file}
    return must(
        not kinds & {"cgroup", "cgroup2", "sysfs", "debugfs", "tracefs", "securityfs", "bpf"}, f"{sorted(kinds)}"
    )


def kernel_tells_nothing(order: Order) -> str:
    """Files that tell of the kernel's memory, keys and messages are empty or closed."""
    for name in _SECRET_TELLERS:
        try:
            with open("/proc/" + name, "rb") as file:
                must(not file.read(1), f"/proc/{name} can be read")
        except OSError as fault:
            if fault.errno not in (*_CLOSED, errno.EIO):
                raise
    with open("/proc/kallsyms", "rb") as file:
        first = file.read(16)
    return must(not first.strip(b"0"), "addresses of the kernel can be read")


def devices(order: Order) -> str:
    """There are only the harmless devices."""
    found = set(os.listdir("/dev")) - _DEVICES - _MORE_DEVICES
    return must(not found, f"also in /dev: {sorted(found)}")


def memory_of_init(order: Order) -> str:
    """Nobody writes the memory of the first process, or finds other files below its root."""
    same = os.stat("/proc/1/root/").st_ino == os.stat("/").st_ino
    must(same, "the first process has another root")
    return refused(lambda: os.open("/proc/1/root/../../../.." + order["file"], os.O_RDONLY), errno.ENOENT, errno.EACCES)


def environment_of_init(order: Order) -> str:
    """The first process was started without any environment: nothing of the parent's is in it."""
    with open("/proc/1/environ", "rb") as file:
        return must(not file.read(1), "the parent's environment can be read")


def command_of_init(order: Order) -> str:
    """Nor does its command line tell where things lie outside."""
    with open("/proc/1/cmdline", "rb") as file:
        told = file.read(4096)
    return must(b"--ro-bind" not in told and told.count(b"\0") <= 12, f"{told[:80]!r}")


def descriptors(order: Order) -> str:
    """No descriptor is open but the three usual ones and the parent's line."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        try:
            os.fstat(number)
        except OSError:  # the one that listed them
            continue
        if number > 2 and number not in order["descriptors"]:
            found.append(number)
    return must(not found, f"open: {found}")


def bounded(order: Order) -> str:
    """What can be written is bounded."""
    for path, size in order["sizes"].items():
        told = os.statvfs(path)
        total = told.f_blocks * told.f_frsize
        must(0 < total <= size + told.f_frsize, f"{path} holds {total} bytes, {size} are allowed")
    return f"{len(order['sizes'])} folders"


PROBES: list[Probe] = [
    ("files.host_file", host_file),
    ("files.root", host_folders),
    ("files.create_in_root", _closed("")),
    ("files.create_in_usr", _closed("/usr")),
    ("files.create_in_dev", _closed("/dev")),
    ("files.create_in_proc", _closed("/proc")),
    ("files.create_in_run", _closed("/run")),
    ("files.kernel_settings", settings),
    ("files.sysrq", sysrq),
    ("files.no_sys", no_sys),
    ("files.no_control_groups", no_control_groups),
    ("files.kernel_tells_nothing", kernel_tells_nothing),
    ("files.devices", devices),
    ("files.root_of_init", memory_of_init),
    ("files.environment_of_init", environment_of_init),
    ("files.command_of_init", command_of_init),
    ("files.descriptors", descriptors),
    ("files.bounded", bounded),
]

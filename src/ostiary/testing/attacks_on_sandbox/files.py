"""By files: of the host, of the kernel, of other processes, or written where they stay."""

from __future__ import annotations

import ctypes
import os
import stat
from pathlib import Path

from ostiary.testing.attacks_on_sandbox.common import BITS_64, TOLD, call, opens


def host_secret() -> str:
    for before in ("", "/proc/1/root", "/proc/self/root", "/proc/1/cwd", "/../.."):
        try:
            return opens(before + TOLD["secret"])
        except OSError:
            continue
    return ""


def host_secret_by_link() -> str:
    Path("/tmp/link").symlink_to(TOLD["secret"])
    return Path("/tmp/link").read_text()


def host_secret_by_handle() -> str:
    # As shocker (2014) did: a handle of the root of the file system, inode 2.
    handle = ctypes.create_string_buffer(b"\x08\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0")
    place = os.open("/usr", os.O_RDONLY)
    return "opened" if call(304 if BITS_64 else 265, place, handle, os.O_RDONLY) >= 0 else ""


def core_pattern() -> str:
    return opens("/proc/sys/kernel/core_pattern", os.O_WRONLY)


def any_setting() -> str:
    for folder, _, names in os.walk("/proc/sys"):
        for name in names:
            try:
                return opens(f"{folder}/{name}", os.O_WRONLY)
            except OSError:
                continue
    return ""


def any_file_of_proc() -> str:
    own = ("/proc/self", "/proc/thread-self", f"/proc/{os.getpid()}", "/proc/1", "/proc/sys", "/proc/net")
    for folder, folders, names in os.walk("/proc"):
        folders[:] = [name for name in folders if f"{folder}/{name}" not in own and not name.isdigit()]
        for name in names:
            path = f"{folder}/{name}"
            try:
                if path not in own and not stat.S_ISCHR(os.stat(path).st_mode):
                    os.close(os.open(path, os.O_WRONLY))
                    if name not in HARMLESS:
                        return f"opened {path}"
            except OSError:
                continue
    return ""


# Of the pressure files everybody may open one, to be woken; it writes nothing of anybody's.
HARMLESS = {"cpu", "io", "memory", "irq"}


def magic_key() -> str:
    return opens("/proc/sysrq-trigger", os.O_WRONLY)


def host_helper() -> str:
    return opens("/sys/kernel/uevent_helper", os.O_WRONLY)


def kernel_log() -> str:
    buffer = ctypes.create_string_buffer(4096)
    if call(103 if BITS_64 else 116, 3, buffer, 4096) >= 0:
        return "read the log"
    return opens("/dev/kmsg")


def kernel_memory() -> str:
    for path in ("/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore"):
        try:
            with open(path, "rb") as file:
                if file.read(1):
                    return f"read {path}"
        except OSError:
            continue
    return ""


def disks() -> str:
    for path in ("/dev/sda", "/dev/vda", "/dev/nvme0n1", "/dev/loop0", "/dev/fuse", "/dev/kvm", "/dev/net/tun"):
        try:
            return opens(path)
        except OSError:
            continue
    return ""


def make_disk() -> str:
    os.mknod("/tmp/disk", stat.S_IFBLK | 0o600, os.makedev(254, 0))
    return opens("/tmp/disk")


def make_null() -> str:
    os.mknod("/tmp/null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    return opens("/tmp/null")


def environments() -> str:
    for name in os.listdir("/proc"):
        if name.isdigit() and name != str(os.getpid()) and TOLD["marker"].encode() in _bytes(f"/proc/{name}/environ"):
            return f"the parent's environment is in {name}"
    return ""


def command_lines() -> str:
    for name in os.listdir("/proc"):
        if name.isdigit() and b"--ro-bind" in _bytes(f"/proc/{name}/cmdline"):
            return f"the parent's arguments are in {name}"
    return ""


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def descriptors() -> str:
    mine = {"0", "1", "2"}
    found = [
        name for name in os.listdir("/proc/self/fd") if name not in mine and os.path.exists(f"/proc/self/fd/{name}")
    ]
    return f"open: {found}" if found else ""


def control_groups() -> str:
    os.mkdir("/tmp/cg")
    if call(165 if BITS_64 else 40, b"cgroup", b"/tmp/cg", b"cgroup", 0, b"rdma") >= 0:
        return "mounted"
    return opens("/sys/fs/cgroup/release_agent", os.O_WRONLY)


def write_programs() -> str:
    for path in (
        "/usr/bin/owned",
        "/lib/owned",
        "/etc/owned",
        "/owned",
        "/dev/owned",
        "/run/owned",
        "/workspace/owned",
    ):
        try:
            return opens(path, os.O_WRONLY | os.O_CREAT)
        except OSError:
            continue
    return ""


def write_existing() -> str:
    for path in ("/usr/bin/python3", "/etc/passwd", "/etc/hosts", "/workspace/main.py"):
        try:
            return opens(path, os.O_WRONLY)
        except OSError:
            continue
    return ""


def probes_changed() -> str:
    return opens("/run/ostiary/ostiary/pipeline/training/inside/entry.py", os.O_WRONLY)

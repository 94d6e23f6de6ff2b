import errno
import re
from pathlib import Path

import pytest

from ostiary.errors import UnavailableError
from ostiary.pipeline.training.bpf import ALLOW, KILL, MAX_LENGTH, interpret, refuse
from ostiary.pipeline.training.seccomp import filter_of
from ostiary.pipeline.training.syscalls import AARCH64, CEILING, MACHINES, NUMBERS, X86_64, machine_of, number

EPERM, ENOSYS = refuse(errno.EPERM), refuse(errno.ENOSYS)
MEMORY = {"memfd_create", "msgget", "semget", "shmget"}
BY_ARGUMENT = {"clone", "clone3", "ioctl", "mknod", "mknodat", "personality", "socket", "socketpair", *MEMORY}
HEADERS = {X86_64: "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", AARCH64: "/usr/include/asm-generic/unistd.h"}


def ask(machine, name_or_number, *arguments, **more):
    nr = number(name_or_number, machine) if isinstance(name_or_number, str) else name_or_number
    return interpret(filter_of(machine, **more), nr=nr, arch=machine.audit_arch, arguments=arguments)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
class TestEachMachine:
    def test_every_listed_call_is_refused(self, machine):
        for name in NUMBERS.keys() - BY_ARGUMENT:
            if number(name, machine):
                assert ask(machine, name) == EPERM, name

    def test_every_other_call_is_allowed(self, machine):
        listed = {number(name, machine) for name in NUMBERS}
        program = filter_of(machine)
        for nr in set(range(CEILING + 1)) - listed:
            assert interpret(program, nr=nr, arch=machine.audit_arch) == ALLOW

    def test_what_nobody_judged_does_not_exist(self, machine):
        for nr in (CEILING + 1, 1000, 0x3FFF_FFFF):
            assert ask(machine, nr) == ENOSYS
        assert ask(machine, "clone3") == ENOSYS

    def test_another_machines_calls_kill(self, machine):
        program = filter_of(machine)
        for arch in (0, 0x4000_0003, 0x4000_0028, *(one.audit_arch for one in MACHINES.values() if one != machine)):
            assert interpret(program, nr=0, arch=arch) == KILL

    def test_sockets_are_streams_of_the_internet_or_local(self, machine):
        cloexec = 0o2_000_000
        for family in (2, 10):
            assert ask(machine, "socket", family, 1 | cloexec, 0) == ALLOW
            assert ask(machine, "socket", family, 1, 6) == ALLOW
            for kind in (2, 3, 4, 5, 6, 10, 2 | cloexec):
                assert ask(machine, "socket", family, kind, 0) == EPERM
            assert ask(machine, "socket", family, 1, 132) == EPERM  # SCTP
        assert ask(machine, "socket", 1, 2, 0) == ALLOW
        for family in (0, 3, 16, 17, 31, 38, 40, 44, 1 << 16):
            assert ask(machine, "socket", family, 1, 0) not in (ALLOW, KILL)

    def test_pairs_are_local_ones(self, machine):
        cloexec = 0o2_000_000
        for kind in (1, 2, 5, 1 | cloexec):
            assert ask(machine, "socketpair", 1, kind, 0) == ALLOW
        for family in (0, 2, 10, 16, 17, 30, 38, 40):  # 30: TIPC, whose pairs the kernel does make
            assert ask(machine, "socketpair", family, 1, 0) == EPERM

    def test_clone_makes_threads_and_processes_but_no_namespace(self, machine):
        assert ask(machine, "clone", 17) == ALLOW
        assert ask(machine, "clone", 0x3D0F00) == ALLOW
        for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
            assert ask(machine, "clone", flag | 17) == EPERM

    def test_terminals_are_not_typed_into_whatever_the_upper_half_says(self, machine):
        for request in (0x5412, 0x541C):
            assert ask(machine, "ioctl", 0, request) == EPERM
            assert ask(machine, "ioctl", 0, request | 1 << 32) == EPERM
        assert ask(machine, "ioctl", 0, 0x5413) == ALLOW

    def test_pipes_can_be_made_but_no_devices(self, machine):
        name, at = ("mknod", 1) if machine is X86_64 else ("mknodat", 2)
        for kind, verdict in ((0o010_600, ALLOW), (0o100_600, ALLOW), (0o020_600, EPERM), (0o060_600, EPERM)):
            assert ask(machine, name, *([0] * at), kind) == verdict

    def test_memory_of_nobody_is_refused_where_nobody_counts_it(self, machine):
        for name in MEMORY:
            assert ask(machine, name) == ALLOW
            assert ask(machine, name, memory_is_counted=False) == EPERM

    def test_it_fits(self, machine):
        assert len(filter_of(machine)) < MAX_LENGTH

    def test_the_numbers_are_the_kernels_own(self, machine):
        header = Path(HEADERS[machine])
        if not header.exists():
            pytest.skip(f"no kernel headers at {header}")
        text = header.read_text()
        found = {name: int(value) for name, value in re.findall(r"#define __NR3?264_(\w+) (\d+)", text)}
        found |= {name: int(value) for name, value in re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", text)}
        compared = [name for name in NUMBERS if name in found]
        assert len(compared) > 55
        assert {name: number(name, machine) for name in compared} == {name: found[name] for name in compared}
        # Newer than the headers of Debian 12, or written there in another way.
        unknown = {name for name in NUMBERS if name not in found and number(name, machine)}
        assert unknown <= {"statmount", "listmount", "lsm_set_self_attr", "name_to_handle_at", "open_by_handle_at"}


def test_the_other_way_of_calling_on_x86_kills():
    assert ask(X86_64, 0x4000_0000) == KILL


def test_a_machine_without_a_filter_runs_nothing():
    with pytest.raises(UnavailableError):
        machine_of("riscv64")

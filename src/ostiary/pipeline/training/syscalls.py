"""Numbers of the system calls that a sandbox refuses, by machine; a test compares them with the kernel's own headers.

``0`` stands for a call that the machine does not have. From 424 on all machines have the same numbers.
"""

from typing import Final

import msgspec

from ostiary.errors import UnavailableError


class Machine(msgspec.Struct, frozen=True):
    """One kind of processor: its name, the kernel's mark for it, and which column of ``NUMBERS`` is its own."""

    name: str
    audit_arch: int
    column: int


X86_64: Final = Machine("x86_64", 0xC000_003E, 0)
AARCH64: Final = Machine("aarch64", 0xC000_00B7, 1)
MACHINES: Final = {one.name: one for one in (X86_64, AARCH64)}

# The last call that this list has judged: what a newer kernel adds is unknown until somebody has looked at it.
CEILING: Final = 462

# name: (x86_64, aarch64), after linux/arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
NUMBERS: Final[dict[str, tuple[int, int]]] = {
    "_sysctl": (156, 0),
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "create_module": (174, 0),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "get_kernel_syms": (177, 0),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "ioperm": (173, 0),
    "iopl": (172, 0),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "listmount": (458, 458),
    "lookup_dcookie": (212, 18),
    "lsm_set_self_attr": (460, 460),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "mknod": (133, 0),
    "mknodat": (259, 33),
    "modify_ldt": (154, 0),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "query_module": (178, 0),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "remap_file_pages": (216, 234),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "statmount": (457, 457),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "sysfs": (139, 0),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "uselib": (134, 0),
    "userfaultfd": (323, 282),
    "ustat": (136, 0),
    "vhangup": (153, 58),
}


def machine_of(name: str) -> Machine:
    """Return the machine that ``os.uname().machine`` names.

    Raises:
        UnavailableError: ``training_machine_unknown``: there is no filter for it, so nothing can start on it.
    """
    if name not in MACHINES:
        raise UnavailableError("training_machine_unknown", f"there is no system call filter for `{name[:32]}` machines")
    return MACHINES[name]


def number(name: str, machine: Machine) -> int:
    """Return the number of a call, ``0`` when the machine has none."""
    return NUMBERS[name][machine.column]

"""Classic BPF for seccomp: the few instructions that a filter needs, and an interpreter for machines not at hand.

>>> program = [load(NR), *when_equal(59, [give(ALLOW)]), give(KILL)]
>>> interpret(program, nr=59, arch=0) == ALLOW, interpret(program, nr=60, arch=0) == KILL
(True, True)
"""

import struct
from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError

ALLOW: Final = 0x7FFF_0000
KILL: Final = 0x8000_0000
_ERRNO: Final = 0x0005_0000

NR: Final = 0
ARCH: Final = 4
_LD_ABS: Final = 0x20
_JEQ: Final = 0x15
_JGT: Final = 0x25
_JSET: Final = 0x45
_AND: Final = 0x54
_RET: Final = 0x06
_MAX_SKIP: Final = 255
MAX_LENGTH: Final = 4096


class Instruction(msgspec.Struct, frozen=True):
    """One instruction: what it does, how far to skip when it holds or not, its constant."""

    code: int
    skip_true: int
    skip_false: int
    constant: int


def refuse(errno: int) -> int:
    """Return the verdict that makes a call fail with ``errno``."""
    return _ERRNO | errno


def argument(index: int, *, high: bool = False) -> int:
    """Return where the lower (or upper) half of an argument lies; both machines are little-endian."""
    return 16 + 8 * index + (4 if high else 0)


def load(offset: int) -> Instruction:
    """Load 32 bits of the call's description."""
    return Instruction(_LD_ABS, 0, 0, offset)


def mask(bits: int) -> Instruction:
    """Keep only ``bits`` of what was loaded."""
    return Instruction(_AND, 0, 0, bits)


def give(verdict: int) -> Instruction:
    """End with ``verdict``."""
    return Instruction(_RET, 0, 0, verdict)


def when_equal(value: int, then: Sequence[Instruction]) -> list[Instruction]:
    """Do ``then`` when what was loaded equals ``value``."""
    return [Instruction(_JEQ, 0, _skip(then), value), *then]


def when_above(value: int, then: Sequence[Instruction]) -> list[Instruction]:
    """Do ``then`` when what was loaded is more than ``value``."""
    return [Instruction(_JGT, 0, _skip(then), value), *then]


def when_any(bits: int, then: Sequence[Instruction]) -> list[Instruction]:
    """Do ``then`` when one of ``bits`` is set in what was loaded."""
    return [Instruction(_JSET, 0, _skip(then), bits), *then]


def unless_equal(values: Sequence[int], then: Sequence[Instruction]) -> list[Instruction]:
    """Do ``then`` when what was loaded is none of ``values``."""
    left = len(values)
    tests = [Instruction(_JEQ, left - number - 1 + len(then), 0, value) for number, value in enumerate(values)]
    return [*tests, *then]


def _skip(then: Sequence[Instruction]) -> int:
    if len(then) > _MAX_SKIP:
        raise FaultyInputError(
            "training_filter_invalid", f"a filter can skip {_MAX_SKIP} instructions, not {len(then)}"
        )
    return len(then)


def assemble(program: Sequence[Instruction]) -> bytes:
    """Return the program as an array of ``struct sock_filter``, as the kernel reads it."""
    if not 0 < len(program) <= MAX_LENGTH:
        raise FaultyInputError("training_filter_invalid", f"a filter has 1 to {MAX_LENGTH} instructions")
    return b"".join(struct.pack("=HBBI", one.code, one.skip_true, one.skip_false, one.constant) for one in program)


def interpret(program: Sequence[Instruction], *, nr: int, arch: int, arguments: Sequence[int] = ()) -> int:
    """Return the verdict of ``program`` on one call, as the kernel would reach it."""
    full = [*arguments, *([0] * (6 - len(arguments)))]
    data = struct.pack("=IIQ6Q", nr, arch, 0, *full)
    place, loaded = 0, 0
    while True:
        one = program[place]
        place += 1
        if one.code == _RET:
            return one.constant
        if one.code == _LD_ABS:
            loaded = struct.unpack_from("=I", data, one.constant)[0]
        elif one.code == _AND:
            loaded &= one.constant
        else:
            place += one.skip_true if _holds(one, loaded) else one.skip_false


def _holds(one: Instruction, loaded: int) -> bool:
    if one.code == _JEQ:
        return loaded == one.constant
    return loaded > one.constant if one.code == _JGT else bool(loaded & one.constant)

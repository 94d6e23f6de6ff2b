"""Cuts a pickle into opcodes and their operands, within bounds; makes nothing of them.

>>> [op.name for op in read_opcodes(memoryview(b"N."))]
['NONE', 'STOP']
"""

import pickletools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

_LINE: Final = -1  # pickletools.UP_TO_NEWLINE
_LENGTHS: Final = {-2: (1, False), -3: (4, True), -4: (4, False), -5: (8, False)}  # TAKEN_FROM_ARGUMENT…
_WINDOW: Final = 256
_LINES: Final = {
    "INT": re.compile(rb"[ \t\r0-9a-fA-FxXoObB_+-]*"),
    "LONG": re.compile(rb"[ \t\r0-9a-fA-FxXoObB_+-]*L?"),
    "FLOAT": re.compile(rb"[ \t\r0-9eE_+.infatyINFATY-]*"),
    "STRING": re.compile(rb"[\"'].*[\"'][ \t\r]*", re.DOTALL),
    "GET": re.compile(rb"[ \t\r0-9_+-]*"),
    "PUT": re.compile(rb"[ \t\r0-9_+-]*"),
}
_NUMBERS: Final = frozenset({"INT", "LONG", "FLOAT"})
_MAX_DIGITS: Final = 4_300
_TWO_LINES: Final = frozenset({"GLOBAL", "INST"})
_TABLE: Final[dict[int, tuple[str, int]]] = {
    ord(op.code): (op.name, 0 if op.arg is None else op.arg.n) for op in pickletools.opcodes
}


class PickleLimits(msgspec.Struct, frozen=True):
    """Bounds on one pickle.

    Attributes:
        max_opcodes: opcodes that are looked at.
        max_operand: length of one operand.
        max_line: length of an operand that ends with its line.
        max_memo: highest number of a remembered value; a real unpickler makes a table as long.
        max_stack: values on the stack.
        max_marks: marks on the stack.
        max_depth: values inside each other.
        max_events: findings that are kept.
    """

    max_opcodes: int = 2_000_000
    max_operand: int = 256 * 1024 * 1024
    max_line: int = 65_536
    max_memo: int = 1_000_000
    max_stack: int = 100_000
    max_marks: int = 1_000
    max_depth: int = 200
    max_events: int = 64


class MalformedError(ValueError):
    """The bytes cannot be followed as a pickle.

    Attributes:
        position: where its opcode begins.
        ours: whether a limit or rule of ours stopped us, where some unpickler would go on.
    """

    def __init__(self, position: int, text: str, *, ours: bool = False) -> None:
        """Keep the place."""
        super().__init__(text)
        self.position = position
        self.ours = ours


class Opcode(NamedTuple):
    """One opcode: its name, where it begins and ends, its operand's bytes without length or end of line."""

    name: str
    position: int
    end: int
    operand: memoryview


def read_opcodes(data: memoryview, start: int = 0, limits: PickleLimits | None = None) -> Iterator[Opcode]:
    """Give the opcodes from ``start`` on, up to and with the first STOP.

    Raises:
        MalformedError: an unknown opcode, an operand that is cut off or too long, no STOP, too many opcodes.
    """
    bounds = limits or PickleLimits()
    at = start
    for _ in range(bounds.max_opcodes):
        if at >= len(data):
            raise MalformedError(at, "it ends without a STOP")
        entry = _TABLE.get(data[at])
        if entry is None:
            raise MalformedError(at, f"0x{data[at]:02x} is no opcode")
        name, form = entry
        operand, end = _operand(data, at, name, form, bounds)
        yield Opcode(name, at, end, operand)
        if name == "STOP":
            return
        at = end
    raise MalformedError(at, f"it has more than {bounds.max_opcodes} opcodes", ours=True)


def _operand(data: memoryview, at: int, name: str, form: int, bounds: PickleLimits) -> tuple[memoryview, int]:
    begin = at + 1
    if form == _LINE:
        end = _line_end(data, begin, at, bounds)
        if name in _TWO_LINES:
            end = _line_end(data, end + 1, at, bounds)
        _check_line(data[begin:end], at, name)
        return data[begin:end], end + 1
    if form >= 0:
        return _cut(data, begin, form, at)
    width, signed = _LENGTHS[form]
    told, begin = _cut(data, begin, width, at)
    length = int.from_bytes(told, "little", signed=signed)
    if not 0 <= length <= bounds.max_operand:
        raise MalformedError(at, f"{name} claims {length} bytes", ours=length > 0)
    return _cut(data, begin, length, at)


def _cut(data: memoryview, begin: int, length: int, at: int) -> tuple[memoryview, int]:
    if begin + length > len(data):
        raise MalformedError(at, "an operand is cut off")
    return data[begin : begin + length], begin + length


def _line_end(data: memoryview, begin: int, at: int, bounds: PickleLimits) -> int:
    window = _WINDOW
    while begin < len(data):
        part = bytes(data[begin : begin + window])
        found = part.find(b"\n")
        if found >= 0:
            return begin + found
        if window >= bounds.max_line:
            raise MalformedError(at, "a line of it is longer than is allowed", ours=True)
        begin, window = begin + len(part), min(window * 2, bounds.max_line)
    # An unpickler takes what there is for the line, less its last character (`_Unpickler_Readline` in _pickle.c).
    raise MalformedError(at, "a line of it has no end", ours=True)


def _check_line(line: memoryview, at: int, name: str) -> None:
    """Refuse numbers that no unpickler would read; what one might is let by."""
    if name in _NUMBERS and len(line) > _MAX_DIGITS:  # Python reads digits in quadratic time
        raise MalformedError(at, f"{name} has {len(line)} digits", ours=True)
    form = _LINES.get(name)
    if form is not None and not form.fullmatch(line):
        raise MalformedError(at, f"{name} is given no such thing")

r"""Follows a pickle by an allow-list of opcodes: what it would import and call, where, and whether it can be followed.

1. An opcode is known here and understood, or the pickle is refused: INST, OBJ, NEWOBJ_EX, EXT, PERSID and buffers are.
2. An import is of an allowed name (``values.ALLOWED_NAMES``), or refused: there is no list of bad names to get round.
3. REDUCE calls an allowed callable on a tuple; NEWOBJ makes a LightGBM ``Booster`` and nothing else; BUILD fills one
   or an ``OrderedDict``; BINPERSID names a storage of tensors.
4. Stack, marks, memo, frames, lengths and depth are followed as an unpickler would, and bounded. What underflows,
   overlaps or is cut off is refused, for two unpicklers may disagree about it.

The walk goes on after a finding, so that a report names what a file would do; nothing is ever done.

>>> [event.kind for event in walk(memoryview(b"cos\nsystem\n(S'id'\ntR.")).events]
['import', 'call']
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.artifacts.pickles.opcodes import MalformedError, Opcode, PickleLimits, read_opcodes
from ostiary.artifacts.pickles.operands import TEXTS, kept, line_number, printable
from ostiary.artifacts.pickles.told import Event, Walk
from ostiary.artifacts.pickles.values import (
    ALLOWED_NAMES,
    CALLABLE,
    DEFAULT_DICT,
    DICT,
    FILLED,
    HELD,
    NEWABLE,
    Box,
    Mark,
    Name,
    Plain,
    Row,
    Value,
)

_PROTOCOLS: Final = range(6)
_LONG: Final = PickleLimits(max_opcodes=200_000, max_line=1 << 31)
_STREAMS: Final = 64  # one behind the other, as torch and shelve write them
_MODULE: Final = re.compile(r"[\w.]+")
_PLAIN: Final = TEXTS | frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "NONE", "NEWTRUE", "NEWFALSE", "FLOAT", "BINFLOAT",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
})  # fmt: skip
_RUNS: Final = frozenset({"INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"})


def walk(data: memoryview, start: int = 0, limits: PickleLimits | None = None) -> Walk:
    """Follow the pickle that begins at ``start``."""
    return _Machine(data, limits or PickleLimits()).run(start)


def runs_code(data: memoryview) -> bool:
    """Return whether an unpickler given ``data`` would import something, or takes all of it for one pickle.

    Text is a pickle of protocol 0 as soon as it says so: ``c``, a module, a name. A call needs an import before it.
    Where a limit of ours ends the walk the answer is yes, so that no long line hides what follows it. All pickles in a
    row share one bound on opcodes: many cost no more than one.
    """
    at, left = 0, _LONG.max_opcodes
    for _ in range(_STREAMS):
        seen = walk(data, at, msgspec.structs.replace(_LONG, max_opcodes=left))
        left -= seen.opcodes
        if seen.doubtful or any(map(_MODULE.fullmatch, seen.modules)):
            return True
        if not seen.stopped:
            return False
        at = seen.end
        if not bytes(data[at : at + 8]).strip():
            return True
    return True


class _Underflow(Exception):  # noqa: N818 - caught a few lines below
    """The stack has not what an opcode takes."""


class _Machine:
    """One pickle that is followed."""

    def __init__(self, data: memoryview, limits: PickleLimits) -> None:
        self._data = data
        self._limits = limits
        self._stack: list[Value] = []
        self._marks = 0
        self._memo: dict[int, Value] = {}
        self._events: list[Event] = []
        self._names: dict[str, None] = {}
        self._modules: dict[str, None] = {}
        self._frame_end = 0
        self._count = 0

    def run(self, start: int) -> Walk:
        at, stopped, doubtful = start, False, False
        try:
            for op in read_opcodes(self._data, start, self._limits):
                at = op.position
                self._count += 1
                self._step(op, start)
                at, stopped = op.end, op.name == "STOP"
        except MalformedError as fault:
            doubtful = fault.ours and self._meant(fault)
            self._event("malformed", fault.position or at, str(fault))
        except _Underflow:
            self._event("malformed", at, "it takes from an empty stack")
        top = self._stack[-1] if stopped and self._stack else None
        return Walk(
            end=at,
            stopped=stopped,
            events=tuple(self._events),
            names=tuple(self._names),
            opcodes=self._count,
            result=top.text if isinstance(top, Plain) else None,
            modules=tuple(self._modules),
            doubtful=doubtful,
        )

    def _meant(self, fault: MalformedError) -> bool:
        """Return whether what broke off may have been meant for a pickle; a text that begins with ``c`` is not yet."""
        if self._data[fault.position] not in b"ci":
            return self._count > 0
        begin = bytes(self._data[fault.position + 1 : fault.position + 256])
        line, ended, _ = begin.partition(b"\n")
        module = line if ended else line[:-1]  # without an end, an unpickler cuts the last character off
        return _MODULE.fullmatch(module.decode("utf-8", "replace")) is not None

    def _step(self, op: Opcode, start: int) -> None:
        if self._frame_end and op.position < self._frame_end < op.end:
            raise MalformedError(op.position, "an opcode crosses the end of its frame", ours=True)
        if op.name in _PLAIN:
            self._push(Plain(kept(op)))
        elif op.name in _RUNS:
            self._refuse_run(op)
        elif op.name == "PROTO":
            if op.operand[0] not in _PROTOCOLS:
                raise MalformedError(op.position, "its protocol is not known")
            if op.position != start:
                raise MalformedError(op.position, "its protocol is told twice", ours=True)
        else:
            action = _ACTIONS.get(op.name)
            if action is None:
                self._event("opcode", op.position, f"{op.name} is not on the list")
                self._push(Box())
            else:
                action(self, op)

    # -- the stack

    def _push(self, value: Value) -> None:
        if len(self._stack) >= self._limits.max_stack:
            raise MalformedError(0, "it stacks more values than are allowed", ours=True)
        if value.depth > self._limits.max_depth:
            raise MalformedError(0, "its values nest too deep", ours=True)
        self._stack.append(value)

    def _pop(self) -> Value:
        if not self._stack or isinstance(self._stack[-1], Mark):
            raise _Underflow
        return self._stack.pop()

    def _top(self) -> Value:
        if not self._stack or isinstance(self._stack[-1], Mark):
            raise _Underflow
        return self._stack[-1]

    def _to_mark(self) -> list[Value]:
        members: list[Value] = []
        while self._stack:
            value = self._stack.pop()
            if isinstance(value, Mark):
                self._marks -= 1
                return members[::-1]
            members.append(value)
        raise _Underflow

    def _event(self, kind: str, position: int, text: str) -> None:
        if len(self._events) < self._limits.max_events:
            self._events.append(Event(kind, position, text))

    # -- what opcodes do

    def mark(self, _: Opcode) -> None:
        self._marks += 1
        if self._marks > self._limits.max_marks:
            raise MalformedError(0, "it has more marks than are allowed", ours=True)
        self._push(Mark())

    def stop(self, _: Opcode) -> None:
        self._top()

    def pop(self, _: Opcode) -> None:
        if self._stack and isinstance(self._stack[-1], Mark):  # POP takes a mark as well
            self._marks -= 1
            self._stack.pop()
        else:
            self._pop()

    def pop_mark(self, _: Opcode) -> None:
        self._to_mark()

    def dup(self, _: Opcode) -> None:
        self._push(self._top())

    def empty(self, _: Opcode) -> None:
        self._push(Box())

    def collect(self, _: Opcode) -> None:
        self._push(Box(1 + max((member.depth for member in self._to_mark()), default=0)))

    def add_one(self, op: Opcode) -> None:
        self._add(op, [self._pop()])

    def add_pair(self, op: Opcode) -> None:
        value, key = self._pop(), self._pop()
        self._add(op, [key, value])

    def add_many(self, op: Opcode) -> None:
        self._add(op, self._to_mark())

    def _add(self, op: Opcode, members: list[Value]) -> None:
        box = self._top()
        if not isinstance(box, Box) or box.made_by not in HELD:
            self._event("state", op.position, "it puts something into what is no plain container")
            return
        box.depth = max(box.depth, *(1 + member.depth for member in members)) if members else box.depth
        if box.depth > self._limits.max_depth:
            raise MalformedError(op.position, "its values nest too deep", ours=True)

    def row(self, op: Opcode) -> None:
        counted = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
        known = op.name in counted
        members = [self._pop() for _ in range(counted[op.name])][::-1] if known else self._to_mark()
        self._push(Row(tuple(members)))

    def remember(self, op: Opcode) -> None:
        self._memo[self._index(op, len(self._memo))] = self._top()

    def recall(self, op: Opcode) -> None:
        value = self._memo.get(self._index(op, 0))
        if value is None:
            raise MalformedError(op.position, "it recalls what it never remembered")
        self._push(value)

    def _index(self, op: Opcode, absent: int) -> int:
        if op.name == "MEMOIZE":
            index = absent
        elif op.name in {"PUT", "GET"}:
            index = line_number(op)
        else:
            index = int.from_bytes(op.operand, "little")
        if index > self._limits.max_memo:
            raise MalformedError(op.position, f"it remembers under the number {index}", ours=True)
        return index

    def frame(self, op: Opcode) -> None:
        length = int.from_bytes(op.operand, "little")
        if op.position < self._frame_end or length > len(self._data) - op.end:
            raise MalformedError(op.position, "a frame is inside another or longer than the file", ours=True)
        self._frame_end = op.end + length

    def import_name(self, op: Opcode) -> None:
        module, _, name = bytes(op.operand).decode("utf-8", "replace").partition("\n")
        self._import(op, module, name)

    def import_stacked(self, op: Opcode) -> None:
        name, module = self._pop(), self._pop()
        known = isinstance(name, Plain) and isinstance(module, Plain)
        self._import(
            op,
            (module.text if known and isinstance(module, Plain) else None) or "?",
            (name.text if known and isinstance(name, Plain) else None) or "?",
        )

    def _import(self, op: Opcode, module: str, name: str) -> None:
        if len(self._modules) < self._limits.max_events:
            self._modules[module] = None
        if (module, name) in ALLOWED_NAMES:
            self._names[f"{module}.{name}"] = None
        else:
            self._event("import", op.position, f"it imports {printable(f'{module}.{name}')}")
        self._push(Name(module, name))

    def call(self, op: Opcode) -> None:
        arguments, made_by = self._pop(), self._pop()
        if not isinstance(made_by, Name) or made_by.pair not in CALLABLE or not isinstance(arguments, Row):
            called = ".".join(made_by.pair) if isinstance(made_by, Name) else "what it made itself"
            self._event("call", op.position, f"it calls {printable(called)}")
            self._push(Box())
            return
        handed = [member.pair for member in arguments.members if isinstance(member, Name) and member.pair in CALLABLE]
        if handed and (made_by.pair, handed, len(arguments.members)) != (DEFAULT_DICT, [DICT], 1):
            self._event("call", op.position, "it hands a callable to a call")
        self._push(Box(1 + arguments.depth, made_by.pair))

    def new(self, op: Opcode) -> None:
        arguments, made_by = self._pop(), self._pop()
        pair = made_by.pair if isinstance(made_by, Name) else None
        if pair not in NEWABLE or not isinstance(arguments, Row) or arguments.members:
            self._event("call", op.position, "NEWOBJ makes an object")
            self._push(Box())
        else:
            self._push(Box(1, pair))

    def build(self, op: Opcode) -> None:
        state, target = self._pop(), self._top()
        plain = isinstance(state, Box) and state.made_by in HELD
        if not plain or not isinstance(target, Box) or target.made_by not in FILLED:
            self._event("state", op.position, "it sets the state of an object")

    def persistent(self, op: Opcode) -> None:
        told = self._pop()
        first = told.members[0] if isinstance(told, Row) and told.members else None
        if not isinstance(first, Plain) or first.text != "storage":
            self._event("persistent", op.position, "it asks the loader for an object by name")
        self._push(Box())

    def _refuse_run(self, op: Opcode) -> None:
        if op.name == "INST":
            self.import_name(op)  # Python's own unpickler imports before it looks for the mark
            self._pop()
            self._to_mark()
        elif op.name == "OBJ":
            self._to_mark()
        elif not op.name.startswith("EXT"):
            for _ in range(3):
                self._pop()
        self._event("call", op.position, f"{op.name} makes an object")
        self._push(Box())


_ACTIONS: Final[dict[str, Callable[[_Machine, Opcode], None]]] = {
    "MARK": _Machine.mark, "STOP": _Machine.stop, "POP": _Machine.pop, "POP_MARK": _Machine.pop_mark,
    "DUP": _Machine.dup, "EMPTY_LIST": _Machine.empty, "EMPTY_DICT": _Machine.empty, "EMPTY_SET": _Machine.empty,
    "LIST": _Machine.collect, "DICT": _Machine.collect, "FROZENSET": _Machine.collect, "APPEND": _Machine.add_one,
    "SETITEM": _Machine.add_pair, "APPENDS": _Machine.add_many, "SETITEMS": _Machine.add_many,
    "ADDITEMS": _Machine.add_many, "TUPLE": _Machine.row, "EMPTY_TUPLE": _Machine.row, "TUPLE1": _Machine.row,
    "TUPLE2": _Machine.row, "TUPLE3": _Machine.row, "PUT": _Machine.remember, "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember, "MEMOIZE": _Machine.remember, "GET": _Machine.recall, "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall, "FRAME": _Machine.frame, "GLOBAL": _Machine.import_name,
    "STACK_GLOBAL": _Machine.import_stacked, "NEWOBJ": _Machine.new, "REDUCE": _Machine.call, "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}  # fmt: skip

"""What is told of a pickle that was followed."""

import msgspec


class Event(msgspec.Struct, frozen=True):
    """Something a pickle would do and may not.

    Attributes:
        kind: ``import``, ``call``, ``state``, ``persistent``, ``opcode`` or ``malformed``.
        position: byte at which its opcode begins.
        text: for a person; names that the file tells are shortened and printable.
    """

    kind: str
    position: int
    text: str


class Walk(msgspec.Struct, frozen=True):
    """What came of following one pickle.

    Attributes:
        end: the byte behind its STOP; where the walk broke off when it is malformed.
        stopped: whether a STOP was reached.
        events: what it may not do, in its order.
        names: allowed names that it imports.
        opcodes: how many were followed.
        result: text of the value it gives, when that is a short number or text.
        modules: what it imports from, allowed or not.
        doubtful: whether we stopped by a limit or rule of ours, where some unpickler would go on.
    """

    end: int
    stopped: bool
    events: tuple[Event, ...]
    names: tuple[str, ...]
    opcodes: int
    result: str | None = None
    modules: tuple[str, ...] = ()
    doubtful: bool = False

"""What is made of an operand: a short text, a number, and never more."""

from typing import Final

from ostiary.artifacts.pickles.opcodes import MalformedError, Opcode

_MAX_KEPT: Final = 256
TEXTS: Final = frozenset({
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
})  # fmt: skip


def kept(op: Opcode) -> str | None:
    """Return a short text as it stands, quotes off; a number for what names a stream; nothing for all else.

    An escape is left as it is: a name that is told with one is no allowed name.
    """
    if len(op.operand) > _MAX_KEPT:
        return None
    if op.name == "STRING":
        return bytes(op.operand).strip()[1:-1].decode("utf-8", "replace")
    if op.name in TEXTS:
        return bytes(op.operand).decode("utf-8", "replace")
    if op.name in {"LONG1", "BININT", "BININT1", "BININT2"}:
        return str(int.from_bytes(op.operand, "little", signed=op.name in {"LONG1", "BININT"}))
    return None


def line_number(op: Opcode) -> int:
    """Return the number that PUT or GET names.

    Raises:
        MalformedError: it is none.
    """
    text = bytes(op.operand)
    if not text.isdigit() or len(text) > 10:  # noqa: PLR2004 - more digits than any number of 32 bits
        raise MalformedError(op.position, "it remembers under what is no number", ours=True)
    return int(text)


def printable(text: str) -> str:
    """Return what a file says for a message: short, and nothing that a terminal obeys."""
    return "`" + "".join(c if c.isprintable() and c != "`" else "\ufffd" for c in text[:80]) + "`"

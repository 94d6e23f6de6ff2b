"""Lines of JSON in, one line of JSON out for each, in order: what the sub-verbs of ``ostiary inspect`` share.

- Lines are read as they come, and answered in blocks of what is there: a caller that waits for its answer gets it, and
  one that sends thousands pays for few writes.
- A line that is no good is answered as ``{"id", "error"}``, ``null`` for an id that cannot be read; it stops nothing.
- A line longer than ``MAX_LINE`` bytes is passed over without being kept.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.vocabulary.unreadable import UNREADABLE

MAX_LINE: Final = 16_777_216
_BLOCK: Final = 262_144
_IDS: Final = (str, int)


class Bad(msgspec.Struct, frozen=True):
    """What is answered for a line that is no good."""

    id: str | int | None
    error: str


def answer_lines(
    judge: Callable[[dict[str, Any]], object], source: BinaryIO | None = None, *, workers: int = 1
) -> None:
    """Write what ``judge`` says of each line of standard input; an error of ours becomes that line's answer.

    With ``workers`` several lines of a block are judged at once, by threads; answers keep their order.
    """
    encode, sink = msgspec.json.encode, sys.stdout.buffer
    with ThreadPoolExecutor(workers) as pool:
        for lines in blocks(source or sys.stdin.buffer):
            at_once = map if workers == 1 or len(lines) == 1 else pool.map
            for said in at_once(lambda line: encode(answer(line, judge)), lines):
                sink.write(said + b"\n")
            sink.flush()


def answer(line: bytes | None, judge: Callable[[dict[str, Any]], object]) -> object:
    """Return the answer for one line; ``None`` stands for one that was too long."""
    if line is None:
        return Bad(None, f"line_too_long: more than {MAX_LINE} bytes")
    try:
        row = _decoded(line)
    except (ValueError, RecursionError) as fault:
        return Bad(None, f"line_malformed: {fault}")
    if not isinstance(row, dict):
        return Bad(None, "line_malformed: the line is no JSON object")
    name = row.get("id")
    if not isinstance(name, _IDS) or isinstance(name, bool):
        return Bad(None, "id_missing: every line needs an `id`, a string or a whole number")
    try:
        return judge(row)
    except OstiaryError as fault:
        return Bad(name, f"{fault.code}: {fault.message}")


def _decoded(line: bytes) -> object:
    """Return the JSON of a line; half a surrogate pair, which JSON may write, is for the normaliser to see."""
    try:
        return msgspec.json.decode(line)
    except UNREADABLE:
        return json.loads(line)


def blocks(source: BinaryIO) -> Iterator[list[bytes | None]]:
    """Yield the lines that are there, as soon as they are; ``None`` for one that is too long."""
    kept, over = b"", False
    while data := os.read(source.fileno(), _BLOCK):
        lines: list[bytes | None] = []
        *whole, kept_now = (kept + data).split(b"\n")
        for line in whole:
            lines.append(None if over or len(line) > MAX_LINE else line)
            over = False
        kept = kept_now
        if len(kept) > MAX_LINE:
            kept, over = b"", True
        yield [line for line in lines if line is None or line.strip()]
    if over:
        yield [None]
    elif kept.strip():
        yield [kept]

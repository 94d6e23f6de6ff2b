r"""Reads verdicts: which accesses were an impostor's (1) and which the subject's own (0).

- A CSV file, plain or gzip, with the columns ``event_id`` and ``label``; further columns are ignored in training.
- ``attack_id``, ``kind`` and ``eligible`` are used by ``risk evaluate`` when they are there.

>>> parse_verdicts([b"event_id,label,note\n", b"7,1,stolen\n"])["7"].label
1
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.opening import chunks_of

_MOST: Final = 50_000_000
_LONGEST: Final = 1 << 16


class Verdict(msgspec.Struct, frozen=True):
    """What is known of one access.

    Attributes:
        label: 1 for an impostor's.
        attack: which attack it belongs to, empty for none.
        kind: which kind of attack, empty when not told.
        eligible: whether it counts in an evaluation.
    """

    label: int
    attack: str = ""
    kind: str = ""
    eligible: bool = True


def read_verdicts(path: Path) -> dict[str, Verdict]:
    """Return the verdicts of a file by event id.

    Raises:
        FaultyInputError: ``labels_malformed``, or the file cannot be read.
    """
    return parse_verdicts(_lines(path))


def read_kinds(path: Path) -> dict[str, str]:
    """Return the kind of each attack of a CSV file with the columns ``attack_id`` and ``kind``.

    Raises:
        FaultyInputError: ``labels_malformed``.
    """
    return {row["attack_id"]: row["kind"] for _, row in _rows(_lines(path), ("attack_id", "kind"))}


def parse_verdicts(lines: Iterable[bytes]) -> dict[str, Verdict]:
    """Return the verdicts in ``lines``, the first of which names the columns.

    Raises:
        FaultyInputError: ``labels_malformed``, with the line.
    """
    found: dict[str, Verdict] = {}
    for number, row in _rows(lines, ("event_id", "label")):
        if row["label"] not in {"0", "1"}:
            raise _malformed(f"line {number}: a label is 0 or 1, not `{str(row['label'])[:20]}`", number)
        if len(found) >= _MOST:
            raise _malformed(f"more than {_MOST:,} labels", number)
        attack = row.get("attack_id") or ""
        found[row["event_id"]] = Verdict(
            label=int(row["label"]),
            attack="" if attack == "-1" else attack,
            kind=row.get("kind") or "",
            eligible=row.get("eligible") != "0",
        )
    return found


def _rows(lines: Iterable[bytes], needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(_texts(lines))
    try:
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise _malformed(f"the columns {', '.join(missing)} are missing", 1)
        for row in reader:
            if any(row[name] is None for name in needed):
                raise _malformed(f"line {reader.line_num} is too short", reader.line_num)
            yield reader.line_num, row
    except csv.Error as fault:
        raise _malformed(f"line {reader.line_num} is no CSV", reader.line_num) from fault


def _texts(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if len(line) > _LONGEST:
            raise _malformed(f"line {number} has more than {_LONGEST} bytes", number)
        try:
            yield line.decode()
        except UnicodeDecodeError as fault:
            raise _malformed(f"line {number} is not UTF-8", number) from fault


def _lines(path: Path) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks_of(path):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST:
            raise _malformed(f"a line has more than {_LONGEST} bytes", 0)
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest


def _malformed(text: str, line: int) -> FaultyInputError:
    return FaultyInputError("labels_malformed", f"the labels cannot be read: {text}", str(line))

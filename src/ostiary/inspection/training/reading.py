"""Labelled texts from disk: one gzip file of JSON lines a source, as in the shared folder; and our own, plain.

- A row that has no text or no label is a fault of the file, told with its line; nothing is skipped in silence.
- The order is the order of the file, so that the same files give the same weights.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError

_MOST_CHARACTERS: Final = 200_000


class Row(msgspec.Struct, frozen=True):
    """One labelled text.

    Attributes:
        text: as it was found.
        label: 1 of an attack.
        source: where it is from.
        split, kind, form, category, lang, channel, id: what the source says of it; empty where it says nothing.
    """

    text: str
    label: int
    source: str = "own"
    split: str = ""
    kind: str = ""
    form: str = ""
    category: str = ""
    lang: str = ""
    channel: str = ""
    id: str = ""


def read_source(folder: Path, name: str) -> tuple[Row, ...]:
    """Return the rows of the source ``name`` in ``folder``.

    Raises:
        UnavailableError: ``no_training_data``, when the folder has no such file.
        FaultyInputError: ``faulty_training_row``.
    """
    path = folder / f"{name}.jsonl.gz"
    if not path.is_file():
        raise UnavailableError("no_training_data", f"no texts at `{path}`: set OSTIARY_SHARED to the shared folder")
    with gzip.open(path) as lines:
        return tuple(_rows(path, lines))


def read_own(path: Path) -> tuple[Row, ...]:
    """Return the rows of a plain JSON lines file of our own."""
    with path.open("rb") as lines:
        return tuple(_rows(path, lines))


def _rows(path: Path, lines: Iterator[bytes]) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(Row)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = decoder.decode(line)
            except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as fault:
                raise FaultyInputError("faulty_training_row", f"line {number} of `{path.name}`: {fault}") from fault
            if len(row.text) <= _MOST_CHARACTERS:
                yield row

r"""Reads a CSV of requests or grants: plain or gzip, one header line, every cell a text.

- Bounded in rows, columns, bytes a line and characters a cell; a fault names its line and has a stable code.
- Cells stay texts: an id is a name, never a number. An empty cell is a value like any other.
- The digest is of the unpacked bytes, so a model card can say exactly what was read.

>>> table = parse_table([b"user,permission\n", b"ann,read\n"])
>>> table.columns["user"], table.rows
(['ann'], 1)
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.opening import chunks_of

_BOM: Final = b"\xef\xbb\xbf"


class TableLimits(msgspec.Struct, frozen=True):
    """Bounds on one table.

    Attributes:
        rows: data rows.
        columns: columns.
        line_bytes: bytes of one line.
        cell_characters: characters of one cell.
    """

    rows: int = 5_000_000
    columns: int = 64
    line_bytes: int = 16_384
    cell_characters: int = 512


class Table(msgspec.Struct, frozen=True):
    """A table by columns.

    Attributes:
        columns: cells by column name, each list as long as there are rows.
        rows: number of data rows.
        sha256: digest of the unpacked bytes.
    """

    columns: dict[str, list[str]]
    rows: int
    sha256: str = ""

    def column(self, name: str) -> list[str]:
        """Return the cells of ``name``.

        Raises:
            FaultyInputError: ``table_column_missing``.
        """
        cells = self.columns.get(name)
        if cells is None:
            known = ", ".join(self.columns)
            raise FaultyInputError("table_column_missing", f"there is no column `{name[:80]}` among {known}", "1")
        return cells


def read_table(path: Path, limits: TableLimits | None = None) -> Table:
    """Return the table of a file.

    Raises:
        FaultyInputError: ``table_malformed``, ``table_too_large``, or the file cannot be read.
    """
    digest = sha256()
    bounds = limits or TableLimits()

    def chunks() -> Iterator[bytes]:
        for chunk in chunks_of(path):
            digest.update(chunk)
            yield chunk

    table = parse_table(_lines(chunks(), bounds), bounds)
    return msgspec.structs.replace(table, sha256=digest.hexdigest())


def parse_table(lines: Iterable[bytes], limits: TableLimits | None = None) -> Table:
    """Return the table in ``lines``, the first of which names the columns.

    Raises:
        FaultyInputError: ``table_malformed``, ``table_too_large``, each with the line.
    """
    bounds = limits or TableLimits()
    reader = csv.reader(_texts(lines, bounds), strict=True)
    try:
        names = _header(next(reader, None), bounds)
        cells: list[list[str]] = [[] for _ in names]
        count = 0
        for row in reader:
            if not row:
                continue
            count += 1
            _check_row(row, len(names), count, reader.line_num, bounds)
            for column, cell in zip(cells, row, strict=True):
                column.append(cell)
    except csv.Error as fault:
        raise _malformed(f"line {reader.line_num} is no CSV: {fault}", reader.line_num) from fault
    return Table(columns=dict(zip(names, cells, strict=True)), rows=count)


def _header(row: Sequence[str] | None, bounds: TableLimits) -> list[str]:
    names = [] if row is None else [name.strip() for name in row]
    if not names or not all(names) or len(set(names)) != len(names):
        raise _malformed("line 1 must name each column once", 1)
    if len(names) > bounds.columns:
        raise _too_large(f"{len(names)} columns, {bounds.columns} are allowed", 1)
    if any(len(name) > bounds.cell_characters for name in names):
        raise _too_large(f"line 1: a name is longer than {bounds.cell_characters} characters", 1)
    return names


def _check_row(row: Sequence[str], width: int, count: int, line: int, bounds: TableLimits) -> None:
    if len(row) != width:
        raise _malformed(f"line {line} has {len(row)} cells, the header has {width}", line)
    if count > bounds.rows:
        raise _too_large(f"more than {bounds.rows:,} rows", line)
    if max(map(len, row)) > bounds.cell_characters:
        raise _too_large(f"line {line}: a cell is longer than {bounds.cell_characters} characters", line)


def _texts(lines: Iterable[bytes], bounds: TableLimits) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if len(line) > bounds.line_bytes:
            raise _too_large(f"line {number} has more than {bounds.line_bytes} bytes", number)
        try:
            yield (line.removeprefix(_BOM) if number == 1 else line).decode()
        except UnicodeDecodeError as fault:
            raise _malformed(f"line {number} is not UTF-8", number) from fault


def _lines(chunks: Iterable[bytes], bounds: TableLimits) -> Iterator[bytes]:
    rest, number = b"", 1
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
        number += len(whole)
        if len(rest) > bounds.line_bytes:
            raise _too_large(f"line {number} has more than {bounds.line_bytes} bytes", number)
    if rest:
        yield rest


def _malformed(text: str, line: int) -> FaultyInputError:
    return FaultyInputError("table_malformed", f"the table cannot be read: {text}", str(line))


def _too_large(text: str, line: int) -> FaultyInputError:
    return FaultyInputError("table_too_large", f"the table is too large: {text}", str(line))

"""Tables of requests and grants: what is read, what is refused, and that nothing else is ever raised."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.artifacts.tensors import pack, unpack
from ostiary.errors import FaultyInputError
from ostiary.risk.entitlements.lines import ids_of, refusals
from ostiary.risk.entitlements.table import Table, TableLimits, parse_table, read_table

TIGHT = TableLimits(rows=3, columns=3, line_bytes=40, cell_characters=8)


def test_a_gzip_file_reads_as_the_plain_one(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfuser,permission\r\nann,read\r\n\r\nbob,\r\n"
    (tmp_path / "a.csv").write_bytes(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text))
    plain, packed = read_table(tmp_path / "a.csv"), read_table(tmp_path / "a.csv.gz")
    assert plain == packed
    assert plain.columns == {"user": ["ann", "bob"], "permission": ["read", ""]}
    assert len(plain.sha256) == 64


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        ([], "table_malformed", "1"),
        ([b"a,a\n"], "table_malformed", "1"),
        ([b"a,b\n", b"1,2\n", b"1\n"], "table_malformed", "3"),
        ([b"a,b\n", b"1,\xff\n"], "table_malformed", "2"),
        ([b"a,b\n", b'1,"2" 3\n'], "table_malformed", "2"),
        ([b"a,b,c,d\n"], "table_too_large", "1"),
        ([b"a,b\n", b"1,123456789\n"], "table_too_large", "2"),
        ([b"a,b\n", b"1," + b"2" * 50 + b"\n"], "table_too_large", "2"),
        ([b"a\n", *[b"1\n"] * 4], "table_too_large", "5"),
    ],
)
def test_a_fault_names_its_line(lines: list[bytes], code: str, line: str) -> None:
    with pytest.raises(FaultyInputError) as fault:
        parse_table(lines, TIGHT)
    assert (fault.value.code, fault.value.pointer) == (code, line)


def test_a_line_without_an_end_is_refused_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_bytes(b"a\n" + b"x" * 200_000)
    with pytest.raises(FaultyInputError) as fault:
        read_table(tmp_path / "long.csv")
    assert (fault.value.code, fault.value.pointer) == ("table_too_large", "2")


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_are_a_table_or_a_fault_with_a_code(lines: list[bytes]) -> None:
    assert outcome(lines) in {"table", "table_malformed", "table_too_large"}


def outcome(lines: list[bytes]) -> str:
    try:
        table = parse_table(lines, TIGHT)
    except FaultyInputError as fault:
        return fault.code
    whole = all(len(cells) == table.rows <= TIGHT.rows for cells in table.columns.values())
    return "table" if whole else "ragged"


def test_decisions_are_words_or_numbers_and_nothing_else() -> None:
    table = Table({"d": ["1", "denied", "Approved"]}, 3)
    assert refusals(table, "d").tolist() == [0, 1, 0]
    with pytest.raises(FaultyInputError) as fault:
        refusals(Table({"d": ["1", "maybe"]}, 2), "d")
    assert (fault.value.code, fault.value.pointer) == ("decision_malformed", "3")


def test_ids_are_texts_and_default_to_the_rows_numbers() -> None:
    table = Table({"row": ["007", "8"]}, 2)
    assert ids_of(table, "row") == ["007", "8"]
    assert ids_of(table, "") == ids_of(table, "gone") == ["1", "2"]


def test_number_tables_come_back_as_they_were() -> None:
    tables = {"a": np.arange(6, dtype=np.int32).reshape(3, 2), "b": np.array([0.1, -2.0]), "c": np.zeros((0, 2))}
    found = unpack(pack(tables))
    assert all(
        np.array_equal(found[name], table) and found[name].dtype == table.dtype for name, table in tables.items()
    )
    assert pack(tables) == pack(dict(reversed(tables.items())))


@given(st.binary(max_size=200), st.integers(0, 120), st.integers(0, 255))
def test_other_bytes_are_no_number_table(noise: bytes, at: int, byte: int) -> None:
    good = bytearray(pack({"a": np.arange(4)}))
    good[at % len(good)] = byte
    assert unpacked(noise) in {"tables", "model_malformed"}
    assert unpacked(bytes(good)) in {"tables", "model_malformed"}


def unpacked(data: bytes) -> str:
    try:
        found = unpack(data)
    except FaultyInputError as fault:
        return fault.code
    return "tables" if all(table.nbytes <= len(data) for table in found.values()) else "too large"

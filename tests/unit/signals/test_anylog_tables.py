"""Tables as they come: byte order marks, quotes, line ends, delimiters, no header, rows over several lines."""

import gzip
from pathlib import Path

import pytest

from ostiary.signals.anylog.mapping import load
from ostiary.signals.formats import load_file
from ostiary.signals.importing import Accepted
from ostiary.signals.pieces import MAX_RECORD

TEXT = """mapping: m
read: {as: csv%s}
event:
  time: {column: %s, format: unix_s}
  subject_id: {column: %s}
  action: {constant: open}
  resource_type: {constant: door}
  resource_id: {column: %s}
"""


def read(data: bytes, options: str = "", columns: tuple[object, ...] = ("t", "who", "what")) -> list[tuple[str, ...]]:
    """What becomes of each row: its subject and resource, or its code; the line before."""
    found = load((TEXT % (options, *columns)).encode(), "m.yaml").read([data], "default")
    return [
        (str(one.line), one.event.subject_id, one.event.resource_id)
        if isinstance(one, Accepted)
        else (str(one.line), one.code)
        for one in found
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"t,who,what\n1,ann,x\n",
        b"\xef\xbb\xbft,who,what\r\n1,ann,x\r\n",
        b'\xef\xbb\xbf"t","who","what"\n1,"ann",x',
        b"\n\n what , t , who \n\n x ,1, ann ",
        b'extra,t,who,what\n"a,""b""",1,ann,x\n',
    ],
)
def test_one_row_however_it_is_written(data: bytes) -> None:
    (found,) = read(data)
    assert found[1:] == ("ann", "x")


@pytest.mark.parametrize(
    ("options", "mark"), [(', delimiter: ";"', ";"), (', delimiter: "\\t"', "\t"), (", delimiter: '|'", "|")]
)
def test_delimiters(options: str, mark: str) -> None:
    data = mark.join(["t", "who", "what"]) + "\n" + mark.join(["1", '"a""b"', f'"x{mark}y"'])
    assert read(data.encode(), options) == [("2", 'a"b', f"x{mark}y".replace("\t", "\ufffd"))]


def test_another_quote() -> None:
    assert read(b"t,who,what\n1,'a,b',\"x\"\n", ', quote: "\'"') == [("2", "a,b", '"x"')]


def test_without_a_header_columns_have_numbers_or_given_names() -> None:
    assert read(b"1,ann,x\n2,bob\n", ", header: false", (1, 2, 3)) == [("1", "ann", "x"), ("2", "record_malformed")]
    assert read(b"1,ann,x\n", ", header: [t, who, what]") == [("1", "ann", "x")]
    assert read(b"1,ann,x\n", ", header: [t, a, b]", ("t", 2, "b")) == [("1", "ann", "x")]
    assert read(b"1,ann\n1,ann,x\n", ", header: [t, who, what]") == [("1", "record_malformed"), ("2", "ann", "x")]


def test_rows_of_another_width_are_refused() -> None:
    data = b"t,who,what\n1,ann\n1,ann,x,y\n1,ann,x\n"
    assert read(data) == [("2", "record_malformed"), ("3", "record_malformed"), ("4", "ann", "x")]


@pytest.mark.parametrize("header", [b"a,a\n", b"t,\xff\n", b'"t,who\n', b",".join([b"c"] * 1_100) + b"\n"])
def test_without_a_readable_header_every_row_says_so(header: bytes) -> None:
    found = read(header + b"1,ann,x\n2,bob,y\n")
    assert [each[0] for each in found] == ["1", "2", "3"]
    assert {each[1] for each in found} <= {"header_malformed", "record_malformed"}


def test_an_open_quote_swallows_no_other_row() -> None:
    assert read(b't,who,what\n1,"ann,x\n2,bob,y\n') == [("2", "record_malformed"), ("3", "bob", "y")]


def test_rows_over_several_lines_when_the_mapping_says_so() -> None:
    data = b't,who,what\n1,ann,"x\n\n  y"\n2,bob,z\r\n3,"c\r\nd",w\n'
    assert read(data, ", multiline: true") == [
        ("2", "ann", "x\ufffd\ufffd  y"),
        ("5", "bob", "z"),
        ("6", "c\ufffd\ufffdd", "w"),
    ]


def test_a_row_that_never_ends_is_refused_and_the_rest_goes_on() -> None:
    data = b't,who,what\n1,ann,"x' + b"\ny" * 1_200 + b"\n2,bob,z\n"
    found = read(data, ", multiline: true")
    assert found[0] == ("2", "record_too_large")
    assert found[-1] == ("1203", "bob", "z")
    assert read(b't,who,what\n1,ann,"x\ny', ", multiline: true") == [("2", "input_truncated")]
    huge = b't,who,what\n1,ann,"' + b"x" * (MAX_RECORD + 5) + b'"\n2,bob,z\n'
    assert read(huge, ", multiline: true") == [("2", "record_too_large"), ("3", "bob", "z")]


def test_gzip_is_told_by_its_bytes_and_the_digest_is_of_the_file(tmp_path: Path) -> None:
    place, log = tmp_path / "m.yaml", tmp_path / "log"
    place.write_text(TEXT % ("", "t", "who", "what"))
    log.write_bytes(gzip.compress(b"t,who,what\n1,ann,x\n") + b"damaged")
    seen: list[bytes] = []
    found = list(load_file(place).read_file(log, "default", seen.append))
    assert [isinstance(one, Accepted) for one in found] == [True, False]
    assert b"".join(seen) == log.read_bytes()


def test_envelopes_and_arrays_of_json() -> None:
    text = (TEXT % ("", "t", "who", "what")).replace("as: csv", "as: json, envelope: [Rows]")
    mapping = load(text.encode(), "m.yaml")
    row = b'{"t": 1, "who": "ann", "what": "x"}'
    for data in (row + b"\n" + row, b"[" + row + b"," + row + b"]", b'{"Rows": [' + row + b"," + row + b"]}"):
        assert [isinstance(one, Accepted) for one in mapping.read([data], "default")] == [True, True]
    assert [one.line for one in mapping.read([b"{}\n[1]\n" + row], "default")] == [1, 2, 3]

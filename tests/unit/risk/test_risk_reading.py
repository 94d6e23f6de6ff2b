"""Reading what a risk command is given: events in any form, and verdicts."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.risk.reading import EventReader
from ostiary.risk.verdicts import parse_verdicts, read_kinds, read_verdicts

ROWS = (
    b"event_id,session_id,ts,tz_offset_min,user,repo,area,n_files\n"
    b"0,0,1279930123,-300,u1,r1,a/b,1\nx\n1,1,1279942615,60,u2,r1,c,2\n"
)


def test_a_mapped_csv_is_read_counted_and_hashed(tmp_path: Path) -> None:
    path = tmp_path / "events.csv.gz"
    path.write_bytes(gzip.compress(ROWS))
    rejected: list[Any] = []
    reader = EventReader(path, "devaccess", "default", rejected.append)
    events = list(reader)
    assert [(event.event_id, event.subject_id, event.resource_id) for event in events] == [
        ("0", "u1", "r1/a/b"),
        ("1", "u2", "r1/c"),
    ]
    assert [one.line for one in rejected] == [3]
    source = reader.source("test")
    assert (source.events, source.rejected, source.first_ns) == (2, 1, 1279930123 * 10**9)
    assert len(source.sha256) == 64


def test_an_unknown_mapping_is_named() -> None:
    with pytest.raises(FaultyInputError) as caught:
        EventReader(Path("x"), "nonsense", "default", lambda _: None)
    assert caught.value.code == "format_unknown"


def test_verdicts_ignore_extra_columns_and_know_attacks(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv.gz"
    path.write_bytes(gzip.compress(b"event_id,label,attack_id,eligible,note\n1,0,-1,0,x\n2,1,7,1,y"))
    found = read_verdicts(path)
    assert (found["1"].label, found["1"].attack, found["1"].eligible) == (0, "", False)
    assert (found["2"].label, found["2"].attack, found["2"].eligible) == (1, "7", True)
    kinds = tmp_path / "attacks.csv"
    kinds.write_text("attack_id,kind,more\n7,mimic,1\n")
    assert read_kinds(kinds) == {"7": "mimic"}


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"event_id\n1\n",
        b"event_id,label\n1,2\n",
        b"event_id,label\n1\n",
        b"event_id,label\n\xff,1\n",
        b"event_id,label\n" + b"1" * 70_000 + b",1\n",
    ],
)
def test_faulty_verdicts_are_refused_with_their_line(lines: bytes) -> None:
    with pytest.raises(FaultyInputError) as caught:
        parse_verdicts(lines.splitlines(keepends=True))
    assert caught.value.code == "labels_malformed"


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_any_lines_as_verdicts_are_read_or_refused_by_code(lines: list[bytes]) -> None:
    code = "labels_malformed"
    try:
        parse_verdicts([b"event_id,label\n", *lines])
    except FaultyInputError as fault:
        code = fault.code
    assert code == "labels_malformed"

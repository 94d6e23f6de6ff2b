"""The shipped mapping `devaccess` gives what the adapter gave that it replaces, row by row."""

import csv
import gzip
from itertools import islice
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.signals.fields import number, text
from ostiary.signals.formats import format_of
from ostiary.signals.importing import Accepted, Rejected, read
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

COLUMNS = ("event_id", "session_id", "ts", "tz_offset_min", "user", "repo", "area", "n_files")
HEADER = ",".join(COLUMNS)
LATEST_S = 7_258_118_400


def by_hand(row: dict[str, str]) -> AccessEvent | None:
    """What the adapter did, in one place: the event of a row, or None when it was rejected."""
    seconds, files = number(row, "ts"), number(row, "n_files")
    user, repo, area, name = (text(row, column) for column in ("user", "repo", "area", "event_id"))
    offset = row["tz_offset_min"].strip()
    if seconds is None or seconds >= LATEST_S or None in (user, repo, area, name):
        return None
    if offset and not (offset.lstrip("+-").isdigit() and -840 <= int(offset) <= 840):
        return None
    return AccessEvent(
        event_id=name or "",
        tenant="default",
        time_ns=seconds * 10**9,
        subject_id=user or "",
        action="push",
        resource_type="repository",
        resource_id=f"{repo}/{area}",
        action_class=ActionClass.WRITE,
        outcome=EventOutcome.SUCCESS,
        session_id=text(row, "session_id"),
        tz_offset_min=int(offset) if offset else None,
        count=None if files is None else float(files),
        source="devaccess",
    )


def mapped(lines: list[str]) -> list[AccessEvent | None]:
    data = "\n".join([HEADER, *lines]).encode()
    return [each.event if isinstance(each, Accepted) else None for each in read("devaccess", [data], "default")]


parts = st.sampled_from(["", " ", "x", "nova", "a/b", "ärger", "  pad ", "y" * 200, "tab\there", "u\u202e1"])
words = parts | st.just("y" * 600)  # a joined text is bounded as a whole now; the adapter bounded its parts
rows = st.fixed_dictionaries(
    {
        "event_id": words,
        "session_id": words,
        "ts": st.sampled_from(["0", "1279930123", "", "x", "-5", "99999999999", "7258118400"]),
        "tz_offset_min": st.sampled_from(["", "0", "-300", "+60", "840", "841", "-9999", "x"]),
        "user": words,
        "repo": parts,
        "area": parts,
        "n_files": st.sampled_from(["", "1", "0", "x", "-1", "9999999"]),
    }
)


@settings(max_examples=tries(100, 300), deadline=None)
@given(st.lists(rows, min_size=1, max_size=4))
def test_any_rows(given_rows: list[dict[str, str]]) -> None:
    lines = [",".join(row[column] for column in COLUMNS) for row in given_rows]
    assert mapped(lines) == [by_hand(row) for row in given_rows]


def test_quotes_and_carriage_returns() -> None:
    (event,) = mapped(['1,2,1279930123,60,"os ""x""","a,b",c,3\r'])
    assert event is not None
    assert (event.subject_id, event.resource_id) == ('os "x"', "a,b/c")


def test_the_first_real_rows(shared: Path) -> None:
    path = shared / "data" / "risk" / "devaccess" / "events.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        wanted = [by_hand(row) for row in islice(csv.DictReader(file), 5_000)]
    found = islice(format_of("devaccess").read(path, "default"), 5_000)
    assert [each.event if isinstance(each, Accepted) else None for each in found] == wanted
    assert None not in wanted


def test_missing_columns_reject_every_row_with_its_line() -> None:
    data = b"event_id,ts,repo,area\n1,1279930123,a,b\n2,1279930124,a,b\n"
    found = list(read("devaccess", [data], "default"))
    assert [(each.line, each.code) for each in found if isinstance(each, Rejected)] == [
        (2, "field_missing"),
        (3, "field_missing"),
    ]

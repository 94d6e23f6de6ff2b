"""Files of behaviour from outside: what can be used is used, what cannot is told by its line."""

import gzip
from contextlib import suppress

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.biometrics.reading import Limits, read_enrolment, read_people, read_probes, read_windows
from ostiary.biometrics.window import Modality
from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError

KEYS = [[0, 90, 1], [130, 200, 2]]
FEW = Limits(line_bytes=200, rows=5, bytes=600)


def write(path, *rows, packed=False):
    data = b"".join(row if isinstance(row, bytes) else msgspec.json.encode(row) + b"\n" for row in rows)
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def enrol(order, subject="u1", **more):
    return {"subject": subject, "order": order, "modality": "keystroke", "events": KEYS, **more}


@pytest.fixture
def told():
    return []


def codes(told):
    return [(one.line, one.code) for one in told]


@pytest.mark.parametrize("packed", [False, True])
def test_an_enrolment_is_in_order_and_cut_by_it(tmp_path, told, packed):
    file = write(tmp_path / "enrol", enrol(2), enrol(0), enrol(1, "u2"), enrol(7), packed=packed)
    people = read_enrolment(file, Modality.KEYSTROKE, told.append, first=3)
    assert {name: [row.order for row in rows] for name, rows in people.items()} == {"u1": [0, 2], "u2": [1]}
    assert not told


def test_what_cannot_be_used_is_told_by_its_line(tmp_path, told):
    rows = [
        enrol(0),
        b"{broken\n",
        b"\n",
        enrol(0, events=[]),
        enrol(0, modality="pointer"),
        enrol(None),
        enrol(0, subject=""),
        enrol(0, events=[[1, 2]]),
        b"\xff\xfe\n",
        b"[" * 5_000 + b"\n",
    ]
    people = read_enrolment(write(tmp_path / "enrol", *rows), Modality.KEYSTROKE, told.append)
    assert len(people["u1"]) == 1
    assert codes(told) == [
        (2, "row_malformed"),
        (4, "window_empty"),
        (5, "modality_other"),
        (6, "order_missing"),
        (7, "name_malformed"),
        (8, "window_malformed"),
        (9, "row_malformed"),
        (10, "row_malformed"),
    ]


def test_a_window_has_one_name_and_a_probe_some_windows(tmp_path, told):
    one = {"window": 7, "modality": "keystroke", "events": KEYS}
    windows = read_windows(write(tmp_path / "windows", one, one), Modality.KEYSTROKE, told.append)
    assert list(windows) == ["7"]
    asked = [{"id": 1, "claimed": "u1", "windows": [7]}, {"id": 2, "claimed": "u1", "windows": []}, {"id": 3}]
    probes = list(read_probes(write(tmp_path / "probes", *asked), told.append))
    assert [(one.id, one.windows, one.line) for one in probes] == [(1, ("7",), 1)]
    assert codes(told) == [(2, "window_twice"), (2, "probe_empty"), (3, "row_malformed")]


def test_a_folder_teaches_with_its_people_and_never_with_its_claims(tmp_path, told):
    row = {
        "subject": "u1",
        "session": "s1",
        "modality": "keystroke",
        "events": KEYS,
        "rep": 3,
        "label": "3min",
        "x": [],
    }
    write(tmp_path / "b.jsonl.gz", row, {"subject": "u1", "masquerade": 1}, packed=True)
    write(tmp_path / "a.jsonl", {**row, "session": 4})
    write(tmp_path / "test.jsonl", {**row, "subject": "u9"})
    (tmp_path / "README.md").write_text("no rows")
    rows = read_people(tmp_path, Modality.KEYSTROKE, told.append)
    assert [(row.subject, row.session, row.order) for row in rows] == [("u1", "4", 0), ("u1", "s1", 1)]
    assert rows[1].tags == {"rep": 3, "label": "3min"}
    assert not told
    with pytest.raises(FaultyInputError, match="no pointer windows"):
        read_people(tmp_path, Modality.POINTER, told.append)


def test_a_file_that_is_too_much_is_refused(tmp_path, told):
    long = write(tmp_path / "long", *[enrol(i) for i in range(6)])
    bomb = write(tmp_path / "bomb", *[b" " * 150 + b"\n"] * 5, packed=True)
    with pytest.raises(FaultyInputError, match="more than 5 lines"):
        read_enrolment(long, Modality.KEYSTROKE, told.append, None, FEW)
    with pytest.raises(FaultyInputError, match="more than 600 bytes"):
        read_enrolment(bomb, Modality.KEYSTROKE, told.append, None, FEW)
    wide = write(tmp_path / "wide", b"x" * 250 + b"\n", enrol(1))
    assert read_enrolment(wide, Modality.KEYSTROKE, told.append, None, FEW)["u1"][0].order == 1
    assert ("line_too_long", 1) in [(one.code, one.line) for one in told]


def test_gzip_that_breaks_off_and_files_that_are_not_there_are_refused(tmp_path, told):
    whole = write(tmp_path / "whole", *[enrol(i) for i in range(300)], packed=True).read_bytes()
    for name, data in (("half", whole[:-20]), ("bent", whole[:30] + b"\x00\xff" * 20 + whole[70:])):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FaultyInputError) as fault:
            read_enrolment(tmp_path / name, Modality.KEYSTROKE, told.append)
        assert fault.value.code == "file_malformed"
    with pytest.raises(UnavailableError):
        read_enrolment(tmp_path / "nowhere", Modality.KEYSTROKE, told.append)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
NAMES = ["subject", "session", "order", "modality", "events", "features", "window", "id", "claimed", "windows"]
MEMBERS = st.sampled_from(NAMES)
VALUES = JSON | st.just("keystroke") | st.just("sequence") | st.just(KEYS) | st.just(["ls"])
OBJECTS = st.dictionaries(MEMBERS, VALUES, max_size=6).map(msgspec.json.encode)
LINES = st.lists(OBJECTS | st.binary(max_size=40), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(LINES, st.booleans(), st.sampled_from(list(Modality)))
def test_no_bytes_bring_a_reader_down(tmp_path, lines, packed, modality):
    file = write(tmp_path / "any.jsonl", b"\n".join(lines), packed=packed)
    for read in (read_enrolment, read_windows, read_people):
        with suppress(OstiaryError):
            read(file, modality, lambda told: None)
    with suppress(OstiaryError):
        list(read_probes(file, lambda told: None))

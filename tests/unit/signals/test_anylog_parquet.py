"""Parquet: the same rows as from JSON, in bounded memory, and hostile files that break off in a rejection."""

import builtins
import datetime as dt
import tracemalloc
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import UnavailableError
from ostiary.signals.anylog import parquet
from ostiary.signals.anylog.mapping import load
from ostiary.signals.formats import format_of
from ostiary.signals.importing import Accepted, Rejected

pa = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
pq = pytest.importorskip("pyarrow.parquet")

MAPPING = b"""mapping: m
read: {as: parquet}
event:
  time: at
  subject_id: who.name
  action: {constant: open}
  resource_type: {constant: door}
  resource_id: "{house}/{number}"
  groups: teams
  session_id: raw
  bytes: size
  detail: day
"""
ROW: dict[str, Any] = {
    "at": dt.datetime(2020, 9, 13, 12, 26, 40, tzinfo=dt.UTC),
    "who": {"name": "ann"},
    "house": "a",
    "number": 7,
    "teams": ["x", "y"],
    "raw": b"s1",
    "size": Decimal(12),
    "day": dt.date(2020, 9, 13),
    "unused": "u",
}


def read(path: Path) -> list[Accepted | Rejected]:
    return list(load(MAPPING, "m.yaml").read_file(path, "default"))


def test_values_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.Table.from_pylist([ROW, {**ROW, "teams": None, "raw": b"\xff", "number": None}]), path)
    first, second = read(path)
    assert isinstance(first, Accepted)
    event = first.event
    assert (event.time_ns, event.subject_id, event.resource_id) == (1_600_000_000 * 10**9, "ann", "a/7")
    assert (event.groups, event.session_id, event.bytes, event.detail) == (("x", "y"), "s1", 12, "2020-09-13")
    assert isinstance(second, Rejected)
    assert (second.line, second.code) == (2, "field_missing")


@pytest.mark.parametrize(
    ("array", "wanted"),
    [
        (lambda: pa.array([1_600_000_000_123_456_789], pa.timestamp("ns", "UTC")), 1_600_000_000_123_456_789),
        (lambda: pa.array([1_600_000_000_123], pa.timestamp("ms", "Europe/Berlin")), 1_600_000_000_123_000_000),
        (lambda: pa.array([1_600_000_000_123_456_789], pa.timestamp("ns")), 1_600_000_000_123_456_000),
        (lambda: pa.array([1_600_000_000], pa.timestamp("s")), 1_600_000_000_000_000_000),
        (lambda: pa.array(["2020-09-13T12:26:40Z"]), 1_600_000_000_000_000_000),
        (lambda: pa.array([-1], pa.timestamp("ns", "UTC")), None),
        (lambda: pa.array([None], pa.timestamp("ns", "UTC")), None),
    ],
)
def test_times(tmp_path: Path, array: Any, wanted: int | None) -> None:
    path = tmp_path / "log.parquet"
    table = pa.table({"time": array(), "subject_id": ["a"], "action": ["b"], "resource_id": ["c"]})
    pq.write_table(table, path)
    (found,) = format_of("parquet_basic").read(path, "default")
    assert (found.event.time_ns if isinstance(found, Accepted) else None) == wanted


def test_the_digest_is_of_the_file_and_rows_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    rows = [{**ROW, "house": f"h{number}"} for number in range(1_500)]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=400)
    digest = sha256()
    found = list(load(MAPPING, "m").read_file(path, "default", digest.update))
    assert [one.event.resource_id for one in found if isinstance(one, Accepted)] == [f"h{n}/7" for n in range(1_500)]
    assert [one.line for one in found] == list(range(1, 1_501))
    assert digest.hexdigest() == sha256(path.read_bytes()).hexdigest()


def test_columns_that_are_not_there_are_not_told(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"unused": ["a", "b"]}), path)
    assert [(one.line, one.code) for one in read(path) if isinstance(one, Rejected)] == [
        (1, "field_missing"),
        (2, "field_missing"),
    ]


@pytest.mark.parametrize("cut", [0, 4, 50, -9, -1])
def test_broken_files_are_one_rejection(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.Table.from_pylist([ROW]), path)
    path.write_bytes(path.read_bytes()[:cut] if cut else b"")
    (found,) = read(path)
    assert isinstance(found, Rejected)
    assert found.code == "parquet_malformed"


def test_a_long_text_a_million_times_stays_one_text(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    text = "x" * 60_000
    many = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), pa.array([text]))
    times = pa.array([10**18] * 5_000, pa.timestamp("ns", "UTC"))
    pq.write_table(pa.table({"time": times, "subject_id": many, "action": many, "resource_id": many}), path)
    tracemalloc.start()
    try:
        number = sum(isinstance(one, Accepted) for one in format_of("parquet_basic").read(path, "default"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert number == 5_000
    assert peak < 4 << 20


def test_a_group_that_unfolds_too_far_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    zeros = pa.array([0] * 5_000_000, pa.int64())
    table = pa.table({"time": zeros, "subject_id": zeros})
    pq.write_table(table, path, compression="zstd", use_dictionary=False, row_group_size=5_000_000)
    (found,) = format_of("parquet_basic").read(path, "default")
    assert isinstance(found, Rejected)
    assert found.code == "parquet_bomb"


def test_values_that_are_too_large_and_columns_that_are_too_many(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.Table.from_pylist([ROW]), path)
    monkeypatch.setattr(parquet, "MAX_COLUMNS", 3)
    assert [one.code for one in read(path) if isinstance(one, Rejected)] == ["parquet_too_large"]
    monkeypatch.undo()
    monkeypatch.setattr(parquet, "MAX_VALUE", 0)
    assert [one.code for one in read(path) if isinstance(one, Rejected)] == ["parquet_too_large"]


def test_no_stream_and_no_file(tmp_path: Path) -> None:
    for path in (Path("-"), tmp_path / "nowhere"):
        (found,) = read(path)
        assert isinstance(found, Rejected)
        assert found.code == "input_unreadable"


def test_without_the_extra_the_error_names_it(tmp_path: Path, monkeypatch: Any) -> None:
    real = builtins.__import__

    def absent(name: str, *more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UnavailableError, match=r"ostiary\[parquet\]") as caught:
        read(tmp_path / "x.parquet")
    assert caught.value.code == "extra_missing"

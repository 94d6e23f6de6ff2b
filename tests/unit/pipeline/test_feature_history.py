"""Which files are a feature set's, and when what was read of them is not what they are any more."""

import os
from pathlib import Path

import pytest

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.pipeline.features.parquet import ParquetHistory
from ostiary.pipeline.features.specs import Specs

SPEC = {
    "entities": ["k"],
    "event_time": "t",
    "columns": [{"name": "k", "type": "int64"}, {"name": "t", "type": "timestamp"}],
    "offline": {"kind": "parquet"},
}


def test_links_hidden_files_folders_and_other_kinds_are_not_read(tmp_path: Path) -> None:
    place, outside = tmp_path / "set", tmp_path / "outside.parquet"
    place.mkdir()
    outside.write_bytes(b"x")
    for name in ("b.parquet", "a.parquet", ".hidden.parquet", "c.csv"):
        (place / name).write_bytes(b"x")
    (place / "link.parquet").symlink_to(outside)
    (place / "folder.parquet").mkdir()
    history = ParquetHistory(tmp_path)
    assert [one.name for one in history.files(place)] == ["a.parquet", "b.parquet"]
    assert history.files(tmp_path / "nowhere") == []
    assert history.files(outside) == [outside]
    assert history.files(place / "link.parquet") == []


def test_a_file_written_again_with_its_old_time_and_size_is_another(tmp_path: Path) -> None:
    """Whoever sets the time back does not get the old rows shown."""
    one = tmp_path / "a.parquet"
    one.write_bytes(b"aaaa")
    before, stat = ParquetHistory.stamp([one]), one.stat()
    assert ParquetHistory.stamp([one]) == before
    one.write_bytes(b"bbbb")
    os.utime(one, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert ParquetHistory.stamp([one]) != before


def test_a_file_put_in_the_place_of_another_is_another(tmp_path: Path) -> None:
    one, other = tmp_path / "a.parquet", tmp_path / "b"
    for each in (one, other):
        each.write_bytes(b"aaaa")
        os.utime(each, ns=(1, 1))
    before = ParquetHistory.stamp([one])
    other.rename(one)
    assert ParquetHistory.stamp([one]) != before


def test_a_file_that_goes_meanwhile_is_said_to_be_away(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as fault:
        ParquetHistory.stamp([tmp_path / "gone.parquet"])
    assert fault.value.code == "source_unavailable"


def test_a_spec_that_changed_is_read_anew_and_tenants_are_apart() -> None:
    specs = Specs(most=2)
    first = specs.read("t", "f", SPEC)
    assert specs.read("t", "f", dict(SPEC)) is first
    assert specs.read("u", "f", SPEC) is not first
    longer = {**SPEC, "columns": [*SPEC["columns"], {"name": "x", "type": "float64"}]}
    assert specs.read("t", "f", longer).names == ("k", "t", "x")
    assert specs.read("t", "f", SPEC).names == ("k", "t")
    for _ in range(2):
        with pytest.raises(FaultyInputError):
            specs.read("t", "f", {**SPEC, "entities": ["nosuch"]})

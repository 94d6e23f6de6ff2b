from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ostiary.errors import RefusedError, VerificationError
from ostiary.keys import KeyRing
from ostiary.server.reports import KIND, Report, Reports
from ostiary.storage.sqlite import open_store
from ostiary.storage.tables import Store
from ostiary.testing.fake_clock import FakeClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store.db", FakeClock()) as opened:
        yield opened


@pytest.fixture
def reports(store: Store, tmp_path: Path) -> Reports:
    return Reports(store.snapshots, KeyRing(tmp_path / "keys", FakeClock()))


def test_a_report_is_found_by_its_digest_and_the_newest_by_its_subject(reports: Reports) -> None:
    first = reports.keep("acme", "impact", "sha256:aa", b'{"flips":0}', 1)
    second = reports.keep("acme", "impact", "sha256:aa", b'{"flips":1}', 2)
    assert reports.find("acme", first.digest).body == b'{"flips":0}'
    assert reports.newest("acme", "impact", "sha256:aa") == second
    assert reports.newest("acme", "impact", "sha256:bb") is None


def test_another_tenants_report_is_as_unknown_as_one_that_never_was(reports: Reports) -> None:
    kept = reports.keep("acme", "redteam", "model", b"{}", 1)
    with pytest.raises(RefusedError, match="no such report"):
        reports.find("other", kept.digest)


@pytest.mark.parametrize("change", [{"body": b"{ }"}, {"about": "b"}, {"kind": "shadow"}, {"at_ns": 2}, {"kid": "x"}])
def test_a_report_that_was_changed_in_the_store_is_refused(
    reports: Reports, store: Store, change: dict[str, object]
) -> None:
    kept = reports.keep("acme", "impact", "a", b"{}", 1)
    bad: Report = msgspec.structs.replace(kept, **change)
    for name in (kept.digest, bad.digest):
        store.snapshots.save("acme", KIND, name, msgspec.msgpack.encode(bad), 1)
    for name in (kept.digest, bad.digest):
        with pytest.raises(VerificationError):
            reports.find("acme", name)


def test_bytes_that_are_no_report_are_refused(reports: Reports, store: Store) -> None:
    store.snapshots.save("acme", KIND, "sha256:00", b"\xc1", 1)
    with pytest.raises(VerificationError, match="cannot be read"):
        reports.find("acme", "sha256:00")

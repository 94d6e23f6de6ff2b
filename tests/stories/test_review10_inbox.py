"""Whoever may write in the database, and has no key, must not get a record signed into the log by way of the inbox."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit import AuditLog
from ostiary.audit.sequencing import Handed, Sequencing
from ostiary.audit.verifier import Verifier
from ostiary.keys import open_keys
from ostiary.storage.sqlite import open_source, open_store
from ostiary.vocabulary.clock import SystemClock

CLOCK = SystemClock()


class Replica:
    """One replica, and somebody beside it with the database alone."""

    def __init__(self, home: Path) -> None:
        self.store = open_store(home / "ostiary.db", CLOCK)
        ring, vault = open_keys(home / "keys", self.store, CLOCK)
        self.faults: list[str] = []
        shared = Sequencing("rep_1", self.store.inbox, self.store.leases, 1.0)
        self.log = AuditLog(
            self.store, vault, ring, CLOCK, shared=shared, on_fault=lambda code, _: self.faults.append(code)
        )

    def slip_in(self, *rows: Handed) -> None:
        """Write rows into the inbox, as SQL of one's own would."""
        assert self.store.inbox.hand_over(rows, self.store.head().epoch)

    def decide(self, name: str) -> None:
        self.log.append("default", "decision", name, CLOCK.now_ns(), b"{}", "user:ann").result(20)


def forged(seq: int = 1, **more: Any) -> Handed:
    row = Handed("rep_x", seq, "default", "decision", "dec_forged", 5, b"t" * 16, "00" * 32, b"sealed" * 20)
    return row._replace(**more)


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Replica]:
    made = Replica(tmp_path)
    yield made
    made.log.close()
    made.store.close()


@pytest.mark.parametrize("kind", ["decision", "admin", "approval", "log_key"])
def test_a_row_without_a_replicas_mark_never_becomes_a_record(replica: Replica, tmp_path: Path, kind: str) -> None:
    replica.decide("dec_1")
    replica.slip_in(forged(kind=kind))
    replica.decide("dec_2")
    names = [one.record_id for one in replica.log.iterate("default")]
    assert "dec_forged" not in names
    assert {"dec_1", "dec_2"} <= set(names)
    assert "inbox_forged" in replica.faults
    with open_source(tmp_path / "ostiary.db", tmp_path / "keys") as source:
        verifier = Verifier(source)
        verifier.run()
    assert not verifier.report.findings


@pytest.mark.parametrize("tenant", ["nobody", "", "\0"])
def test_a_row_that_cannot_be_appended_does_not_stop_the_log_for_ever(replica: Replica, tenant: str) -> None:
    replica.slip_in(forged(tenant=tenant), forged(2, sealed=b""))
    replica.decide("dec_1")
    assert replica.log.get("default", "dec_1") is not None
    assert replica.store.inbox.waiting() == 0


def test_a_row_of_ours_that_was_altered_while_it_waited_is_not_believed(replica: Replica) -> None:
    """Its own mark says that it is another's, another moment's, another tenant's."""
    seen: list[Handed] = []
    hand_over = replica.store.inbox.hand_over

    def watched(rows: list[Handed], epoch: int) -> bool:
        seen.extend(rows)
        return hand_over(rows, epoch)

    replica.store.inbox.hand_over = watched  # type: ignore[assignment,method-assign]
    replica.decide("dec_1")
    (ours,) = seen
    changes: list[dict[str, Any]] = [{"record_id": "dec_9"}, {"time_ns": 7}, {"kind": "admin"}, {"commit": "00" * 32}]
    for number, change in enumerate(changes):
        replica.slip_in(ours._replace(replica="rep_y", seq=number + 1, **change))
    replica.slip_in(ours._replace(replica="rep_z"))
    assert [one.record_id for one in replica.log.iterate("default")] == ["dec_1"]

"""Eight attacks by someone who owns the database, the master key and the log's signing key.

He changes what he likes, hashes every tile anew and signs a fresh checkpoint. To itself the log looks perfect, and a
first visitor would believe it. Who remembers it from before, or asks a witness, sees it and can say what was done.
"""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.audit import AuditLog, AuditSettings
from ostiary.audit.entry import LogEntry, commitment, record_aad
from ostiary.audit.tlog.checkpoints import Checkpoint, sign_checkpoint
from ostiary.audit.tlog.merkle import leaf_hash
from ostiary.audit.tlog.tiles import Frontier
from ostiary.audit.verifier import Attack, Finding, Memory, Verifier
from ostiary.audit.verifier.signed import read_vkey
from ostiary.audit.verifier.verify import remember_checkpoint
from ostiary.keys import SubjectVault, open_keys
from ostiary.storage.sqlite import open_source, open_store
from ostiary.testing.fake_clock import FakeClock

RECORDS = 600  # more than two tiles
VICTIM = 300
Row = list[Any]


class Deployment:
    """A data directory with a log in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = FakeClock()

    @property
    def database(self) -> Path:
        return self.home / "ostiary.db"

    def run(self, count: int, prefix: str = "dec", step_s: float = 1.0) -> None:
        """Serve: append ``count`` decisions, one a second, in small batches as they come."""
        with open_store(self.database, self.clock) as store:
            ring, vault = open_keys(self.home / "keys", store, self.clock)
            with AuditLog(store, vault, ring, self.clock, AuditSettings(origin="log.test/ostiary")) as log:
                for number in range(count):
                    self.clock.advance(step_s)
                    payload = b'{"effect":"DENY","n":%d}' % number
                    name = f"{prefix}_{number}"
                    future = log.append("default", "decision", name, self.clock.now_ns(), payload, f"user{number % 5}")
                    if number % 20 == 0:
                        future.result(10)

    def verify(self, memory: Memory | None, **options: Any) -> tuple[list[Finding], Memory | None]:
        """Be the verifier: read-only, from the data directory."""
        with open_source(self.database, self.home / "keys") as source:
            verifier = Verifier(source, memory, **options)
            learned = verifier.run()
        return verifier.report.findings, learned

    def copy(self, home: Path) -> "Deployment":
        shutil.copytree(self.home, home)
        other = Deployment(home)
        other.clock = FakeClock(self.clock.now_ns())
        return other


class Attacker:
    """Owns everything in the data directory."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    def rewrite(self, change: Callable[[list[Row]], list[Row] | None]) -> None:
        """Change the rows, then make the log whole again: indexes, tiles, root, and a properly signed checkpoint."""
        connection = sqlite3.connect(self.deployment.database)
        rows = [list(row) for row in connection.execute("SELECT * FROM records ORDER BY idx")]
        rows = change(rows) or rows
        frontier = Frontier()
        for index, row in enumerate(rows):
            row[0] = index
            frontier.push(leaf_hash(row[6]))
        tiles = [(level << 48 | index, hashes) for level, index, hashes in frontier.take_changed()]
        (origin,) = connection.execute("SELECT origin FROM log_head").fetchone()
        note = sign_checkpoint(Checkpoint(origin, frontier.size, frontier.root()), [self._log_key()])
        with connection:
            connection.execute("DELETE FROM records")
            connection.executemany("INSERT INTO records VALUES (?,?,?,?,?,?,?,?)", rows)
            connection.execute("DELETE FROM tiles")
            connection.executemany("INSERT INTO tiles VALUES (?,?)", tiles)
            head = (frontier.size, frontier.root(), note)
            connection.execute("UPDATE log_head SET size=?, root=?, checkpoint=?", head)
        connection.close()

    def raw(self, statement: str, *values: object) -> None:
        """Change the database and leave it at that."""
        with sqlite3.connect(self.deployment.database) as connection:
            connection.execute(statement, values)
        connection.close()

    def forge(self, row: Row, payload: bytes, **members: object) -> Row:
        """Return the row with another payload, sealed and committed to as the log itself would."""
        with open_store(self.deployment.database, self.deployment.clock) as store:
            vault = SubjectVault(self.deployment.home / "keys" / "vault", store)
            entry = msgspec.structs.replace(
                msgspec.json.decode(row[6], type=LogEntry), commit=commitment(b"z" * 32 + payload), **members
            )
            subject = next(f"user{n}" for n in range(5) if vault.tag("default", f"user{n}") == row[5])
            sealed = vault.encrypt("default", subject, b"z" * 32 + payload, record_aad("default", row[2], row[3]))
        return [*row[:4], entry.ts, row[5], entry.encode(), sealed]

    def _log_key(self) -> Any:
        with open_store(self.deployment.database, self.deployment.clock) as store:
            ring, _ = open_keys(self.deployment.home / "keys", store, self.deployment.clock)
            return ring.active("system", "log")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = Deployment(tmp_path_factory.mktemp("honest") / "data")
    deployment.home.mkdir()
    deployment.run(RECORDS)
    return deployment


@pytest.fixture
def victim(honest: Deployment, tmp_path: Path) -> Deployment:
    return honest.copy(tmp_path / "data")


@pytest.fixture
def memory(victim: Deployment) -> Memory:
    findings, learned = victim.verify(None)
    assert findings == []
    assert learned is not None
    return learned


@pytest.fixture
def attacker(victim: Deployment) -> Attacker:
    return Attacker(victim)


def _only(findings: list[Finding]) -> tuple[Attack, int | None]:
    assert len(findings) == 1, findings
    return findings[0].attack, findings[0].index


def _first_visitor_believes(victim: Deployment) -> bool:
    return victim.verify(None)[0] == []


def test_an_honest_log_that_grows_is_believed(victim: Deployment, memory: Memory) -> None:
    victim.run(50, "later")
    findings, learned = victim.verify(memory)
    assert findings == []
    assert learned is not None
    assert learned.size == RECORDS + 50


def test_modify(victim: Deployment, memory: Memory, attacker: Attacker) -> None:
    def change(rows: list[Row]) -> None:
        rows[VICTIM] = attacker.forge(rows[VICTIM], b'{"effect":"ALLOW"}')

    attacker.rewrite(change)
    victim.run(10, "later")
    assert _first_visitor_believes(victim)
    assert _only(victim.verify(memory)[0]) == (Attack.MODIFY, VICTIM)


def test_delete(victim: Deployment, memory: Memory, attacker: Attacker) -> None:
    attacker.rewrite(lambda rows: rows.pop(VICTIM) and None)
    victim.run(10, "later")
    assert _first_visitor_believes(victim)
    assert _only(victim.verify(memory)[0]) == (Attack.DELETE, VICTIM)


def test_truncate(victim: Deployment, memory: Memory, attacker: Attacker) -> None:
    attacker.rewrite(lambda rows: rows[:-7])
    assert _first_visitor_believes(victim)
    assert _only(victim.verify(memory)[0]) == (Attack.TRUNCATE, RECORDS - 7)


def test_reorder(victim: Deployment, memory: Memory, attacker: Attacker) -> None:
    def swap(rows: list[Row]) -> None:
        rows[VICTIM], rows[VICTIM + 1] = rows[VICTIM + 1], rows[VICTIM]

    attacker.rewrite(swap)
    findings, _ = victim.verify(memory)
    assert (findings[-1].attack, findings[-1].index) == (Attack.REORDER, VICTIM)
    assert "stands at 301 now" in findings[-1].text


def test_back_date_by_slipping_an_old_entry_in(victim: Deployment, memory: Memory, attacker: Attacker) -> None:
    def slip_in(rows: list[Row]) -> None:
        rows.insert(VICTIM, attacker.forge(rows[VICTIM], b'{"effect":"ALLOW"}', id="dec_that_never_was"))

    attacker.rewrite(slip_in)
    assert _first_visitor_believes(victim)
    assert _only(victim.verify(memory)[0]) == (Attack.BACK_DATE, VICTIM)


def test_back_date_by_changing_the_time_of_an_entry(victim: Deployment, memory: Memory, attacker: Attacker) -> None:
    def change(rows: list[Row]) -> None:
        entry = msgspec.json.decode(rows[VICTIM][6], type=LogEntry)
        rows[VICTIM] = attacker.forge(rows[VICTIM], b'{"effect":"ALLOW"}', ts=entry.ts - 3_600_000_000_000)

    attacker.rewrite(change)
    assert _first_visitor_believes(victim)
    assert _only(victim.verify(memory)[0]) == (Attack.BACK_DATE, VICTIM)


def test_back_date_is_seen_even_by_a_first_visitor_when_the_order_shows_it(
    victim: Deployment, attacker: Attacker
) -> None:
    def append_old(rows: list[Row]) -> None:
        rows.append(attacker.forge(rows[5], b'{"effect":"ALLOW"}', id="dec_late"))

    attacker.rewrite(append_old)
    assert _only(victim.verify(None)[0]) == (Attack.BACK_DATE, RECORDS)


def test_restore_old_backup(honest: Deployment, tmp_path: Path) -> None:
    live = honest.copy(tmp_path / "data")
    _, memory = live.verify(None)
    backup = live.copy(tmp_path / "backup")
    live.run(40, "embarrassing")
    findings, memory = live.verify(memory)
    assert findings == []
    shutil.rmtree(live.home)
    shutil.copytree(backup.home, live.home)
    assert _first_visitor_believes(live)
    assert _only(live.verify(memory)[0]) == (Attack.RESTORE, RECORDS)


def test_restore_old_backup_and_go_on(honest: Deployment, tmp_path: Path) -> None:
    live = honest.copy(tmp_path / "data")
    backup = live.copy(tmp_path / "backup")
    live.run(40, "embarrassing")
    _, memory = live.verify(None)
    shutil.rmtree(live.home)
    shutil.copytree(backup.home, live.home)
    live.run(90, "harmless")
    assert _first_visitor_believes(live)
    assert _only(live.verify(memory)[0]) == (Attack.RESTORE, RECORDS)


def test_rewrite_and_append(victim: Deployment, memory: Memory, attacker: Attacker) -> None:
    def change(rows: list[Row]) -> None:
        for index in range(RECORDS - 30, RECORDS):
            rows[index] = attacker.forge(rows[index], b'{"effect":"ALLOW"}')

    attacker.rewrite(change)
    victim.run(60, "later")
    assert _first_visitor_believes(victim)
    assert _only(victim.verify(memory)[0]) == (Attack.REWRITE, RECORDS - 30)


def test_split_view(victim: Deployment, tmp_path: Path) -> None:
    """One log for Alice, another for Bob, same key, both growing: when they compare, both know."""
    for_bob = victim.copy(tmp_path / "bob")
    victim.run(40, "alice", step_s=1.0)
    for_bob.run(40, "bob", step_s=1.01)
    _, alice = victim.verify(None)
    assert alice is not None
    findings, _ = for_bob.verify(None)
    assert findings == []
    assert _only(for_bob.verify(alice)[0]) == (Attack.SPLIT_VIEW, RECORDS)


def test_split_view_is_seen_with_nothing_but_the_other_ones_checkpoint(victim: Deployment, tmp_path: Path) -> None:
    for_bob = victim.copy(tmp_path / "bob")
    victim.run(40, "alice")
    for_bob.run(40, "bob", step_s=1.01)
    _, alice = victim.verify(None)
    assert alice is not None
    note_only = remember_checkpoint(alice.checkpoint, [read_vkey(key) for key in alice.keys])
    assert _only(for_bob.verify(note_only)[0])[0] is Attack.SPLIT_VIEW


@pytest.mark.parametrize("columns", ["entry = x'7b7d'", "entry = CAST(replace(entry, 'decision', 'decisiom') AS BLOB)"])
def test_an_entry_changed_in_place_is_named_without_any_memory(
    victim: Deployment, attacker: Attacker, columns: str
) -> None:
    attacker.raw(f"UPDATE records SET {columns} WHERE idx = ?", VICTIM)  # noqa: S608 - the test is the attacker
    findings, _ = victim.verify(None)
    assert {(found.attack, found.index) for found in findings} == {(Attack.MODIFY, VICTIM)}


def test_a_payload_changed_in_place_is_named(victim: Deployment, attacker: Attacker) -> None:
    attacker.raw("UPDATE records SET sealed = (SELECT sealed FROM records WHERE idx = 5) WHERE idx = ?", VICTIM)
    assert _only(victim.verify(None)[0]) == (Attack.MODIFY, VICTIM)


def test_a_payload_that_vanished_without_an_erasure_is_named(victim: Deployment, attacker: Attacker) -> None:
    attacker.raw("UPDATE records SET sealed = NULL WHERE idx = ?", VICTIM)
    assert _only(victim.verify(None)[0]) == (Attack.DELETE, VICTIM)


def test_a_row_deleted_in_place_is_named(victim: Deployment, attacker: Attacker) -> None:
    attacker.raw("DELETE FROM records WHERE idx = ?", VICTIM)
    assert _only(victim.verify(None)[0]) == (Attack.DELETE, VICTIM)


def test_a_deleted_and_renumbered_row_is_named_by_the_tiles(victim: Deployment, attacker: Attacker) -> None:
    attacker.raw("DELETE FROM records WHERE idx = ?", VICTIM)
    attacker.raw("UPDATE records SET idx = -idx WHERE idx > ?", VICTIM)
    attacker.raw("UPDATE records SET idx = -idx - 1 WHERE idx < 0")
    findings, _ = victim.verify(None)
    assert findings
    assert findings[-1].attack in {Attack.TRUNCATE, Attack.DELETE}


def test_the_last_rows_deleted_in_place_are_named(victim: Deployment, attacker: Attacker) -> None:
    attacker.raw("DELETE FROM records WHERE idx >= ?", RECORDS - 5)
    assert _only(victim.verify(None)[0]) == (Attack.TRUNCATE, RECORDS - 5)


def test_a_changed_tile_is_named(victim: Deployment, attacker: Attacker) -> None:
    attacker.raw("UPDATE tiles SET hashes = CAST(x'00' || substr(hashes, 2) AS BLOB) WHERE id = 1")
    assert _only(victim.verify(None)[0]) == (Attack.MODIFY, 256)


def test_an_older_checkpoint_over_a_longer_log_is_named(victim: Deployment, attacker: Attacker) -> None:
    with sqlite3.connect(victim.database) as connection:
        head = connection.execute("SELECT size, root, checkpoint FROM log_head").fetchone()
    connection.close()
    victim.run(10, "later")
    attacker.raw("UPDATE log_head SET size = ?, root = ?, checkpoint = ?", *head)
    findings, _ = victim.verify(None)
    assert (findings[0].attack, findings[0].index) == (Attack.TRUNCATE, RECORDS)


def test_a_foreign_key_is_not_believed(victim: Deployment, memory: Memory, tmp_path: Path) -> None:
    shutil.rmtree(victim.home / "keys" / "ring")
    victim.run(1, "by_another_key")
    assert _first_visitor_believes(victim)
    assert _only(victim.verify(memory)[0]) == (Attack.KEY_CHANGED, None)


def test_an_unsigned_or_broken_checkpoint_is_not_believed(
    victim: Deployment, memory: Memory, attacker: Attacker
) -> None:
    attacker.raw("UPDATE log_head SET checkpoint = CAST(replace(checkpoint, 'log.test', 'log.tost') AS BLOB)")
    assert _only(victim.verify(memory)[0])[0] is Attack.UNSIGNED
    attacker.raw("UPDATE log_head SET checkpoint = x'0a'")
    assert _only(victim.verify(memory)[0])[0] is Attack.BROKEN

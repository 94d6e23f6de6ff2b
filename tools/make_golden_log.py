"""Make the golden old log under ``tests/golden/log_v1``: a log as schema 1 wrote it, which must verify for ever.

Run it once for a new schema, into a new folder, and never again over an old one:

    python tools/make_golden_log.py tests/golden/log_v1
"""

import base64
import json
import sqlite3
import sys
import tempfile
from pathlib import Path

from ostiary.audit import AuditLog, AuditSettings
from ostiary.audit.subjects import SubjectAdmin
from ostiary.audit.verifier import Verifier
from ostiary.audit.verifier.memory import save_memory
from ostiary.keys import open_keys
from ostiary.storage.sqlite import migrate, open_source, open_store
from ostiary.testing.fake_clock import FakeClock

SCHEMA = 1
RECORDS = 270


def main(target: Path) -> None:
    """Write the database as SQL text, the (test) keys as JSON, and what a verifier remembers of it."""
    target.mkdir(parents=True, exist_ok=False)
    clock = FakeClock()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _prepare(home / "ostiary.db", clock)
        _fill(home, clock)
        connection = sqlite3.connect(home / "ostiary.db")
        _drop_newer(connection)
        (target / "log.sql").write_text("\n".join(connection.iterdump()) + "\n")
        connection.close()
        files = {
            str(path.relative_to(home)): path.read_bytes()
            for path in sorted((home / "keys").rglob("*"))
            if path.is_file()
        }
        told = {name: base64.b64encode(data).decode() for name, data in files.items()}
        (target / "keys.json").write_text(json.dumps(told, indent=1) + "\n")
        with open_source(home / "ostiary.db", home / "keys") as source:
            memory = Verifier(source).run()
        assert memory is not None
        memory.leaves = None
        save_memory(target / "remembered.json", memory)


def _prepare(database: Path, clock: FakeClock) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    migrate.migrate(connection, clock, upto=SCHEMA)
    connection.close()


def _fill(home: Path, clock: FakeClock) -> None:
    with open_store(home / "ostiary.db", clock) as store:
        ring, vault = open_keys(home / "keys", store, clock)
        with AuditLog(store, vault, ring, clock, AuditSettings(origin="golden.test/log")) as log:
            for number in range(RECORDS):
                clock.advance(1)
                payload = json.dumps({"v": 1, "n": number}).encode()
                name = f"dec_{number}"
                log.append("default", "decision", name, clock.now_ns(), payload, f"user:{number % 7}")
            SubjectAdmin(log, clock).erase("default", "user:3")


def _drop_newer(connection: sqlite3.Connection) -> None:
    """Take away what later migrations added: the schema as version 1 left it."""
    connection.execute("DELETE FROM migrations WHERE version > ?", (SCHEMA,))
    connection.execute("DROP INDEX IF EXISTS records_by_kind")
    for table in ("peps", "sessions", "snapshots"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.commit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

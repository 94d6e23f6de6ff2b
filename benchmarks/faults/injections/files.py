"""Files that are not what they were: each must be refused aloud, and be good again once it is put back.

Policy, settings and keys are damaged in the running deployment, which is then made to read them. The database is
damaged in a copy, since what the original answers meanwhile would be lost with it: the copy must not verify.
"""

import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.faults.broken import BrokenInvariantError
from benchmarks.faults.field import Field, Injection

from ostiary.audit.verifier import Memory, Verifier
from ostiary.errors import UnavailableError
from ostiary.storage.sqlite import open_source

LOUD: Final = ("error: ", "fault", "cannot be written")
PAGE: Final = 4096
BAD_REQUEST: Final = 400
UNKNOWN: Final = b"[server]\nprot = 8181\n"
RECORDS_S: Final = 30.0
_POLICY: Final = """package ostiary.guardrails
decision := {"allow": {{"rule": "everybody"}}}
"""


class DamagedFile:
    """A file that is read at a start is damaged, and a worker has to start; then the file is put back."""

    harms_at_once = False

    def __init__(self, name: str, pattern: str, ways: tuple[str, ...] = ("cut", "noise", "empty")) -> None:
        """Damage one of the files of the data directory that match ``pattern`` in one of the ``ways``."""
        self.name = name
        self._pattern = pattern
        self._ways = ways

    def lacks(self, field: Field) -> str:
        """Such a file."""
        return "" if any(field.deployment.data.glob(self._pattern)) else f"there is no {self._pattern}"

    def inject(self, field: Field, chance: Random) -> str:
        """Damage, replace or kill the worker, listen, put back."""
        path = chance.choice(sorted(field.deployment.data.glob(self._pattern)))
        good, mark = path.read_bytes(), len(field.deployment.heard())
        how = chance.choice(self._ways)
        path.write_bytes(_damaged(good, how, chance))
        number = chance.choice([signal.SIGHUP, signal.SIGKILL])
        try:
            if number is signal.SIGHUP:
                field.deployment.signal_parent(number)
            else:
                field.deployment.signal_worker(number)
            field.expect_loud(mark, f"{path.name}, {how}", *LOUD)
        finally:
            path.write_bytes(good)
        name = path.relative_to(field.deployment.data)
        return f"{name}: {how}; {'replaced' if number is signal.SIGHUP else 'killed'}"


def _damaged(good: bytes, how: str, chance: Random) -> bytes:
    ways = {"cut": good[: len(good) // 2], "noise": chance.randbytes(64), "unknown key": UNKNOWN, "empty": b""}
    return ways[how]


class DamagedBundle:
    """A tenant's own policy is changed into one that must not go live: broken, or one that permits everything."""

    name = "policy_bundle"
    harms_at_once = False

    def lacks(self, field: Field) -> str:
        """Nothing is needed."""
        del field
        return ""

    def inject(self, field: Field, chance: Random) -> str:
        """Lay a bad bundle down, have it loaded, look, take it away."""
        tenant = chance.choice(list(field.keys))
        folder = field.deployment.data / "bundles" / tenant
        folder.mkdir(parents=True)
        how, text = chance.choice(
            [("noise", chance.randbytes(200)), ("no adaptive rules", _POLICY.encode()), ("", b"")]
        )
        (folder / "guardrails.rego").write_bytes(text)
        try:
            answer = field.admin("POST", f"/tenants/{tenant}/bundle/reload")
            if answer.status < BAD_REQUEST:
                raise BrokenInvariantError("silent", f"a bundle ({how or 'empty'}) went live: {answer.body[:200]!r}")
            if not field.allows(tenant):
                raise BrokenInvariantError("not_recovered", "a refused bundle took the old one along")
        finally:
            shutil.rmtree(folder)
        return f"bundle of tenant {tenant}: {how or 'empty'}, answered {answer.status}"


class DamagedDatabase:
    """A copy of the database loses its end, or a record in it is changed: it must not verify."""

    name = "database_page"
    harms_at_once = False

    def lacks(self, field: Field) -> str:
        """A database in a file."""
        return "" if field.backing is None else "the database is PostgreSQL's"

    def inject(self, field: Field, chance: Random) -> str:
        """Copy, damage, verify."""
        copy = field.workshop / f"copy-{time.monotonic_ns()}"
        copy.mkdir()
        try:
            _copy(field.deployment.data, copy / "older.db", copy)
            field.recover(RECORDS_S)  # which makes new records
            _copy(field.deployment.data, copy / "ostiary.db", copy)
            memory, wrong = _verify(copy, None)
            if wrong:
                raise BrokenInvariantError("forked", f"a copy of the data does not verify: {wrong}")
            how, damage = chance.choice(
                [("a record changed", _change), ("a page wiped", _wipe), ("an older copy", _restore)]
            )
            damage(copy / "ostiary.db", chance)
            _, wrong = _verify(copy, memory)
            if not wrong:
                raise BrokenInvariantError("silent", f"a damaged database verifies: {how}")
        finally:
            shutil.rmtree(copy)
        return f"{how}; found: {wrong}"


def _copy(data: Path, database: Path, copy: Path) -> None:
    """Copy the keys and a consistent state of the database."""
    shutil.copytree(data / "keys", copy / "keys", dirs_exist_ok=True)
    copy.chmod(0o700)
    with closing(sqlite3.connect(data / "ostiary.db")) as live, closing(sqlite3.connect(database)) as other:
        live.backup(other)


def _verify(data: Path, memory: Memory | None) -> tuple[Memory | None, str]:
    """Verify a copy; return what to remember, and what is wrong or an empty string."""
    try:
        with open_source(data / "ostiary.db", data / "keys") as source:
            verifier = Verifier(source, memory)
            return verifier.run(), ", ".join(sorted({one.attack.value for one in verifier.report.findings}))
    except UnavailableError as fault:
        return None, fault.code


def _change(database: Path, chance: Random) -> None:
    """Change one byte of what is sealed in one record."""
    with closing(sqlite3.connect(database, isolation_level=None)) as opened:
        count = opened.execute("select count(*) from records").fetchone()[0]
        index, sealed = opened.execute(
            "select idx, sealed from records where sealed is not null limit 1 offset ?", (chance.randrange(count),)
        ).fetchone()
        changed = bytearray(sealed)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        opened.execute("update records set sealed = ? where idx = ?", (bytes(changed), index))


def _wipe(database: Path, chance: Random) -> None:
    """Overwrite the page that holds one entry with zeros."""
    with closing(sqlite3.connect(database)) as opened:
        count = opened.execute("select count(*) from records").fetchone()[0]
        entry = opened.execute("select entry from records limit 1 offset ?", (chance.randrange(count),)).fetchone()[0]
    at = database.read_bytes().index(bytes(entry)[:64]) // PAGE * PAGE
    with database.open("r+b") as file:
        file.seek(at)
        file.write(bytes(PAGE))


def _restore(database: Path, chance: Random) -> None:
    """Take the newest records away, signed end and all, as by an older backup that was put back."""
    older = database.with_name("older.db")
    shutil.copy(older, database)
    del chance


KINDS: list[Injection] = [
    DamagedFile("settings", "ostiary.toml", ("noise", "unknown key")),
    DamagedFile("log_key", "keys/ring/system/log/[!.]*"),
    DamagedFile("master_key", "keys/vault/master.key"),
    DamagedBundle(),
    DamagedDatabase(),
]

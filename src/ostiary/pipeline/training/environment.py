"""What a run finds on disk beside its own: read-only folders of the host that somebody declared, and their digest.

- ``system()`` is the machine's own ``/usr`` with the few files of ``/etc`` that programs need (libraries' cache,
  certificates), and no more of ``/etc``: no users, no hosts, no keys.
- The digest is of the listing: every path with its mode, size, time of change and where a link leads; and of what is in
  the files, where others than the machine's packages put them: times can be set back. It is measured here, whatever is
  said of it.
- A folder that holds a local socket or a named pipe is no environment: "read-only" keeps nobody from connecting to the
  one or writing to the other, and whoever listens there is on the host.

>>> [mount.target for mount in system().mounts][:1]
['/usr']
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError

_LINKS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# Beside certificates both hold `private`, which the groups of whoever starts a run may let it read.
_SSL: Final = ("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem")
_ETC: Final = ("ld.so.cache", *_SSL, "alternatives")
_PYTHONS: Final = ("/usr/bin/python3", "/usr/local/bin/python3")
MAX_ENTRIES: Final = 2_000_000


class Mount(msgspec.Struct, frozen=True):
    """A folder or file of the host, and where it is seen inside, read-only; ``read`` puts its content in the digest."""

    source: str
    target: str
    read: bool = False


class Environment(msgspec.Struct, frozen=True):
    """What a run is given to run with.

    Attributes:
        name: what policy and records call it.
        mounts: what is seen of the host.
        python: path inside of an interpreter, at least 3.9, that runs the probes.
        links: symbolic links in the root: name to where it leads.
        variables: of the command.
        image: digest of the image that this was unpacked from, as whoever starts the run says.
    """

    name: str
    mounts: tuple[Mount, ...]
    python: str
    links: dict[str, str] = {}
    variables: dict[str, str] = {}
    image: str = ""

    def digest(self) -> str:
        """Return ``sha256:…`` of all mounts; what is said of an image does not count.

        Raises:
            UnavailableError: ``training_environment_unreadable``.
            RefusedError: ``training_environment_open``: something in it leads to a process of the host.
        """
        told = hashlib.sha256()
        for mount in self.mounts:
            told.update(f"{mount.target}\n".encode())
            for line in _listing(Path(mount.source), read=mount.read):
                told.update(line)
        return f"sha256:{told.hexdigest()}"


def system() -> Environment:
    """Return the machine's own programs, as an environment.

    Raises:
        UnavailableError: ``training_python_missing``.
    """
    python = next((path for path in _PYTHONS if Path(path).exists()), None)
    if python is None:
        raise UnavailableError("training_python_missing", "there is no python3 below /usr that could run the probes")
    links, mounts = {}, [Mount("/usr", "/usr")]
    for name in _LINKS:
        place = Path("/", name)
        if place.is_symlink():
            links[name] = str(place.readlink())
        elif place.is_dir():
            mounts.append(Mount(str(place), f"/{name}"))
    mounts += [Mount(f"/etc/{name}", f"/etc/{name}") for name in _ETC if Path("/etc", name).exists()]
    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    return Environment("system", tuple(mounts), python, links, variables)


def with_folder(base: Environment, folder: Path, name: str = "") -> Environment:
    """Return ``base`` and a folder of the host at its own path, such as a virtual environment.

    Raises:
        FaultyInputError: ``training_mount_invalid``.
    """
    place = check_folder(folder)
    path = f"{place}/bin:{base.variables.get('PATH', '')}"
    return msgspec.structs.replace(
        base,
        name=name or f"{base.name}+{place.name}",
        mounts=(*base.mounts, Mount(str(place), str(place), read=True)),
        variables={**base.variables, "PATH": path},
        image="",
    )


def check_folder(folder: Path) -> Path:
    """Return the real place of a folder that may be shown to a run.

    Raises:
        FaultyInputError: ``training_mount_invalid``: it is none, or a place that no run may see.
    """
    place = folder.resolve()
    if not place.is_dir():
        raise FaultyInputError("training_mount_invalid", f"`{folder}` is no folder")
    closed = ("/", "/proc", "/sys", "/dev", "/run", "/etc", "/root", "/home", "/var", "/boot", "/tmp")  # noqa: S108 - refused
    if str(place) in closed or place.is_relative_to("/proc") or place.is_relative_to("/sys"):
        raise FaultyInputError("training_mount_invalid", f"`{place}` is not shown to any run")
    return place


def refuse_own(folder: Path, own: Path) -> None:
    """Refuse to show a run the server's own folder, with its keys and its log, or what lies around it.

    Raises:
        FaultyInputError: ``training_mount_invalid``.
    """
    place, own = folder.resolve(), own.resolve()
    if place.is_relative_to(own) or own.is_relative_to(place):
        raise FaultyInputError("training_mount_invalid", f"`{folder}` holds the data directory, which no run may see")


def _listing(root: Path, *, read: bool) -> Iterator[bytes]:
    count = 0
    try:
        for name, told, path in _walk(str(root), ""):
            count += 1
            if count > MAX_ENTRIES:
                raise UnavailableError("training_environment_unreadable", f"`{root}` holds too many files")
            if stat.S_ISSOCK(told.st_mode) or stat.S_ISFIFO(told.st_mode):
                text = f"`{path}` is a socket or a named pipe: a run could reach the host's processes by it"
                raise RefusedError("training_environment_open", text)
            yield _line(name, told, path, read=read)
    except (OSError, RecursionError) as fault:
        text = f"`{root}` cannot be listed: {getattr(fault, 'strerror', 'folders within folders without end')}"
        raise UnavailableError("training_environment_unreadable", text) from fault


def _walk(root: str, below: str) -> Iterator[tuple[str, os.stat_result, str]]:
    told = os.lstat(root)
    if not stat.S_ISDIR(told.st_mode):
        yield below, told, root
        return
    with os.scandir(root) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = f"{below}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, name)
        else:
            yield name, entry.stat(follow_symlinks=False), entry.path


def _line(name: str, told: os.stat_result, path: str, *, read: bool) -> bytes:
    leads = str(Path(path).readlink()) if stat.S_ISLNK(told.st_mode) else ""
    content = _content(path) if read and stat.S_ISREG(told.st_mode) else ""
    words = f"{name}\0{told.st_mode:o}\0{told.st_size}\0{told.st_mtime_ns}\0{leads}\0{content}\n"
    return words.encode("utf-8", "surrogateescape")


def _content(path: str) -> str:
    # Opened as what it was listed as: a link, or a pipe that would never answer, has taken its place otherwise.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

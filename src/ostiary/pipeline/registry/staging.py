"""Where an upload lies until it is registered: a private folder, bounded, whose files arrive whole or not at all.

- An upload belongs to one caller, one tenant and one model; to everybody else it is unknown.
- A piece is written beside the files and moved among them when it is complete: nobody holds a file open that is there.
- ``seal`` takes the folder away from under the upload; from then on nothing more arrives in it.
- What is on its way into an upload that has ended is refused at its next piece: it would fill a file without a name.
- What an upload holds is what lies in its folder, looked at for every file and again after every 64 MiB: neither a
  restart nor a second process on the same folder gives anybody more. Uploads of a tenant are counted by one at a time.
- Bounded: bytes and files of an upload, uploads of a tenant, of which one caller has half at most, and the life of one
  that nobody finishes.
"""

import fcntl
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.keys import random_bytes
from ostiary.pipeline.registry.naming import check_name, check_path
from ostiary.vocabulary.ids import RANDOM_BYTES, check_tenant, make_id

_ID: Final = re.compile(r"upl_[0-9A-Z]{26}\Z", re.ASCII)
_META: Final = "upload.json"
_NS: Final = 1_000_000_000
_LOOK_AGAIN: Final = 64 << 20


class StagingLimits(msgspec.Struct, frozen=True):
    """Bounds.

    Attributes:
        max_bytes: of one upload.
        max_files: of one upload.
        max_uploads: of one tenant at a time; one caller has half of them at most.
        life_s: after which an unfinished one is erased.
    """

    max_bytes: int = 64 << 30
    max_files: int = 4096
    max_uploads: int = 16
    life_s: int = 6 * 3600


class Upload(msgspec.Struct, frozen=True):
    """One upload: whose it is, and since when."""

    upload_id: str
    tenant: str
    name: str
    subject: str
    begun_ns: int


class _Held(msgspec.Struct):
    """What an upload holds: bytes and files, and how many bytes came since its folder was looked at."""

    size: int
    files: int
    since: int = 0


class Incoming:
    """One file on its way in; ``feed`` its bytes, then ``finish``, or ``drop`` it."""

    def __init__(self, part: Path, place: Path, take: Callable[[int], None]) -> None:
        """Write to ``part``, then move to ``place``; ``take`` counts bytes and refuses too many."""
        self._part, self._place, self._take = part, place, take
        self._file = part.open("xb", buffering=0)
        part.chmod(0o600)
        self.size = 0

    def feed(self, data: bytes) -> None:
        """Write a piece.

        Raises:
            FaultyInputError: ``upload_too_large``.
            RefusedError: ``upload_unknown``: the upload has ended meanwhile.
            UnavailableError: ``staging_unavailable``.
        """
        self._take(len(data))
        self.size += len(data)
        try:
            self._file.write(data)
        except OSError as fault:
            raise _away(fault) from fault

    def finish(self) -> None:
        """Put the file among the others.

        Raises:
            FaultyInputError: ``upload_file_exists``; the upload was sealed meanwhile, or the file is there already.
        """
        self._file.close()
        try:
            self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.link(self._part, self._place)
        except OSError:
            raise FaultyInputError("upload_file_exists", "the file is there already, or the upload has ended") from None
        finally:
            self._part.unlink(missing_ok=True)

    def drop(self) -> None:
        """Forget it."""
        self._file.close()
        self._part.unlink(missing_ok=True)


class Staging:
    """Uploads below one folder, by tenant."""

    def __init__(self, root: Path, limits: StagingLimits, now_ns: Callable[[], int]) -> None:
        """Use ``root``."""
        self._root = root
        self._limits = limits
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._used: dict[str, _Held] = {}

    def begin(self, tenant: str, name: str, subject: str) -> Upload:
        """Begin an upload.

        Raises:
            FaultyInputError: ``model_name_invalid``.
            UnavailableError: ``uploads_too_many``, ``staging_unavailable``.
        """
        now = self._now_ns()
        upload = Upload(make_id("upl", now, random_bytes(RANDOM_BYTES)), tenant, check_name(name), subject, now)
        home = self._home(tenant)
        with self._lock, _alone(home):
            try:
                if self._is_full(home, subject):
                    raise UnavailableError("uploads_too_many", "too many uploads are unfinished: try again later")
                folder = home / upload.upload_id
                for part in (folder, folder / "parts", folder / "files"):
                    part.mkdir(mode=0o700)
                (folder / _META).write_bytes(msgspec.json.encode(upload))
            except OSError as fault:
                raise _away(fault) from fault
        return upload

    def _is_full(self, home: Path, subject: str) -> bool:
        """Return whether a tenant has as many uploads as it may, or one caller half of them."""
        folders, most = list(home.iterdir()), self._limits.max_uploads
        uploads = [_read(folder) for folder in folders]
        own = sum(upload is not None and upload.subject == subject for upload in uploads)
        return len(folders) >= most or own >= max(1, most // 2)

    def incoming(self, tenant: str, upload_id: str, name: str, subject: str, path: str) -> Incoming:
        """Return where one file goes.

        Raises:
            RefusedError: ``upload_unknown``, whosever it may be.
            FaultyInputError: ``model_path_invalid``, ``upload_too_large``.
        """
        check_path(path)
        folder = self._find(tenant, upload_id, name, subject)

        def take(count: int) -> None:
            self._take(folder, count, 0)

        with self._lock:
            self._used[upload_id] = _held(folder)
        self._take(folder, 0, 1)
        try:
            return Incoming(folder / "parts" / random_bytes(12).hex(), folder / "files" / path, take)
        except OSError:
            if not folder.exists():
                self._used.pop(upload_id, None)
            raise _unknown() from None

    def seal(self, tenant: str, upload_id: str, name: str, subject: str) -> Path:
        """End an upload and return the folder of its files, to be erased with ``erase``.

        Raises:
            RefusedError: ``upload_unknown``.
        """
        folder = self._find(tenant, upload_id, name, subject)
        sealed = folder / f"sealed-{random_bytes(12).hex()}"
        try:
            (folder / "files").rename(sealed)
        except OSError:
            raise _unknown() from None
        return sealed

    def unseal(self, sealed: Path) -> None:
        """Give a sealed folder back to its upload, after a dry run."""
        try:
            sealed.rename(sealed.parent / "files")
        except OSError as fault:
            raise _away(fault) from fault

    def drop(self, tenant: str, upload_id: str, name: str, subject: str) -> None:
        """Erase an upload.

        Raises:
            RefusedError: ``upload_unknown``.
        """
        self.erase(self._find(tenant, upload_id, name, subject))

    def erase(self, folder: Path) -> None:
        """Erase an upload by its folder, or by its sealed one."""
        home = folder.parent if folder.name.startswith("sealed-") else folder
        self._used.pop(home.name, None)
        shutil.rmtree(home, ignore_errors=True)

    def sweep(self) -> None:
        """Erase uploads that nobody has finished in time."""
        oldest = self._now_ns() - self._limits.life_s * _NS
        for folder in self._root.glob("*/upl_*"):
            upload = _read(folder)
            if upload is None or upload.begun_ns < oldest:
                self.erase(folder)

    def forget(self, tenant: str) -> None:
        """Erase all that a tenant has."""
        shutil.rmtree(self._home(tenant), ignore_errors=True)

    def _find(self, tenant: str, upload_id: str, name: str, subject: str) -> Path:
        folder = self._home(tenant) / upload_id
        upload = _read(folder) if _ID.match(upload_id) else None
        if upload is None or (upload.tenant, upload.name, upload.subject) != (tenant, name, subject):
            raise _unknown()
        return folder

    def _take(self, folder: Path, count: int, files: int) -> None:
        with self._lock:
            held = self._used.get(folder.name)
            if held is None:
                raise _unknown()
            if held.since + count > _LOOK_AGAIN:
                held = self._used[folder.name] = _held(folder)
            if held.size + count > self._limits.max_bytes or held.files + files > self._limits.max_files:
                text = f"an upload has at most {self._limits.max_bytes} bytes in {self._limits.max_files} files"
                raise FaultyInputError("upload_too_large", text)
            held.size, held.files, held.since = held.size + count, held.files + files, held.since + count

    def _home(self, tenant: str) -> Path:
        return self._root / check_tenant(tenant)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Make a tenant's folder and be the only one, in any process, who counts what is in it."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as fault:
        raise _away(fault) from fault
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _held(folder: Path) -> _Held:
    sizes = [path.lstat().st_size for part in ("files", "parts") for path in _files(folder / part)]
    return _Held(sum(sizes), len(sizes))


def _files(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root, name) for name in names)


def _read(folder: Path) -> Upload | None:
    try:
        return msgspec.json.decode((folder / _META).read_bytes(), type=Upload)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _unknown() -> RefusedError:
    return RefusedError("upload_unknown", "there is no such upload, or it has ended")


def _away(fault: OSError) -> UnavailableError:
    return UnavailableError("staging_unavailable", f"the upload cannot be kept now: {fault.strerror}")

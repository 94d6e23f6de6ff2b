"""A folder: documents are its files, rights are the kernel's.

- Everything is opened below the folder's own descriptor, one name at a time, and no symbolic link is ever followed: not
  the file, not a directory on the way, not while we look.
- Whoever reads a file must pass every directory on the way, from the file system's root to it (``sources.posix``). The
  folder's own way is climbed from its descriptor, so that no link and no renaming tells another one.
- A file's revision is its inode, times and size, read when they were settled (``sources.settled``). The check before an
  answer asks the file that is there now: if that is another revision, or its rights are others, the old text is not
  shown. A change of rights is a change of the revision, too: nobody can set a file's ctime back.
- Text files alone, by the ends of their names; a file that is not UTF-8, too long or not to be read is not there.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.rag.ports import Asker, Document, Known, Scan
from ostiary.rag.rights import EVERYBODY, NOBODY, Layer, Rule, digest, permits, plain, step
from ostiary.rag.sources.accounts import Accounts
from ostiary.rag.sources.posix import PASS, READ, XATTR, Node, layer, names
from ostiary.rag.sources.settled import settles, stamps

ENDS: Final = (".csv", ".html", ".json", ".md", ".rst", ".text", ".txt", ".xml", ".yaml", ".yml")
MAX_FILES: Final = 200_000
MAX_BYTES: Final = 8 << 20
MAX_DEPTH: Final = 32
MAX_ABOVE: Final = 24
ALL: Final[Layer] = (step((EVERYBODY,), allow=True),)
_NO_ACL: Final = frozenset({errno.ENODATA, errno.EOPNOTSUPP, errno.ENOTSUP})
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class FilesystemSource:
    """One folder. Ostiary must be able to read it; who else may is what it finds out."""

    kind = "filesystem"

    def __init__(
        self, name: str, root: Path, accounts: Accounts, *, ends: tuple[str, ...] = ENDS, confidentiality: int = 0
    ) -> None:
        """Take the folder and whose accounts there are."""
        self.name = name
        self._root = root
        self._accounts = accounts
        self._ends = ends
        self._confidentiality = confidentiality
        self._unreadable: dict[str, str] = {}  # by path the revision that was no text

    def principals(self, asker: Asker) -> frozenset[str]:
        """Return the numbers of the asker's account."""
        found = self._accounts.find(asker.subject)
        return names(found.uid, found.gids) if found is not None else frozenset()

    def readable(self, asker: Asker) -> None:
        """Leave it to the rules."""

    def scan(self, known: Mapping[str, Known]) -> Scan:
        """Walk the folder.

        Raises:
            UnavailableError: ``source_unavailable``.
        """
        seen: dict[str, tuple[str, Rule]] = {}
        unreadable: dict[str, str] = {}
        with self._opened() as root:
            for path, revision, rule in self._walk(root, "", _above(root)):
                if self._unreadable.get(path) != revision:
                    seen[path] = (revision, rule)
                else:
                    unreadable[path] = revision
                if len(seen) + len(unreadable) > MAX_FILES:
                    raise UnavailableError("source_unavailable", f"the folder has more than {MAX_FILES} files")
        self._unreadable = unreadable
        new = {path: one for path, one in seen.items() if path not in known or known[path].revision != one[0]}
        rights = {path: rule for path, (_, rule) in seen.items() if path in new or known[path].rule != digest(rule)}
        gone = tuple(path for path in known if path not in seen)
        return Scan(gone, rights, self._documents(new), skipped=len(self._unreadable))

    def check(self, asker: Asker, documents: Mapping[str, str]) -> frozenset[str]:
        """Return which files the asker's account may read now, in these revisions."""
        principals = self.principals(asker)
        if not principals:
            return frozenset()
        with self._opened() as root:
            above = _above(root)
            return frozenset(
                path for path, revision in documents.items() if self._stands(root, above, path, revision, principals)
            )

    def _stands(
        self, root: int, above: tuple[Layer, ...], path: str, revision: str, principals: frozenset[str]
    ) -> bool:
        try:
            with _walked(root, path) as (file, layers):
                found = os.fstat(file)
                rule = (*above, *layers, layer(_node(file, found), READ))
                return stat.S_ISREG(found.st_mode) and stamps(found) == revision and permits(rule, principals)
        except (OSError, FaultyInputError, ValueError):
            return False

    def _walk(
        self, folder: int, prefix: str, above: tuple[Layer, ...], depth: int = 0
    ) -> Iterator[tuple[str, str, Rule]]:
        """Yield path, revision and rule of each file; what cannot be looked at is not there."""
        try:
            passing = (*above, layer(_node(folder, os.fstat(folder)), PASS))
            entries = sorted(os.listdir(folder))
        except (OSError, FaultyInputError):
            return
        for name in entries:
            path = prefix + name
            if not _is_text(name):
                continue
            try:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode) and depth < MAX_DEPTH:
                    with _open(name, _FOLDER, folder) as inner:
                        yield from self._walk(inner, path + "/", passing, depth + 1)
                elif stat.S_ISREG(found.st_mode) and name.lower().endswith(self._ends):
                    with _open(name, _FILE, folder) as file:
                        found = os.fstat(file)
                        if stat.S_ISREG(found.st_mode):  # it may be another one by now
                            yield path, stamps(found), _rule(passing, _node(file, found))
            except OSError:
                continue

    def _documents(self, wanted: Mapping[str, tuple[str, Rule]]) -> Iterator[Document]:
        with self._opened() as root:
            for path, (revision, _) in wanted.items():
                try:
                    text = _text(root, path, revision)
                except (OSError, ValueError):  # not now: it is looked at again the next time
                    continue
                if text is None:
                    self._unreadable[path] = revision
                    continue
                yield Document(path, revision, text, Path(path).name, self._confidentiality)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            root = os.open(self._root, _FOLDER)
        except OSError as fault:
            raise UnavailableError("source_unavailable", "the folder cannot be opened") from fault
        try:
            yield root
        finally:
            os.close(root)


@contextlib.contextmanager
def _open(name: str, flags: int, folder: int) -> Iterator[int]:
    opened = os.open(name, flags, dir_fd=folder)
    try:
        yield opened
    finally:
        os.close(opened)


@contextlib.contextmanager
def _walked(root: int, path: str) -> Iterator[tuple[int, tuple[Layer, ...]]]:
    """Open a file name by name; yield it with who may pass each directory on the way."""
    *folders, last = path.split("/")
    if not all(_is_text(name) for name in (*folders, last)):
        raise ValueError(path)
    with contextlib.ExitStack() as opened:
        here, layers = root, [layer(_node(root, os.fstat(root)), PASS)]
        for name in folders:
            here = opened.enter_context(_open(name, _FOLDER, here))
            layers.append(layer(_node(here, os.fstat(here)), PASS))
        yield opened.enter_context(_open(last, _FILE, here)), tuple(layers)


def _rule(passing: tuple[Layer, ...], node: Node) -> Rule:
    try:
        return plain((*passing, layer(node, READ)))
    except FaultyInputError:
        return NOBODY


def _node(opened: int, found: os.stat_result) -> Node:
    try:
        acl = os.getxattr(opened, XATTR)
    except OSError as fault:
        if fault.errno not in _NO_ACL:  # there may be one that closes the node: nobody gets in
            raise
        acl = None
    return Node(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), acl)


def _above(root: int) -> tuple[Layer, ...]:
    """Return who may pass each directory above an open folder, from the root of the file system down.

    Raises:
        UnavailableError: ``source_unavailable``: the way cannot be looked at, so nobody comes along it.
    """
    layers: list[Layer] = []
    with contextlib.ExitStack() as opened:
        here, name = root, _place(root)
        try:
            for _ in range(MAX_ABOVE):
                here = opened.enter_context(_open("..", _FOLDER, here))
                if _place(here) == name:  # only the root of a file system is its own parent
                    return plain((*reversed(layers), ALL))[:-1]
                name = _place(here)
                layers.append(layer(_node(here, os.fstat(here)), PASS))
        except (OSError, FaultyInputError) as fault:
            raise UnavailableError("source_unavailable", "the folders above cannot be looked at") from fault
    raise UnavailableError("source_unavailable", "the folder lies too deep")


def _place(folder: int) -> tuple[int, int]:
    found = os.fstat(folder)
    return found.st_dev, found.st_ino


def _text(root: int, path: str, revision: str) -> str | None:
    """Return the text of a file that is still the revision whose rights were looked at, or ``None`` where it is none.

    Raises:
        OSError: it is another one by now, or cannot be read now.
    """
    with _walked(root, path) as (file, _):
        if stamps(os.fstat(file)) != revision or not settles(file):
            raise OSError(errno.ESTALE, path)
        with os.fdopen(os.dup(file), "rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
        if stamps(os.fstat(file)) != revision:
            raise OSError(errno.ESTALE, path)
    try:
        return raw.decode("utf-8") if len(raw) <= MAX_BYTES else None
    except UnicodeDecodeError:
        return None


def _is_text(name: str) -> bool:
    """Return whether a name is whole characters and one name."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return name not in {"", ".", ".."} and "/" not in name and "\0" not in name

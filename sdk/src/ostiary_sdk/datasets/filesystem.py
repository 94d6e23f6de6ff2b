"""The fsspec filesystem ``ostiary``: the first part of a path is the dataset, the rest names the object in it.

- ``info`` is remembered for a moment: tools ask the same several times before they read, and each is a decision.
- Folders are what names make them: they come and go with the objects below them.
- An object is replaced by version: two writers never overwrite each other unseen.
- What comes is the part that was asked for, or a fault: what lies between may answer with all of it, or other bytes.
- fsspec keeps instances and hands them out again: only to whoever comes with the same tokens.
"""

import datetime as dt
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import IO, Any, ClassVar, Final
from urllib.parse import urlencode

from fsspec.spec import AbstractFileSystem
from typing_extensions import override

from ostiary_sdk.datasets.choosing import Given, doorway_of
from ostiary_sdk.datasets.doorway import Answer, DatasetError, NoSuchObjectError
from ostiary_sdk.datasets.reading import FIRST, OstiaryFile, OstiaryWriter, digest_header
from ostiary_sdk.pipeline.tokens import Tokens

INFO_S: Final = 5.0
MAX_INFOS: Final = 1000
_PARTIAL: Final = 206
_UNSATISFIABLE: Final = 416
_TOKENS: Final = 2  # where they stand among arguments without a name
Info = dict[str, Any]


class _OnePerCaller(type(AbstractFileSystem)):  # type: ignore[misc] # fsspec is untyped
    """Makes filesystems, and keeps those of different tokens apart."""

    def __call__(cls, *args: Any, **named: Any) -> Any:
        """Return the filesystem of these arguments, a new one or the one that was made of the same."""
        placed = list(args)
        if len(placed) > _TOKENS:
            placed[_TOKENS] = _apart(placed[_TOKENS])
        elif "tokens" in named:
            named["tokens"] = _apart(named["tokens"])
        return super().__call__(*placed, **named)


def _apart(tokens: Any) -> Any:
    return tokens if tokens is None or isinstance(tokens, Given) else Given(tokens)


class OstiaryFileSystem(AbstractFileSystem, metaclass=_OnePerCaller):  # type: ignore[misc] # fsspec is untyped
    """Datasets behind Ostiary's door.

    Args:
        endpoint, tenant: where the door is and whose; ``OSTIARY_URL`` and ``OSTIARY_TENANT`` when not given. (``url``
            is fsspec's own word for the path.)
        tokens: what proves us, for every dataset or as a function of the dataset's id (``ostiary_sdk.pipeline``).
        timeout_s, allow_http, cafile: as for ``Doorway``.
    """

    protocol: ClassVar[str] = "ostiary"
    root_marker: ClassVar[str] = ""
    blocksize: ClassVar[int] = FIRST

    def __init__(
        self,
        endpoint: str | None = None,
        tenant: str | None = None,
        tokens: Given | Tokens | Callable[[str], Tokens] | None = None,
        *,
        timeout_s: float = 60.0,
        allow_http: bool = False,
        cafile: str | None = None,
        **more: Any,
    ) -> None:
        """Find the door; nothing is asked of it yet."""
        super().__init__(**more)
        options = {"timeout_s": timeout_s, "allow_http": allow_http, "cafile": cafile}
        self._doorway = doorway_of(url=endpoint, tenant=tenant, tokens=tokens, options=options)
        self._infos: OrderedDict[str, tuple[float, Info]] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connection of this thread; the next request opens another."""
        self._doorway.close()

    # What is there.

    @override
    def info(self, path: str, **_more: Any) -> Info:
        """Return what is known of an object or a folder.

        Raises:
            FileNotFoundError: there is neither.
        """
        path = self._strip_protocol(path)
        known = self._known(path)
        if known is not None:
            return known
        dataset, name = _parted(path)
        found = self._look(path, dataset, name) if name else None
        if found is not None:
            return self._remember(found)
        if not self._page(dataset, name, "", limit=1)["entries"]:
            raise FileNotFoundError(path)
        return {"name": path, "size": 0, "type": "directory"}

    def _look(self, path: str, dataset: str, name: str) -> Info | None:
        try:
            return _object(path, self._doorway.call("HEAD", dataset, f"objects/{name}"))
        except NoSuchObjectError:
            return None

    @override
    def ls(self, path: str, detail: bool = True, **_more: Any) -> list[Any]:
        """Return what lies in a folder, or the object itself.

        Raises:
            FileNotFoundError: there is neither.
        """
        path = self._strip_protocol(path)
        dataset, name = _parted(path)
        found = self._all(dataset, name, deep=False)
        if not found:
            found = [self.info(path)]
        return found if detail else [one["name"] for one in found]

    @override
    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **more: Any
    ) -> Any:
        """Return all objects below a folder, in few requests."""
        if maxdepth is not None or withdirs:
            return super().find(path, maxdepth=maxdepth, withdirs=withdirs, detail=detail, **more)
        path = self._strip_protocol(path)
        dataset, name = _parted(path)
        found = {one["name"]: one for one in self._all(dataset, name, deep=True)}
        if not found and name and self.exists(path):
            found = {path: self.info(path)}
        return found if detail else sorted(found)

    def _all(self, dataset: str, folder: str, *, deep: bool) -> list[Info]:
        entries, token = list[Info](), ""
        while True:
            page = self._page(dataset, folder, token, deep=deep)
            entries += [_entry(dataset, one) for one in page["entries"]]
            token = page["next"]
            if not token:
                return entries

    def _page(self, dataset: str, folder: str, token: str, *, deep: bool = False, limit: int = 1000) -> Any:
        asked = {"prefix": folder, "page": token, "deep": "1" if deep else "", "limit": str(limit)}
        query = urlencode({name: value for name, value in asked.items() if value})
        return self._doorway.call("GET", dataset, f"list?{query}").json()

    # Reading.

    @override
    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_more: Any) -> bytes:
        """Return an object, or a part of it, in one request."""
        path = self._strip_protocol(path)
        if (start or 0) < 0 or (end is not None and end < 0):
            size = self.info(path)["size"]
            start = max(size + start, 0) if start is not None and start < 0 else start
            end = size + end if end is not None and end < 0 else end
        if end is not None and end <= (start or 0):
            return b""
        headers = {} if not start and end is None else {"Range": _range(start or 0, end)}
        dataset, name = _parted(path)
        try:
            answer = self._doorway.call("GET", dataset, f"objects/{name}", headers)
            return _part(path, answer, start or 0) if headers else answer.body
        except DatasetError as no:
            if no.status == _UNSATISFIABLE:
                return b""
            raise

    def read_range(self, path: str, start: int, end: int, etag: str, size: int) -> bytes:
        """Return bytes of one version of an object.

        Raises:
            OSError: the object changed since it was opened.
        """
        dataset, name = _parted(path)
        whole = start == 0 and end >= size
        headers = {} if whole else {"Range": _range(start, end)}
        answer = self._doorway.call("GET", dataset, f"objects/{name}", headers)
        if etag and answer.headers.get("etag", "").strip('"') != etag:
            raise OSError(f"`{path}` changed while it was read")
        body = answer.body if whole else _part(path, answer, start)
        if len(body) != min(end, size) - start:
            raise OSError(f"`{path}` came with other bytes than were asked for")
        return body

    @override
    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **more: Any) -> Any:
        path = self._strip_protocol(path)
        if mode == "rb":
            return OstiaryFile(self, path, mode, block_size=block_size or self.blocksize, **_known_options(more))
        if mode in {"wb", "xb"}:
            return OstiaryWriter(self, path, exclusive=mode == "xb")
        raise ValueError(f"an object is read or written, not opened as `{mode}`")

    # Writing.

    @override
    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_more: Any) -> None:
        """Write one object."""
        path = self._strip_protocol(path)
        self.send(path, value, len(value), hashlib.sha256(value).digest(), exclusive=mode == "create")

    def send(self, path: str, body: bytes | IO[bytes], size: int, digest: bytes, *, exclusive: bool) -> None:
        """Send one object with its digest; unless ``exclusive``, it takes the place of the version that is there.

        Raises:
            FileExistsError: there is one already, or it changed meanwhile.
            DatasetError: the door does not take it.
        """
        dataset, name = _parted(path)
        headers = {"Repr-Digest": digest_header(digest), "Content-Length": str(size)}
        etag = "" if exclusive else self._etag(path)
        if etag:
            headers["If-Match"] = f'"{etag}"'
        self._forget(path)
        self._doorway.call("PUT", dataset, f"objects/{name}", headers, body)

    @override
    def rm_file(self, path: str) -> None:
        """Remove the version of an object that is there now."""
        path = self._strip_protocol(path)
        dataset, name = _parted(path)
        self._forget(path)
        self._doorway.call("DELETE", dataset, f"objects/{name}", {"If-Match": f'"{self.info(path)["etag"]}"'})
        self._forget(path)

    @override
    def _rm(self, path: str) -> None:
        self.rm_file(path)

    @override
    def cp_file(self, path1: str, path2: str, **_more: Any) -> None:
        """Copy an object through this machine: the door copies nothing past its own decisions."""
        self.pipe_file(path2, self.cat_file(path1))

    @override
    def mkdir(self, path: str, create_parents: bool = True, **_more: Any) -> None:
        """Do nothing: folders are what names make them."""

    @override
    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing: folders are what names make them."""

    @override
    def rmdir(self, path: str) -> None:
        """Do nothing: folders go with what lies in them."""

    # About an object.

    @override
    def ukey(self, path: str) -> str:
        """Return what names the version of an object."""
        return str(self.info(path)["etag"])

    @override
    def checksum(self, path: str) -> str:
        """Return what names the version of an object."""
        return self.ukey(path)

    @override
    def modified(self, path: str) -> Any:
        """Return when an object was written last, in UTC."""
        return dt.datetime.fromtimestamp(self.info(path).get("modified_ns", 0) / 1e9, dt.UTC)

    @override
    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget what was remembered."""
        with self._lock:
            self._infos.clear()

    def _etag(self, path: str) -> str:
        self._forget(path)
        try:
            return str(self.info(path).get("etag", ""))
        except FileNotFoundError:
            return ""

    def _known(self, path: str) -> Info | None:
        with self._lock:
            known = self._infos.get(path)
        return dict(known[1]) if known is not None and time.monotonic() - known[0] < INFO_S else None

    def _remember(self, info: Info) -> Info:
        with self._lock:
            self._infos[info["name"]] = (time.monotonic(), info)
            while len(self._infos) > MAX_INFOS:
                self._infos.popitem(last=False)
        return dict(info)

    def _forget(self, path: str) -> None:
        with self._lock:
            self._infos.pop(path, None)


def _parted(path: str) -> tuple[str, str]:
    dataset, _, name = path.strip("/").partition("/")
    if not dataset:
        raise FileNotFoundError("name a dataset: ostiary://dataset/path")
    return dataset, name


def _object(path: str, answer: Answer) -> Info:
    return {
        "name": path,
        "size": int(answer.headers["content-length"]),
        "type": "file",
        "etag": answer.headers.get("etag", "").strip('"'),
    }


def _entry(dataset: str, one: Mapping[str, Any]) -> Info:
    name = f"{dataset}/{one['name']}"
    if one["type"] == "folder":
        return {"name": name, "size": 0, "type": "directory"}
    return {"name": name, "size": one["size"], "type": "file", "etag": one["etag"], "modified_ns": one["modified_ns"]}


def _range(start: int, end: int | None) -> str:
    return f"bytes={start}-{'' if end is None else end - 1}"


def _part(path: str, answer: Answer, start: int) -> bytes:
    """Return the part of an object that begins at ``start``, when the answer says that it is that one."""
    if answer.status != _PARTIAL or not answer.headers.get("content-range", "").startswith(f"bytes {start}-"):
        raise OSError(f"`{path}` came with another part than was asked for")
    return answer.body


def _known_options(more: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if name in {"cache_options", "size"}}

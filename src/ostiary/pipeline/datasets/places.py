"""Where datasets may lie, checked when one is registered and again when its store is opened.

1. Four kinds of stores and no others; nothing in a URL but the bucket: no user, no port, no query, no fragment.
2. A folder lies inside one of the roots that the settings name, after every link in its path is followed, and shares
   nothing with the server's own folders: neither inside of one nor around it.
3. The servers are the clouds' own, at addresses made here, or an endpoint that the settings name to the letter: a
   registration can never make this server call an address of the registrant's choice (SSRF), nor a metadata service.
4. Without credentials a request goes out unsigned; the machine's own identity is never lent to a dataset.

>>> place_of("s3://lake", "", "eu-west-1", Where()).url
'https://s3.eu-west-1.amazonaws.com'
>>> place_of("file:///etc", "", "", Where())
Traceback (most recent call last):
ostiary.errors.FaultyInputError: the folder lies in none of the roots of `datasets.roots`
"""

import re
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from ostiary.errors import FaultyInputError

STORE_REFUSED: Final = "dataset_store_refused"
DEFAULT_REGION: Final = "us-east-1"
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{1,61}[a-z0-9]\Z")
_ADDRESS: Final = re.compile(r"[0-9.]+\Z")
_ACCOUNT: Final = re.compile(r"[a-z0-9]{3,24}\Z")
_CONTAINER: Final = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}\Z")
_NAME: Final = re.compile(r"[a-z0-9-]{1,64}\Z")
_KINDS: Final = "use file:///folder, s3://bucket, gs://bucket or az://account/container"


class Where(msgspec.Struct, frozen=True):
    """What the settings allow.

    Attributes:
        roots: folders in which datasets of this machine may lie.
        endpoints: other servers that speak a store's protocol, as ``https://host:port``.
        memory: whether datasets may lie in this process's memory, for tests.
        own: the server's own folders, with its keys and secrets.
    """

    roots: tuple[Path, ...] = ()
    endpoints: tuple[str, ...] = ()
    memory: bool = False
    own: tuple[Path, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """Where a dataset lies.

    Attributes:
        kind: ``file``, ``s3``, ``gs``, ``az`` or ``memory``.
        container: folder, bucket, container or name.
        url: the server; empty where there is none.
        account: of Azure.
        region: of S3.
        custom: whether the server is one of ``endpoints``.
    """

    kind: str
    container: str
    url: str = ""
    account: str = ""
    region: str = ""
    custom: bool = False


def place_of(store: str, endpoint: str, region: str, where: Where) -> Place:
    """Return where a store is.

    Raises:
        FaultyInputError: ``dataset_store_refused``.
    """
    parts = _split(store)
    if parts.scheme in {"file", "memory"} and endpoint:
        raise _refused("a folder has no endpoint")
    if parts.scheme == "file":
        return Place("file", str(_folder(parts, where)))
    if parts.scheme == "memory":
        return _memory(parts, where)
    if endpoint and endpoint not in where.endpoints:
        raise _refused("the endpoint is none of `datasets.endpoints`")
    if parts.scheme == "s3":
        region = region or DEFAULT_REGION
        url = endpoint or f"https://s3.{region}.amazonaws.com"
        return Place("s3", _bucket(parts), url, region=region, custom=bool(endpoint))
    if parts.scheme == "gs":
        url = endpoint or "https://storage.googleapis.com"
        return Place("gs", _bucket(parts), url, custom=bool(endpoint))
    return _azure(parts, endpoint)


def _split(store: str) -> SplitResult:
    try:
        parts = urlsplit(store)
        odd = parts.port is not None or parts.username is not None
    except ValueError:
        raise _refused("the store is no URL") from None
    if parts.scheme not in {"file", "s3", "gs", "az", "memory"}:
        raise _refused(_KINDS)
    if odd or parts.query or parts.fragment or "%" in store or not store.isascii() or not store.isprintable():
        raise _refused(f"a store's URL names a bucket, and nothing else: {_KINDS}")
    return parts


def _folder(parts: SplitResult, where: Where) -> Path:
    if parts.netloc or not parts.path.startswith("/") or ".." in parts.path.split("/"):
        raise _refused("a folder is written `file:///folder`")
    try:
        folder = Path(parts.path).resolve(strict=True)
    except (OSError, RuntimeError):
        folder = None  # absent and forbidden are the same to whoever asks
    roots = [root.resolve() for root in where.roots]
    if folder is None or not any(folder.is_relative_to(root) for root in roots):
        raise _refused("the folder lies in none of the roots of `datasets.roots`")
    own = [place.resolve() for place in where.own]
    if any(folder.is_relative_to(place) or place.is_relative_to(folder) for place in own):
        raise _refused("the folder holds what is the server's own")
    if not folder.is_dir():
        raise _refused("the store is no folder")
    return folder


def _memory(parts: SplitResult, where: Where) -> Place:
    name = parts.path.strip("/")
    if not where.memory or parts.netloc or not _NAME.match(name):
        raise _refused("memory is no place for datasets here")
    return Place("memory", name)


def _bucket(parts: SplitResult) -> str:
    if parts.path.strip("/") or not _BUCKET.match(parts.netloc) or _ADDRESS.match(parts.netloc) or ".." in parts.netloc:
        raise _refused("this is no bucket; a folder inside it is the dataset's `prefix`")
    return parts.netloc


def _azure(parts: SplitResult, endpoint: str) -> Place:
    account, container = parts.netloc, parts.path.strip("/")
    if not _ACCOUNT.match(account) or not _CONTAINER.match(container):
        raise _refused("an Azure store is written `az://account/container`")
    url = endpoint or f"https://{account}.blob.core.windows.net"
    return Place("az", container, url, account=account, custom=bool(endpoint))


def _refused(text: str) -> FaultyInputError:
    return FaultyInputError(STORE_REFUSED, text)

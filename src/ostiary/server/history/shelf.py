"""Files of a history in a folder or in object storage, read whole and only as what they were said to be.

Rules:
- A file is named by its digest wherever it is asked for: what lies there now must be what was written then.
- A file appears whole or not at all, and has at most ``MOST_BYTES``. Until then it has a name that nobody can know:
  where others may write too, a link that waits there leads nowhere.
- Credentials are never in an address: each machine has its own, where its cloud's tools look for them.

>>> import tempfile
>>> shelf = Shelf(tempfile.mkdtemp())
>>> digest = shelf.write("a/b.bin", b"x")
>>> shelf.read("a/b.bin", digest), shelf.holds("a/c.bin")
(b'x', False)
"""

import os
import re
import secrets
from typing import Any, Final
from urllib.parse import urlsplit

import fsspec

from ostiary.errors import FaultyInputError, UnavailableError, VerificationError
from ostiary.keys import sha256_hex

MOST_BYTES: Final = 1 << 30
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,7}\Z")
_DRAFT: Final = ".draft"


class Shelf:
    """The files below one address: ``/folder``, ``file:///folder``, ``s3://bucket/prefix`` or what fsspec knows."""

    def __init__(self, address: str) -> None:
        """Look at nothing yet.

        Raises:
            FaultyInputError: ``history_address_invalid``: a password in it, a chain of protocols, or an unknown one.
        """
        parts = urlsplit(address)
        if parts.username or parts.password or parts.query or "::" in address:
            raise FaultyInputError("history_address_invalid", "an address holds no credentials, query or chain")
        self.address = address
        try:
            self._files, self._root = _opened(address)
        except (ImportError, ValueError, OSError) as fault:
            text = f"`{address[:200]}` cannot be opened: {fault}"
            raise FaultyInputError("history_address_invalid", text) from fault

    def write(self, name: str, data: bytes) -> str:
        """Write a file and return its digest.

        Raises:
            UnavailableError: ``history_unwritable``.
        """
        place, draft = self._place(name), self._place(f"{name}.{secrets.token_hex(8)}{_DRAFT}")
        try:
            self._files.makedirs(place.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(draft, data)
            self._files.mv(draft, place)
        except OSError as fault:
            raise UnavailableError("history_unwritable", f"`{place}` cannot be written: {fault}") from fault
        return "sha256:" + sha256_hex(data)

    def read(self, name: str, digest: str = "", most: int = MOST_BYTES) -> bytes:
        """Return a file's bytes, at most so many; with ``digest`` only when they are the ones that it names.

        Raises:
            UnavailableError: ``history_unreadable``.
            FaultyInputError: ``history_too_large``.
            VerificationError: ``history_changed``.
        """
        place = self._place(name)
        try:
            with self._files.open(place, "rb") as file:
                data = bytes(file.read(most + 1))
        except OSError as fault:
            raise UnavailableError("history_unreadable", f"`{place}` cannot be read: {fault}") from fault
        if len(data) > most:
            raise FaultyInputError("history_too_large", f"`{place}` has more than {most} bytes")
        if digest and digest != "sha256:" + sha256_hex(data):
            raise VerificationError("history_changed", f"`{place}` is not what was written there")
        return data

    def holds(self, name: str) -> bool:
        """Return whether there is such a file."""
        try:
            return bool(self._files.exists(self._place(name)))
        except OSError as fault:
            raise UnavailableError("history_unreadable", f"`{self.address}` cannot be read: {fault}") from fault

    def drop(self, name: str) -> None:
        """Erase a file, if it is there."""
        if self.holds(name):
            self._files.rm_file(self._place(name))

    def _place(self, name: str) -> str:
        if not _NAME.match(name):
            raise FaultyInputError("history_name_invalid", f"`{name[:80]}` is no name of a file")
        return f"{self._root}/{name}"


def _opened(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it; S3 is spoken by PyArrow, which brings it along."""
    if address.startswith("s3://"):
        from fsspec.implementations.arrow import ArrowFSWrapper  # noqa: PLC0415
        from pyarrow.fs import S3FileSystem  # noqa: PLC0415

        endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
        more = {"endpoint_override": endpoint, "scheme": urlsplit(endpoint).scheme} if endpoint else {}
        return ArrowFSWrapper(S3FileSystem(**more)), address.removeprefix("s3://").rstrip("/")
    files, root = fsspec.core.url_to_fs(address)
    return files, str(root).rstrip("/")

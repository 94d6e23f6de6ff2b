"""Where the verifier reads a log from. Whatever comes out of a source is untrusted.

- ``DirectorySource``: tile files, such as ``ostiary audit export`` writes or a mirror keeps.
- ``HttpSource``: any tlog-tiles server, ours or another's.
- A data directory is read through ``storage``, which implements ``LogSource`` with payloads.
"""

import base64
import binascii
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

import httpx
from typing_extensions import override

from ostiary.audit.verifier.entries import unbundle
from ostiary.audit.verifier.ports import Missing
from ostiary.errors import UnavailableError

_NOTE_LIMIT: Final = 1 << 16
_TILE_LIMIT: Final = 8_192
_BUNDLE_LIMIT: Final = 256 * (2 + 65_535)
_FULL: Final = 256


def tile_name(level: int | str, index: int, width: int) -> str:
    """Return the name of a tile under the log's prefix."""
    digits = str(index)
    digits = "0" * (-len(digits) % 3) + digits
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    place = "".join(f"x{group}/" for group in groups[:-1]) + groups[-1]
    return f"tile/{level}/{place}" + (f".p/{width}" if width < _FULL else "")


class FileFace(ABC):
    """What tile files and tile servers have in common: everything is a named blob."""

    @abstractmethod
    def _fetch(self, name: str, limit: int) -> bytes:
        """Return at most ``limit`` bytes of a named blob. Raises ``Missing``."""

    def checkpoint(self) -> bytes:
        """Return the newest checkpoint."""
        try:
            return self._fetch("checkpoint", _NOTE_LIMIT)
        except Missing:
            raise UnavailableError("log_unavailable", "there is no checkpoint: this is no log") from None

    def published_keys(self) -> list[str]:
        """Return the published verifier keys, none when there are none."""
        try:
            return self._fetch("vkeys", _NOTE_LIMIT).decode(errors="replace").split()
        except Missing:
            return []

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the hashes of a tile."""
        return self._partial_or_full(level, index, width, _TILE_LIMIT)

    def bundle(self, index: int, width: int) -> list[bytes | None]:
        """Return the entries of a bundle."""
        return list(unbundle(self._partial_or_full("entries", index, width, _BUNDLE_LIMIT), _FULL)[:width])

    def openings(self, index: int, width: int) -> dict[int, bytes | None] | None:
        """Return the openings beside the log, if somebody put them there."""
        try:
            lines = self._fetch(f"openings/{index:09d}", _BUNDLE_LIMIT * 32).splitlines()
        except Missing:
            return None
        found: dict[int, bytes | None] = dict.fromkeys(range(index * _FULL, index * _FULL + width))
        for line in lines:
            number, _, coded = line.partition(b" ")
            if number.isdigit() and int(number) in found:
                found[int(number)] = _unbase64(coded)
        return found

    def beyond(self, size: int) -> int:
        """Return zero: published files beyond the checkpoint are no concern."""
        return size - size

    def _partial_or_full(self, level: int | str, index: int, width: int, limit: int) -> bytes:
        try:
            return self._fetch(tile_name(level, index, width), limit)
        except Missing:
            return self._fetch(tile_name(level, index, _FULL), limit)


class DirectorySource(FileFace):
    """A folder of tile files."""

    def __init__(self, folder: Path) -> None:
        """Read from ``folder``."""
        self._folder = folder

    @override
    def _fetch(self, name: str, limit: int) -> bytes:
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(limit)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise Missing(name) from None
        except OSError as fault:
            raise UnavailableError("log_unavailable", f"`{name}` cannot be read: {fault.strerror}") from fault


class HttpSource(FileFace):
    """A tile server; only GET, bounded in size and time, redirects are not followed."""

    def __init__(self, base_url: str, client: httpx.Client | None = None, timeout_s: float = 20.0) -> None:
        """Read below ``base_url``."""
        self._base = base_url.rstrip("/")
        self._client = client or httpx.Client(timeout=timeout_s, follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @override
    def _fetch(self, name: str, limit: int) -> bytes:
        try:
            with self._client.stream("GET", f"{self._base}/{name}") as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    raise Missing(name)
                if answer.status_code != httpx.codes.OK:
                    raise UnavailableError("log_unavailable", f"`{name}` was answered with {answer.status_code}")
                return _bounded(answer, name, limit)
        except httpx.HTTPError as fault:
            raise UnavailableError("log_unavailable", f"the log does not answer: {fault}") from fault


def _bounded(answer: httpx.Response, name: str, limit: int) -> bytes:
    data = bytearray()
    for piece in answer.iter_bytes():
        data += piece
        if len(data) > limit:
            raise UnavailableError("log_unavailable", f"`{name}` is larger than {limit} bytes")
    return bytes(data)


def _unbase64(coded: bytes) -> bytes:
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        return b""

"""The console's files: ours in ``static``, others' in ``vendored``, each served under a path that holds its digest.

- A path with a digest may be kept for ever by a browser; a changed file has another path.
- A style sheet names fonts by their plain names, so those are served under the digest of the sheet's folder as well.

>>> assets().path("console.js").startswith("/static/console/")
True
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.keys import sha256_hex

STATIC: Final = "/static/console/"
_KINDS: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
_FOLDERS: Final = ("static", "vendored")


class Asset(msgspec.Struct, frozen=True):
    """One file: its media type and its bytes."""

    kind: str
    body: bytes


class Assets:
    """All files under one digest of them all: a sheet and the fonts that it names stay together."""

    def __init__(self, found: Mapping[str, Asset]) -> None:
        """Take the files by name."""
        self._found = dict(found)
        whole = "".join(f"{name}={sha256_hex(found[name].body)};" for name in sorted(found))
        self.prefix = f"{STATIC}{sha256_hex(whole.encode())[:16]}/"

    def path(self, name: str) -> str:
        """Return where a file is served.

        Raises:
            FaultyInputError: ``asset_unknown``.
        """
        if name not in self._found:
            raise FaultyInputError("asset_unknown", f"the console has no file `{name[:80]}`")
        return self.prefix + name

    def find(self, path: str) -> Asset | None:
        """Return the file that is served at ``path``."""
        return self._found.get(path.removeprefix(self.prefix)) if path.startswith(self.prefix) else None


@cache
def assets() -> Assets:
    """Return the console's files, read once."""
    found = {}
    for folder in _FOLDERS:
        for one in files(__package__).joinpath(folder).iterdir():
            kind = _KINDS.get(one.name.rpartition(".")[2])
            if kind is not None and not one.name.startswith("icon-"):
                found[one.name] = Asset(kind, one.read_bytes())
    return Assets(found)

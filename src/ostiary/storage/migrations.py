"""Numbered migrations of any backend with tables: files of its package, their digests, and what may run on what.

- ``migrations/NNNN_name.sql`` are run in order, exactly once, and written down with their digests: a migration that was
  edited afterwards is refused.
- What a newer Ostiary did to a database is refused, but where its migrations say that this one still works on it.
"""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.keys import sha256_hex

_FILE: Final = re.compile(r"(\d{4})_(\w+)\.sql\Z")


class Migration(msgspec.Struct, frozen=True):
    """One step of the schema."""

    version: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hex."""
        return sha256_hex(self.sql.encode())


def migrations_of(package: str) -> list[Migration]:
    """Return every migration of a backend in order."""
    found = []
    for file in files(package).joinpath("migrations").iterdir():
        name = _FILE.match(file.name)
        if name:
            found.append(Migration(int(name[1]), name[2], file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda step: step.version)


UNFINISHED: Final = "store_copy"
"""The table that marks a destination of ``ostiary store copy`` which is not all there yet."""


def refuse_unfinished() -> None:
    """Refuse to open half of a store.

    Raises:
        UnavailableError: ``schema_refused``.
    """
    text = "this is the destination of a copy that is not finished: run the same `ostiary store copy` again"
    raise UnavailableError("schema_refused", text)


def check(steps: Sequence[Migration], done: Mapping[int, str], *, partial: bool = False) -> None:
    """Refuse a schema that is newer than ``steps``, or was made by other texts.

    Raises:
        UnavailableError: ``schema_refused``.
    """
    known = {step.version: step.digest for step in steps}
    if not partial and set(done) - set(known):
        newest = max(done)
        text = f"the database has schema {newest}, this Ostiary knows {max(known)}: use a newer one"
        raise UnavailableError("schema_refused", text)
    for version, digest in done.items():
        if known.get(version, digest) != digest:
            raise UnavailableError("schema_refused", f"migration {version} was changed after it had run")

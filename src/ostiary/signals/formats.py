"""Every way in which Ostiary can read a log, under one name: adapters, shipped mappings, and a person's own mapping.

Rules:
- ``NAME_OR_FILE`` is the name of an adapter or of a shipped mapping, or the path of a mapping: what ends in ``.yaml``
  or ``.yml``, or has a ``/`` in it.
- Whoever reads a log through here can say what it was read with: name and digest.

>>> format_of("devaccess").name, format_of("okta").digest
('devaccess', '')
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.anylog.document import MAX_BYTES
from ostiary.signals.anylog.mapping import Mapping, load
from ostiary.signals.anylog.shelf import shipped, shipped_names
from ostiary.signals.importing import adapters, read
from ostiary.signals.opening import chunks_of
from ostiary.signals.pieces import Accepted, Rejected
from ostiary.vocabulary.ids import check_tenant

Seen = Callable[[bytes], object]
Outcomes = Iterator[Accepted | Rejected]

_ENDINGS: Final = (".yaml", ".yml")


class Format(msgspec.Struct, frozen=True):
    """One way to read a log.

    Attributes:
        name: what ``--format`` and ``--mapping`` take, or the name that a person's mapping gives itself.
        describe: one line for a person.
        digest: SHA-256 of the mapping; empty for an adapter, which is code of this version.
        mapping: the mapping, when it is one.
    """

    name: str
    describe: str
    digest: str = ""
    mapping: Mapping | None = None

    def read(self, path: Path, tenant: str, seen: Seen | None = None) -> Outcomes:
        """Yield what becomes of each record of the file at ``path``; ``-`` is standard input.

        Args:
            path: the log.
            tenant: whose events they are.
            seen: gets every byte of the file as it lies there, for a digest.

        Raises:
            FaultyInputError: ``tenant_invalid``.
            UnavailableError: ``extra_missing``.
        """
        tenant = check_tenant(tenant)
        if self.mapping is None:
            return read(self.name, chunks_of(path, seen), tenant)
        return self.mapping.read_file(path, tenant, seen)


def formats() -> dict[str, Format]:
    """Return every format that has a name, in order."""
    found = {each.name: Format(each.name, each.describe) for each in adapters().values()}
    found.update({name: _of(mapping) for name in shipped_names() if (mapping := shipped(name)) is not None})
    return dict(sorted(found.items()))


def format_of(name_or_file: str) -> Format:
    """Return the adapter, the shipped mapping, or the mapping in the file that is meant.

    Raises:
        FaultyInputError: ``format_unknown``, ``mapping_unreadable``, or ``mapping_…`` for what is wrong in it.
    """
    adapter, mapping = adapters().get(name_or_file), shipped(name_or_file)
    if adapter is not None:
        return Format(adapter.name, adapter.describe)
    if mapping is not None:
        return _of(mapping)
    if name_or_file.endswith(_ENDINGS) or "/" in name_or_file:
        return _of(load_file(Path(name_or_file)))
    known = ", ".join(sorted([*adapters(), *shipped_names()]))
    text = f"`{name_or_file[:80]}` is no known format and no YAML file: use one of {known}"
    raise FaultyInputError("format_unknown", text)


def load_file(path: Path) -> Mapping:
    """Return the mapping in the file at ``path``.

    Raises:
        FaultyInputError: ``mapping_unreadable``, or ``mapping_…`` with every fault and its line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as fault:
        raise FaultyInputError("mapping_unreadable", f"the mapping `{path}` cannot be read") from fault
    return load(data, str(path))


def _of(mapping: Mapping) -> Format:
    return Format(mapping.name, mapping.describe, mapping.digest, mapping)

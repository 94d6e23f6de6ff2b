"""Makes a manifest of objects, and checks objects against one: what producers and auditors do.

- Every object is read once, whole, from its pinned version; one that changes meanwhile fails it.
- ``compare`` tells every difference, not only the first: which objects are missing, extra or other.
"""

from collections.abc import Iterable, Iterator

import msgspec

from ostiary.artifacts.object_digest import hasher
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.datasets.ports import Objects
from ostiary.pipeline.datasets.statement import MANIFEST_INVALID, MAX_OBJECTS, Algorithm, Entry, Manifest


class Difference(msgspec.Struct, frozen=True):
    """One object that is not as its manifest says."""

    name: str
    what: str


def entries_of(objects: Objects, algorithm: Algorithm = "sha256") -> list[Entry]:
    """Return an entry for every object, in the order of their names.

    Raises:
        FaultyInputError: ``manifest_invalid``: there are too many.
        RefusedError: ``object_changed``.
    """
    found: list[Entry] = []
    for listed in objects.list("", "", deep=True):
        if len(found) >= MAX_OBJECTS:
            raise FaultyInputError(MANIFEST_INVALID, f"a manifest lists at most {MAX_OBJECTS} objects")
        found.append(entry_of(objects, listed.name, algorithm))
    return sorted(found, key=lambda entry: entry.name)


def entry_of(objects: Objects, name: str, algorithm: Algorithm) -> Entry:
    """Return the entry of one object, read now."""
    digest = hasher(algorithm)
    with objects.open(name) as one:
        for piece in one.pieces(0, one.stat.size):
            digest.update(piece)
        return Entry(name, one.stat.size, algorithm, digest.hexdigest())


def compare(objects: Objects, manifest: Manifest) -> Iterator[Difference]:
    """Yield every difference between objects and their manifest."""
    listed = {one.name for one in objects.list("", "", deep=True)}
    known = {entry.name for entry in manifest.objects}
    yield from _all(sorted(listed - known), "unlisted")
    for entry in manifest.objects:
        if entry.name not in listed:
            yield Difference(entry.name, "missing")
            continue
        try:
            if entry_of(objects, entry.name, entry.algorithm) != entry:
                yield Difference(entry.name, "modified")
        except RefusedError as no:
            yield Difference(entry.name, no.code)


def _all(names: Iterable[str], what: str) -> Iterator[Difference]:
    yield from (Difference(name, what) for name in names)

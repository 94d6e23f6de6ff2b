"""The catalogue file of a tenant: what its resources are worth, who its subjects are, which actions there are.

Rules:
- YAML or JSON with three lists: ``resources``, ``subjects``, ``actions``. Unknown members are errors.
- A resource ``id`` may hold ``*``; an exact id wins over a pattern, and the pattern with more plain letters wins.
- Faults name the line (YAML) and the pointer. Aliases, duplicated keys, deep or huge files are refused.

>>> catalogue = Catalogue.parse(b'''
... resources:
...   - {type: database, id: "prod/*", sensitivity: 4, labels: [production]}
... subjects:
...   - {type: user, id: ann, groups: [payments]}
... actions: [read, write]
... ''')
>>> catalogue.resource("database", "prod/customers").sensitivity, catalogue.subject("user", "ann").groups
(4, ('payments',))
"""

from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals import yamlfile
from ostiary.vocabulary.events import ActionClass

MAX_BYTES: Final = 32 * 1024 * 1024
_MAX_TEXT: Final = 512
_CACHE: Final = 65_536


class ResourceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One resource, or all that match a pattern.

    Attributes:
        type, id: as enforcement points name it; ``*`` in the id matches any text.
        sensitivity: 0 public, 1 internal, 2 confidential, 3 secret, 4 crown jewels; ``None`` is unknown.
        critical: models alone never go past STEP_UP here (HOUSE §1).
        break_glass: whether break-glass may open it.
        labels: short words such as ``production`` or ``pii``.
        properties: anything else that policy may want to read; signals read the ``owner``.
    """

    type: str
    id: str
    sensitivity: int | None = None
    critical: bool = False
    break_glass: bool = True
    labels: tuple[str, ...] = ()
    properties: dict[str, Any] = {}


class SubjectEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One subject.

    Attributes:
        type, id: as enforcement points name it.
        groups: the first is its peer group.
        tz_offset_min: its usual minutes from UTC, used where an event does not tell.
        properties: anything else that policy may want to read; signals read those that ``standing`` names.
    """

    type: str
    id: str
    groups: tuple[str, ...] = ()
    tz_offset_min: int | None = None
    properties: dict[str, Any] = {}


class ActionEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One action and its class, which is told from its name when left out."""

    name: str
    kind: ActionClass | None = msgspec.field(default=None, name="class")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The written form."""

    version: int = 1
    resources: tuple[ResourceEntry, ...] = ()
    subjects: tuple[SubjectEntry, ...] = ()
    actions: tuple[str | ActionEntry, ...] = ()


def _matches(pieces: list[str], name: str) -> bool:
    """Return whether ``name`` is the pieces in their order with any text between; its cost grows only with length.

    No regular expression: with several stars one of those takes time in a power of the length of an id that a caller
    chose, and nothing else runs meanwhile.
    """
    first, *middle, last = pieces
    place, end = len(first), len(name) - len(last)
    if place > end or not (name.startswith(first) and name.endswith(last)):
        return False
    for piece in middle:
        place = name.find(piece, place, end)
        if place < 0:
            return False
        place += len(piece)
    return True


class _Patterns:
    """The patterns of one resource type, most plain letters first."""

    def __init__(self, entries: list[ResourceEntry]) -> None:
        entries.sort(key=lambda entry: (-len(entry.id.replace("*", "")), entry.id))
        self._rules = [(entry.id.split("*"), entry) for entry in entries]

    def find(self, name: str) -> ResourceEntry | None:
        return next((entry for pieces, entry in self._rules if _matches(pieces, name)), None)


class Catalogue:
    """What is known beforehand of one tenant's resources, subjects and actions. Never changes."""

    def __init__(
        self,
        resources: tuple[ResourceEntry, ...] = (),
        subjects: tuple[SubjectEntry, ...] = (),
        actions: tuple[ActionEntry, ...] = (),
    ) -> None:
        """Index the entries; of two equal ones the last counts."""
        self._exact = {(entry.type, entry.id): entry for entry in resources if "*" not in entry.id}
        self._subjects = {(entry.type, entry.id): entry for entry in subjects}
        self._actions = {entry.name: entry for entry in actions}
        patterns: dict[str, list[ResourceEntry]] = {}
        for entry in resources:
            if "*" in entry.id:
                patterns.setdefault(entry.type, []).append(entry)
        self._patterns = {kind: _Patterns(entries) for kind, entries in patterns.items()}
        self._found: dict[tuple[str, str], ResourceEntry | None] = {}
        self._by_property: dict[str, dict[str, str]] = {}

    @classmethod
    def load(cls, path: Path) -> "Catalogue":
        """Read a catalogue file.

        Raises:
            FaultyInputError: ``catalogue_missing``, ``catalogue_too_large``, ``catalogue_malformed``.
        """
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as fault:
            text = f"the catalogue `{path}` cannot be read: {fault.strerror}"
            raise FaultyInputError("catalogue_missing", text) from fault
        return cls.parse(data, name=path.name)

    @classmethod
    def parse(cls, data: bytes, name: str = "catalogue.yaml") -> "Catalogue":
        """Read the bytes of a catalogue file; ``name`` is for messages, and ``.json`` says that it is JSON.

        Raises:
            FaultyInputError: ``catalogue_too_large``, ``catalogue_malformed``.
        """
        if len(data) > MAX_BYTES:
            raise FaultyInputError("catalogue_too_large", f"`{name}` has more than {MAX_BYTES} bytes")
        kept = yamlfile.read(data, _File, name, "catalogue_malformed")
        _check(kept, name)
        actions = tuple(ActionEntry(each) if isinstance(each, str) else each for each in kept.actions)
        return cls(kept.resources, kept.subjects, actions)

    def resource(self, kind: str, name: str) -> ResourceEntry | None:
        """Return what is known of one resource; an exact entry before the most specific pattern."""
        key = (kind, name)
        entry = self._exact.get(key)
        if entry is not None or not self._patterns:
            return entry
        try:
            return self._found[key]
        except KeyError:
            return self._search(key)

    def subject(self, kind: str, name: str) -> SubjectEntry | None:
        """Return what is known of one subject."""
        return self._subjects.get((kind, name))

    def subject_with(self, name: str, value: str) -> str:
        """Return ``type:id`` of the one subject whose property has this value; empty when none has or several have."""
        known = self._by_property.get(name)
        if known is None:
            found: dict[str, str] = {}
            for entry in self._subjects.values():
                told = entry.properties.get(name)
                if isinstance(told, str):
                    found[told] = "" if told in found else f"{entry.type}:{entry.id}"
            known = self._by_property[name] = found
        return known.get(value, "")

    def subjects(self, kind: str) -> tuple[str, ...]:
        """Return the ids of all subjects of a type, sorted."""
        return tuple(sorted(name for of, name in self._subjects if of == kind))

    def resources(self, kind: str) -> tuple[str, ...]:
        """Return the ids of all resources of a type that are named in full, sorted."""
        return tuple(sorted(name for of, name in self._exact if of == kind))

    def names(self) -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
        """Return every subject, and every resource that is named in full, as ``(type, id)``."""
        return frozenset(self._subjects), frozenset(self._exact)

    def actions(self) -> tuple[str, ...]:
        """Return the names of all actions, sorted."""
        return tuple(sorted(self._actions))

    def action_class(self, name: str) -> ActionClass | None:
        """Return the class that the catalogue gives an action, if it does."""
        entry = self._actions.get(name)
        return None if entry is None else entry.kind

    def _search(self, key: tuple[str, str]) -> ResourceEntry | None:
        entry = None
        for kind in (key[0], "*"):
            if entry is None and kind in self._patterns:
                entry = self._patterns[kind].find(key[1])
        if len(key[0]) + len(key[1]) > _MAX_TEXT:  # callers choose ids: what is remembered is bounded in bytes too
            return entry
        if len(key[0]) + len(key[1]) <= _MAX_TEXT:
            if len(self._found) >= _CACHE:
                self._found.clear()
            self._found[key] = entry
        return entry


def _check(kept: _File, name: str) -> None:
    for place, entry in enumerate(kept.resources):
        if entry.sensitivity is not None and not 0 <= entry.sensitivity <= 4:  # noqa: PLR2004 - the scale's two ends
            _refuse(name, f"/resources/{place}/sensitivity", "a sensitivity is a number from 0 to 4")
        if entry.id.count("*") > 8:  # noqa: PLR2004 - each star may cost a scan of the id
            _refuse(name, f"/resources/{place}/id", "an id may hold at most eight `*`")
    named = [(f"/resources/{place}", each.type, each.id) for place, each in enumerate(kept.resources)]
    named += [(f"/subjects/{place}", each.type, each.id) for place, each in enumerate(kept.subjects)]
    for pointer, kind, text in named:
        if not (0 < len(kind) <= _MAX_TEXT and 0 < len(text) <= _MAX_TEXT):
            _refuse(name, pointer, f"type and id have 1 to {_MAX_TEXT} characters")


def _refuse(name: str, pointer: str, text: str) -> None:
    raise FaultyInputError("catalogue_malformed", f"`{name}` at `{pointer}`: {text}", pointer)

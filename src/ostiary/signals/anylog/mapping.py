r"""A mapping, checked whole: what it reads, which rows it leaves out, what becomes of every field.

>>> text = b'''
... mapping: door_log
... read: {as: csv}
... event:
...   time: {column: at, format: unix_s}
...   subject_id: badge
...   action: {constant: open}
...   resource_type: {constant: door}
...   resource_id: "{house}/{door}"
... '''
>>> found = load(text, "door.yaml")
>>> [each.event.resource_id for each in found.read([b"at,badge,house,door\n1600000000,7,a,front\n"], "default")]
['a/front']
"""

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path as File
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.signals.anylog.conditions import MAX_CONDITIONS, condition, conditions
from ostiary.signals.anylog.context import Build, Context
from ostiary.signals.anylog.document import Node, entries, parse
from ostiary.signals.anylog.faults import MAX_FAULTS, FaultyMappingError, at, hint
from ostiary.signals.anylog.inputs import Input, input_of
from ostiary.signals.anylog.lookups import Get, Lookup, never
from ostiary.signals.anylog.parquet import parquet_rows
from ostiary.signals.anylog.paths import Path
from ostiary.signals.anylog.records import Make, Outcome, objects, rows
from ostiary.signals.anylog.targets import GROUPS, NEEDED, TARGETS, Kind, Target
from ostiary.signals.anylog.times import zone_of
from ostiary.signals.anylog.values import Constant, ignores, value
from ostiary.signals.fields import fallback_id
from ostiary.signals.opening import chunks_of
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import Mark

KEYS: Final = ("describe", "event", "malformed", "mapping", "read", "skip", "zone")
MAX_DESCRIBE: Final = 200
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
Member = tuple[str, Get]
Test = Callable[[Any], bool]


class Mapping:
    """A checked mapping: reads a log's bytes into access events.

    Attributes:
        name: of the mapping; becomes the events' ``source``.
        describe: one line for a person.
        digest: SHA-256 of the YAML.
        input: how the log is written.
        columns: every column that it names, and the line where it does first.
        fields: the names of the fields that it tells.
    """

    def __init__(self, name: str, describe: str, digest: str, form: Input, columns: dict[Path, int]) -> None:
        """Begin with nothing told; ``load`` fills the rest in."""
        self.name = name
        self.describe = describe
        self.digest = digest
        self.input = form
        self.columns = columns
        self._builds: dict[str, tuple[Target, Build]] = {}
        self._skips: list[tuple[Build, str]] = []

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the names of the fields that the mapping tells."""
        return tuple(self._builds)

    def tell(self, target: Target, build: Build) -> None:
        """Add what builds one field."""
        self._builds[target.name] = (target, build)

    def skip(self, build: Build, because: str) -> None:
        """Add a test of rows that are no access."""
        self._skips.append((build, because))

    def read(self, chunks: Iterable[bytes], tenant: str) -> Iterator[Outcome]:
        """Yield what becomes of each record of ``chunks``, in order, with bounded memory."""
        if self.input.table is not None:
            return rows(chunks, self.input.table, self.input.empty, self.maker, tenant)
        return objects(chunks, self.input, self.maker, tenant)

    def read_file(self, path: File, tenant: str, seen: Callable[[bytes], object] | None = None) -> Iterator[Outcome]:
        """Yield what becomes of each record of the file at ``path``; ``seen`` gets its bytes.

        Raises:
            UnavailableError: ``extra_missing`` for Parquet without its library.
        """
        if self.input.form != "parquet":
            return self.read(chunks_of(path, seen), tenant)
        return parquet_rows(path, self.input, tuple(self.columns), self.maker, tenant, seen)

    def maker(self, lookup: Lookup) -> Make:
        """Return what makes events of rows in which ``lookup`` finds the columns."""
        told = {name: (target, build) for name, (target, build) in self._builds.items() if not target.group}
        told.setdefault("event_id", (TARGETS["event_id"], lambda _lookup: never))
        fixed = {target.member: build.found for target, build in told.values() if isinstance(build, Constant)}
        plain = [
            (target.member, _complete(build(lookup), target))
            for target, build in told.values()
            if not isinstance(build, Constant)
        ]
        groups = [(name, form, self._members(name, lookup)) for name, form in GROUPS.items()]
        skips = [(build(lookup), because) for build, because in self._skips]
        return _make(plain, {**fixed, "source": self.name}, [each for each in groups if each[2]], skips)

    def _members(self, group: str, lookup: Lookup) -> list[Member]:
        return [(target.member, build(lookup)) for target, build in self._builds.values() if target.group == group]


def _complete(get: Get, target: Target) -> Get:
    """Return ``get`` with what stands for *not told* where that is not ``None``: a digest, a word, an empty list."""
    if target.name == "event_id":
        return lambda row: get(row) or fallback_id(row)
    absent = target.absent
    if absent is None:
        return get
    return lambda row: absent if (found := get(row)) is None else found


def _make(
    plain: list[Member],
    fixed: dict[str, Any],
    groups: list[tuple[str, Any, list[Member]]],
    skips: list[tuple[Test, str]],
) -> Make:
    def bare(row: Any, tenant: str) -> AccessEvent:
        return AccessEvent(tenant=tenant, **fixed, **{name: get(row) for name, get in plain})

    def whole(row: Any, tenant: str) -> AccessEvent:
        for test, because in skips:
            if test(row):
                raise FaultyInputError("row_skipped", because)
        told = {name: get(row) for name, get in plain}
        for name, form, members in groups:
            values = {member: found for member, get in members if (found := get(row)) is not None}
            if values:
                told[name] = form(**values)
        return AccessEvent(tenant=tenant, **fixed, **told)

    return whole if groups or skips else bare


def load(data: bytes, name: str) -> Mapping:
    """Return the mapping that ``data`` writes; ``name`` is what its faults call the file.

    Raises:
        FaultyMappingError: with every fault that was found.
    """
    faults: list[FaultyInputError] = []
    try:
        found = _load(parse(data), "sha256:" + sha256(data).hexdigest(), faults)
    except FaultyInputError as fault:
        raise FaultyMappingError(name, [*faults, fault]) from fault
    if faults:
        raise FaultyMappingError(name, faults) from faults[0]
    return found


def _load(root: Node, digest: str, faults: list[FaultyInputError]) -> Mapping:
    entries(root, KEYS, "a mapping")
    for key in ("mapping", "read", "event"):
        if key not in root.value:
            raise at(root.line, "mapping_missing", f"a mapping needs `{key}`")
    form = input_of(root.child("read"))
    context = Context(table=form.table is not None, columns={})
    _defaults(root, context)
    found = Mapping(_name(root.child("mapping")), _describe(root), digest, form, context.columns)
    if "skip" in root.value:
        _skips(root.child("skip"), context, found, faults)
    _fields(root.child("event"), context, found, faults)
    return found


def _name(node: Node) -> str:
    if not isinstance(node.value, str) or not _NAME.fullmatch(node.value):
        raise at(node.line, "mapping_value", "the name of a mapping has small letters, digits and `_`, 64 at most")
    return node.value


def _describe(root: Node) -> str:
    if "describe" not in root.value:
        return ""
    node = root.child("describe")
    if not isinstance(node.value, str) or len(node.value) > MAX_DESCRIBE or "\n" in node.value:
        raise at(node.line, "mapping_value", f"`describe` is one line of at most {MAX_DESCRIBE} characters")
    return node.value


def _defaults(root: Node, context: Context) -> None:
    if "malformed" in root.value:
        context.ignore = ignores(root.child("malformed"))
    if "zone" in root.value:
        node = root.child("zone")
        try:
            context.zone = zone_of(str(node.value))
        except FaultyInputError as fault:
            raise at(node.line, fault.code, fault.message) from fault


def _skips(node: Node, context: Context, found: Mapping, faults: list[FaultyInputError]) -> None:
    items = node.value if isinstance(node.value, list) else [node]
    if len(items) > MAX_CONDITIONS:
        raise at(node.line, "mapping_value", f"`skip` has at most {MAX_CONDITIONS} conditions")
    for each in items:
        try:
            build = condition(each, context, ("because",))
            found.skip(build, _because(each))
        except FaultyInputError as fault:
            faults.append(fault)


def _because(node: Node) -> str:
    said = node.child("because").value if "because" in node.value else "the mapping leaves such rows out"
    if not isinstance(said, str) or not 0 < len(said) <= MAX_DESCRIBE:
        raise at(node.lines["because"], "mapping_value", f"`because` is a text of at most {MAX_DESCRIBE} characters")
    return f"{said} (line {node.line} of the mapping)"


def _fields(node: Node, context: Context, found: Mapping, faults: list[FaultyInputError]) -> None:
    if not isinstance(node.value, dict):
        raise at(node.line, "mapping_value", "`event` is made of fields and their values")
    for name in sorted(node.value, key=lambda name: name != "time"):  # ages are counted to the time
        if len(faults) >= MAX_FAULTS:
            return
        try:
            target = _target(name, node.lines[name])
            build = _field(node.child(name), target, context)
        except FaultyInputError as fault:
            faults.append(fault)
            continue
        context.time = build if name == "time" else context.time
        found.tell(target, build)
    missing = [name for name in NEEDED if name not in node.value]
    faults.extend(at(node.line, "mapping_missing", f"an event cannot do without `{name}`") for name in missing)


def _field(node: Node, target: Target, context: Context) -> Build:
    return _marks(node, context) if target.kind is Kind.MARKS else value(node, target, context)


def _target(name: str, line: int) -> Target:
    target = TARGETS.get(name)
    if target is None:
        raise at(line, "mapping_field", f"`{name[:80]}` is no field of an event{hint(name, TARGETS)}")
    return target


def _marks(node: Node, context: Context) -> Build:
    """Return what builds the marks of an action: each has a condition."""
    entries(node, tuple(str(mark) for mark in Mark), "`marks`", "mapping_field")
    builds = [(Mark(name), conditions(each, context)) for name, each in node.value.items()]

    def build(lookup: Lookup) -> Get:
        tests = [(mark, test(lookup)) for mark, test in builds]
        return lambda row: tuple(mark for mark, test in tests if test(row))

    return build

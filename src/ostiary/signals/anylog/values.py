"""One value of a mapping: where it comes from and what is made of it, checked on load, built once per file.

A value is a column's name, a template (a text with braces), or keys of which exactly one says where it comes from:

- ``column``, ``template``, ``constant``, or ``first``: a list of values of which the first that is told counts.

and any of the others what is made of it:

- ``map`` translates texts to values of the field, ``otherwise`` is for texts that it does not name.
- ``default`` stands for what is not told; ``required`` rejects the row instead; ``when`` lets the value count at all.
- ``format`` and ``zone`` read times and offsets, ``since`` turns a moment into the seconds from it to the event,
  ``scale`` multiplies, ``split`` cuts a text into a list.
- ``malformed: ignore`` takes what does not fit for *not told*; without it the row is rejected.
"""

from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.anylog.conditions import conditions
from ostiary.signals.anylog.context import Build, Context
from ostiary.signals.anylog.converters import OFFSET_FORMS, Convert, Options, converter, misfit, written
from ostiary.signals.anylog.document import Node, entries
from ostiary.signals.anylog.faults import at, hint
from ostiary.signals.anylog.lookups import Get, Lookup
from ostiary.signals.anylog.targets import Kind, Target
from ostiary.signals.anylog.times import check_form, reader, zone_of

SOURCES: Final = ("column", "constant", "first", "template")
KEYS: Final = (
    *SOURCES, "default", "format", "malformed", "map", "otherwise",
    "required", "scale", "since", "split", "when", "zone",
)  # fmt: skip
MAX_FIRST: Final = 16
MAX_MAP: Final = 4_096
_NS: Final = 10**9
_NUMBERS: Final = (Kind.AMOUNT, Kind.WHOLE)


def value(node: Node, target: Target, context: Context) -> Build:
    """Return what builds the value of ``target``: from a row to the value or ``None``.

    Raises:
        FaultyInputError: ``mapping_…`` with the line as pointer.
    """
    if isinstance(node.value, str):
        node = Node(node.line, {"template" if "{" in node.value or "}" in node.value else "column": node}, {})
    if not isinstance(node.value, dict):
        text = f"`{target.name}` is a column's name, a template or keys; a constant is written `{{constant: …}}`"
        raise at(node.line, "mapping_value", text)
    entries(node, KEYS, f"the value of `{target.name}`")
    sources = [key for key in SOURCES if key in node.value]
    if len(sources) != 1:
        raise at(node.line, "mapping_missing", f"`{target.name}` needs exactly one of {', '.join(SOURCES)}")
    if sources == ["constant"]:
        return _constant(node, target, context)
    if sources == ["first"]:
        build = _first(node.child("first"), target, context)
    else:
        build = _converted(_raw(node, context), _translated(node, target, _made(node, target, context)))
    return _guarded(node, target, context, build)


def fixed(node: Node, target: Target) -> Any:
    """Return a value that the mapping itself writes, of the field's kind.

    Raises:
        FaultyInputError: ``mapping_value``.
    """
    raw: Any = [each.value for each in node.value] if isinstance(node.value, list) else node.value
    if raw is None:
        return None
    if target.kind is Kind.MOMENT:
        raise at(node.line, "mapping_value", "the time of an event is no constant")
    try:
        return converter(target, Options())(raw)
    except FaultyInputError as fault:
        near = hint(written(raw) or "", target.choices) if target.choices else ""
        raise at(node.line, "mapping_value", fault.message + (near if near.startswith(": did") else "")) from fault


def _raw(node: Node, context: Context) -> Build:
    if "column" in node.value:
        path = context.column(node.child("column"))
        return lambda lookup: lookup(path)
    pieces = context.template(node.child("template"))

    def build(lookup: Lookup) -> Get:
        gets = [piece if isinstance(piece, str) else lookup(piece) for piece in pieces]
        return lambda row: _filled(gets, row)

    return build


def _filled(gets: list[Any], row: Any) -> str | None:
    """Return a template's text; one of its columns not told, it is not told either."""
    parts = []
    for each in gets:
        text = each if type(each) is str else written(each(row))
        if text is None:
            return None
        parts.append(text)
    return "".join(parts)


def _made(node: Node, target: Target, context: Context) -> Convert:
    """Return what makes a field's value of a told one, by the keys that say how."""
    kind = target.kind
    scale, split = _option(node, "scale", kind in _NUMBERS), _option(node, "split", kind is Kind.LIST)
    form, since = _option(node, "format", kind in {Kind.MOMENT, Kind.OFFSET}), _since(node, target)
    zone = _option(node, "zone", kind is Kind.MOMENT or bool(since))
    if scale is not None and (isinstance(scale, bool) or not isinstance(scale, int | float) or not scale > 0):
        raise at(node.lines["scale"], "mapping_value", "`scale` is a number above zero")
    if split is not None and (not isinstance(split, str) or not split):
        raise at(node.lines["split"], "mapping_value", "`split` is a text")
    if kind is Kind.MOMENT or since:
        return _moment(node, since or form or "iso8601", zone, context)
    if form is not None and form not in OFFSET_FORMS:
        raise at(node.lines["format"], "mapping_value", f"`format` of an offset{hint(str(form), OFFSET_FORMS)}")
    return converter(target, Options(scale, split or "", form or "minutes"))


def _option(node: Node, key: str, fits: bool) -> Any:  # noqa: FBT001 - whether the field can have it
    if key not in node.value:
        return None
    if not fits:
        raise at(node.lines[key], "mapping_key", f"`{key}` does not go with this field")
    return node.child(key).value


def _since(node: Node, target: Target) -> Any:
    return _option(node, "since", target.kind is Kind.AMOUNT and target.name.endswith("_s"))


def _moment(node: Node, form: Any, zone: Any, context: Context) -> Convert:
    if not isinstance(form, str) or not isinstance(zone, str | None):
        raise at(node.line, "mapping_value", "the form and the zone of a time are texts")
    try:
        check_form(form)
        return reader(form, zone_of(zone) if zone is not None else context.zone)
    except FaultyInputError as fault:
        raise at(node.line, fault.code, fault.message) from fault


def _translated(node: Node, target: Target, made: Convert) -> Convert:
    """Return ``made`` behind the mapping's own translation of texts."""
    if "map" not in node.value:
        if "otherwise" in node.value:
            raise at(node.lines["otherwise"], "mapping_missing", "`otherwise` goes with `map`")
        return made
    table = node.child("map")
    if not isinstance(table.value, dict) or not 0 < len(table.value) <= MAX_MAP:
        raise at(table.line, "mapping_value", f"`map` has from 1 to {MAX_MAP:,} keys and values")
    known = {word.strip(): fixed(each, target) for word, each in table.value.items()}
    other = fixed(node.child("otherwise"), target) if "otherwise" in node.value else made
    last = "otherwise" in node.value

    def convert(raw: Any) -> Any:
        text = written(raw)
        if text in known:
            return known[text]
        return other if last else made(raw)

    return convert


def _converted(raw: Build, convert: Convert) -> Build:
    def build(lookup: Lookup) -> Get:
        get = raw(lookup)

        def told(row: Any) -> Any:
            found = get(row)
            return None if found is None else convert(found)

        return told

    return build


class Constant:
    """Builds one value, whatever the file and the row: a reader may keep it apart."""

    def __init__(self, found: Any) -> None:
        """Keep the value."""
        self.found = found

    def __call__(self, _lookup: Lookup) -> Get:
        """Return what gives the value for every row."""
        return lambda _row: self.found


def _constant(node: Node, target: Target, context: Context) -> Build:
    entries(node, ("constant", "when"), "a constant")
    found = fixed(node.child("constant"), target)
    if target.needed and (found in (None, "") or "when" in node.value):
        raise at(node.line, "mapping_value", f"an event cannot do without `{target.name}`")
    constant = Constant(found)
    return _when(constant, conditions(node.child("when"), context)) if "when" in node.value else constant


def _first(node: Node, target: Target, context: Context) -> Build:
    """Return what builds the first told of several values."""
    if not isinstance(node.value, list) or not 0 < len(node.value) <= MAX_FIRST:
        raise at(node.line, "mapping_value", f"`first` is a list of 1 to {MAX_FIRST} values")
    optional = msgspec.structs.replace(target, needed=False)
    builds = [value(each, optional, context) for each in node.value]

    def build(lookup: Lookup) -> Get:
        gets = [each(lookup) for each in builds]
        return lambda row: next((found for get in gets if (found := get(row)) is not None), None)

    return build


def _guarded(node: Node, target: Target, context: Context, build: Build) -> Build:
    """Return ``build`` with what holds when nothing is told, or when what is told does not fit."""
    if "since" in node.value:
        build = _aged(build, target, context, node.line)
    if "when" in node.value:
        build = _when(build, conditions(node.child("when"), context))
    required = _bool(node, "required", target.needed)
    if target.needed and not required:
        raise at(node.lines["required"], "mapping_value", f"an event cannot do without `{target.name}`")
    if _ignores(node, context) and not required:
        build = _lenient(build)
    default = fixed(node.child("default"), target) if "default" in node.value else None
    if default is not None:
        return _defaulted(build, default)
    return _required(build, target, node.line) if required else build


def _bool(node: Node, key: str, default: bool) -> bool:  # noqa: FBT001 - a value, not a switch
    found = node.child(key).value if key in node.value else default
    if not isinstance(found, bool):
        raise at(node.lines[key], "mapping_value", f"`{key}` is true or false")
    return found


def _ignores(node: Node, context: Context) -> bool:
    if "malformed" not in node.value:
        return context.ignore
    return ignores(node.child("malformed"))


def ignores(node: Node) -> bool:
    """Return whether ``malformed`` says so.

    Raises:
        FaultyInputError: ``mapping_value``.
    """
    if not isinstance(node.value, str) or node.value not in {"ignore", "reject"}:
        raise at(node.line, "mapping_value", "`malformed` is `ignore` or `reject`")
    return bool(node.value == "ignore")


def _aged(build: Build, target: Target, context: Context, line: int) -> Build:
    if context.time is None:
        raise at(line, "mapping_missing", "`since` needs the `time` of the event")
    moment = context.time

    def outer(lookup: Lookup) -> Get:
        now, then = moment(lookup), build(lookup)

        def age(row: Any) -> float | None:
            begun = then(row)
            if begun is None:
                return None
            seconds = (now(row) - begun) / _NS
            if seconds < 0:
                raise misfit(target, seconds, "before zero: the moment is after the event")
            return float(seconds)

        return age

    return outer


def _when(build: Build, test: Build) -> Build:
    def outer(lookup: Lookup) -> Get:
        get, holds = build(lookup), test(lookup)
        return lambda row: get(row) if holds(row) else None

    return outer


def _lenient(build: Build) -> Build:
    def outer(lookup: Lookup) -> Get:
        get = build(lookup)

        def told(row: Any) -> Any:
            try:
                return get(row)
            except FaultyInputError:
                return None

        return told

    return outer


def _defaulted(build: Build, default: Any) -> Build:
    def outer(lookup: Lookup) -> Get:
        get = build(lookup)
        return lambda row: default if (found := get(row)) is None else found

    return outer


def _required(build: Build, target: Target, line: int) -> Build:
    text = f"the field `{target.name}` is missing or empty (line {line} of the mapping)"

    def outer(lookup: Lookup) -> Get:
        get = build(lookup)

        def told(row: Any) -> Any:
            found = get(row)
            if found is None:
                raise FaultyInputError("field_missing", text, target.name)
            return found

        return told

    return outer

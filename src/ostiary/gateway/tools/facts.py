"""What policy is told of a call: facts and names, never a value of an argument.

The facts go to the decision as properties of the action ``tool.call`` (`properties`); the rules are in
``policies/guardrails/tools.rego``. What is called:

- ``asked``: the user spoke of such a deed. ``named``: how many arguments are the user's own.
- ``hot``: arguments that pick something and come from running text. ``targets``: how many say where something goes.
- ``fetch``: the call does nothing but read a place. ``bare``: its links were found as they are, nothing is added.
- ``instructed``: such a link stands in a sentence that tells somebody to go there.
- ``unaimed``: the tool has an argument for where something goes, and the call leaves it out.
- ``planted``: a text for others holds a link that came from what anybody could write.
"""

import re
from typing import Any, Final

import msgspec

from ostiary.gateway.tools import shapes
from ostiary.gateway.tools.conversation import ToolCall
from ostiary.gateway.tools.kinds import SHORT, TARGETS, Kind, declared, kind_of, words_of
from ostiary.gateway.tools.manifest import Argument, Manifest, Reads, Tool
from ostiary.gateway.tools.provenance import TAINTED, Origin, Sources, harsher
from ostiary.vocabulary.labels import SessionLabel

_HOT: Final = frozenset({Origin.PROSE, Origin.DECODED, Origin.UNEXPLAINED})
_BODIES: Final = frozenset(
    {
        "body",
        "content",
        "contents",
        "message",
        "text",
        "subject",
        "description",
        "summary",
        "comment",
        "note",
        "notes",
        "reply",
    }
)
_PLAIN: Final = Argument()
_TELLS_TO_GO: Final = re.compile(
    r"^\W*(?:\d+\W+)?"
    r"(?:(?:please|now|then|first|next|also|and|bitte|todo|you (?:must|should|need to)|make sure to)\W+){0,3}"
    r"(?:visit|open|go to|navigate|browse|click|follow|fetch|load|request|read|get|download|call|see|check|access"
    r"|retrieve|post|besuche|öffne|ouvre|visite|abre|visita|apri)\b",
    re.IGNORECASE,
)
_TO_A_MODEL: Final = re.compile(
    r"\b(?:ignore|disregard|forget)\b.{0,40}\b(?:instruction|previous|above|prior)|\bbefore you can\b"
    r"|<\s*information\s*>|\b(?:ai|language) model\b|\bas an ai\b|\bassistant\b.{0,40}\b(?:must|should|please)\b"
    r"|\byour (?:new )?(?:task|instruction)|\bimportant (?:message|instruction)|\bto you,"
    r"|\bdo the following\b|\bsystem prompt\b|^\W*todo\b",
    re.IGNORECASE | re.MULTILINE,
)
_SENTENCE: Final = re.compile(r"(?<=[.!?:;])\s+|\n+|\r")


class ArgumentFacts(msgspec.Struct, frozen=True):
    """What is known of one argument.

    Attributes:
        name: of the argument.
        kind: of its worst value.
        origin: where its worst value comes from.
        outside: a value fits none of the operator's patterns.
    """

    name: str
    kind: Kind
    origin: Origin
    outside: bool = False

    @property
    def tainted(self) -> bool:
        """Whether a value comes from what anybody could have written, or is unexplained beside it."""
        return self.origin in TAINTED


class CallFacts(msgspec.Struct, frozen=True):
    """What is known of one call. See the module for the words."""

    tool: Tool
    session: SessionLabel
    arguments: tuple[ArgumentFacts, ...] = ()
    valid: bool = True
    shadows: str = ""
    pin: str = "unpinned"
    plan: str = "none"
    asked: bool = False
    named: int = 0
    hot: int = 0
    fetch: bool = False
    bare: bool = False
    instructed: bool = False
    planted: bool = False
    unaimed: bool = False

    @property
    def tainted(self) -> tuple[str, ...]:
        """The names of the tainted arguments, in order."""
        return tuple(sorted({one.name for one in self.arguments if one.tainted}))

    def properties(self) -> dict[str, Any]:
        """Return what policy sees as ``input.action.properties``."""
        return {
            "tool": {
                "known": self.tool.known,
                "reads": self.tool.reads.value,
                "sink": self.tool.sink.value,
                "sensitive": self.tool.sensitive,
                "pin": self.pin,
                "shadows": self.shadows,
            },
            "labels": {
                "untrusted": self.session.untrusted,
                "confidentiality": self.session.confidentiality,
                "uninspected": self.session.uninspected,
                "foreign": self.session.foreign,
            },
            "arguments": {
                "valid": self.valid,
                "outside": sorted({one.name for one in self.arguments if one.outside}),
                "origins": [
                    {"name": one.name, "kind": one.kind.value, "origin": one.origin.value} for one in self.arguments
                ],
                "named": self.named,
                "hot": self.hot,
            },
            "request": {"asked": self.asked, "plan": self.plan},
            "flow": {
                "fetch": self.fetch,
                "bare": self.bare,
                "instructed": self.instructed,
                "planted": self.planted,
                "unaimed": self.unaimed,
            },
        }


def facts_of(call: ToolCall, manifest: Manifest, sources: Sources, session: SessionLabel) -> CallFacts:
    """Return the facts of one call."""
    tool = manifest.find(call.name)
    leaves = [(name, value, _kind(tool, name, value)) for name, value in call.leaves()]
    arguments = _arguments(leaves, tool, sources)
    links = [value for _, value, kind in leaves if kind in {Kind.URL, Kind.HOST}]
    fetch = tool.reads is Reads.UNTRUSTED and bool(links) and len(links) == len(leaves)
    return CallFacts(
        tool=tool,
        session=session,
        arguments=arguments,
        valid=call.arguments is not None,
        shadows=manifest.shadowed(call.name),
        asked=sources.asks_for(call.name),
        named=sum(one.origin is Origin.USER for one in arguments),
        hot=sum(_picks(one, leaves) and one.origin in _HOT for one in arguments),
        fetch=fetch,
        bare=fetch and all(sources.verbatim(link) for link in links),
        instructed=any(_instructed(link, sources) for link in links),
        unaimed=_unaimed(tool, call) and not any(one.kind in TARGETS for one in arguments),
        planted=any(_plants(value, kind, sources) for _, value, kind in leaves),
    )


def _kind(tool: Tool, name: str, value: str) -> Kind:
    return kind_of(tool.args.get(name, _PLAIN).kind, name, value)


def _arguments(leaves: list[tuple[str, str, Kind]], tool: Tool, sources: Sources) -> tuple[ArgumentFacts, ...]:
    found: dict[str, list[ArgumentFacts]] = {}
    for name, value, kind in leaves:
        argument = tool.args.get(name, _PLAIN)
        origin = sources.of(value, kind, argument)
        found.setdefault(name, []).append(ArgumentFacts(name, kind, origin, not argument.allows(value)))
    return tuple(one for facts in found.values() for one in _worst(facts))


def _worst(facts: list[ArgumentFacts]) -> list[ArgumentFacts]:
    """Return one fact for the targets of an argument and one for the rest."""
    outside = any(one.outside for one in facts)
    sides = ([one for one in facts if one.kind in TARGETS], [one for one in facts if one.kind not in TARGETS])
    kept = []
    for side in sides:
        if side:
            origin = harsher(one.origin for one in side)
            worst = next(one for one in side if one.origin is origin)
            kept.append(ArgumentFacts(worst.name, worst.kind, origin, outside))
    return kept


def _unaimed(tool: Tool, call: ToolCall) -> bool:
    """Tell whether a tool could be told where to go, and is not: it changes something that has its place."""
    aims = {name for name, argument in tool.args.items() if declared(argument.kind) in TARGETS}
    return bool(aims) and not aims & set(call.arguments or {})


def _picks(one: ArgumentFacts, leaves: list[tuple[str, str, Kind]]) -> bool:
    values = [value for name, value, _ in leaves if name == one.name]
    if one.kind in TARGETS or (one.kind is Kind.TEXT and _BODIES.intersection(words_of(one.name))):
        return False
    return any(len(value) <= SHORT and "\n" not in value for value in values)


def _instructed(value: str, sources: Sources) -> bool:
    wanted = shapes.addresses_in(value).links
    for heard in sources.heard:
        if not wanted & heard.addresses.links:
            continue
        if _TO_A_MODEL.search(heard.plain):
            return True
        texts = [raw for _, raw, _ in heard.parts[0]] if heard.parts[1] else [heard.plain]
        told = (one for text in texts for one in _SENTENCE.split(text))
        sentences = [one for one in told if shapes.addresses_in(one).links & wanted]
        if any(_TELLS_TO_GO.search(one) for one in sentences):
            return True
    return False


def _plants(value: str, kind: Kind, sources: Sources) -> bool:
    if kind in TARGETS or not sources.heard:
        return False
    links = shapes.addresses_in(value).links
    foreign = {link for link in links if not sources.said.names(link, Kind.URL)}
    return any(foreign & heard.addresses.links for heard in sources.heard)

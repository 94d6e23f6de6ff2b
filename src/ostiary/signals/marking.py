"""What a record says of an action in itself: the marks of its name, and of the settings and values it carries.

Rules:
- One pass over the leaves, bounded (``MAX_LEAVES``, ``MAX_TEXT``); JSON written inside a text is read too. What is
  small is read first, what has many members after it: a long list hides nothing that stands beside it. A record that is
  not read to its end carries something obfuscated (``encoded``): who pads it is seen by that.
- What *was* (``oldValue``, ``previous…``) marks nothing; what *is asked for* or *became* does.
- Openness and rights count only where the action gives or sets them: a revoked rule opens nothing.
- That nothing of it happened (a sample), or that a risk is over, is believed where the product itself writes it and
  nowhere else: tags, labels and bodies are words of whoever is told about.
- Whom an action is done to tells no home, nor does the name of a session of a role, which anybody chooses.
- An address of mail, or an account, that is not of the actor's own organisation is outside.
- Semantics are those of the vendors' documentation (``deedwords``, ``markwords``), never of a detection rule.

>>> wanted = {"ipPermissions": {"items": [{"cidrIp": "0.0.0.0/0"}]}}
>>> [str(mark) for mark in told_of("ec2:AuthorizeSecurityGroupIngress", wanted).marks]
['changes_network', 'makes_public']
>>> [str(mark) for mark in told_of("ec2:RevokeSecurityGroupIngress", wanted).marks]
['changes_network', 'destroys']
"""

from functools import lru_cache
from typing import Any, Final

import msgspec

from ostiary.signals.decoding import read_inner
from ostiary.signals.deeds import deed_of
from ostiary.signals.fields import address, at
from ostiary.signals.markchecks import CHECKS, MAX_WORD, NOT_OF_ACTOR, Asked, is_chief
from ostiary.signals.marknames import Name, name_of
from ostiary.signals.marktexts import changes_in, domain_of, lost, mail_domains
from ostiary.signals.markwords import CALM, REMOTE_PORTS, SWITCHES, WORDS
from ostiary.vocabulary.facts import Mark

MAX_LEAVES: Final = 4_096
MAX_TEXT: Final = 4_096
_MAX_JSON: Final = 65_536
_MAX_LIST: Final = 256
_QUARTER: Final = 25
_HALF: Final = 50
_MOST_RISK: Final = 100

_NAMES: Final = frozenset({"name", "Name", "setting"})
_IN_ORDER: Final = ("key", "Key", "displayName", "field", "property", "workspaceConfKeys")
_KEYS: Final = frozenset(_IN_ORDER)
_NEW: Final[dict[str, tuple[str, ...]]] = {
    "newValue": ("oldValue", "previousValue"),
    "NewValue": ("OldValue", "PreviousValue"),
    "NEW_VALUE": ("OLD_VALUE",),
    "new_value": ("old_value", "previous_value"),
    "newValues": ("oldValues",),
    "new_values": ("old_values", "previous_values"),
    "new_scopes": ("previous_scopes", "old_scopes"),
    "current_value": ("previous_value", "old_value"),
    "currentValue": ("previousValue", "oldValue"),
    "postaction": ("preaction",),
    "postAction": ("preAction",),
    "after": ("before",),
    "new": ("old", "previous"),
}
_VALUES: Final = (
    "value", "Value", "newValue", "NewValue", "New", "boolValue", "intValue", "multiValue", "new", "to", "new_value",
    "ValueString", "stringValue", "workspaceConfValues",
)  # fmt: skip
_KEYS_OF_PAIRS: Final = frozenset({"value", "Value", "newValue", "NewValue", "New", "boolValue"})
_PAIR: Final = 5
_FEW: Final = 64
_MANY: Final = (dict, list)
_SAMPLES: Final = (("service", "additionalInfo", "sample"), ("service", "sample"))  # GuardDuty
_RISKS: Final = (("properties", "riskState"), ("riskState",))  # Entra
_TELLING: Final = frozenset(WORDS) | frozenset(SWITCHES)
_OPENING: Final = frozenset("{[")
_CLOSING: Final = frozenset("}]")
_TOP: Final = name_of("")
_CACHE: Final = 16_384
_ALTERS: Final = frozenset({"change", "begin", "grant", "share", "stop"})
_SETS: Final = _ALTERS | {"make", "act_as"}
_ONLY_LOOKS: Final = frozenset({"remove", "read", "list", "stop", "fail", "take"})
_NO_SETTING: Final = frozenset({"read", "list", "take", "enter", "remove"})

Stack = list[tuple[Name, Any, bool]]


class Told(msgspec.Struct, frozen=True):
    """What a record tells of its action.

    Attributes:
        marks: in alphabetical order.
        widest: how many things the longest list of the request or answer names.
        calm: the product says that nothing of it happened (a sample), or that the risk is over.
    """

    marks: tuple[Mark, ...]
    widest: int
    calm: bool


def _abilities(verbs: frozenset[str]) -> frozenset[str]:
    """Return what an action with these verbs can do to settings and rights."""
    able = {"any"}
    if not verbs or not verbs <= _ONLY_LOOKS:
        able.add("gives")
    if not _SETS.isdisjoint(verbs) or _NO_SETTING.isdisjoint(verbs):
        able.add("sets")
    if not _ALTERS.isdisjoint(verbs) or verbs <= {"alert", "fail"}:
        able.add("alters")
    if "enter" in verbs:
        able.add("enters")
    return frozenset(able)


@lru_cache(maxsize=_CACHE)
def _known(action: str) -> tuple[frozenset[Mark], frozenset[str], frozenset[str]]:
    """Return what the action's name tells: its marks, its abilities, and what it is about."""
    deed = deed_of(action)
    return frozenset(deed.marks), _abilities(deed.verbs), deed.things


@lru_cache(maxsize=_CACHE)
def _own(names: tuple[str, ...], homes: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the names of the actor and its organisation, their domains of mail, and their account numbers."""
    lower = {each.lower() for each in names if each}
    at_home = {each.lower() for each in homes if "." in each and not each.startswith("arn:") and not address(each)}
    return (
        frozenset(lower | {name.rpartition("/")[2] for name in lower if "/" in name}),
        frozenset(domain_of(name) for name in at_home),
        frozenset(part for name in lower for part in name.split(":") if part.isdigit()),
    )


def told_of(
    action: str,
    record: dict[str, Any],
    own: tuple[str, ...] = (),
    about: str = "",
    homes: tuple[str, ...] | None = None,
) -> Told:
    """Return what ``record`` says that ``action`` does in itself.

    Args:
        action: the action's name.
        record: the foreign record.
        own: names of the actor and of its organisation: what belongs to others is outside.
        about: the kind and name of what it is done to.
        homes: those of ``own`` whose domain of mail is the organisation's, all of them when it is not said.
    """
    marks_of_name, can, things = _known(action)
    asked = Asked(set(marks_of_name), can, *_own(own, own if homes is None else homes), things, about)
    _read(asked, record)
    calm = _is_calm(record)
    marks = asked.marks - {Mark.FLAGGED, Mark.SEVERE} if calm else asked.marks
    return Told(tuple(sorted(marks)), asked.widest, calm)


def _is_calm(record: dict[str, Any]) -> bool:
    if any(at(record, *path) is True for path in _SAMPLES):
        return True
    states = (at(record, *path) for path in _RISKS)
    return any(type(state) is str and state.lower() in CALM for state in states)


def _read(asked: Asked, record: dict[str, Any]) -> None:
    stack: Stack = [(_TOP, record, False)]
    late: Stack = []
    left = MAX_LEAVES
    while (stack or late) and left > 0:
        waited = not stack
        name, value, actor = (late if waited else stack).pop()
        if not waited and type(value) in _MANY and len(value) > _FEW:
            late.append((name, value, actor))
        elif type(value) is dict:
            left -= len(value)
            _open(asked, name, value, stack, actor=actor)
        else:
            left -= 1
            _leaf(asked, name, value, stack, actor=actor)
    if stack or late:
        asked.marks.add(Mark.ENCODED)


def _leaf(asked: Asked, name: Name, value: Any, stack: Stack, *, actor: bool) -> None:
    """Read a value that is no object."""
    kind = type(value)
    if kind is str:
        inner = _text(asked, name, value, actor=actor)
        if inner is not None:
            stack.append((name, inner, actor))
    elif kind is bool:
        _switch(asked, name, on=value)
    elif kind is list:
        if not actor and len(value) > asked.widest and not _is_pair(value[0]):
            asked.widest = len(value)
        stack += [(name, each, actor) for each in value[: MAX_LEAVES + 1]]
    elif kind is int or kind is float:
        _number(asked, name, value)


def _is_pair(value: Any) -> bool:
    """Return whether a list's member is a setting's name with its value: such lists name no things."""
    return type(value) is dict and len(value) < _PAIR and not _KEYS_OF_PAIRS.isdisjoint(value)


def _open(asked: Asked, above: Name, value: dict[str, Any], stack: Stack, *, actor: bool) -> None:
    """Read the members of an object under the names that they go by; what lies deeper goes on the stack."""
    actor = actor or above.actor
    named = ""
    for member, told in value.items():
        if told is None or told == "":
            continue
        name = name_of(member)
        if name.generic:
            if member in _NAMES and type(told) is str:
                named = told
            name = name_of(f"{above.key} {member}")
        if name.skip:
            continue
        if name.present is not None:
            asked.marks.add(name.present)
        each = _became(asked, member, value) if member in _NEW else told
        if type(each) is dict or (type(each) is list and len(each) > _FEW):
            stack.append((name, each, actor))
        else:
            _leaf(asked, name, each, stack, actor=actor)
    if not named and not _KEYS.isdisjoint(value):
        named = next((each for key in _IN_ORDER if type(each := value.get(key)) is str), "")
    if named:
        name = name_of(named)
        stack += [(name, value[each], actor) for each in _VALUES if value.get(each) is not None]


def _became(asked: Asked, member: str, value: dict[str, Any]) -> Any:
    """Return what of a new value was not there before, where the object tells the old one too."""
    after = value[member]
    before = next((value[old] for old in _NEW[member] if old in value), None)
    if before is None:
        return after
    if type(before) is str and type(after) is str and lost(before[:_MAX_JSON], after[:_MAX_JSON]):
        asked.marks.add(Mark.DISABLES_PROTECTION)
    return _difference(_decoded(before), _decoded(after))


def _difference(before: Any, after: Any) -> Any:
    return changed(before, after) if after or not before else "none"


def _switch(asked: Asked, name: Name, *, on: bool) -> None:
    asked.follow(name.on if on else name.off)
    if not on and name.state and "alters" in asked.can:
        things = asked.things | deed_of(asked.about).things
        if "protection" in things:
            asked.marks.add(Mark.DISABLES_PROTECTION)
        if "trace" in things:
            asked.marks.add(Mark.HIDES_TRACES)


def _number(asked: Asked, name: Name, value: float) -> None:
    if value in (0, 1):
        _switch(asked, name, on=value == 1)
    elif "port" in name.readings and value in REMOTE_PORTS:
        asked.marks.add(Mark.INTERACTIVE)
    elif "risk" in name.readings and _QUARTER <= value <= _MOST_RISK:
        asked.marks.update((Mark.FLAGGED, Mark.SEVERE) if value >= _HALF else (Mark.FLAGGED,))


def _text(asked: Asked, name: Name, value: str, *, actor: bool) -> Any:
    """Read one text; return the JSON that it holds, if any."""
    if len(value) <= MAX_WORD:
        word = value.lower()
        if word in _TELLING:
            asked.follow(WORDS.get(word, ()))
            if word in SWITCHES:
                _switch(asked, name, on=SWITCHES[word])
    for reading in name.readings:
        if not actor or reading not in NOT_OF_ACTOR:
            CHECKS[reading](asked, value[:MAX_TEXT])
    if actor:
        CHECKS["source"](asked, value)
    elif "@" in value or value.startswith("arn:"):
        _outside(asked, value)
    if " from " in value and " to " in value:
        _written(asked, value[:MAX_TEXT])
    if "=POSITIVE" in value:  # Okta behaviour detection
        asked.marks.add(Mark.FLAGGED)
    return _decoded_json(value) if value[:1] in _OPENING and value[-1:] in _CLOSING else None


def _outside(asked: Asked, value: str) -> None:
    """Mark what belongs to another organisation: an address of mail, or an Amazon account."""
    if "@" in value and asked.domains and mail_domains(value[:MAX_TEXT]) - asked.domains:
        asked.marks.add(Mark.EXTERNAL)
    if value.startswith("arn:") and asked.accounts:
        account = value.split(":", 5)[4:5]
        if account and account[0].isdigit() and account[0] not in asked.accounts:
            asked.marks.add(Mark.EXTERNAL)


def _written(asked: Asked, value: str) -> None:
    """Read changes that are written out, such as ``Role changed from Member to Owner``."""
    for label, before, after in changes_in(value):
        switch = SWITCHES.get(after)
        if switch is not None:
            name = name_of(label)
            asked.follow(name.on if switch else name.off)
        if is_chief(after):
            asked.marks.add(Mark.GRANTS_PRIVILEGE)
        elif is_chief(before):
            asked.marks.add(Mark.CHANGES_POLICY)


def changed(before: Any, after: Any) -> Any:
    """Return what of ``after`` is not in ``before``: the members of an object and of a list that differ."""
    if type(before) is dict and type(after) is dict:
        return {name: changed(before.get(name), each) for name, each in after.items() if before.get(name) != each}
    if type(before) is list and type(after) is list:
        return [each for each in after[:_MAX_LIST] if each not in before[:_MAX_LIST]]
    return after


def _decoded_json(value: str) -> Any:
    return read_inner(value) if len(value) < _MAX_JSON else None


def _decoded(value: Any) -> Any:
    """Return JSON written inside a text, also twice, as it is meant; anything else as it stands."""
    for _ in range(2):
        if type(value) is list and len(value) == 1 and type(value[0]) is str:
            value = value[0]
        if type(value) is str and value[:1] in ("{", "[", '"'):
            found = _decoded_json(value)
            value = value if found is None else found
    return value

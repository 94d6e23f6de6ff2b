"""Who may read a document: a rule in the words of its source, evaluated for the principals of one asker.

- A rule is layers, and each of them must say yes: every directory on the way, then the file; one layer suits most.
- A layer is steps in order; the first that names one of the asker's principals decides, and none decides no. So a deny
  that comes first beats every allow, and POSIX's "the owner's bits are the owner's, whatever others have" can be said.
- Principals are texts of the source's own name space (``user:ada``, ``group:ops``, ``uid:1000``); ``*`` is everybody
  whom the source knows. They are compared, never parsed, and never pasted into a query.

>>> rule = allow_deny(allow=("group:ops", "user:ada"), deny=("user:eve",))
>>> [permits(rule, frozenset(one)) for one in ({"user:ada"}, {"user:eve", "group:ops"}, {"user:bob"})]
[True, False, False]
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from ostiary.keys import sha256_hex

EVERYBODY: Final = "*"
MAX_NAMED: Final = 20_000
MAX_LAYERS: Final = 64
MAX_LENGTH: Final = 512


class Step(msgspec.Struct, frozen=True, array_like=True):
    """If the asker is one of ``principals``, then ``allow`` is the answer of this layer."""

    principals: tuple[str, ...]
    allow: bool


Layer = tuple[Step, ...]
Rule = tuple[Layer, ...]
NOBODY: Final[Rule] = ((),)


def step(principals: Iterable[str], *, allow: bool) -> Step:
    """Return a step; its principals are in order, so that equal rules have equal digests."""
    return Step(tuple(sorted(set(principals))), allow)


def allow_deny(allow: Iterable[str], deny: Iterable[str] = ()) -> Rule:
    """Return the rule of a list of who may and a list of who may not; deny beats allow."""
    denied, allowed = step(deny, allow=False), step(allow, allow=True)
    return (tuple(one for one in (denied, allowed) if one.principals),)


def permits(rule: Rule, principals: frozenset[str]) -> bool:
    """Return whether a rule lets somebody with these principals read."""
    return bool(rule) and all(_layer(layer, principals) for layer in rule)


def _layer(layer: Layer, principals: frozenset[str]) -> bool:
    for one in layer:
        if not principals.isdisjoint(one.principals):
            return one.allow
    return False


def opening(rule: Rule) -> frozenset[str]:
    """Return principals of which whoever may read has at least one: the last layer's allowing steps."""
    last = rule[-1] if rule else ()
    return frozenset(name for one in last if one.allow for name in one.principals)


def bounded(rule: Rule) -> Rule:
    """Return a rule that is not too large to keep: one that is lets nobody in, and stops nothing of the others."""
    names = [name for layer in rule for one in layer for name in one.principals]
    if len(names) > MAX_NAMED or len(rule) > MAX_LAYERS or any(len(name) > MAX_LENGTH for name in names):
        return NOBODY
    return rule


def plain(rule: Rule) -> Rule:
    """Return the rule without layers that let everybody pass, and without the same layer twice in a row."""
    kept: list[Layer] = []
    for layer in rule[:-1]:
        if layer != (Step((EVERYBODY,), True),) and layer not in kept:  # noqa: FBT003 - a value to compare with
            kept.append(layer)
    return (*kept, *rule[-1:])


def encoded(rule: Rule) -> bytes:
    """Return a rule as bytes; equal rules have equal bytes."""
    return msgspec.json.encode(rule)


def decoded(raw: bytes) -> Rule:
    """Return a rule from its bytes."""
    return msgspec.json.decode(raw, type=Rule)


def digest(rule: Rule) -> str:
    """Return the name of a rule: all documents with the same rule share it."""
    return sha256_hex(encoded(rule))

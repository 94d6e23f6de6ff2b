"""Break-glass: a time-limited allow rule that replaces *named* denies, for named subjects on named resources.

Rules:

- The terms name everything that is replaced, for whom, on what, and from when until when. What they do not name stays.
- A deny is named by its rule; ``no_allow_rule`` names the missing grant. No pattern, no list without an end.
- A subject is named exactly. A resource is named exactly, or by its type: ``database:orders``, ``database:*``.
- It ends by itself. Whoever sees a clock that went back behind what was seen before takes it for ended.
- ``bound`` is what people agree to: every term, so that wider, longer or other terms are another deed.

>>> terms = Terms(("off-network-admin",), ("database:orders",), ("user:ann",), 0, 60 * SECOND_NS, "orders are down")
>>> opening = Opening("bg_1", "acme", terms, "quorum", ("user:bob", "user:eve"), 0)
>>> opening.covers("user:ann", "database", "orders", 5), opening.covers("user:eve", "database", "orders", 5)
(True, False)
>>> opening.covers("user:ann", "database", "orders", 60 * SECOND_NS)
False
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.keys import sha256_hex
from ostiary.signals.texts import neutral
from ostiary.vocabulary.approvals import Deed

SECOND_NS: Final = 1_000_000_000
MAX_NAMES: Final = 16
MAX_NAME: Final = 512
MAX_REASON: Final = 500
MIN_REASON: Final = 8
AHEAD_S: Final = 86_400
OPEN: Final = "break_glass.open"
_RULE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,127}\Z")


class Terms(msgspec.Struct, frozen=True):
    """What a break-glass replaces, for whom, on what, and when; times are nanoseconds on whole seconds.

    Attributes:
        replaces: ids of the rules whose deny it replaces, ``no_allow_rule`` among them where a grant is missing.
        resources: ``type:id``, or ``type:*``.
        subjects: ``type:id``.
        from_ns, until_ns: it holds in ``[from_ns, until_ns)``.
        reason: why, in words; one line.
    """

    replaces: tuple[str, ...]
    resources: tuple[str, ...]
    subjects: tuple[str, ...]
    from_ns: int
    until_ns: int
    reason: str


class Opening(msgspec.Struct, frozen=True):
    """One break-glass that was opened.

    Attributes:
        how: ``quorum`` or ``codes``.
        people: who agreed, or whose codes they were.
        opened_ns: when.
        proposal: with ``quorum``: what was agreed to.
        codes: with ``codes``: the set that they were of.
        by: the administrator who opened it.
    """

    id: str
    tenant: str
    terms: Terms
    how: str
    people: tuple[str, ...]
    opened_ns: int
    proposal: str = ""
    codes: str = ""
    by: str = ""

    def covers(self, subject: str, resource_type: str, resource_id: str, now_ns: int) -> bool:
        """Return whether it holds for a request; ``subject`` is the verified ``type:id``."""
        terms = self.terms
        if not max(self.opened_ns, terms.from_ns) <= now_ns < terms.until_ns or subject not in terms.subjects:
            return False
        return bool({f"{resource_type}:{resource_id}", f"{resource_type}:*"}.intersection(terms.resources))


class Ending(msgspec.Struct, frozen=True):
    """How one ended; there is no way back from it.

    Attributes:
        at_ns: when.
        by: who closed it, ``time`` when nobody had to.
        why: in words.
    """

    at_ns: int
    by: str
    why: str = ""


class Limits(msgspec.Struct, frozen=True):
    """What may be opened at all: how long, and with sealed codes also what (empty = whatever is named).

    Attributes:
        longest_s: longest time.
        replaces: rules; with codes only these.
        resources, subjects: ``type:id`` or ``type:*``; with codes only these.
    """

    longest_s: int
    replaces: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


def checked(terms: Terms, limits: Limits, now_ns: int) -> Terms:
    """Return terms that may be opened: sorted, without doubles, on whole seconds, inside the limits.

    Raises:
        FaultyInputError: ``break_glass_terms_invalid``, ``break_glass_too_long``, ``break_glass_too_wide``.
    """
    made = Terms(
        replaces=_names(terms.replaces, "rules"),
        resources=_names(terms.resources, "resources"),
        subjects=_names(terms.subjects, "subjects"),
        from_ns=terms.from_ns // SECOND_NS * SECOND_NS,
        until_ns=terms.until_ns // SECOND_NS * SECOND_NS,
        reason=one_line(terms.reason),
    )
    for rule in made.replaces:
        if not _RULE.match(rule):
            raise _invalid(f"`{rule[:80]}` is no id of a rule")
    for name in (*made.resources, *made.subjects):
        _check_pair(name)
    if any(name.endswith(":*") for name in made.subjects):
        raise _invalid("a subject is named exactly, never by its type")
    _check_time(made, limits, now_ns)
    _check_width(made, limits)
    return made


def one_line(reason: str) -> str:
    """Return a reason as it is kept: one line, harmless, neither empty nor long.

    Raises:
        FaultyInputError: ``reason_missing``, ``reason_too_long``.
    """
    clean = neutral(reason).strip()
    if len(clean) < MIN_REASON:
        raise FaultyInputError("reason_missing", f"say why, in at least {MIN_REASON} characters")
    if len(clean) > MAX_REASON:
        raise FaultyInputError("reason_too_long", f"say why in at most {MAX_REASON} characters")
    return clean


def bound(terms: Terms) -> Mapping[str, str]:
    """Return every value that an agreement to these terms holds for."""
    return {
        "replaces": _list(terms.replaces),
        "resources": _list(terms.resources),
        "subjects": _list(terms.subjects),
        "from": moment(terms.from_ns),
        "until": moment(terms.until_ns),
        "reason": "sha256:" + sha256_hex(terms.reason.encode()),
    }


def deed_of(tenant: str, terms: Terms) -> Deed:
    """Return what people must have agreed to; none of those whom it lets in may be among them."""
    target = terms.resources[0] if len(terms.resources) == 1 else f"{len(terms.resources)} resources"
    return Deed(tenant, OPEN, target, bound(terms), frozenset(terms.subjects))


def moment(at_ns: int) -> str:
    """Return a time as RFC 3339 tells it, in whole seconds.

    >>> moment(1_700_000_000_000_000_000)
    '2023-11-14T22:13:20Z'
    """
    return datetime.fromtimestamp(at_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _check_time(terms: Terms, limits: Limits, now_ns: int) -> None:
    lasts = terms.until_ns - terms.from_ns
    if lasts <= 0 or terms.until_ns <= now_ns or terms.from_ns > now_ns + AHEAD_S * SECOND_NS:
        raise _invalid("it ends after it begins and after now, and begins within a day")
    if lasts > limits.longest_s * SECOND_NS:
        raise FaultyInputError("break_glass_too_long", f"it may last {limits.longest_s} seconds at most")


def _check_width(terms: Terms, limits: Limits) -> None:
    wide = [rule for rule in terms.replaces if limits.replaces and rule not in limits.replaces]
    wide += [name for name in terms.resources if limits.resources and not _within(name, limits.resources)]
    wide += [name for name in terms.subjects if limits.subjects and not _within(name, limits.subjects)]
    if wide:
        raise FaultyInputError("break_glass_too_wide", f"`{wide[0][:80]}` is more than what was agreed")


def _within(name: str, patterns: tuple[str, ...]) -> bool:
    return name in patterns or f"{name.partition(':')[0]}:*" in patterns


def _names(names: tuple[str, ...], what: str) -> tuple[str, ...]:
    found = tuple(sorted(set(names)))
    if not 0 < len(found) <= MAX_NAMES:
        raise _invalid(f"name 1 to {MAX_NAMES} {what}")
    return found


def _check_pair(name: str) -> None:
    kind, colon, one = name.partition(":")
    if not colon or not kind or not one or len(name) > MAX_NAME or "*" in kind or neutral(name) != name:
        raise _invalid(f"`{neutral(name[:80])}` is not type:id, such as user:ann")
    if "*" in one and one != "*":
        raise _invalid(f"`{name[:80]}` is a pattern: name it exactly, or by its type alone")


def _list(names: tuple[str, ...]) -> str:
    return msgspec.json.encode(names).decode()


def _invalid(text: str) -> FaultyInputError:
    return FaultyInputError("break_glass_terms_invalid", text)

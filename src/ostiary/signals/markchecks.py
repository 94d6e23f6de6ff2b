"""How texts of one kind are read for marks: a command line, a role, a port, a level of risk, a name of somebody.

Each check is called with what is known of the action (``Asked``) and the text as it stands; it adds marks, no more.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

import msgspec

from ostiary.signals.markpatterns import (
    CAMEL_CHIEFS,
    CHIEFS,
    ENCODED_NAME,
    HOST_PATHS,
    MANY_RIGHTS,
    OFFICE,
    PLATFORM_NAMES,
    TOOLS,
)
from ostiary.signals.marktexts import commanded, prose
from ostiary.signals.markwords import OPENED, REMOTE_PORTS, RISK_STEPS, SEVERITY_STEPS
from ostiary.vocabulary.facts import Mark

MAX_WORD: Final = 80
NOT_OF_ACTOR: Final = frozenset({"person", "power"})
"""Readings that mean nothing below the name of who acts: his own name, his own rights."""

_CACHE: Final = 4_096
_LONGEST_NAME: Final = 512
_ACCOUNT: Final = 12
_LONGEST_PORT: Final = 5
_NOT_CHIEF: Final = re.compile(r"(?i)(?:^|[^a-z])no[nt]?[ _-]*admin")


class Asked(msgspec.Struct):
    """What is known of the action, and the marks found so far.

    Attributes:
        marks: what it does in itself.
        can: ``any``, and of ``gives``, ``alters``, ``sets``, ``enters`` what its verbs allow.
        names, domains, accounts: of the actor and of its organisation.
        things: groups of the things that it is done to, as far as the action's name tells.
        about: kind and name of what it is done to.
        widest: how many things the longest list names.
    """

    marks: set[Mark]
    can: frozenset[str]
    names: frozenset[str]
    domains: frozenset[str]
    accounts: frozenset[str]
    things: frozenset[str]
    about: str
    widest: int = 0

    def follow(self, consequences: tuple[tuple[str, Mark], ...]) -> None:
        """Add the marks of those consequences that the action can have."""
        for need, mark in consequences:
            if need in self.can:
                self.marks.add(mark)


@lru_cache(maxsize=_CACHE)
def is_chief(value: str) -> bool:
    """Return whether a role or right is that of an administrator or owner; ``non-admin`` is not."""
    if MANY_RIGHTS.search(value) or CAMEL_CHIEFS.search(value):
        return _NOT_CHIEF.search(value) is None
    return CHIEFS.search(value) is not None and not _NOT_CHIEF.search(value)


@lru_cache(maxsize=_CACHE)
def of_platform(value: str) -> bool:
    """Return whether this is how a platform names one of its own components."""
    return PLATFORM_NAMES.search(value) is not None


def _agent(asked: Asked, value: str) -> None:
    if len(value) <= _LONGEST_NAME and of_attackers(value):
        asked.marks.add(Mark.TOOL)


@lru_cache(maxsize=_CACHE)
def of_attackers(value: str) -> bool:
    """Return whether the name of a client speaks of a program that attackers bring along."""
    return TOOLS.search(value) is not None


def _command(asked: Asked, value: str) -> None:
    asked.marks |= commanded(value)


@lru_cache(maxsize=_CACHE)
def of_internet(value: str) -> bool:
    """Return whether an address is one of the public internet."""
    try:
        return ip_address(value).is_global
    except ValueError:
        return False


def _destination(asked: Asked, value: str) -> None:
    if len(value) <= MAX_WORD and of_internet(value):
        asked.marks.add(Mark.EXTERNAL)


def _domain(asked: Asked, value: str) -> None:
    if ENCODED_NAME.search(value[:MAX_WORD]):
        asked.marks.add(Mark.ENCODED)


def _opens(asked: Asked, value: str) -> None:
    if value.lower() in OPENED:
        asked.follow((("gives", Mark.MAKES_PUBLIC),))


def _parent(asked: Asked, value: str) -> None:
    if OFFICE.search(value):
        asked.marks.add(Mark.RUNS_CODE)


def _path(asked: Asked, value: str) -> None:
    if HOST_PATHS.search(value):
        asked.marks.add(Mark.ESCAPES)


def _person(asked: Asked, value: str) -> None:
    if len(value) == _ACCOUNT and value.isascii() and value.isdigit():  # an Amazon account, not a name
        if asked.accounts and value not in asked.accounts:
            asked.marks.add(Mark.EXTERNAL)
        return
    if asked.names and value.lower() not in asked.names:
        asked.marks.add(Mark.ABOUT_ANOTHER)


def _port(asked: Asked, value: str) -> None:
    if len(value) <= _LONGEST_PORT and value.isascii() and value.isdigit() and int(value) in REMOTE_PORTS:
        asked.marks.add(Mark.INTERACTIVE)


def _power(asked: Asked, value: str) -> None:
    if "gives" in asked.can and len(value) <= MAX_WORD and is_chief(value):
        asked.marks.add(Mark.GRANTS_PRIVILEGE)


def _principal(asked: Asked, value: str) -> None:
    if value == "*" or value.lower() in OPENED:
        asked.follow((("gives", Mark.MAKES_PUBLIC),))


def _prose(asked: Asked, value: str) -> None:
    asked.marks |= prose(value)


def _rights(asked: Asked, value: str) -> None:
    if value == "*" or value.endswith(":*"):
        asked.follow((("gives", Mark.GRANTS_PRIVILEGE),))


def _risk(asked: Asked, value: str) -> None:
    asked.marks.update(RISK_STEPS.get(value.lower(), ()))


def _severity(asked: Asked, value: str) -> None:
    asked.marks.update(SEVERITY_STEPS.get(value.lower(), ()))


def _sends(asked: Asked, value: str) -> None:
    if "@" in value or "://" in value:
        asked.follow((("sets", Mark.FORWARDS),))


def _source(asked: Asked, value: str) -> None:
    if len(value) <= _LONGEST_NAME and of_platform(value):
        asked.marks.add(Mark.BY_PLATFORM)


CHECKS: Final[dict[str, Callable[[Asked, str], None]]] = {
    "agent": _agent,
    "command": _command,
    "destination": _destination,
    "domain": _domain,
    "opens": _opens,
    "parent": _parent,
    "path": _path,
    "person": _person,
    "port": _port,
    "power": _power,
    "principal": _principal,
    "prose": _prose,
    "rights": _rights,
    "risk": _risk,
    "sends": _sends,
    "severity": _severity,
    "source": _source,
}

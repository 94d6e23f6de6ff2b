"""What longer texts in a record say: command lines, free text, changes written out, and domains of mail."""

import re
from functools import lru_cache
from typing import Final

from ostiary.signals.markpatterns import COMMANDS, INJECTION, SKIPS, WEB_ATTACK
from ostiary.vocabulary.facts import Mark

_CHANGE: Final = re.compile(r"\sfrom\s+(?P<old>[^\n]{1,40}?)\s+to\s+(?P<new>[^\n]{1,40}?)(?=\s+-\s|\n|$)")
_LABEL: Final = 120
_PLAIN: Final = frozenset("$`|;&(")
_GUARDS: Final = re.compile(r"(?i)mfa|multifactor|multi-factor|strongauth|\bblock\b|compliant|encrypt|require")
_CACHED: Final = 256
_SHARED_ENDS: Final = frozenset({"onmicrosoft.com", "co.uk", "com.au", "co.jp", "com.br", "co.in", "amazonaws.com"})


_MAIL: Final = re.compile(r"[\w.+%-]{1,64}@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")


def mail_domains(text: str) -> set[str]:
    """Return the domains of the addresses of mail in a text."""
    return {domain_of(each.lower()) for each in _MAIL.findall(text)}


def commanded(text: str) -> frozenset[Mark]:
    """Return the marks of a command line, query, path or address."""
    return _commanded(text) if len(text) <= _CACHED else _commanded.__wrapped__(text)


@lru_cache(maxsize=4_096)
def _commanded(text: str) -> frozenset[Mark]:
    found = {mark for pattern, mark in COMMANDS if pattern.search(text)}
    if WEB_ATTACK.search(text):
        found.add(Mark.FLAGGED)
    return frozenset(found)


def prose(text: str) -> set[Mark]:
    """Return the marks of a text that anybody may have written and that a machine may run."""
    found: set[Mark] = set()
    if (not _PLAIN.isdisjoint(text) or "nc" in text or "curl" in text) and INJECTION.search(text):
        found.add(Mark.RUNS_CODE)
    if "[" in text and SKIPS.search(text):
        found.add(Mark.DISABLES_PROTECTION)
    return found


def changes_in(text: str) -> list[tuple[str, str, str]]:
    """Return label, old and new value of each change written out as ``label from old to new``."""
    found, begun = [], 0
    for each in _CHANGE.finditer(text):
        label = text[begun : each.start()].rpartition("\n")[2].removesuffix(" changed").rstrip(" :")
        found.append((label[-_LABEL:], each["old"].lower(), each["new"].lower()))
        begun = each.end()
    return found


def lost(before: str, after: str) -> bool:
    """Return whether words of protection went from one text to the other."""
    return len(_GUARDS.findall(before)) > len(_GUARDS.findall(after))


def domain_of(name: str) -> str:
    """Return the part of a domain that an organisation registers, of an address of mail or a domain."""
    parts = name.rpartition("@")[2].strip(" >\"'").split(".")
    keep = 3 if ".".join(parts[-2:]) in _SHARED_ENDS else 2
    return ".".join(parts[-keep:])

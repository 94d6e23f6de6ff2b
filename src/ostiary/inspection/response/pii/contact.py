"""Addresses: e-mail, telephone, IP. They have no check digit; each is told by its shape and what stands beside it.

>>> [f.rule for f in judge_email(Region("", "ada@lovelace.org", ""))], judge_email(Region("", "you@example.com", ""))
(['pii.email'], [])
"""

import re
from ipaddress import ip_address
from typing import Final

from ostiary.inspection.response.regions import Find, Pattern, Region

_EMAIL: Final = re.compile(
    r"(?<![\w.%+-])[A-Za-z0-9][\w.%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])", re.ASCII
)
_NOBODY: Final = re.compile(
    r"^(?:git|no-?reply|user|username|you|your[._-]?(?:name|email)|someone|test|example|email|name)@|@(?:.*\.)?(?:example|test|localhost|invalid)\b",
    re.IGNORECASE,
)
_PHONE: Final = re.compile(
    r"(?<![\w.-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,5}(?![\w-])"
)
_PHONE_WORDS: Final = re.compile(
    r"phone|\btel\b|tel[.:]|telephone|mobile|\bcell|whatsapp|\bfax\b|\bsms\b|call (?:me|us|him|her|at)|telefon|handy"
)
_IP: Final = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:]|\.\d)"
)
_LEAST, _MOST = 7, 15  # digits of a telephone number (ITU-T E.164)


def judge_email(region: Region) -> list[Find]:
    """Return the e-mail addresses of people; those that stand for nobody are none."""
    whole, offset = region.before + region.text + region.after, len(region.before)
    return [
        Find(match.start() - offset, match.end() - offset, "pii.email")
        for match in _EMAIL.finditer(whole)
        if match.start() >= offset and not _NOBODY.search(match.group())
    ]


def judge_phone(region: Region) -> list[Find]:
    """Return telephone numbers: with a country in front, or with a word that says so."""
    whole, offset = region.before + region.text + region.after, len(region.before)
    found = []
    for match in _PHONE.finditer(whole):
        digits = sum(character.isdigit() for character in match.group())
        near = whole[max(match.start() - 40, 0) : match.start()].lower()
        told = match.group().startswith("+") or _PHONE_WORDS.search(near)
        if told and _LEAST <= digits <= _MOST and match.start() >= offset:
            found.append(Find(match.start() - offset, match.end() - offset, "pii.phone"))
    return found


def judge_ip(region: Region) -> list[Find]:
    """Return addresses that somebody outside can have; loopback, private and documentation ranges are nobody's."""
    whole, offset = region.before + region.text + region.after, len(region.before)
    return [
        Find(match.start() - offset, match.end() - offset, "pii.ip")
        for match in _IP.finditer(whole)
        if match.start() >= offset and _is_public(match.group())
    ]


def _is_public(text: str) -> bool:
    try:
        return ip_address(text).is_global
    except ValueError:
        return False


EMAIL: Final = Pattern(r"[A-Za-z0-9][\w.%+-]*@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}", judge_email, edge=True)
PHONE: Final = Pattern(r"\+?\(?[0-9](?:[ ().-]{0,2}[0-9]){6,14}", judge_phone)
IP: Final = (
    Pattern(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", judge_ip, edge=True),
    Pattern(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}", judge_ip, edge=True),
)

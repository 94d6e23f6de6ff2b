"""OpenSSH server logs: lines of ``journalctl -o short-iso`` or any syslog with RFC 3339 times.

Rules:
- Accepted and failed log-ins are events; every other line of sshd, and of other programs, is a ``line_unsupported``.
- The whole line must fit, and its end tells where from: a user name that itself says "from 192.0.2.1 port 22" forges
  nothing. Names hold blanks, or are empty, as whoever logs in likes: such a failed log-in counts like any other.
- After a certificate its ID follows, and after a host's key the client's own words: text of whoever made them, which
  sshd cuts off with the line. Who logged in has an account, so there the first "from" is sshd's. Who failed may have
  chosen both name and ID: where a line reads in two ways it is of nobody that exists, and from nowhere.
- A time without a year (classic syslog) is a ``time_malformed``: guessing the year would forge evidence.
"""

import re
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.signals.fields import address, fallback_id, moment
from ostiary.signals.pieces import Shape
from ostiary.signals.texts import BLANKS, identifier
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

FORMAT: Final = "sshd"
DESCRIBE: Final = "OpenSSH server log lines with RFC 3339 times (journalctl -o short-iso)"
SHAPE: Final = Shape.LINES

_LINE: Final = re.compile(
    r"(?P<time>\S{10,40}) (?P<host>\S{1,255}) sshd(?:-session)?\[(?P<pid>\d{1,10})\]: (?P<text>.*)"
)
_LOGIN: Final = re.compile(r"(?P<result>Accepted|Failed) (?P<method>[\w/-]{1,64}) for (?P<invalid>invalid user )?")
_FROM: Final = re.compile(r" from (?P<ip>[0-9a-fA-F.:]{2,45})(?:%\S{1,16})? port \d{1,5}(?: ssh2)?(?=: |\Z)")
_KEY: Final = r": [A-Z0-9-]{2,32} [\w:+/=]{4,200}"
_PLAIN: Final = re.compile(rf"(?:{_KEY})?\Z")
_CERTIFIED: Final = re.compile(
    rf"{_KEY} ID .*\(serial \d{{1,20}}\) CA [A-Z0-9-]{{2,32}} (?P<ca>[\w:+/=]{{4,200}})(?:, .*)?\Z"
)
_CUT: Final = re.compile(rf"{_KEY} ID ")
_OF_HOST: Final = re.compile(rf"{_KEY}, client user ")
_CUT_AT: Final = 1_000  # sshd writes 1,023 characters of a line
_MOST: Final = 4_096
_CLASSIC: Final = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} ")


def normalise(record: str, tenant: str) -> AccessEvent:
    """Return the log-in that one line tells of."""
    line = _LINE.match(record)
    if line is None:
        if _CLASSIC.match(record):
            raise FaultyInputError("time_malformed", "the line's time has no year: use RFC 3339 times")
        raise FaultyInputError("line_unsupported", "the line is none of sshd")
    login = _LOGIN.match(line["text"]) if len(line["text"]) <= _MOST else None
    if login is None:
        raise FaultyInputError("line_unsupported", "the line tells no log-in")
    user, place = _who_and_where(login)
    return AccessEvent(
        event_id=fallback_id({"line": record}),
        tenant=tenant,
        time_ns=moment(line["time"]),
        subject_id=identifier(user.strip(BLANKS)) or "unknown",
        action="ssh login",
        resource_type="host",
        resource_id=identifier(line["host"]),
        action_class=ActionClass.AUTHENTICATE,
        outcome=EventOutcome.SUCCESS if login["result"] == "Accepted" else EventOutcome.FAILURE,
        issuer=_authority(login, place) if place is not None else None,
        auth_method=login["method"],
        ip=address(place["ip"]) if place is not None else None,
        source=FORMAT,
    )


def _who_and_where(login: re.Match[str]) -> tuple[str, re.Match[str] | None]:
    """Return who logged in, and where the line says from where; ``None`` when it reads in two ways.

    Raises:
        FaultyInputError: ``line_unsupported``.
    """
    text = login.string
    found = [place for place in _FROM.finditer(text, login.end() - 1) if _ends(login["method"], text, place.end())]
    if login["result"] == "Accepted":
        found = found[:1]
    if not found:
        raise FaultyInputError("line_unsupported", "the line tells no log-in")
    user = text[login.end() : found[-1].start()]
    return user, found[0] if len(found) == 1 else None


def _ends(method: str, text: str, place: int) -> bool:
    """Return whether what follows ``place`` is what sshd writes at the end of such a line."""
    if _PLAIN.match(text, place) is not None:
        return True
    if not method.startswith(("publickey", "hostbased")):
        return False
    of_host = method.startswith("hostbased") and _OF_HOST.match(text, place) is not None
    cut = len(text) >= _CUT_AT and _CUT.match(text, place) is not None
    return of_host or cut or _CERTIFIED.match(text, place) is not None


def _authority(login: re.Match[str], place: re.Match[str]) -> str | None:
    """Return the key of the authority behind the certificate of whoever was let in."""
    found = _CERTIFIED.match(login.string, place.end()) if login["result"] == "Accepted" else None
    return found["ca"] if found is not None else None

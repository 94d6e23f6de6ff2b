"""OpenSSH server logs: lines of ``journalctl -o short-iso`` or any syslog with RFC 3339 times.

Rules:
- Accepted and failed log-ins are events; every other line of sshd, and of other programs, is a ``line_unsupported``.
- The whole line must fit, and its end tells where from: a user name that itself says "from 192.0.2.1 port 22" forges
  nothing. Names hold blanks, or are empty, as whoever logs in likes: such a failed log-in counts like any other.
- A time without a year (classic syslog) is a ``time_malformed``: guessing the year would forge evidence.
"""

import re
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.signals.fields import address, fallback_id, moment
from ostiary.signals.pieces import Shape
from ostiary.signals.texts import identifier
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

FORMAT: Final = "sshd"
DESCRIBE: Final = "OpenSSH server log lines with RFC 3339 times (journalctl -o short-iso)"
SHAPE: Final = Shape.LINES

_LINE: Final = re.compile(
    r"(?P<time>\S{10,40}) (?P<host>\S{1,255}) sshd(?:-session)?\[(?P<pid>\d{1,10})\]: (?P<text>.*)"
)
_LOGIN: Final = re.compile(
    r"(?P<result>Accepted|Failed) (?P<method>[\w/-]{1,64}) for (?:invalid user )?(?P<user>.{0,1000}) "
    r"from (?P<ip>[0-9a-fA-F.:]{2,45})(?:%\S{1,16})? port \d{1,5}(?: ssh2)?(?:: [A-Z0-9-]{2,32} [\w:+/=]{4,200})?\Z"
)
_CLASSIC: Final = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} ")


def normalise(record: str, tenant: str) -> AccessEvent:
    """Return the log-in that one line tells of."""
    line = _LINE.match(record)
    if line is None:
        if _CLASSIC.match(record):
            raise FaultyInputError("time_malformed", "the line's time has no year: use RFC 3339 times")
        raise FaultyInputError("line_unsupported", "the line is none of sshd")
    login = _LOGIN.match(line["text"])
    if login is None:
        raise FaultyInputError("line_unsupported", "the line tells no log-in")
    return AccessEvent(
        event_id=fallback_id({"line": record}),
        tenant=tenant,
        time_ns=moment(line["time"]),
        subject_id=identifier(login["user"].strip()) or "unknown",
        action="ssh login",
        resource_type="host",
        resource_id=identifier(line["host"]),
        action_class=ActionClass.AUTHENTICATE,
        outcome=EventOutcome.SUCCESS if login["result"] == "Accepted" else EventOutcome.FAILURE,
        auth_method=login["method"],
        ip=address(login["ip"]),
        source=FORMAT,
    )

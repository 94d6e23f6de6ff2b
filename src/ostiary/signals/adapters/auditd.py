"""Linux audit records: lines of ``/var/log/audit/audit.log`` or ``ausearch --raw``, one record a line.

Rules:
- Read are records that say by themselves who did what: log-ins, authentications, sessions, sudo and other commands
  (``USER_CMD``), changes of accounts, groups and roles, watched system calls (``SYSCALL`` with a key), and denials of
  the kernel (``AVC``, ``USER_AVC``). Others, and the parts of a system call (``PATH``, ``CWD``, ``EXECVE``,
  ``PROCTITLE``), are a ``line_unsupported``.
- Who it was is the log-in's own user (``auid``), which ``su`` does not change. Its name is known where ``auditd``
  writes enriched lines; otherwise it is the number, ``uid:1000``. Before a log-in it is the account that was named.
- Values that auditd writes in hex, because they hold a space or a quote, are read as the text they are; what follows a
  quoted value can therefore never be a field that somebody wrote into a name.
"""

import re
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.signals.fields import address, fallback_id, within
from ostiary.signals.pieces import Shape
from ostiary.signals.texts import BLANKS, identifier
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

FORMAT: Final = "auditd"
DESCRIBE: Final = "Linux audit log lines (audit.log, ausearch --raw), raw or enriched"
SHAPE: Final = Shape.LINES
MAX_LINE: Final = 16_384
MAX_FIELDS: Final = 128

_LINE: Final = re.compile(
    r"(?:node=(?P<node>\S{1,255}) )?type=(?P<type>[A-Z][A-Z0-9_]{1,39}) "
    r"msg=audit\((?P<s>\d{1,10})\.(?P<ms>\d{3}):(?P<serial>\d{1,20})\): ?(?P<rest>.*)"
)
# A name that somebody typed may hold an apostrophe, and no space: `msg` ends at one that a space or the end follows.
_FIELD: Final = re.compile(r"""\s*+([A-Za-z][\w-]{0,63})=("[^"]*"|'(?:[^']|'(?=\S))*+'|[^\s"']+)?""")
_HEX: Final = re.compile(r"(?:[0-9A-F]{2})+\Z")
_UNSET: Final = frozenset({"4294967295", "-1", "unset", "(none)", "?", ""})
_TEXTS: Final = frozenset(
    {"acct", "cmd", "comm", "cwd", "exe", "key", "name"}
)  # the fields that auditd may write in hex
_KINDS: Final = {
    "ADD_GROUP": ActionClass.ADMIN,
    "ADD_USER": ActionClass.ADMIN,
    "AVC": ActionClass.OTHER,
    "CONFIG_CHANGE": ActionClass.ADMIN,
    "DEL_GROUP": ActionClass.ADMIN,
    "DEL_USER": ActionClass.ADMIN,
    "GRP_MGMT": ActionClass.ADMIN,
    "SYSCALL": ActionClass.OTHER,
    "USER_ACCT": ActionClass.AUTHENTICATE,
    "USER_AUTH": ActionClass.AUTHENTICATE,
    "USER_AVC": ActionClass.OTHER,
    "USER_CHAUTHTOK": ActionClass.ADMIN,
    "USER_CMD": ActionClass.ADMIN,
    "USER_LOGIN": ActionClass.AUTHENTICATE,
    "USER_MGMT": ActionClass.ADMIN,
    "USER_ROLE_CHANGE": ActionClass.ADMIN,
    "USER_START": ActionClass.AUTHENTICATE,
}
_DENIALS: Final = frozenset({"AVC", "USER_AVC"})
_RESULTS: Final = {
    "0": EventOutcome.FAILURE,
    "1": EventOutcome.SUCCESS,
    "failed": EventOutcome.FAILURE,
    "no": EventOutcome.FAILURE,
    "success": EventOutcome.SUCCESS,
    "yes": EventOutcome.SUCCESS,
}
_MS: Final = 1_000_000


def normalise(record: str, tenant: str) -> AccessEvent:
    """Return the event that one record tells of."""
    if len(record) > MAX_LINE:
        raise FaultyInputError("record_too_large", f"an audit record has at most {MAX_LINE} characters")
    line = _LINE.match(record)
    if line is None or line["type"] not in _KINDS:
        raise FaultyInputError("line_unsupported", "the line is no audit record that tells an access by itself")
    told = _fields(line["rest"])
    kind = line["type"]
    if kind == "SYSCALL" and told.get("key", "") in _UNSET:
        raise FaultyInputError("line_unsupported", "the system call is of no rule with a key")
    resource_type, resource = _resource(kind, told, line["node"])
    session = told.get("ses", "")
    return AccessEvent(
        event_id=fallback_id({"line": record}),
        tenant=tenant,
        time_ns=within((int(line["s"]) * 1_000 + int(line["ms"])) * _MS),
        subject_id=_subject(kind, told),
        subject_type="service" if told.get("auid", "") in _UNSET and not _login(kind, told) else "user",
        action=identifier(_action(kind, told)),
        resource_type=resource_type,
        resource_id=identifier(resource),
        action_class=_KINDS[kind],
        outcome=EventOutcome.DENIED if kind in _DENIALS else _RESULTS.get(_result(told), EventOutcome.UNKNOWN),
        session_id=None if session in _UNSET else identifier(session),
        auth_method=told.get("grantors") or None,
        ip=address(told.get("addr")),
        device_id=line["node"],
        source=FORMAT,
    )


def _fields(rest: str) -> dict[str, str]:
    """Return the fields of a record, those inside ``msg='…'`` too; the first of a name counts.

    Raises:
        FaultyInputError: ``record_malformed``: something that is no field, or too many.
    """
    found: dict[str, str] = {}
    stack, count = [rest], 0
    while stack:
        text, place = stack.pop().replace("\x1d", " ").rstrip(), 0
        while place < len(text):
            field = _FIELD.match(text, place)
            if field is None:
                place = _skipped(text, place)
                continue
            count += 1
            if count > MAX_FIELDS:
                raise FaultyInputError("record_malformed", f"an audit record has at most {MAX_FIELDS} fields")
            name, value = field[1], field[2] or ""
            if name == "msg" and value.startswith("'"):
                stack.append(value[1:-1])
            else:
                found.setdefault(name, _value(name, value))
            place = field.end()
    return found


def _skipped(text: str, place: int) -> int:
    """Return where the next word begins: AVC records say ``denied  { read } for`` before their fields."""
    place += len(text) - place - len(text[place:].lstrip())
    end = text.find(" ", place + 1)
    if '"' in text[place : end if end > 0 else len(text)]:
        raise FaultyInputError("record_malformed", "a quote in the audit record has no end")
    return end if end > 0 else len(text)


def _value(name: str, value: str) -> str:
    if value[:1] in {'"', "'"}:
        return value[1:-1]
    if name in _TEXTS and _HEX.match(value):
        return bytes.fromhex(value).decode("utf-8", "backslashreplace").replace("\0", " ").strip(BLANKS)
    return value


def _subject(kind: str, told: dict[str, str]) -> str:
    if told.get("auid", "") in _UNSET and _login(kind, told):
        return identifier(told["acct"])  # nobody is logged in yet, and `uid` is the daemon's
    for name, number in (("AUID", "auid"), ("UID", "uid")):
        if told.get(number, "") in _UNSET:
            continue
        named = told.get(name, "")
        return identifier(named) if named not in _UNSET else f"uid:{identifier(told[number])}"
    return "system"


def _login(kind: str, told: dict[str, str]) -> bool:
    return _KINDS[kind] is ActionClass.AUTHENTICATE and told.get("acct", "") not in _UNSET


def _action(kind: str, told: dict[str, str]) -> str:
    if kind == "SYSCALL":
        return f"syscall {told['key']}"
    words, op = kind.lower().replace("_", " "), told.get("op", "")
    return f"{words} {op}" if op and op not in words else words


def _resource(kind: str, told: dict[str, str], node: str | None) -> tuple[str, str]:
    if kind == "USER_CMD":
        return "command", told.get("cmd") or "unknown"
    if kind in _DENIALS:
        return "file", told.get("name") or told.get("comm") or "unknown"
    if kind == "SYSCALL":
        return "program", told.get("exe") or told.get("comm") or "unknown"
    if _KINDS[kind] is ActionClass.ADMIN:
        return "account", told.get("acct") or told.get("id") or told.get("grp") or "unknown"
    return "host", node or "localhost"


def _result(told: dict[str, str]) -> str:
    return told.get("res") or told.get("success") or ""

"""Turns a table of places into a normaliser: one pass over the record's top names, then one over its leaves for marks.

Rules:
- Total: any JSON object becomes an event or a ``FaultyInputError`` with a stable code.
- A record that tells neither who nor what is a ``field_missing``; one without a time is a ``time_malformed`` unless the
  envelope told when it was received (``adapters.panther``). No time is made up.
- Of what proxies wrote down of the way, only the last address is not the client's own word (so ``sourceIPs``).
- A record that tells what but not who is the doing of the place it comes from: the address, the device, the account,
  and at last the product (``subject_type`` says which), never of a person.
"""

import re
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.actions import class_of
from ostiary.signals.decoding import read_inner
from ostiary.signals.deeds import Deed, deed_of
from ostiary.signals.deedwords import wordset
from ostiary.signals.fields import address, country, fallback_id, number
from ostiary.signals.logtypes.outcomes import outcome_of
from ostiary.signals.logtypes.table import LogType
from ostiary.signals.logtypes.times import when
from ostiary.signals.marking import told_of
from ostiary.signals.markwords import MILD, SEVERE
from ostiary.signals.texts import BLANKS, MAX_ID, identifier
from ostiary.signals.wellknown import FIELDS, PLACES
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome
from ostiary.vocabulary.facts import Mark

Path = tuple[str | int, ...]
Plan = dict[str, tuple[tuple[str, int, Path], ...]]


class Normalise(Protocol):
    """One record of a log type and the tenant to an event; ``received`` is the time of a record that tells none."""

    def __call__(self, record: dict[str, Any], tenant: str, received: Any = None) -> AccessEvent:
        """Return the event; raises ``FaultyInputError``."""
        ...


_LAST: Final = 1_000
_LISTS: Final = frozenset({"groups", "labels"})
_MAX_GROUPS: Final = 32
_WORKLOADS: Final = re.compile(
    r"(?i)service|bot\b|app\b|application|system\b|workload|machine|token|api_?key|principal\b|integration|robot|agent|"
    r"gserviceaccount|\bnode\b|lambda|daemon"
)
_PERSONS: Final = wordset("user person human member employee user_actor users admin")
_WORKLOAD_NAMES: Final = re.compile(
    r"(?i)gserviceaccount\.com$|^system:|\[bot\]$|^serviceprincipal|-bot$|^svc[-_]|^microsoft\.|^nt authority|^system\b"
)
_TELLING: Final = frozenset({"who", "what", "ip", "device", "place", "agent", "detail"})
_TRUTHS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("false", "no", "0", "none", "singlefactorauthentication", "not trusted", "untrusted"), False),
    **dict.fromkeys(("unknown", "unknownfuturevalue", "null", "n/a", "-"), None),
}
_MANAGED: Final[dict[str, bool]] = {  # what is none of these is not told, and never trust
    **dict.fromkeys(("true", "yes", "1", "trusted", "managed", "compliant"), True),
    **dict.fromkeys(("false", "no", "0", "none", "not trusted", "untrusted", "unmanaged"), False),
}
_STAND_INS: Final = (("ip", "address"), ("device", "device"), ("place", "account"))


class Table(msgspec.Struct, frozen=True):
    """A format that a table reads: what ``--format`` takes, one line for a person, envelopes, and the function."""

    format: str
    describe: str
    envelopes: tuple[str, ...]
    normalise: Normalise


def paths_of(places: str) -> list[Path]:
    """Return the paths of some places; ``~1`` stands for a slash inside a name (RFC 6901)."""
    return [
        tuple(int(part) if part.isdigit() or part == "-1" else part.replace("~1", "/") for part in place.split("/"))
        for place in places.split("|")
    ]


def plan_of(kind: LogType) -> tuple[Plan, dict[str, str], dict[str, str]]:
    """Return where to look, by the record's top name in lower case, the constants, and what absence means."""
    found: dict[str, list[tuple[str, int, Path]]] = {}
    constants: dict[str, str] = {}
    absent: dict[str, str] = {}
    for field in FIELDS:
        own, _, default = kind.places.get(field, "").partition("|=")
        if own.startswith("="):
            constants[field] = own[1:]
            continue
        if default:
            absent[field] = default
        places = (paths_of(own) if own else []) + (paths_of(PLACES[field]) if field in PLACES else [])
        for rank, path in enumerate(places):
            found.setdefault(str(path[0]).lower(), []).append((field, rank, path[1:]))
    return {name: tuple(looks) for name, looks in found.items()}, constants, absent


def dig(value: Any, path: Path) -> Any:
    """Return what lies at ``path``, also under the name in lower case, or ``None``."""
    for part in path:
        if type(value) is dict:
            below = value.get(part)
            value = below if below is not None else value.get(part.lower()) if type(part) is str else None
        elif type(value) is list and type(part) is int:
            value = value[part] if -len(value) <= part < len(value) else None
        else:
            return None
    return value


def _gathered(record: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """Return for each field what lies at the best place that tells something; under ``own`` every name of who acts.

    Under ``homes`` are those that stand where the best of them does: beside it may stand whom the action is about.
    """
    ranks: dict[str, int] = {}
    told: dict[str, Any] = {}
    own: list[tuple[str, str]] = []
    who = ""
    for name, value in record.items():
        looks = plan.get(name) or plan.get(name.lower())
        if looks is None or value is None:
            continue
        for field, rank, path in looks:
            if field != "who" and ranks.get(field, _LAST) <= rank:
                continue
            found = dig(value, path) if path else value
            if found is None or found == "" or not _tells(field, found):
                continue
            if field == "who" and type(found) is str:
                own.append((name, found[:MAX_ID]))
            if rank < ranks.get(field, _LAST):
                ranks[field], told[field] = rank, found
                who = name if field == "who" else who
    told["own"] = [found for _, found in own]
    told["homes"] = [found for name, found in own if name == who]
    return told


def _tells(field: str, value: Any) -> bool:
    kind = type(value)
    if field == "who" and (value == "-" or (kind is int and value <= 0)):
        return False  # how products write nobody
    if kind is str:
        return field != "ip" or _ip(value) is not None
    if kind is list:
        return bool(value) and (field in _LISTS or type(value[0]) in (str, int))
    return kind is not dict and field not in _LISTS


def _word(value: Any) -> str | None:
    """Return a text, a number or a truth as text; of a list the first."""
    if value is None:
        return None
    if type(value) is list:
        value = value[0] if value else None
    if type(value) is str:
        return identifier(value.strip(BLANKS)) or None
    if type(value) is bool:
        return "true" if value else "false"
    return identifier(str(value)) if type(value) in (int, float) else None


def _ip(value: str) -> str | None:
    """Return an address, also of ``address:port``; of several the last: whoever connects writes those before it."""
    value = value.rpartition(",")[2].strip()
    found = address(value)
    if found is None and ":" in value:
        found = address(value.rpartition(":")[0])
    return found


def _texts(value: Any) -> tuple[str, ...]:
    if type(value) is str:
        return (identifier(value),)
    if type(value) is not list:
        return ()
    return tuple(identifier(each) for each in value[:_MAX_GROUPS] if type(each) is str and each)


def _truth(value: Any) -> bool | None:
    if type(value) is bool:
        return value
    if type(value) is str:
        return _TRUTHS.get(value.strip().lower(), True if value.strip() else None)
    return bool(value) if type(value) is int and value in (0, 1) else None


def _amount(value: Any) -> float | None:
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < 16:  # noqa: PLR2004 - exact in a float
        value = int(value)
    if type(value) not in (int, float) or not 0 <= value < 1e15:  # noqa: PLR2004 - neither NaN nor more than exact
        return None
    return float(value)


def _severity(kind: LogType, value: Any) -> set[Mark]:
    """Return what the product says of its own finding."""
    if type(value) is str:
        word = value.strip().lower()
        if word in SEVERE:
            return {Mark.FLAGGED, Mark.SEVERE}
        return {Mark.FLAGGED, Mark.MINOR} if word in MILD else {Mark.FLAGGED}
    high = type(value) in (int, float) and value >= kind.severe
    return {Mark.FLAGGED, Mark.SEVERE} if high else {Mark.FLAGGED}


def _subject(told: dict[str, Any], kind: LogType, record: dict[str, Any]) -> tuple[str, str]:
    """Return what kind of subject acted, and which."""
    who = _word(told.get("who"))
    if kind.whose:
        who = _first(record, kind.whose.get(_word(told.get("action")) or "", "")) or who
    if who is not None and kind.realms:
        who = _at_home(kind, record, who, _word(told.get("device")) or "")
    if who is None:
        for field, called in _STAND_INS:
            name = _word(told.get(field))
            if name is not None:
                return called, (_ip(name) or name) if field == "ip" else name
        return "product", kind.name
    if kind.services and who == _first(record, kind.services):
        return "service", who
    noun = _word(told.get("who_kind"))
    if noun is None or noun.lower() in _PERSONS:
        return ("service" if _WORKLOAD_NAMES.search(who) else "user"), who
    return ("service" if _WORKLOADS.search(noun) else "user"), who


def _at_home(kind: LogType, record: dict[str, Any], who: str, device: str) -> str:
    """Return who acted, with the device before the name where the account is its own."""
    machine = device.partition(".")[0].lower()
    realms = [_first(record, realm) or "" for name, realm in kind.realms.items() if _first(record, name) == who]
    return f"{realms[0]}\\{who}" if realms and machine and realms[0].lower() == machine else who


def _outcome(kind: LogType, record: dict[str, Any], told: dict[str, Any], deed: Deed) -> EventOutcome:
    found = outcome_of(told.get("outcome"), deed)
    if found is EventOutcome.SUCCESS and kind.failures and _first(record, kind.failures):
        return EventOutcome.FAILURE  # Microsoft 365 calls a failed log-in a success: it was written down
    return found


def _first(record: dict[str, Any], places: str) -> str | None:
    """Return the first name of somebody that is told at one of ``places``."""
    found = (dig(record, path) for path in paths_of(places)) if places else ()
    return next((word for each in found if _tells("who", each) and (word := _word(each)) is not None), None)


def normaliser(kind: LogType) -> Normalise:
    """Return the function that turns one record of ``kind`` and a tenant into an event."""
    plan, constants, absent = plan_of(kind)

    inner = paths_of(kind.inner)[0] if kind.inner else ()

    def normalise(record: dict[str, Any], tenant: str, received: Any = None) -> AccessEvent:
        if inner:
            record = _unpacked(record, inner)
        told = {**absent, **_gathered(record, plan), **constants}
        if received is not None:
            told["time"] = received
            told["id"] = told.get("id") or fallback_id({**record, "received": received})
        return _event(kind, record, told, tenant)

    return normalise


def _unpacked(record: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the record with the JSON that is written inside a text at ``path`` as it is meant."""
    value = dig(record, path)
    if type(value) is not str or value[:1] != "{" or len(path) != 2:  # noqa: PLR2004 - as in properties/log
        return record
    found = read_inner(value)
    if found is None:
        return record
    top, below = str(path[0]), str(path[1])
    return {**record, top: {**record[top], below: found}}


def _event(kind: LogType, record: dict[str, Any], told: dict[str, Any], tenant: str) -> AccessEvent:
    name = _word(told.get("action"))
    name = kind.codes.get(name or "", name)
    if name is None and _TELLING.isdisjoint(told):
        raise FaultyInputError("field_missing", "the record tells neither who did something nor what", "action")
    service = _word(told.get("service"))
    action = identifier(f"{service}:{name or 'record'}" if service else name or kind.name)
    time_ns = when(told.get("time"))
    subject_type, subject = _subject(told, kind, record)
    deed = deed_of(action)
    place, what, thing = _word(told.get("place")), _word(told.get("what")), _word(told.get("kind"))
    about, names = f"{thing or ''} {what or ''}", (subject, place or "")
    says = told_of(action, record, (*names, *told["own"]), about, (*names, *told["homes"]))
    marks = set(says.marks)
    if kind.finding and not says.calm:
        marks |= _severity(kind, told.get("severity"))
    mfa, managed = _truth(told.get("mfa")), told.get("managed")
    if mfa is False and "enter" in deed.verbs:
        marks.add(Mark.WEAK_LOGIN)
    if subject.lower() in {"root", "<root_account>"}:
        marks.add(Mark.ROOT)
    kind_of_action = class_of(action)
    asn, count, size = told.get("asn"), _amount(told.get("count")), _amount(told.get("bytes"))
    if count is None and says.widest > 1:
        count = float(says.widest)
    ip = told.get("ip")
    return AccessEvent(
        event_id=_word(told.get("id")) or fallback_id(record),
        tenant=tenant,
        time_ns=time_ns,
        subject_id=subject,
        subject_type=subject_type,
        action=action,
        resource_type=thing or service or kind.format,
        resource_id=what or place or "unknown",
        action_class=deed.kind if kind_of_action is ActionClass.OTHER else kind_of_action,
        outcome=_outcome(kind, record, told, deed),
        session_id=_word(told.get("session")),
        client_id=_word(told.get("client")),
        issuer=_word(told.get("issuer")),
        auth_method=_word(told.get("method")),
        mfa=mfa,
        ip=_ip(ip) if type(ip) is str else None,
        country=country(_word(told.get("country"))),
        asn=number({"n": asn}, "n") if asn is not None else None,
        device_id=_word(told.get("device")),
        device_managed=managed if type(managed) is bool else _MANAGED.get((_word(managed) or "").lower()),
        user_agent=_word(told.get("agent")),
        ua_os=_word(told.get("os")),
        count=count,
        bytes=None if size is None else int(size),
        groups=_texts(told.get("groups")),
        labels=_texts(told.get("labels")),
        source=kind.format,
        detail=_word(told.get("detail")),
        marks=tuple(sorted(marks)),
    )

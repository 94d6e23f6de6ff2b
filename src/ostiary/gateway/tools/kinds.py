"""Kinds of arguments: what a value means to whoever receives the call, and how it reads in one form.

- A **target** says where something goes or what is run: recipient, person, url, host, iban, path, command. A value
  that is an address by its shape is one, whatever the manifest calls it. A recipient by mere name (Alice, general) is
  a person: the tool itself knows who that is, and content can choose among those it knows only.
- A **selector** picks something: id, name, date, amount. A **body** is text at length; it is expected to quote.
- What a manifest leaves out is told from the argument's name.

>>> told = (("text", "body", "at noon"), ("", "cc", "a@b.example"), ("text", "x", "a@b.example"))
>>> [kind_of(*each).value for each in told]
['text', 'recipient', 'recipient']
"""

import re
from enum import StrEnum
from typing import Final

from ostiary.gateway.tools.shapes import addresses_in, is_address


class Kind(StrEnum):
    """What an argument is."""

    RECIPIENT = "recipient"
    PERSON = "person"
    URL = "url"
    HOST = "host"
    IBAN = "iban"
    PATH = "path"
    COMMAND = "command"
    ID = "id"
    NAME = "name"
    DATE = "date"
    AMOUNT = "amount"
    SECRET = "secret"  # noqa: S105 - a kind, not a secret
    TEXT = "text"


TARGETS: Final = frozenset({Kind.RECIPIENT, Kind.PERSON, Kind.URL, Kind.HOST, Kind.IBAN, Kind.PATH, Kind.COMMAND})
SHORT: Final = 64
"""A text no longer than this, on one line, picks something rather than telling something."""

_ALIASES: Final = {
    **dict.fromkeys(("email", "address", "to", "user", "channel", "phone", "contact", "person"), Kind.RECIPIENT),
    **dict.fromkeys(("uri", "link", "href", "webhook", "endpoint"), Kind.URL),
    **dict.fromkeys(("domain", "hostname", "ip", "server"), Kind.HOST),
    **dict.fromkeys(("account", "bank_account", "bank-account", "wallet"), Kind.IBAN),
    **dict.fromkeys(("file", "filename", "directory", "folder", "file_path", "filepath"), Kind.PATH),
    **dict.fromkeys(("shell", "code", "script", "sql", "query", "cmd", "program"), Kind.COMMAND),
    **dict.fromkeys(("identifier", "key", "reference"), Kind.ID),
    **dict.fromkeys(("title", "label", "hotel", "place", "location", "enum"), Kind.NAME),
    **dict.fromkeys(("datetime", "time", "timestamp", "day"), Kind.DATE),
    **dict.fromkeys(("number", "money", "price", "integer", "quantity", "count", "currency"), Kind.AMOUNT),
    **dict.fromkeys(("password", "token", "credential", "pin"), Kind.SECRET),
    **dict.fromkeys(("string", "body", "message", "content", "subject", "description", "any"), Kind.TEXT),
}
# By words of an argument's name, the most telling first.
_BY_NAME: Final = (
    (Kind.IBAN, frozenset({"iban", "account", "wallet", "bic"})),
    (Kind.URL, frozenset({"url", "uri", "link", "href", "webhook", "endpoint", "callback"})),
    (Kind.HOST, frozenset({"host", "hostname", "domain", "ip", "server"})),
    (Kind.COMMAND, frozenset({"command", "cmd", "shell", "script", "code", "sql", "exec", "argv"})),
    (Kind.SECRET, frozenset({"password", "passphrase", "token", "pin", "credential"})),
    (Kind.ID, frozenset({"id", "ids", "uuid", "identifier", "number", "ref"})),
    (
        Kind.RECIPIENT,
        frozenset(
            [
                "to",
                "cc",
                "bcc",
                "recipient",
                "recipients",
                "email",
                "emails",
                "mail",
                "address",
                "addresses",
                "participant",
                "participants",
                "attendee",
                "attendees",
                "user",
                "users",
                "username",
                "invitee",
                "invitees",
                "member",
                "members",
                "channel",
                "phone",
                "payee",
                "beneficiary",
                "forward",
            ]
        ),
    ),
    (Kind.PATH, frozenset({"path", "file", "filename", "directory", "folder", "dest", "destination", "target"})),
    (Kind.DATE, frozenset({"date", "time", "day", "start", "end", "datetime", "when", "until"})),
    (Kind.AMOUNT, frozenset({"amount", "price", "sum", "value", "quantity", "count", "total", "n", "limit"})),
    (Kind.NAME, frozenset({"name", "names", "title", "hotel", "location", "city", "label", "permission"})),
)
_TELLING: Final = frozenset({Kind.ID, Kind.NAME, Kind.RECIPIENT})
_MARKS: Final = re.compile(r"[@/\\:]|\d{5}")
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_of(name: str) -> list[str]:
    """Return the words of an identifier, lower case: ``newStart_time`` is new, start, time."""
    return [word.lower() for word in _WORDS.findall(name)]


def declared(kind: str) -> Kind | None:
    """Return the kind that a manifest means, ``None`` of an empty or unknown word."""
    word = kind.strip().lower()
    return Kind(word) if word in Kind.__members__.values() else _ALIASES.get(word)


def kind_of(told: str, name: str, value: str) -> Kind:
    """Return what one value of an argument is, by what the manifest tells, its name, and its shape."""
    kind = declared(told) or _by_name(name)
    if kind is Kind.TEXT and len(value) <= SHORT and "\n" not in value:
        named = _by_name(name)  # "text" says little of what a short value is
        kind = named if named in _TELLING else kind
    shape = _address_kind(value)
    if kind is Kind.RECIPIENT and shape is None and not _MARKS.search(value):
        return Kind.PERSON
    return kind if shape is None or kind in TARGETS else shape


def _by_name(name: str) -> Kind:
    words = words_of(name)
    return next((kind for kind, telling in _BY_NAME if telling.intersection(words)), Kind.TEXT)


def _address_kind(value: str) -> Kind | None:
    if not is_address(value):
        return None
    found = addresses_in(value)
    return Kind.RECIPIENT if found.emails else Kind.IBAN if found.accounts else Kind.URL

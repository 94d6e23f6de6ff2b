"""Cases: what a person must look into, from opening to verdict.

Rules:

- Every change is made by whoever saw the newest version, so that two people never overwrite each other.
- A closed case is only read. It closes with a verdict.
- What belongs together is one case: a second matter of the same topic joins the open one, so that a storm of alarms is
  one case with many notes instead of many cases.
- Texts are bounded and made harmless when they come in; a case never grows beyond what a person can read.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.keys import sha256_hex
from ostiary.response.ports import Card, Cards
from ostiary.signals.texts import identifier, neutral

DRAWER: Final = "case"
OPEN: Final = "open"
CLOSED: Final = "closed"
MAX_TEXT: Final = 4_000
MAX_COMMENTS: Final = 500
MAX_LINKS: Final = 200
_TRIES: Final = 8
_CLOSED: Final = "case_closed"


class Verdict(StrEnum):
    """What a case turned out to be."""

    BENIGN = "benign"
    FALSE_POSITIVE = "false_positive"
    TRUE_POSITIVE = "true_positive"


class Comment(msgspec.Struct, frozen=True):
    """What somebody wrote; ``by`` names an administrator's key, a playbook or the triage helper."""

    by: str
    at_ns: int
    text: str


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """One case. ``links`` are ``kind:id``: ``decision:dec_…``, ``session:…``, ``signal:…``, ``device:…``."""

    case_id: str
    tenant: str
    title: str
    topic: str
    opened_ns: int
    opened_by: str
    subject: str = ""
    assignee: str = ""
    links: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()
    closed_ns: int = 0
    closed_by: str = ""
    verdict: Verdict | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still waits for a verdict."""
        return self.verdict is None


_Change = Callable[[Case], Case]


class CaseBook:
    """A tenant's cases over a store of cards."""

    def __init__(self, cards: Cards) -> None:
        """Keep them in ``cards``."""
        self._cards = cards

    def open(
        self,
        tenant: str,
        title: str,
        *,
        topic: str,
        key: str,
        by: str,
        now_ns: int,
        subject: str = "",
        links: Iterable[str] = (),
    ) -> Case:
        """Open a case, or add to the open one of the same topic; the same ``key`` opens once."""
        links = tuple(dict.fromkeys(identifier(link) for link in links if link))[:MAX_LINKS]
        known = self._cards.find(tenant, DRAWER, _name(tenant, key))
        if known is not None:
            return _case(known)
        for card in self._cards.about(tenant, DRAWER, topic, OPEN, 1):
            try:
                return self._join(_case(card), title, by, now_ns, links)
            except RefusedError as closed:  # at this very moment: what comes now is a matter of its own
                if closed.code != _CLOSED:
                    raise
        case = Case(_name(tenant, key), tenant, _text(title), topic, now_ns, by, subject, links=links)
        self._cards.add([_card(case, now_ns)])
        return self.find(tenant, case.case_id)

    def find(self, tenant: str, case_id: str) -> Case:
        """Return one case.

        Raises:
            RefusedError: ``case_unknown``, the same for another tenant's.
        """
        return _case(self._find(tenant, case_id))

    def listed(self, tenant: str, state: str = "", limit: int = 200) -> list[Case]:
        """Return the newest cases, newest first; without a state all of them."""
        return [_case(card) for card in self._cards.listed(tenant, DRAWER, (state,) if state else (), limit)]

    def assign(self, tenant: str, case_id: str, assignee: str) -> Case:
        """Give a case to somebody."""
        return self._change(
            tenant, case_id, lambda case: msgspec.structs.replace(case, assignee=identifier(assignee, 128))
        )

    def comment(self, tenant: str, case_id: str, by: str, now_ns: int, text: str) -> Case:
        """Add a comment.

        Raises:
            FaultyInputError: ``comment_invalid``.
            RefusedError: ``case_unknown``, ``case_closed``, ``case_full``.
        """
        return self._change(tenant, case_id, lambda case: _commented(case, Comment(by, now_ns, _text(text))))

    def link(self, tenant: str, case_id: str, links: Iterable[str]) -> Case:
        """Link decisions, sessions, signals or devices."""
        more = tuple(identifier(link) for link in links)
        return self._change(tenant, case_id, lambda case: _linked(case, more))

    def close(self, tenant: str, case_id: str, by: str, now_ns: int, verdict: Verdict) -> Case:
        """Close a case with a verdict."""
        return self._change(
            tenant,
            case_id,
            lambda case: msgspec.structs.replace(case, verdict=verdict, closed_ns=now_ns, closed_by=by),
        )

    def count_open(self) -> int:
        """Return how many cases of all tenants are open."""
        return self._cards.count(DRAWER, (OPEN,))

    def _join(self, case: Case, title: str, by: str, now_ns: int, links: tuple[str, ...]) -> Case:
        def join(known: Case) -> Case:
            full = len(known.comments) >= MAX_COMMENTS or set(links) <= set(known.links)
            told = known if full else _commented(known, Comment(by, now_ns, _text(title)))
            return _linked(told, links)

        return self._change(case.tenant, case.case_id, join)

    def _change(self, tenant: str, case_id: str, change: _Change) -> Case:
        for _ in range(_TRIES):
            card = self._find(tenant, case_id)
            case = _case(card)
            if not case.is_open:
                raise RefusedError(_CLOSED, "this case is closed")
            after = change(case)
            if self._cards.replace(card, _card(after, card.made_ns)) is not None:
                return after
        raise UnavailableError("case_busy", "too many people change this case at once: try again")

    def _find(self, tenant: str, case_id: str) -> Card:
        card = self._cards.find(tenant, DRAWER, case_id)
        if card is None:
            raise RefusedError("case_unknown", "there is no such case")
        return card


def _commented(case: Case, comment: Comment) -> Case:
    if len(case.comments) >= MAX_COMMENTS:
        raise RefusedError("case_full", f"a case has at most {MAX_COMMENTS} comments")
    return msgspec.structs.replace(case, comments=(*case.comments, comment))


def _linked(case: Case, links: Iterable[str]) -> Case:
    return msgspec.structs.replace(case, links=tuple(dict.fromkeys((*case.links, *links)))[:MAX_LINKS])


def _text(text: str) -> str:
    if not text.strip() or len(text) > MAX_TEXT:
        raise FaultyInputError("comment_invalid", f"1 to {MAX_TEXT} characters are needed")
    return "\n".join(neutral(line) for line in text.split("\n"))


def _name(tenant: str, key: str) -> str:
    return "case_" + sha256_hex(msgspec.json.encode((tenant, key)))[:24]


def _case(card: Card) -> Case:
    return msgspec.json.decode(card.data, type=Case)


def _card(case: Case, made_ns: int) -> Card:
    state = OPEN if case.is_open else CLOSED
    data = msgspec.json.encode(case)
    return Card(case.tenant, DRAWER, case.case_id, state, data, case.topic, case.subject, made_ns=made_ns)

"""How break-glasses and sets of codes are shown: by the administrators' API and by the commands alike."""

import msgspec

from ostiary.approvals.glass import moment
from ostiary.approvals.sealed_codes import CodeSet
from ostiary.server.break_glass.book import Past

OPEN = "open"
WAITING = "waiting"
ENDED = "ended"


class GlassShown(msgspec.Struct, frozen=True):
    """One break-glass; times are RFC 3339, empty when there is none."""

    id: str
    state: str
    replaces: list[str]
    resources: list[str]
    subjects: list[str]
    since: str
    until: str
    reason: str
    how: str
    people: list[str]
    opened_by: str
    proposal: str
    closed: str
    closed_by: str
    why: str


class CodesShown(msgspec.Struct, frozen=True):
    """A set of sealed codes; the codes themselves are shown when they are made, and never again."""

    id: str
    need: int
    people: list[str]
    replaces: list[str]
    resources: list[str]
    subjects: list[str]
    longest_s: int
    made: str
    until: str
    made_by: str


def glass_shown(past: Past, now_ns: int) -> GlassShown:
    """Return what is shown of one."""
    one, terms, ending = past.opening, past.opening.terms, past.ending
    state = ENDED if ending is not None or now_ns >= terms.until_ns else OPEN if now_ns >= terms.from_ns else WAITING
    return GlassShown(
        id=one.id,
        state=state,
        replaces=list(terms.replaces),
        resources=list(terms.resources),
        subjects=list(terms.subjects),
        since=moment(terms.from_ns),
        until=moment(terms.until_ns),
        reason=terms.reason,
        how=one.how,
        people=list(one.people),
        opened_by=one.by,
        proposal=one.proposal,
        closed=moment(ending.at_ns) if ending else "",
        closed_by=ending.by if ending else "",
        why=ending.why if ending else "",
    )


def codes_shown(codes: CodeSet) -> CodesShown:
    """Return what is shown of a set."""
    return CodesShown(
        id=codes.id,
        need=codes.need,
        people=[code.person for code in codes.codes],
        replaces=list(codes.limits.replaces),
        resources=list(codes.limits.resources),
        subjects=list(codes.limits.subjects),
        longest_s=codes.limits.longest_s,
        made=moment(codes.made_ns),
        until=moment(codes.until_ns),
        made_by=codes.made_by,
    )

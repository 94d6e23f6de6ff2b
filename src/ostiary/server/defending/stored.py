"""What is stored of attacks: the newest red-team report, and canaries that somebody got a model to say.

- The report is the signed one that ``ostiary redteam run`` kept; nothing is run here. One that does not verify is told
  as such and read no further.
- Canaries are found in the records of requests to language models: the newest ``LOOKED_AT`` records of the log.
"""

from typing import Any, Final

import msgspec

from ostiary.errors import VerificationError
from ostiary.server.wiring import House
from ostiary.vocabulary.unreadable import UNREADABLE

KIND: Final = "redteam"
INSPECTION: Final = "inspection"
LOOKED_AT: Final = 20_000
MOST: Final = 20
_CANARY: Final = "canary."


class Line(msgspec.Struct, frozen=True):
    """How often one attack succeeded, 0 to 1: without the defence, and with it."""

    attack: str
    atlas: str
    without: float
    guarded: float = msgspec.field(name="with")
    n: int = 0


class Entry(msgspec.Struct, frozen=True):
    """One attack of the report: what it does and what stands against it, and whether that held."""

    line: Line
    describe: str
    passed: bool
    bound: float = 0.0
    fault: str = ""


class Scores(msgspec.Struct, frozen=True):
    """The newest report; ``fault`` is its code when it does not verify, and then nothing of it is told."""

    digest: str = ""
    at_ns: int = 0
    about: str = ""
    passed: bool = False
    attacks: tuple[Entry, ...] = ()
    fault: str = ""


class Said(msgspec.Struct, frozen=True):
    """A canary that a model was made to say: which kind, to whom, and what came of it."""

    rule: str
    at_ns: int
    subject: str
    decision_id: str
    outcome: str


class _Body(msgspec.Struct):
    passed: bool
    attacks: tuple[Entry, ...] = ()


class _Finding(msgspec.Struct):
    rule: str = ""


class _Inspected(msgspec.Struct):
    subject: str = ""
    decision_id: str = ""
    outcome: str = ""
    findings: tuple[_Finding, ...] = ()


def scores_of(house: House, tenant: str) -> Scores | None:
    """Return the newest red-team report about the live model or about none, or ``None`` when there is none."""
    scorer = house.scorers.scorer(tenant)
    try:
        found = [house.reports.newest(tenant, KIND, about) for about in {scorer.digest if scorer else "", ""}]
    except VerificationError as no:
        return Scores(fault=no.code)
    newest = max((one for one in found if one), key=lambda one: one.at_ns, default=None)
    if newest is None:
        return None
    try:
        body = msgspec.json.decode(newest.body, type=_Body)
    except UNREADABLE:
        return Scores(newest.digest, newest.at_ns, newest.about, fault="report_malformed")
    return Scores(newest.digest, newest.at_ns, newest.about, body.passed, body.attacks)


def canaries_of(house: House, tenant: str) -> list[Said]:
    """Return the newest canaries that were said, newest first."""
    start = max(0, house.log.head().size - LOOKED_AT)
    found: list[Said] = []
    for stored in house.log.iterate(tenant, INSPECTION, start):
        if stored.payload is None or _CANARY.encode() not in stored.payload:
            continue
        told: Any = msgspec.json.decode(stored.payload, type=_Inspected)
        found += [
            Said(one.rule, stored.time_ns, told.subject, told.decision_id, told.outcome)
            for one in told.findings
            if one.rule.startswith(_CANARY)
        ]
    return list(reversed(found))[:MOST]

"""Which records show what: the tenets of NIST SP 800-207 §2.1 and a few promises of ours, each with real counts.

A control with no record in the period says so: an empty line is a finding for an auditor, never filled up.

>>> table = Evidence()
>>> table.see("dec_1", "decision", {"outcome": {"effect": 3}, "bundle": "sha256:1"})
>>> [(one.control, one.count) for one in table.rows() if one.count]  # doctest: +ELLIPSIS
[('800-207 tenet 4', 1), ('800-207 tenet 7', 1)]
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from ostiary.server.auditing.walking import MOST_SHOWN, Wanted, walk
from ostiary.server.wiring import House

Told = dict[str, Any]
Shows = Callable[[str, Told], bool]
MOST_COUNTED: Final = 800
_EXAMPLES: Final = 3
_PERMITS: Final = frozenset({0, 1})
_STEP_UP: Final = 2


class Control(msgspec.Struct, frozen=True):
    """One control: its name, what it asks for, and in words which records show it."""

    name: str
    asks: str
    shown_by: str
    shows: Shows


class Shown(msgspec.Struct, frozen=True):
    """How often records showed a control, with the first few of them."""

    control: str
    asks: str
    shown_by: str
    count: int
    examples: tuple[str, ...]


class Evidence:
    """Counts records by control."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._found: dict[str, list[Any]] = {one.name: [0, []] for one in CONTROLS}

    def see(self, record_id: str, kind: str, told: Told) -> None:
        """Count one record."""
        for control in CONTROLS:
            if control.shows(kind, told):
                kept = self._found[control.name]
                kept[0] += 1
                if len(kept[1]) < _EXAMPLES:
                    kept[1].append(record_id)

    def rows(self) -> list[Shown]:
        """Return every control with what was counted."""
        return [
            Shown(one.name, one.asks, one.shown_by, self._found[one.name][0], tuple(self._found[one.name][1]))
            for one in CONTROLS
        ]


class Counted(msgspec.Struct, frozen=True):
    """What was counted of the newest records; ``whole`` when none was left out."""

    controls: list[Shown]
    looked: int
    whole: bool


def evidence_of(house: House, tenant: str, from_ns: int, most: int = MOST_COUNTED) -> Counted:
    """Count the newest records of a tenant since a moment, at most so many."""
    table, looked, below = Evidence(), 0, None
    while looked < most:
        walked = walk(house, tenant, Wanted(from_ns=from_ns), below, min(MOST_SHOWN, most - looked))
        for one in walked.found:
            table.see(one.row.record_id, one.row.kind, one.told or {})
        looked, below = looked + len(walked.found), walked.below
        if not below:
            break
    return Counted(table.rows(), looked, whole=not below)


def _effect(told: Told) -> int:
    outcome = told.get("outcome")
    found = outcome.get("effect", -1) if isinstance(outcome, dict) else -1
    return found if isinstance(found, int) else -1


def _is_resource(kind: str, told: Told) -> bool:
    event = told.get("event")
    return kind == "decision" and isinstance(event, dict) and bool(event.get("resource_type"))


def _is_bound(kind: str, told: Told) -> bool:
    return kind == "decision" and bool(told.get("key"))


def _is_grant(kind: str, told: Told) -> bool:
    return kind == "decision" and _effect(told) in _PERMITS


def _is_by_policy(kind: str, told: Told) -> bool:
    return kind == "decision" and bool(told.get("bundle"))


def _is_posture(kind: str, _told: Told) -> bool:
    return kind in {"device", "model"}


def _is_proof(kind: str, told: Told) -> bool:
    return kind in {"step_up", "refusals"} or (kind == "decision" and _effect(told) == _STEP_UP)


def _is_any(_kind: str, _told: Told) -> bool:
    return True


def _is_agreed(kind: str, _told: Told) -> bool:
    return kind == "approval"


def _is_by_hand(kind: str, _told: Told) -> bool:
    return kind == "admin"


def _is_revealed(kind: str, told: Told) -> bool:
    return kind == "admin" and told.get("action") == "conversation.reveal"


def _is_model_live(kind: str, _told: Told) -> bool:
    return kind == "phases"


def _is_inspected(kind: str, _told: Told) -> bool:
    return kind == "inspection"


CONTROLS: Final = (
    Control(
        "800-207 tenet 1",
        "All data sources and computing services are considered resources.",
        "decisions that name a resource and its type",
        _is_resource,
    ),
    Control(
        "800-207 tenet 2",
        "All communication is secured regardless of network location.",
        "decisions whose token was bound to a key of its holder (DPoP or mutual TLS)",
        _is_bound,
    ),
    Control(
        "800-207 tenet 3",
        "Access to individual enterprise resources is granted on a per-session basis.",
        "decisions that allowed one access each",
        _is_grant,
    ),
    Control(
        "800-207 tenet 4",
        "Access to resources is determined by dynamic policy.",
        "decisions that a policy bundle was asked for, which the record names by digest",
        _is_by_policy,
    ),
    Control(
        "800-207 tenet 5",
        "The enterprise monitors and measures the integrity and security posture of all assets.",
        "records of devices that attested themselves and of models that were verified",
        _is_posture,
    ),
    Control(
        "800-207 tenet 6",
        "Authentication and authorization are dynamic and strictly enforced before access is allowed.",
        "step-ups asked for and proven, and callers refused before anything was decided",
        _is_proof,
    ),
    Control(
        "800-207 tenet 7",
        "The enterprise collects as much information as possible about assets, network and communications.",
        "all records of the period, each provably in the log",
        _is_any,
    ),
    Control("Several people agree", "Changes of consequence take more than one person.", "approvals", _is_agreed),
    Control("Deeds by name", "What administrators do is on record by their name.", "deeds", _is_by_hand),
    Control(
        "Phases of models",
        "What models may cause is switched on step by step, on record.",
        "changes of phases",
        _is_model_live,
    ),
    Control(
        "Texts are inspected",
        "What goes to and comes from language models is inspected.",
        "inspections of prompts and answers",
        _is_inspected,
    ),
    Control(
        "Content is sealed",
        "Opening personal content takes a reason, and is on record first.",
        "conversations that were opened, each with its reason",
        _is_revealed,
    ),
)

"""Obligations: what the enforcement point must do about an outcome, or deny (AuthZEN Obligations Profile).

- Those of the guardrails always hold; those of the adaptive rules hold when their proposal was applied as it stood.
- STEP_UP, REDUCE and TERMINATE bring one of their own, so that no effect is ever without instructions.
"""

from typing import Any, Final

import msgspec

from ostiary.decision.combine import control_of
from ostiary.vocabulary.effects import Control, Effect
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, Obligation, Outcome

DEFAULT_ACR: Final = ("urn:ostiary:acr:mfa",)
DEFAULT_LIFETIME_S: Final = 900
LIFETIME: Final = "session_lifetime"
_OURS: Final = frozenset({"human_review", "notification"})
PROPOSAL_REVIEW: Final = "proposal-review"


def _lists(outcome: Outcome, member: str) -> list[list[str]]:
    """Return what each deciding rule lists under ``member``, rules that list nothing left out."""
    told = [hit.properties.get(member) for hit in outcome.rules]
    lists = [[v for v in values if isinstance(v, str)] for values in told if isinstance(values, list | tuple)]
    return [values for values in lists if values]


def _texts(outcome: Outcome, member: str) -> list[str]:
    """Return the texts that the deciding rules list under ``member``, in order, once each."""
    return list(dict.fromkeys(value for values in _lists(outcome, member) for value in values))


def acr_values_of(outcome: Outcome) -> tuple[str, ...]:
    """Return the classes that satisfy every rule at once, so that one sign-in is enough; else all that are named."""
    lists = _lists(outcome, "acr_values")
    common = [value for value in dict.fromkeys(lists[0]) if all(value in other for other in lists)] if lists else []
    return tuple(common or _texts(outcome, "acr_values") or DEFAULT_ACR)


def smallest_of(outcome: Outcome, member: str) -> int | None:
    """Return the smallest non-negative number that the deciding rules give for ``member``."""
    values = [hit.properties.get(member) for hit in outcome.rules]
    numbers = [int(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and v >= 0]
    return min(numbers, default=None)


def privileges_of(outcome: Outcome) -> tuple[str, ...]:
    """Return the privileges that the deciding rules take away."""
    return tuple(_texts(outcome, "privileges"))


def _step_up(outcome: Outcome) -> Obligation:
    acr = list(acr_values_of(outcome))
    properties: dict[str, Any] = {"acr_value": acr[0], "acr_values": acr}
    amr = _texts(outcome, "amr_values")
    if amr:
        properties["amr_values"] = amr
    max_age = smallest_of(outcome, "max_age")
    if max_age is not None:
        properties["max_age"] = max_age
    return Obligation("step-up", "step-up", properties)


def _reduce(outcome: Outcome) -> list[Obligation]:
    controls = {control_of(hit) for hit in outcome.rules if hit.effect == Effect.REDUCE}
    privileges = _texts(outcome, "privileges")
    own: list[Obligation] = []
    if privileges or (controls and Control.SESSION_LIFETIME not in controls):
        own.append(Obligation("reduce-privileges", "reduce", {"privileges": privileges}))
    if Control.SESSION_LIFETIME in controls or not own:
        # Of rules that fell to this the age is that of a sign-in: it would tell how far a model went, and end sessions.
        own_rules = tuple(hit for hit in outcome.rules if hit.effect == Effect.REDUCE)
        lifetime = smallest_of(msgspec.structs.replace(outcome, rules=own_rules), "max_age")
        seconds = DEFAULT_LIFETIME_S if lifetime is None else lifetime
        own.append(Obligation("session-lifetime", LIFETIME, {"max_age": seconds}))
    return own


def obligations_of(
    outcome: Outcome,
    guardrails: GuardrailVerdict | None,
    adaptive: AdaptiveVerdict | None,
    subject: str,
) -> tuple[Obligation, ...]:
    """Return all obligations of one outcome, each under an id of its own; none is dropped for its name."""
    own: list[Obligation] = []
    if outcome.effect == Effect.STEP_UP:
        own.append(_step_up(outcome))
    elif outcome.effect == Effect.REDUCE:
        own += _reduce(outcome)
    elif outcome.effect == Effect.TERMINATE:
        own.append(Obligation("session-termination", "session_termination", {"subject": subject}))
    if Reason.CRITICAL_CAP in outcome.reasons:
        own.append(Obligation(PROPOSAL_REVIEW, "human_review", {"proposal": outcome.proposal.name}))
    own += guardrails.obligations if guardrails else ()
    if adaptive and outcome.applied_proposal == outcome.proposal > Effect.ALLOW:
        own += adaptive.obligations
    unique: dict[str, Obligation] = {}
    for obligation in own:
        _add(unique, obligation)
    return tuple(unique.values())


def outside(obligations: tuple[Obligation, ...], adaptive: AdaptiveVerdict | None = None) -> tuple[Obligation, ...]:
    """Return those that an enforcement point is told of.

    What Ostiary itself does because of a score would tell it of the score: who is to look at it, who is to hear of it.
    """
    asked = adaptive.obligations if adaptive else ()
    kept = [o for o in obligations if not (o.type in _OURS and (o.id == PROPOSAL_REVIEW or o in asked))]
    return tuple(kept)


def _add(unique: dict[str, Obligation], obligation: Obligation) -> None:
    """Add one: of two lifetimes under one id the shorter holds, of other twins the second gets a number."""
    name, number = obligation.id, 1
    while (known := unique.get(name)) is not None and not _same(known, obligation):
        if known.type == obligation.type == LIFETIME and _is_shorter(obligation, known):
            break
        if known.type == obligation.type == LIFETIME and _is_shorter(known, obligation):
            return
        number += 1
        name = f"{obligation.id}-{number}"
    unique[name] = Obligation(name, obligation.type, obligation.properties)


def _same(one: Obligation, other: Obligation) -> bool:
    return (one.type, one.properties) == (other.type, other.properties)


def _is_shorter(one: Obligation, other: Obligation) -> bool:
    """Whether both say nothing but how long, and ``one`` says less."""
    if not one.properties.keys() == other.properties.keys() == {"max_age"}:
        return False
    mine, theirs = one.properties["max_age"], other.properties["max_age"]
    return isinstance(mine, int | float) and isinstance(theirs, int | float) and mine < theirs

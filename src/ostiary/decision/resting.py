"""What rests on how somebody types and moves, and the cap on it: a step-up at most (ADR-0050, ADR-0058).

- The evidence may raise a score and never lowers one: the access is scored without it and with it, the higher counts.
  Whoever cannot type or point, or does not want to be watched, is scored exactly as if nobody were.
- A proposal beyond STEP_UP that is not made without the evidence rests on it, whatever the rule says of itself; one
  that a rule marks rests on it as well. The law caps both (``combine``).
- What would be proposed beyond STEP_UP without the evidence is proposed with it too: where another rule speaks for a
  higher score, typing badly on purpose would turn a denial into a step-up.
- Both are asked only where there is evidence, the second of policy only where something beyond STEP_UP is proposed.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ostiary.decision.document import adaptive_document
from ostiary.decision.ports import PolicyEngine
from ostiary.signals import features as catalogue
from ostiary.vocabulary.behaviour import BiometricsVerdict
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import RESTS_ON, AdaptiveVerdict, GuardrailVerdict, RuleHit

BIOMETRICS: Final = "biometrics"
_NAN: Final = float("nan")
_FLAG: Final = "missing_behaviour"
_OWN: Final = frozenset(
    at
    for at, spec in enumerate(catalogue.FEATURES)
    if spec.sources and all(source.startswith("behaviour.") for source in spec.sources)
)
_FLAGS: Final = frozenset(at for at, spec in enumerate(catalogue.FEATURES) if spec.name == _FLAG)
Score = Callable[[AccessEvent, Sequence[float]], RiskScore]


def without_behaviour(event: AccessEvent, features: Sequence[float]) -> tuple[AccessEvent, Sequence[float]]:
    """Return an access as if nothing had been told of how its subject types and moves."""
    bare = [_NAN if at in _OWN else 1.0 if at in _FLAGS else value for at, value in enumerate(features)]
    return msgspec.structs.replace(event, behaviour=None), bare


def scored(score: Score, event: AccessEvent, features: Sequence[float]) -> tuple[RiskScore, RiskScore | None]:
    """Return the score of an access, and beside it the one without the evidence where there is evidence."""
    if event.behaviour is None:
        return score(event, features), None
    plain = score(*without_behaviour(event, features))
    if plain.score is None:
        return plain, plain
    whole = score(event, features)
    raised = whole.score is not None and whole.score > plain.score
    return (whole if raised else plain), plain


class Seen(msgspec.Struct, frozen=True):
    """What models say of an access and its session: ``plain`` is the score without the evidence, where there is any."""

    risk: RiskScore
    plain: RiskScore | None = None
    session: RiskScore | None = None
    biometrics: BiometricsVerdict | None = None


def proposed(engine: PolicyEngine, document: bytes, guardrails: GuardrailVerdict, seen: Seen) -> AdaptiveVerdict:
    """Return what the adaptive rules propose, with what rests on the evidence marked."""
    verdict = engine.adaptive(adaptive_document(document, guardrails, seen.risk, seen.session, seen.biometrics))
    if seen.plain is None and seen.biometrics is None:
        return verdict
    bare = seen.risk if seen.plain is None else seen.plain
    return marked(verdict, lambda: engine.adaptive(adaptive_document(document, guardrails, bare, seen.session)))


def marked(verdict: AdaptiveVerdict, without: Callable[[], AdaptiveVerdict]) -> AdaptiveVerdict:
    """Return the verdict with those proposals marked that would not be made without the evidence.

    Those beyond a step-up that would be made without it alone are added.

    Args:
        verdict: what the adaptive rules propose.
        without: asks them again on the document without the evidence.
    """
    if not any(_beyond(hit) for hit in verdict.hits):
        return verdict
    plain = without()
    bare = () if plain.error else plain.hits
    standing = frozenset((hit.rule, hit.effect) for hit in bare)
    hits = [hit if not _beyond(hit) or (hit.rule, hit.effect) in standing else _mark(hit) for hit in verdict.hits]
    made = frozenset((hit.rule, hit.effect) for hit in verdict.hits)
    hits += [hit for hit in bare if _beyond(hit) and (hit.rule, hit.effect) not in made]
    return msgspec.structs.replace(verdict, hits=tuple(hits))


def _beyond(hit: RuleHit) -> bool:
    return hit.effect > Effect.STEP_UP and hit.properties.get(RESTS_ON) != BIOMETRICS


def _mark(hit: RuleHit) -> RuleHit:
    return msgspec.structs.replace(hit, properties={**hit.properties, RESTS_ON: BIOMETRICS})

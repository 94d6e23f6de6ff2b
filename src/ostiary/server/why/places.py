"""Where the rules of a decision stand: file and line in the bundle that decided, as far as that bundle is here.

The lines of another bundle would be a guess: what was decided under one that is not in force any more has no place.
"""

from typing import Any

from ostiary.server.wiring import House
from ostiary.vocabulary.verdicts import DecisionRecord


def places_of(house: House, record: DecisionRecord) -> list[dict[str, Any]]:
    """Return the rules of a decision, those that made it first: words, file and line (0 where it has no place)."""
    bundle = house.policies.load(record.tenant).bundle
    here = bundle.digest == record.bundle
    acting = [hit.rule for hit in record.outcome.rules]
    unmet = [one.rule for one in record.guardrails.unmet] if record.guardrails else []
    found: list[dict[str, Any]] = []
    for rule in dict.fromkeys((*acting, *unmet)):
        words = bundle.rules.words_of(rule)
        hit = next((one for one in record.outcome.rules if one.rule == rule), None)
        found.append(
            {
                "rule": rule,
                "applied": hit is not None,
                "effect": hit.effect.name if hit else words.effect.name if words.effect is not None else "",
                "title": words.title if here else "",
                "explanation": (hit.explanation if hit else "") or (words.explanation if here else ""),
                "remediation": (hit.remediation if hit else "") or (words.remediation if here else ""),
                "file": words.file if here else "",
                "line": words.line if here else 0,
            }
        )
    return found

r"""Whether the adaptive rules are monotone: a higher score must never propose something milder.

- Asked before a bundle goes live, on its own examples (``data.examples``) and on made-up requests of every sensitivity,
  over a grid of scores that is fine around every number between 0 and 1 that stands in the bundle.
- Where the adaptive rules read how a subject types and moves the same is asked of that: evidence against the subject,
  less liveness and more drift must never propose less, in either stage.
- A check by examples finds the honest mistake (``score == 0.9``, a gap between bands); it is no proof. The law itself
  is kept by the decision, which takes the harsher of floor and proposal.

>>> bundle = Bundle.of({
...     "g.rego": "package ostiary.guardrails\ndecision := {}",
...     "a.rego": '''package ostiary.adaptive
... decision := {"proposals": proposals}
... proposals contains {"rule": "band", "effect": "DENY"} if { input.risk.score > 0.5; input.risk.score < 0.9 }'''})
>>> check_monotone(bundle)[0].split(":")[0]
'rule of `made-up-untold` proposes DENY at score 0.899999 but ALLOW at 0.9'
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ostiary.policy.behaviour_grid import behaviours, speaks_of_behaviour
from ostiary.policy.bundle import EXAMPLES, Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.vocabulary.effects import Effect

_NUMBER: Final = re.compile(r"(?<![\w.])(?:0?\.\d+|0|1(?:\.0+)?)(?![\w.])")
_STEPS: Final = 20
_NEAR: Final = 1e-6
_MAX_SCORES: Final = 240
_MAX_EXAMPLES: Final = 64
_UNCERTAINTIES: Final = (0.0, 0.45, 0.9)


def check_monotone(bundle: Bundle) -> list[str]:
    """Return a sentence for each request on which a higher score proposes less, or on which the rules fail."""
    scores = score_grid(bundle)
    watched = behaviours(bundle, scores) if speaks_of_behaviour(bundle) else []
    found: list[str] = []
    with OpaEngine(bundle) as engine:
        for name, document in requests(bundle):
            for uncertainty in _UNCERTAINTIES:
                fault = _walk(engine, name, document, scores, uncertainty) or _walk(
                    engine, name, document, scores, uncertainty, session=True
                )
                if fault:
                    found.append(fault)
                    break
            else:
                found += [fault for told in watched if (fault := _walk_behaviour(engine, name, document, *told))][:1]
    return found


def score_grid(bundle: Bundle) -> list[float]:
    """Return scores from 0 to 1, fine around the numbers that the bundle itself mentions."""
    texts = [text for path, text in bundle.files.items() if not path.startswith(EXAMPLES)]
    named = {float(match) for text in texts for match in _NUMBER.findall(text.decode(errors="replace"))}
    marks = sorted(number for number in named if 0 <= number <= 1)[: _MAX_SCORES // 3]
    near = {round(mark + step, 9) for mark in marks for step in (-_NEAR, 0.0, _NEAR)}
    even = {step / _STEPS for step in range(_STEPS + 1)}
    return sorted(score for score in near | even if 0 <= score <= 1)


def requests(bundle: Bundle) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the bundle's examples and the made-up requests, by name."""
    examples = bundle.all_data.get(EXAMPLES)
    named = examples if isinstance(examples, dict) else {}
    for name, document in list(named.items())[:_MAX_EXAMPLES]:
        if isinstance(document, Mapping) and "subject" in document:
            yield name, dict(document)
    for sensitivity in (None, 0, 1, 2, 3, 4):
        told = "untold" if sensitivity is None else str(sensitivity)
        yield f"made-up-{told}", made_up(sensitivity)
        yield f"made-up-{told}-fresh", made_up(sensitivity, acr="urn:ostiary:acr:phishing-resistant", auth_age_s=5.0)


def made_up(
    sensitivity: int | None, *, acr: str = "urn:ostiary:acr:mfa", auth_age_s: float | None = 3600.0
) -> dict[str, Any]:
    """Return a plain request of a person for a resource of ``sensitivity``, as the decision would build it."""
    return {
        "tenant": "default",
        "time": {"unix": 0.0, "rfc3339": "1970-01-01T00:00:00Z", "local_hour": None, "weekday": None},
        "pep": {"id": "made-up"},
        "subject": {
            "type": "user",
            "id": "somebody",
            "properties": {},
            "attributes": {},
            "groups": [],
            "known": True,
            "identity": {
                "assurance": "token",
                "issuer": "",
                "acr": acr,
                "amr": [],
                "auth_age_s": auth_age_s,
                "proof": "none",
                "scopes": [],
                "client_id": "",
            },
        },
        "action": {"name": "read", "properties": {}, "class": "read"},
        "resource": {
            "type": "document",
            "id": "something",
            "properties": {},
            "attributes": {},
            "sensitivity": sensitivity,
            "critical": False,
            "labels": [],
            "known": True,
        },
        "context": {},
        "device": {"id": None, "managed": None},
        "session": {"id": None, "state": "unknown"},
        "network": {"ip": None, "country": None, "trusted": False},
    }


def _walk(
    engine: OpaEngine,
    name: str,
    document: dict[str, Any],
    scores: list[float],
    uncertainty: float,
    *,
    session: bool = False,
) -> str:
    reached, at, what = Effect.ALLOW, 0.0, "session score" if session else "score"
    for score in scores:
        verdict = engine.adaptive(_scored(document, score, uncertainty, session=session))
        if verdict.error:
            return f"the adaptive rules fail on `{name}` at {what} {score:g}: {verdict.error}"
        if verdict.proposal < reached:
            was, now = reached.name, verdict.proposal.name
            return (
                f"rule of `{name}` proposes {was} at {what} {at:g} but {now} at {score:g}: a higher score is no milder"
            )
        reached, at = verdict.proposal, score
    return ""


def _walk_behaviour(
    engine: OpaEngine, name: str, document: dict[str, Any], what: str, steps: list[tuple[float, dict[str, Any]]]
) -> str:
    reached, at, quiet = Effect.ALLOW, 0.0, _scored(document, 0.0, 0.0, session=False)
    for value, told in steps:
        verdict = engine.adaptive({**quiet, "biometrics": told})
        if verdict.error:
            return f"the adaptive rules fail on `{name}` at {what} {value:g}: {verdict.error}"
        if verdict.proposal < reached:
            was, now = reached.name, verdict.proposal.name
            return f"rule of `{name}` proposes {was} at {what} {at:g} but {now} at {value:g}: worse is no milder"
        reached, at = verdict.proposal, value
    return ""


def _scored(document: dict[str, Any], score: float, uncertainty: float, *, session: bool) -> dict[str, Any]:
    risk, quiet = _risk(score, uncertainty), _risk(0.0, uncertainty)
    scores = {"risk": quiet, "session_risk": risk} if session else {"risk": risk, "session_risk": quiet}
    return {**document, "guardrails": {"floor": "ALLOW", "rules": []}, **scores}


def _risk(score: float, uncertainty: float) -> dict[str, Any]:
    level = "low" if score < 1 / 3 else "medium" if score < 2 / 3 else "high"
    return {
        "available": True,
        "reason": "",
        "score": score,
        "level": level,
        "uncertainty": uncertainty,
        "model": "sha256:made-up",
        "signals": [],
    }

"""One access as a question to whatever scores it: the facts that its asker can vary, and how it was answered.

- The *situation* is what an honest asker changes rarely: network, device, client, place, posture. What passes by itself
  (ages, round trips, ids of tokens and sessions) is no part of it; a place counts to a degree.
- *Amounts* are what differs from access to access: rows, bytes, tokens, deviations; by size, three steps an octave.
- An answer counts for what the access itself was given for by a model: what policy or the session holds against it
  flips with no fact of the access.
"""

import math
from functools import lru_cache
from typing import Any, Final

import msgspec

from ostiary.decision.event import network_prefix
from ostiary.decision.ports import Moment, QuestionReader
from ostiary.defence.guarding import Asker, Guarded
from ostiary.defence.questions import Question
from ostiary.identity.types import VerifiedIdentity
from ostiary.keys.hashing import sha256
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.verdicts import Outcome

MISSING: Final = 255
TOP: Final = 254
_STEPS: Final = 3
_ZERO: Final = 40
_LEAST: Final = 2.0**-16
_DIGEST: Final = 8
_FACTS: Final = 16_384
_SESSION: Final = "session"
_SITUATION: Final = ("device_id", "device_managed", "user_agent", "tz_offset_min", "client_id", "auth_method", "mfa")
_PLACE: Final = ("region", "city", "latitude", "longitude", "kind", "ja4", "language")
_POSTURE: Final = ("attested", "disk_encrypted", "edr_alive", "firewall", "screen_lock", "secure_boot", "rooted")
_WORKLOAD: Final = ("ci_verified", "commit_approved", "runner_attested", "image", "egress")
_AMOUNTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("data", ("columns", "personal_columns")),
    ("language", ("prompts_1m", "injection_score", "injection_flags_1h", "tokens_in", "tokens_out", "refused_1h")),
    ("behaviour", ("llr", "confidence", "drift", "liveness")),
    ("place", ("reputation",)),
)


def watched(
    guard: QuestionReader | None, identity: VerifiedIdentity, pep_id: str, moment: Moment, *, own: bool = False
) -> Moment:
    """Return the moment with what is seen of its question; its budgets are taken if it maps.

    ``own`` says that behaviour was watched here: then it is nothing that the asker varies from one question to another.

    Raises:
        UnavailableError: the budgets cannot be written.
    """
    if guard is None:
        return moment
    event = msgspec.structs.replace(moment.event, behaviour=None) if own else moment.event
    asker = asker_of(event, identity, pep_id)
    return msgspec.structs.replace(moment, probing=guard.look(event.tenant, asker, question_of(event), event.time_ns))


def asker_of(event: AccessEvent, identity: VerifiedIdentity, pep_id: str) -> Asker:
    """Return whose budgets an access is taken from.

    Whoever is merely told is another asker than who proved it: an enforcement point that is fooled, or that lies,
    spends nothing of those whom it names but what they have through it.
    """
    name = f"{event.subject_type}:{event.subject_id}"
    by = "" if identity.assurance == "token" else f"{pep_id}\n"
    return Asker(by + name, identity.key, network_prefix(event.ip))


def tell(guard: QuestionReader | None, guarded: Guarded, outcome: Outcome) -> None:
    """Tell the guard how the question of an outcome was answered."""
    if guard is not None:
        guard.told(guarded, answer_to(outcome))


def answer_to(outcome: Outcome) -> str:
    """Return the answer as far as it tells of a model's view of the access itself; empty when it tells nothing."""
    if outcome.effect == Effect.ALLOW:
        return Effect.ALLOW.name
    by_access = [hit for hit in outcome.rules if hit.properties.get("scope") != _SESSION]
    modelled = outcome.applied_proposal == outcome.effect > outcome.floor
    return outcome.effect.name if modelled and by_access else ""


def question_of(event: AccessEvent) -> Question:
    """Return the question that an access puts."""
    facts = _situation(event)
    situation = sha256(msgspec.json.encode(facts))[:_DIGEST]
    what = [event.action, event.resource_type]
    return Question(
        facts=bytes([MISSING if fact is None else _byte_of(fact) for fact in facts]),
        situation=situation,
        matter=sha256(situation + msgspec.json.encode(what))[:_DIGEST],
        amounts=_amounts(event),
    )


@lru_cache(maxsize=_FACTS, typed=True)  # typed: a flag that is set is not the number one
def _byte_of(fact: Any) -> int:
    """Return the one byte that stands for a fact; the same few facts come again and again."""
    return sha256(msgspec.json.encode(fact))[0]


def _situation(event: AccessEvent) -> list[Any]:
    facts: list[Any] = [network_prefix(event.ip) or None, *(getattr(event, name) for name in _SITUATION)]
    for group, names in (("place", _PLACE), ("posture", _POSTURE), ("workload", _WORKLOAD)):
        told = getattr(event, group)
        facts += [None if told is None else _coarse(getattr(told, name)) for name in names]
    return facts


def _coarse(value: Any) -> Any:
    return round(value) if isinstance(value, float) else value


def _amounts(event: AccessEvent) -> bytes:
    values: list[float | None] = [event.count, event.bytes]
    for group, names in _AMOUNTS:
        told = getattr(event, group)
        values += [None if told is None else getattr(told, name) for name in names]
    return bytes(map(_cell, values)) if any(value is not None for value in values) else b""


def _cell(value: float | None) -> int:
    """Return the size of an amount in thirds of an octave, from a 65,536th on; below nothing more coarsely."""
    if value is None or not math.isfinite(value):
        return MISSING
    octaves = math.log2(max(abs(value), _LEAST)) - math.log2(_LEAST)
    if value < 0:
        return _ZERO - min(_ZERO, 1 + round(octaves / 2))
    return _ZERO if value == 0 else min(TOP, _ZERO + 1 + round(_STEPS * octaves))

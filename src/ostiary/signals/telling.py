"""What the fact groups of an event teach of its subject: usual numbers, tokens, places, codes, refused proofs.

Rules:
- A group that is not told costs one look; only what is told is learned, and never what was refused or failed.
- Refused proofs and error codes are the exception: they are what failures teach.
- Everything kept is immutable and bounded: four tokens, three homes, eight error codes, one running number a measure.
"""

from math import exp, isfinite, log, log1p
from typing import Final
from zlib import crc32

from ostiary.signals.factors import strength
from ostiary.signals.geography import learn_spot
from ostiary.signals.measures import MOST
from ostiary.signals.numbers import EMPTY, Number, moved
from ostiary.signals.postures import faults_of
from ostiary.signals.profiles import MAX_CODES, MAX_TOKENS, Fading, Group, Subject, TokenUse
from ostiary.signals.windows import Metric
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

BAD: Final = (EventOutcome.DENIED, EventOutcome.FAILURE)
DAY_METRICS: Final = (Metric.EVENTS, Metric.RESOURCES, Metric.AMOUNT, Metric.BYTES)
_DAY_S: Final = 86_400
_DAY_WINDOW: Final = 2
_TEN_MINUTES: Final = log(2.0) / 600
_LATELY: Final = 0.1


def checksum(text: str) -> int:
    """Return a small number for a token's id: the profile need not hold what an access is worth."""
    return crc32(text.encode("utf-8", "surrogatepass"))


def ebbing(fading: Fading, now: int) -> float:
    """Return what is left of a count that halves every ten minutes."""
    count, then = fading
    return count * exp(-_TEN_MINUTES * max(0, now - then)) if count else 0.0


def close_day(own: Subject, group: Group, now: int) -> None:
    """Once a new day begins, let the last day on which the subject did anything move its usual day and its peers'."""
    window = own.windows[_DAY_WINDOW]
    if window.now is None or now // _DAY_S <= window.bucket:
        return
    day = [log1p(window.now.get(metric, 0.0)) for metric in DAY_METRICS]
    for holder in (own, group):
        usual = holder.days or (EMPTY,) * len(day)
        holder.days = tuple([moved(number, value) for number, value in zip(usual, day, strict=True)])


def learn_proofs(own: Subject, event: AccessEvent, now: int) -> None:
    """Count refused log-ins and refused second factors, what came before a success, and error codes."""
    failed = event.outcome in BAD
    if event.action_class is ActionClass.AUTHENTICATE:
        if failed:
            own.refused = (ebbing(own.refused, now) + 1.0, now)
            if event.mfa:
                own.factor_refused = (ebbing(own.factor_refused, now) + 1.0, now)
        elif own.failures_in_row:
            own.after_failures = (float(own.failures_in_row), now)
    if failed and event.detail is not None:
        others = tuple(code for code in own.codes if code[0] != event.detail)
        own.codes = (*others[1 - MAX_CODES :], (event.detail, now))


def learn_told(own: Subject, event: AccessEvent, network: str | None, now: int) -> None:
    """Learn the fact groups of an access that succeeded."""
    told: list[tuple[str, float | None]] = [("factor", strength(event.auth_method, event.mfa))]
    if event.token is not None:
        _learn_token(own, event, network, now, told)
    if event.place is not None:
        learn_spot(own, event, now)
        told.append(("rtt", event.place.rtt_ms))
    if event.posture is not None:
        told.append(("faults", float(faults_of(event.posture).bit_count())))
    if event.data is not None:
        told += (("columns", event.data.columns), ("personal", event.data.personal_columns))
    if event.language is not None:
        told += (("prompts", event.language.prompts_1m), ("tokens_out", event.language.tokens_out))
    if event.behaviour is not None:
        told.append(("drift", event.behaviour.drift))
    for name, value in told:
        if value is not None and isfinite(value):
            own.usual[name] = moved(own.usual.get(name, EMPTY), log1p(min(max(value, 0.0), MOST)))


def _learn_token(
    own: Subject, event: AccessEvent, network: str | None, now: int, told: list[tuple[str, float | None]]
) -> None:
    token = event.token
    if token is None:
        return
    told += (("lifetime", token.lifetime_s), ("scopes", token.scopes_granted))
    if token.bound is not None:
        own.bound_told += 1
        own.bound_used += token.bound
    if token.token_id is None:
        return
    name = checksum(token.token_id)
    old = next((use for use in own.tokens if use.name == name), None)
    if old is None:
        use = TokenUse(name, network, event.device_id, 1, now)
    else:
        use = TokenUse(name, old.network or network, old.device or event.device_id, old.uses + 1, now)
    others = tuple(each for each in own.tokens if each.name != name)
    own.tokens = (*others[1 - MAX_TOKENS :], use)


def learn_step(own: Subject, surprise: float) -> None:
    """Move the recent level of next-action surprise, and its usual one."""
    if surprise == surprise:  # noqa: PLR0124 - NaN is not itself
        own.step_lately = (
            surprise if own.step_surprise[0] == 0 else own.step_lately + _LATELY * (surprise - own.step_lately)
        )
        own.step_surprise = moved(own.step_surprise, surprise)


def usual_of(own: Subject, name: str) -> Number:
    """Return the usual number of one measure, in ``ln(1+x)``."""
    return own.usual.get(name, EMPTY)

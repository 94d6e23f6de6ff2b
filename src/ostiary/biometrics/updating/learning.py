"""Template update that cannot be boiled: which windows may be learned from, when they count, and how far they move it.

- Only a window inside a session that was strongly re-authenticated after the window began; only a live one.
- It must fit the frozen anchor as well as the adaptive template, better than a window needs to be accepted at all, and
  nearly as well as the person's own windows did when they were enrolled.
- Windows that fit the anchor less well than the person's own add up, whether they are learned from or not: first
  nothing is learned for a while, then there is an alarm, and nothing is learned until people replace the anchor.
- A window waits out its quarantine, and is thrown away when its session ends badly meanwhile.
- The template never goes further in a day, and never lies further from its anchor, than the caps say.
- Pure, without a clock: times are told.
"""

from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.liveness import Verdict
from ostiary.biometrics.model import Model, Template
from ostiary.biometrics.updating.rules import RULES, Moment, Rules
from ostiary.biometrics.updating.state import State, Waiting
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

_NS: Final = 10**9
_DAY_NS: Final = 86_400 * _NS
_LOWEST: Final = -1.5  # nats; strangers lie under that on average, whatever the level of the person
_HIGHEST: Final = 1.2
_YEAR: Final = 365
_LIVE: Final = Verdict(1.0)


class Offer(msgspec.Struct, frozen=True):
    """What became of an offered window.

    Attributes:
        state: from now on.
        accepted: whether it is learned from, once its quarantine is over.
        alarm: whether an alarm stands.
        reason: why it is not accepted, or what the alarm is; in words.
        anchor, adaptive: nats against the two templates; NaN where they were not asked.
    """

    state: State
    accepted: bool
    alarm: bool
    reason: str
    anchor: float = float("nan")
    adaptive: float = float("nan")


def offered(
    state: State, model: Model, row: Floats, moment: Moment, live: Verdict = _LIVE, rules: Rules = RULES
) -> Offer:
    """Return what becomes of a window whose embedding is ``row`` (``[d]``).

    Raises:
        FaultyInputError: ``template_other_model``: the templates were made by another model.
    """
    if state.model != model.digest:
        raise FaultyInputError("template_other_model", "the template was made by another model; enrol again")
    why = _unfit(state, row, moment, live)
    if why:
        return Offer(state, accepted=False, alarm=bool(state.alarm), reason=why)
    anchor, adaptive = (nats(model, one, row) for one in (state.anchor, state.adaptive))
    if not np.isfinite(anchor + adaptive):
        return Offer(state, accepted=False, alarm=False, reason="too little to judge")
    watched = _watched(state, anchor, adaptive, moment.now_ns // _DAY_NS, rules)
    why = watched.alarm or _unlike(watched, model, row, min(anchor, adaptive), anchor, rules)
    if why:
        return Offer(watched, accepted=False, alarm=bool(watched.alarm), reason=why, anchor=anchor, adaptive=adaptive)
    waiting = Waiting(row, moment.session, moment.now_ns + rules.quarantine_s * _NS)
    after = msgspec.structs.replace(watched, waiting=(*watched.waiting, waiting))
    return Offer(after, accepted=True, alarm=False, reason="", anchor=anchor, adaptive=adaptive)


def nats(model: Model, template: Template, row: Floats) -> float:
    """Return the log-likelihood ratio of one row against a template; NaN where it judges nothing."""
    return model.llr(float(model.scores(template, row[None, :])[0]), template.windows, 1)


def settled(state: State, model: Model, now_ns: int, rules: Rules = RULES) -> State:
    """Return the state after each window whose quarantine is over moved the template, as far as the caps let it."""
    due = [one for one in state.waiting if one.until_ns <= now_ns]
    if not due:
        return state
    rest = tuple(one for one in state.waiting if one.until_ns > now_ns)
    day = now_ns // _DAY_NS
    morning = state.morning if day == state.day else state.adaptive
    adaptive, counted = state.adaptive, state.counted
    for one in due if not state.alarm else ():
        towards = model.moved(adaptive, one.row, rules.share)
        if model.apart(morning, towards) <= rules.day_cap and model.apart(state.anchor, towards) <= rules.total_cap:
            adaptive, counted = towards, counted + 1
    return msgspec.structs.replace(state, waiting=rest, day=day, morning=morning, adaptive=adaptive, counted=counted)


def ended(state: State, session: str, *, well: bool) -> State:
    """Return the state after a session ended; when not ``well``, nothing of it that still waits is ever learned."""
    if well:
        return state
    return msgspec.structs.replace(state, waiting=tuple(one for one in state.waiting if one.session != session))


def _unfit(state: State, row: Floats, moment: Moment, live: Verdict) -> str:
    """Return why a window may not be learned from whoever made it, or nothing."""
    if not live.live:
        return live.reasons[0] if live.reasons else "not live"
    if not np.isfinite(row).all():
        return "too little to judge"
    if state.alarm:
        return state.alarm
    if not moment.began_ns <= moment.proven_ns <= moment.now_ns:
        return "not re-authenticated: nobody proved who they are in this session after the window began"
    return ""


def _watched(state: State, anchor: float, adaptive: float, day: int, rules: Rules) -> State:
    """Return the state after the watch over the anchor saw a window with so many nats against both templates."""
    since = state.since or day
    aged = rules.ageing * min(max(day - since, 0) / _YEAR, 1.0)
    expected = max(min(max(state.level - rules.slack, _LOWEST), _HIGHEST) - aged, adaptive - rules.apart)
    missing = max(0.0, state.missing + min(max(expected - anchor, -rules.one), rules.one))
    alarm = f"anchor alarm: recent windows fit the enrolled ones ever less ({missing:.1f} nats are missing)"
    alarm = alarm if missing > rules.height else ""
    held = missing > rules.hold or (state.held and missing > 0.0)
    state = msgspec.structs.replace(state, missing=missing, since=since, alarm=alarm, held=held)
    if state.steadied >= rules.steady:
        return state
    level = (state.level * state.levelled + anchor) / (state.levelled + 1)
    return msgspec.structs.replace(state, level=level, levelled=state.levelled + 1, steadied=state.steadied + 1)


def _unlike(state: State, model: Model, row: Floats, least: float, anchor: float, rules: Rules) -> str:
    """Return why a live, proven window is not learned from, or nothing."""
    if least < rules.accept:
        return f"another person is likelier ({least:.1f} nats)"
    if state.held:
        return f"anchor rule: recent windows fit the enrolled ones less ({state.missing:.1f} nats are missing)"
    needed = max(rules.update, min(state.level, _HIGHEST + rules.slack) - rules.below)
    if least < max(rules.update, rules.accept) or anchor < needed:
        return f"not sure enough to be learned from ({anchor:.1f} nats against the anchor, {needed:.1f} needed)"
    towards = model.moved(state.adaptive, row, rules.share)
    if model.apart(state.anchor, towards) > rules.total_cap:
        return "anchor rule: the template would lie too far from its anchor"
    if len(state.waiting) >= rules.most_waiting:
        return "too many windows are waiting already"
    return ""

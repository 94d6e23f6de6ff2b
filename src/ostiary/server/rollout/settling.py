"""How one change turns a tenant's settings into others: pure.

- A demotion of the whole tenant brings down every narrower scope of that control too.
- An agreement to a phase is one to every lower phase: a rung is cut to what it may still reach, not forgotten.
- The kill switch forgets every rung: what comes back comes back through its gate and its people.
"""

import msgspec

from ostiary.decision.phases import PLAYBOOK
from ostiary.server.rollout.statement import ALL_PLAYBOOKS, EVERYTHING, Rung, Setting, State
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.rollout import WHOLE, Scope

Settings = tuple[Setting, ...]


def raised(state: State | None, control: str, scope: Scope, to: Phase, rung: Rung | None, now_ns: int) -> Settings:
    """Return the settings after a control went up to ``to``; without a rung it needs nobody's agreement."""
    before = _find(state, control, scope)
    if rung is None:
        made = msgspec.structs.replace(before, base=to, since_ns=now_ns)
    else:
        made = msgspec.structs.replace(before, rungs=(*before.rungs, rung), since_ns=now_ns)
    return _with(_settings(state), made)


def lowered(state: State | None, control: str, scope: Scope, stands: Phase, to: Phase, now_ns: int) -> Settings:
    """Return the settings after a control came down to ``to``; in this very scope it stood in ``stands``."""
    found = _settings(state)
    if stands > to:
        cut = _cut(_find(state, control, scope), to, now_ns)
        found = _with(found, msgspec.structs.replace(cut, base=to, since_ns=now_ns))
    if not scope.whole:
        return found
    return tuple(_cut(one, to, now_ns) if one.control == control and not one.scope.whole else one for one in found)


def killed(state: State | None, controls: tuple[str, ...], now_ns: int) -> Settings:
    """Return the settings after switches were pulled."""
    kept = [one for one in _settings(state) if one.control not in controls]
    if ALL_PLAYBOOKS in controls:  # what a model sets off is stopped by the switch; what people agreed to is over
        kept = [_cut(one, Phase.LOW_RISK, now_ns) if one.control.startswith(PLAYBOOK) else one for one in kept]
    dead = [Setting(one, WHOLE, Phase.TELEMETRY, (), now_ns) for one in controls if one != ALL_PLAYBOOKS]
    return (*kept, *dead)


def expanded(control: str) -> tuple[str, ...]:
    """Return the controls that a switch stands for; ``*`` for everything that a model may cause."""
    return EVERYTHING if control == "*" else (control,)


def switches_of(control: str) -> tuple[str, ...]:
    """Return the switches that stop what a model may cause through a control: its own, and that of all playbooks.

    >>> switches_of("deny"), switches_of("playbook:x")
    (('deny',), ('playbook:x', 'playbook:*'))
    """
    return (control, ALL_PLAYBOOKS) if control.startswith(PLAYBOOK) else (control,)


def _cut(setting: Setting, to: Phase, now_ns: int) -> Setting:
    rungs = tuple(msgspec.structs.replace(one, phase=min(one.phase, to)) for one in setting.rungs)
    kept = tuple(one for one in rungs if one.phase > Phase.SHADOW)
    base = None if setting.base is None else min(setting.base, to)
    if (kept, base) == (setting.rungs, setting.base):
        return setting
    return msgspec.structs.replace(setting, rungs=kept, base=base, since_ns=now_ns)


def _settings(state: State | None) -> Settings:
    return () if state is None else state.settings


def _find(state: State | None, control: str, scope: Scope) -> Setting:
    found = None if state is None else state.find(control, scope)
    return found or Setting(control, scope)


def _with(settings: Settings, made: Setting) -> Settings:
    kept = tuple(one for one in settings if (one.control, one.scope) != (made.control, made.scope))
    return (*kept, made)

"""Sequences of windows, fed in order to the update path away from any server: what would a template have learned?

    {"sequence": "a", "claimed": "u0001", "step": 1, "events": [[0, 95, 1], …]}

- Each sequence is a life of its own: it begins with a fresh copy of the claimed person's template and history.
- Every window counts as made inside a session that was strongly re-authenticated after the window began, and lies a
  day and an hour after the one before, so that quarantine passes between steps.
- A sequence remembers its windows: one that comes again is a replay.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.biometrics.liveness import Growing, History, judged, seeing
from ostiary.biometrics.model import Model
from ostiary.biometrics.reading import LIMITS, Limits, Name, OnRejected, Rejected, lines_of
from ostiary.biometrics.training import Row
from ostiary.biometrics.updating.learning import offered, settled
from ostiary.biometrics.updating.rules import RULES, Moment, Rules
from ostiary.biometrics.updating.state import State, begin
from ostiary.biometrics.window import Floats, Modality, Window, window_of
from ostiary.errors import FaultyInputError

_STEP_NS: Final = 25 * 3_600 * 10**9
_WORK_NS: Final = 60 * 10**9
_MOST_NAME: Final = 200
_CHUNK: Final = 512
OnUnfed = Callable[[int, str, str], None]


class Step(msgspec.Struct, frozen=True):
    """One window of a sequence.

    Attributes:
        sequence, step: as they came.
        claimed: whose template it is offered to.
        window: what was done.
        line: where it stands in its file.
    """

    sequence: Name
    claimed: Name
    step: int | float
    window: Window
    line: int = 0


class Fed(msgspec.Struct, frozen=True):
    """What became of one window, a line of ``ostiary biometrics update``.

    Attributes:
        sequence, step: as they came.
        accepted: whether the template learns from it.
        alarm: whether the alarm of the anchor stands.
        reason: why it is not accepted; empty where it is.
    """

    sequence: Name
    step: int | float
    accepted: bool
    alarm: bool
    reason: str


class _Line(msgspec.Struct):
    sequence: Name
    claimed: Name
    step: int | float
    modality: str = ""
    events: Any = None
    features: Any = None


class _Life(msgspec.Struct):
    state: State
    seen: Growing
    count: int = 0


def read_steps(path: Path, modality: Modality, reject: OnRejected, limits: Limits = LIMITS) -> Iterator[Step]:
    """Yield the windows of a file in its order; what cannot be used is told.

    Raises:
        FaultyInputError: those of ``lines_of``.
        UnavailableError: ``file_unavailable``.
    """
    for number, line in lines_of(path, reject, limits):
        try:
            yield _step(line, number, modality)
        except FaultyInputError as fault:
            reject(Rejected(path, number, fault.code, fault.message))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
            text = f"the line is not of its form: {str(fault)[:_MOST_NAME]}"
            reject(Rejected(path, number, "row_malformed", text))


def fed(
    model: Model, people: Mapping[str, Sequence[Row]], steps: Iterable[Step], unfed: OnUnfed, rules: Rules = RULES
) -> Iterator[Fed]:
    """Yield what becomes of each window, in order; ``unfed`` is told line, code and text of those that nobody owns."""
    begun: dict[str, tuple[State, History] | FaultyInputError] = {}
    lives: dict[tuple[str, str], _Life] = {}
    for some in _chunks(steps):
        rows = model.embed([one.window for one in some])
        for step, row in zip(some, rows, strict=True):
            claimed = str(step.claimed)
            if claimed not in begun:
                begun[claimed] = _begun(model, people.get(claimed, ()), claimed)
            start = begun[claimed]
            if isinstance(start, FaultyInputError):
                unfed(step.line, start.code, start.message)
                continue
            life = lives.setdefault((str(step.sequence), claimed), _Life(start[0], Growing(start[1])))
            yield _lived(model, life, step, row, rules)


def _lived(model: Model, life: _Life, step: Step, row: Floats, rules: Rules) -> Fed:
    life.count += 1
    now = life.count * _STEP_NS
    ready = seeing(step.window)
    live = judged(ready, life.seen)
    life.seen.add(ready.prints)
    moment = Moment(f"{step.sequence}/{life.count}", now - _WORK_NS, now, now)
    told = offered(settled(life.state, model, now, rules), model, row, moment, live, rules)
    life.state = told.state
    return Fed(step.sequence, step.step, told.accepted, told.alarm, told.reason)


def _begun(model: Model, rows: Sequence[Row], claimed: str) -> tuple[State, History] | FaultyInputError:
    if not rows:
        return FaultyInputError("subject_unknown", f"nobody is enrolled as `{claimed[:80]}`")
    windows = [row.window for row in rows]
    try:
        state = begin(model, model.embed(windows), len({row.session for row in rows if row.session}))
    except FaultyInputError as fault:
        return fault
    return state, History.of(windows)


def _step(raw: bytes, number: int, modality: Modality) -> Step:
    told = _DECODER.decode(raw)
    for name, value in (("sequence", told.sequence), ("claimed", told.claimed)):
        if not 0 < len(str(value)) <= _MOST_NAME:
            raise FaultyInputError("name_malformed", f"`{name}` is a name of 1 to {_MOST_NAME} characters")
    if told.modality not in {"", modality.value}:
        text = f"the window is of `{told.modality[:_MOST_NAME]}`, asked for is `{modality.value}`"
        raise FaultyInputError("modality_other", text)
    window = window_of(modality, told.features if modality is Modality.FEATURES else told.events)
    return Step(told.sequence, told.claimed, told.step, window, number)


def _chunks(steps: Iterable[Step]) -> Iterator[list[Step]]:
    some: list[Step] = []
    for step in steps:
        some.append(step)
        if len(some) == _CHUNK:
            yield some
            some = []
    if some:
        yield some


_DECODER: Final = msgspec.json.Decoder(_Line)

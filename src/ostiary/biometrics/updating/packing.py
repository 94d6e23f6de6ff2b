"""A person's state as bytes and back: MessagePack, tables as little-endian numbers, everything bounded.

>>> import numpy as np
>>> from ostiary.biometrics.model import Template
>>> one = Template(np.ones((1, 4)), 5)
>>> kept = State("sha256:m", one, one, 2.0, 8, one)
>>> unpack_state(pack_state(kept)).anchor.centre.tolist()
[[1.0, 1.0, 1.0, 1.0]]
"""

from typing import Annotated, Final

import msgspec
import numpy as np

from ostiary.biometrics.model import Template
from ostiary.biometrics.updating.state import State, Waiting
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError
from ostiary.keys import sha256_hex

MOST_BYTES: Final = 16 << 20
MOST_ROWS: Final = 10_000
MOST_WAITING: Final = 10_000
_FINITE: Final = 1e12

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
Text = Annotated[str, msgspec.Meta(max_length=512)]


class _Table(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    rows: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROWS)]
    data: bytes


class _Template(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    centre: _Table
    windows: Count
    sessions: Count


class _Waiting(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    row: _Table
    session: Text
    until_ns: Count


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: Text
    anchor: _Template
    adaptive: _Template
    morning: _Template
    level: float
    levelled: Count
    steadied: Count
    missing: float
    alarm: Text
    day: Count
    counted: Count
    waiting: Annotated[list[_Waiting], msgspec.Meta(max_length=MOST_WAITING)]
    since: Count = 0
    held: bool = False


def pack_state(state: State) -> bytes:
    """Return the state as bytes; the same state gives the same bytes."""
    waiting = [_Waiting(_table(one.row[None, :]), one.session, one.until_ns) for one in state.waiting]
    anchor, adaptive, morning = (_template(one) for one in (state.anchor, state.adaptive, state.morning))
    kept = _State(
        state.model, anchor, adaptive, morning, state.level, state.levelled, state.steadied, state.missing, state.alarm,
        state.day, state.counted, waiting, state.since, state.held,
    )  # fmt: skip
    return msgspec.msgpack.encode(kept)


def unpack_state(data: bytes) -> State:
    """Return the state of such bytes.

    Raises:
        FaultyInputError: ``template_malformed``.
    """
    if len(data) > MOST_BYTES:
        raise _malformed("it is too large")
    try:
        kept = msgspec.msgpack.decode(data, type=_State)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as fault:
        raise _malformed("it has another form") from fault
    numbers = (kept.level, kept.missing)
    if not all(abs(one) <= _FINITE for one in numbers):
        raise _malformed("a number is not finite")
    anchor, adaptive, morning = (_read_template(one) for one in (kept.anchor, kept.adaptive, kept.morning))
    waiting = tuple(Waiting(_read(one.row)[0], one.session, one.until_ns) for one in kept.waiting)
    return State(
        kept.model, anchor, adaptive, kept.level, kept.levelled, morning, kept.steadied, kept.missing, kept.alarm,
        kept.day, waiting, kept.counted, kept.since, kept.held,
    )  # fmt: skip


def anchor_digest(state: State) -> str:
    """Return the digest of the anchor alone."""
    return f"sha256:{sha256_hex(b'ostiary.anchor.v1' + msgspec.msgpack.encode(_template(state.anchor)))}"


def _template(template: Template) -> _Template:
    return _Template(_table(template.centre), template.windows, template.sessions)


def _table(numbers: Floats) -> _Table:
    return _Table(len(numbers), np.ascontiguousarray(numbers, "<f8").tobytes())


def _read_template(kept: _Template) -> Template:
    return Template(_read(kept.centre), kept.windows, kept.sessions)


def _read(table: _Table) -> Floats:
    width, rest = divmod(len(table.data), 8 * table.rows)
    if rest or not width:
        raise _malformed("a table has another size than it says")
    numbers = np.frombuffer(table.data, "<f8").astype(np.float64).reshape(table.rows, width)
    if not np.isfinite(numbers).all():
        raise _malformed("a number is not finite")
    return numbers


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("template_malformed", f"a stored template is malformed: {text}")

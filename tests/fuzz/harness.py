"""What is fuzzed: one harness per parser of outside bytes, found in ``tests/fuzz/harnesses``.

Rules:
- ``feed`` takes bytes and hands them to the parser as the outside would. It may refuse, with an error of
  ``refusals``; an ``OstiaryError`` must have a stable code. Whatever else is raised is a find, and so is an input that
  takes too long.
- ``seeds`` are inputs that the parser accepts, or nearly: what is changed from them gets deep.
- A harness makes no file and no connection, and knows no clock: the same bytes end the same way.

>>> from tests.fuzz.harness import outcome, Harness
>>> outcome(Harness("whole", lambda data: int(data), (b"1",), (ValueError,)), b"7").refused
''
"""

import importlib
import pkgutil
import re
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from ostiary.errors import OstiaryError

CODE: Final = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")
SLOW_S: Final = 5.0
_DEEPEST: Final = 4


class Harness(NamedTuple):
    """One parser of outside bytes.

    Attributes:
        name: what ``tools/fuzz.py`` takes.
        feed: reads the bytes; returns anything or raises.
        seeds: inputs to begin with.
        refusals: errors that mean no; all others are finds.
    """

    name: str
    feed: Callable[[bytes], object]
    seeds: Sequence[bytes]
    refusals: tuple[type[Exception], ...] = (OstiaryError,)


class Outcome(NamedTuple):
    """How one input ended.

    Attributes:
        refused: the code, or the error's name where it has none; empty when the input was taken.
        trail: where it ended, which is what tells one refusal from another.
        fault: what broke, with its trace; empty when nothing did.
    """

    refused: str
    trail: tuple[Any, ...]
    fault: str


def outcome(harness: Harness, data: bytes) -> Outcome:
    """Feed ``data`` once and say how it ended."""
    begun = time.thread_time()
    try:
        found = harness.feed(data)
    except harness.refusals as no:
        refused = str(getattr(no, "code", type(no).__name__))
        fault = "" if not isinstance(no, OstiaryError) or CODE.match(refused) else f"`{refused}` is no stable code"
        return Outcome(refused, (refused, *_trail(no)), fault or _late(begun))
    except Exception as broken:  # noqa: BLE001 - this is what is looked for
        return Outcome("", (type(broken).__name__, *_trail(broken)), "".join(traceback.format_exception(broken)))
    return Outcome("", ("taken", _shape(found)), _late(begun))


def _late(begun: float) -> str:
    took = time.thread_time() - begun
    return f"took {took:.1f} s" if took > SLOW_S else ""


def _trail(fault: BaseException) -> tuple[tuple[str, int], ...]:
    frames = traceback.extract_tb(fault.__traceback__)[-_DEEPEST:]
    return tuple([(frame.filename.rsplit("/", 1)[-1], frame.lineno or 0) for frame in frames])


def _shape(value: object) -> str:
    """Return what kind of thing was read, roughly: another kind is worth another look."""
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return f"{type(value).__name__}:{min(len(value), 3)}:{','.join(sorted({_shape(one) for one in value[:4]}))}"
    return type(value).__name__


def code_of(fault: OstiaryError) -> str:
    """Return the code of a refusal that a harness goes on from; it must be a stable one."""
    if not CODE.match(fault.code):
        msg = f"`{fault.code}` is no stable code"
        raise ValueError(msg)
    return fault.code


def harnesses() -> dict[str, Harness]:
    """Return every harness by its name, in order: what modules of ``tests/fuzz/harnesses`` call ``HARNESSES``."""
    from tests.fuzz import harnesses as folder  # noqa: PLC0415 - the modules import this one

    found: dict[str, Harness] = {}
    for info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda one: one.name):
        for one in importlib.import_module(f"{folder.__name__}.{info.name}").HARNESSES:
            if one.name in found:
                msg = f"two harnesses are called `{one.name}`"
                raise ValueError(msg)
            found[one.name] = one
    return dict(sorted(found.items()))

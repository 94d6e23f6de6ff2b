"""The inside of a candidate's process: ``python -m ostiary.server.shadow.child``, frames on stdin and stdout.

- Limits are set before the first byte of a candidate is looked at, and it runs behind everything else (nice 10).
- A model is verified here again, against the digest that was started: what changed on disk meanwhile is refused.
- It knows no store, no log and no secret: records come in, comparisons go out.
- When its parent is gone it ends, even while an evaluation hangs.
"""

import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from ostiary.decision.shadow import Candidate, compare
from ostiary.errors import OstiaryError, VerificationError
from ostiary.keys import VerifyingKey
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.server.shadow.orders import MAX_ORDER, Answer, Order, Ready, frame
from ostiary.signals import features
from ostiary.vocabulary.scoring import Scorer
from ostiary.vocabulary.verdicts import DecisionRecord

NICE: Final = 10
_HEAD: Final = 4
_LOOK_S: Final = 1.0


def main() -> None:
    """Serve comparisons until stdin ends."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    into, out = sys.stdin.buffer, sys.stdout.buffer
    order = msgspec.msgpack.decode(_read(into, MAX_ORDER), type=Order)
    confine(order.memory_bytes)
    candidate = _ready(order, out)
    while candidate is not None and (record := _read(into, MAX_ORDER)):
        _write(out, _answer(candidate, msgspec.msgpack.decode(record, type=bytes)))


def confine(memory_bytes: int) -> None:
    """Give up what this process does not need."""
    os.nice(NICE)
    for what, most in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most, most) if hard == resource.RLIM_INFINITY or most < hard else (hard, hard))


def candidate_of(order: Order) -> Candidate:
    """Return what an order asks for.

    Raises:
        VerificationError: ``candidate_changed`` or what the model's verification says.
        FaultyInputError, UnavailableError: it cannot be loaded.
    """
    bundle = Bundle(order.files)
    if bundle.digest != order.bundle:
        raise VerificationError("candidate_changed", "the bundle is not the one that was started")
    return Candidate(OpaEngine(bundle), _model(order) if order.model else None)


def _model(order: Order) -> Scorer:
    from ostiary.risk.guarded import GuardedScorer  # noqa: PLC0415 - an extra, and only models need it
    from ostiary.risk.model import load_scorer  # noqa: PLC0415

    return GuardedScorer(
        load_scorer(
            Path(order.model),
            [VerifyingKey.from_pem(key.kid, key.pem) for key in order.keys],
            feature_set=features.SET_DIGEST,
            names=features.NAMES,
            words=lambda name, _value, _event: name,
            pinned=order.pinned,
        )
    )


def _ready(order: Order, out: BinaryIO) -> Candidate | None:
    try:
        found = candidate_of(order)
    except (OstiaryError, ImportError) as fault:
        _write(out, Ready(getattr(fault, "code", "risk_extra_missing"), time.process_time_ns()))
        return None
    _write(out, Ready(cpu_ns=time.process_time_ns()))
    return found


def _answer(candidate: Candidate, payload: bytes) -> Answer:
    try:
        compared = compare(msgspec.json.decode(payload, type=DecisionRecord), candidate)
    except OstiaryError as fault:
        return Answer(fault=fault.code, cpu_ns=time.process_time_ns())
    except Exception as fault:  # noqa: BLE001 - whatever a candidate does, its process says so and goes on
        return Answer(fault=type(fault).__name__, cpu_ns=time.process_time_ns())
    return Answer(compared, cpu_ns=time.process_time_ns())


def _read(into: BinaryIO, most: int) -> bytes:
    """Return one frame's body, nothing at the end."""
    size = int.from_bytes(into.read(_HEAD), "big")
    return into.read(size) if 0 < size <= most else b""


def _write(out: BinaryIO, value: object) -> None:
    out.write(frame(value))
    out.flush()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)


if __name__ == "__main__":
    main()

"""The inside of a worker's process: ``python -m ostiary.server.impact.worker``, records in, finding out.

- Limits are set before the first byte of the candidate is looked at; it has been linted before, so nothing in it
  reaches out, reads a clock or rolls dice. The process has no key, no log and no socket.
- The law is the real one: ``decision.replay`` with the candidate's engine.
- A candidate may still tell a replay from life: by dates. Some documents are asked again as of later days; what comes
  to something else then is counted, and shown beside the flips.
"""

import base64
import resource
import statistics
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.decision.document import adaptive_document
from ostiary.decision.impact import Tally
from ostiary.decision.replay import NOTHING_SAID, Said, replay
from ostiary.errors import OstiaryError
from ostiary.keys import VerifyingKey
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.policy.rerun import RerunEngine
from ostiary.server.impact.order import Finding, Order, frame, frames, record_of
from ostiary.signals import features
from ostiary.vocabulary.scoring import Scorer
from ostiary.vocabulary.verdicts import DecisionRecord, GuardrailVerdict

SAMPLE: Final = 60
DAYS: Final = (1, 30, 400)
_SPOT: Final = 64
_NS: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * _NS
_decode: Final = msgspec.json.Decoder(DecisionRecord).decode


def main() -> None:
    """Read the order and the records, write the finding."""
    source = frames(sys.stdin.buffer)
    order = msgspec.json.decode(next(source), type=Order)
    confine(order)
    try:
        finding = Worker(order).run(source)
    except OstiaryError as fault:
        finding = Finding(Tally(), fault=f"{fault.code}: {fault.message[:500]}")
        for _ in source:  # whoever sends must not be left alone with a full pipe
            continue
    sys.stdout.buffer.write(frame(msgspec.json.encode(finding)))
    sys.stdout.buffer.flush()


def confine(order: Order) -> None:
    """Give up what this process does not need."""
    limits = order.limits
    for what, most in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most, most) if hard == resource.RLIM_INFINITY or most < hard else (hard, hard))


class Worker:
    """Replays records against one candidate."""

    def __init__(self, order: Order) -> None:
        """Compile both bundles, and load the model if there is one.

        Raises:
            OstiaryError: a bundle does not compile; the model is not what a trusted key signed.
        """
        self._order = order
        candidate = bundle_of(order.candidate)
        self._engine: RerunEngine | OpaEngine = RerunEngine(candidate) if order.share else OpaEngine(candidate)
        self._current = OpaEngine(bundle_of(order.current))
        self._plain = OpaEngine(candidate)
        self._scorer = _scorer(order)
        self._tally = Tally()
        self._sample: list[DecisionRecord] = []
        self._mistrusted = ""
        self._reused = 0

    def run(self, records: Iterable[bytes]) -> Finding:
        """Replay every record and return what was found."""
        for content in records:
            index, payload = record_of(content)
            self._one(index, payload)
        before, after = self._timed()
        later_asked, later = self._later()
        shared = self._engine
        asked = shared.asked if isinstance(shared, RerunEngine) else 0
        mistrusted = self._mistrusted or (shared.mistrusted if isinstance(shared, RerunEngine) else "")
        return Finding(self._tally, asked, mistrusted, before, after, later_asked, later)

    def _one(self, index: int, payload: bytes) -> None:
        try:
            record = _decode(payload)
        except (msgspec.MsgspecError, ValueError):
            self._tally.leave_out("record_malformed")
            return
        why = self._undecidable(record)
        if why:
            self._tally.leave_out(why)
            return
        try:
            replayed = replay(record, self._engine, self._scorer, said=self._said(record))
        except (OstiaryError, msgspec.MsgspecError, UnicodeDecodeError) as fault:
            self._tally.leave_out(getattr(fault, "code", "record_malformed"))
            return
        self._tally.add(index, record, replayed)
        if len(self._sample) < SAMPLE and not record.refusal:
            self._sample.append(record)

    def _undecidable(self, record: DecisionRecord) -> str:
        if record.kind != "evaluation":
            return f"kind_{record.kind[:40]}"
        if record.refusal:
            return "refused_before_policy"
        if self._scorer is not None and record.feature_set != features.SET_DIGEST:
            return "features_of_another_set"
        return ""

    def _said(self, record: DecisionRecord) -> Said:
        """Return the recorded verdicts where the rules are the candidate's own; now and then they are asked anew."""
        if self._mistrusted or not self._order.share:
            return NOTHING_SAID
        guardrails = record.guardrails if record.bundle in self._order.reuse else None
        adaptive = record.adaptive if record.bundle in self._order.reuse_adaptive else None
        said = Said(
            guardrails if guardrails is not None and not guardrails.error else None,
            adaptive if adaptive is not None and not adaptive.error else None,
        )
        if said == NOTHING_SAID:
            return NOTHING_SAID
        self._reused += 1
        if self._reused % _SPOT == 1 and replay(record, self._engine) != replay(record, self._engine, said=said):
            self._mistrusted = "recorded verdicts"
            return NOTHING_SAID
        return said

    def _timed(self) -> tuple[list[float], list[float]]:
        """Return what policy takes of each sampled decision, in turns, so that a busy machine is busy for both."""
        before: list[float] = []
        after: list[float] = []
        for record in self._sample:
            document = bytes(record.input)
            before.append(statistics.median(_micros(self._current, record, document) for _ in range(3)))
            after.append(statistics.median(_micros(self._plain, record, document) for _ in range(3)))
        return before, after

    def _later(self) -> tuple[int, int]:
        """Ask the sampled documents again as of later days: what only the date changes shows here."""
        asked = changed = 0
        for record in self._sample:
            document = msgspec.json.decode(bytes(record.input))
            if not isinstance(document, dict):
                continue
            told = _effects(self._plain.guardrails(document))
            moved = [{**document, "time": _moved(document, self._order.now_ns + days * _DAY_NS)} for days in DAYS]
            asked += 1
            changed += any(_effects(self._plain.guardrails(each)) != told for each in moved)
        return asked, changed


def bundle_of(files: dict[str, str]) -> Bundle:
    """Return the bundle of an order's files."""
    return Bundle({path: base64.b64decode(text) for path, text in files.items()})


def _effects(verdict: GuardrailVerdict) -> tuple[Any, ...]:
    return tuple((hit.rule, hit.effect) for hit in verdict.hits), verdict.ceiling, verdict.error


def _moved(document: dict[str, Any], at_ns: int) -> dict[str, Any]:
    """Return the document's time on another day; hour and weekday of the subject stay: they may rightly matter."""
    time_told = document.get("time")
    told: dict[str, Any] = time_told if isinstance(time_told, dict) else {}
    text = datetime.fromtimestamp(at_ns // _NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**told, "unix": at_ns / _NS, "rfc3339": text}


def _micros(engine: OpaEngine, record: DecisionRecord, document: bytes) -> float:
    start = time.perf_counter_ns()
    verdict = engine.guardrails(document)
    if record.risk is not None:
        engine.adaptive(adaptive_document(document, verdict, record.risk, record.session_risk))
    return (time.perf_counter_ns() - start) / 1_000


def _scorer(order: Order) -> Scorer | None:
    if not order.model:
        return None
    from ostiary.risk.model import load_scorer  # noqa: PLC0415 - the risk extra may be absent, and few orders need it

    keys = [VerifyingKey.from_pem(kid, pem.encode()) for kid, pem in order.model_keys.items()]
    return load_scorer(
        Path(order.model),
        keys,
        feature_set=features.SET_DIGEST,
        names=features.NAMES,
        words=lambda name, _value, _event: name,
    )


if __name__ == "__main__":
    main()

"""Verdicts of people on decisions and sessions: who said what, why, when, from where. Kept in the log, for ever.

- ``confirm``: it was not the subject; ``dismiss``: a false alarm; ``safe``: it was the subject, known for sure.
- A verdict changes only by a new one, which names the one before; the newest counts, all of them stay.
- It is a record of the log before it counts, sealed under its subject: erased with that person, proof kept.
- Nobody judges their own accesses.
- One analyst may speak so often a day: what he says becomes labels, and nobody teaches a model alone.

>>> LABELS["confirm"], LABELS["dismiss"]
(1, 0)
"""

from collections.abc import Iterator
from typing import Final, Literal, get_args

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.keys import random_bytes
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.verdicts import DecisionRecord

Word = Literal["confirm", "dismiss", "safe"]
WORDS: Final[tuple[str, ...]] = get_args(Word)
LABELS: Final = {"confirm": 1, "dismiss": 0, "safe": 0}
KIND: Final = "feedback"
MOST_A_DAY: Final = 1_000
MOST_EVENTS: Final = 5_000
MAX_REASON: Final = 2_000
_MAX_TARGET: Final = 300
_DAY_NS: Final = 86_400 * 1_000_000_000
_WAIT_S: Final = 10.0


class Feedback(msgspec.Struct, frozen=True, omit_defaults=True):
    """One verdict.

    Attributes:
        id: ``fbk_…``, also of its record in the log.
        target: ``decision:dec_…`` or ``session:…``.
        by, source: who said it, and through what: ``api``, ``command line``, ``case``, …
        at_ns: when.
        subject: whose access it was, ``type:id``.
        events: ids of the accesses that it speaks of, as they were known then.
        rules: adaptive rules that had proposed something there.
        replaces: the verdict on the same target that held until then.
        model: digest of the model whose score was judged, where there was one.
    """

    id: str
    target: str
    verdict: Word
    reason: str
    by: str
    source: str
    at_ns: int
    subject: str
    events: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    replaces: str = ""
    model: str = ""


class _Kept(msgspec.Struct, frozen=True):
    v: int
    type: str
    feedback: Feedback


class Precision(msgspec.Struct, frozen=True):
    """How many judged proposals of a rule were right."""

    rule: str
    confirmed: int
    dismissed: int

    @property
    def precision(self) -> float:
        """Share of those judged that were confirmed."""
        return self.confirmed / (self.confirmed + self.dismissed)


_decode = msgspec.json.Decoder(DecisionRecord).decode


class FeedbackBook:
    """The verdicts of one house; every call names a tenant."""

    def __init__(self, house: House, most_a_day: int = MOST_A_DAY) -> None:
        """Read and write the log of ``house``."""
        self._house = house
        self._most = most_a_day

    def say(self, tenant: str, target: str, verdict: str, reason: str, *, by: str, source: str) -> Feedback:
        """Record a verdict on ``target`` and return it.

        Raises:
            FaultyInputError: ``feedback_invalid``.
            RefusedError: ``decision_unknown``, ``session_unknown``, ``feedback_flood``, ``feedback_own``.
            UnavailableError: the log cannot be written: nothing was said.
        """
        word, why = _checked(target, verdict, reason)
        now = self._house.clock.now_ns()
        known = list(self.all(tenant))
        if sum(each.by == by and each.at_ns > now - _DAY_NS for each in known) >= self._most:
            raise RefusedError("feedback_flood", f"more than {self._most} verdicts of one analyst in a day")
        kind, _, name = target.partition(":")
        records = [self._decision(tenant, name)] if kind == "decision" else self._session(tenant, name)
        if any(record.subject_key == by for record in records):
            raise RefusedError("feedback_own", "nobody judges an access of their own: it would become a label")
        events = tuple(record.event.event_id for record in records if record.event is not None)
        hits = (hit for record in records if record.adaptive is not None for hit in record.adaptive.hits)
        before = [each.id for each in known if each.target == target]
        risks = [record.risk.model for record in records if record.risk is not None and record.risk.model]
        said = Feedback(
            id=make_id("fbk", now, random_bytes(RANDOM_BYTES)),
            target=target,
            verdict=word,
            reason=why,
            by=by,
            source=source,
            at_ns=now,
            subject=records[0].subject_key,
            events=events[:MOST_EVENTS],
            rules=tuple(sorted({hit.rule for hit in hits})),
            replaces=before[-1] if before else "",
            model=risks[-1] if risks else "",
        )
        payload = msgspec.json.encode(_Kept(1, KIND, said))
        self._house.log.append(tenant, KIND, said.id, now, payload, said.subject).result(timeout=_WAIT_S)
        return said

    def all(self, tenant: str) -> Iterator[Feedback]:
        """Yield every verdict of a tenant that was not erased, oldest first."""
        for stored in self._house.log.iterate(tenant, KIND):
            if stored.payload is not None:
                yield msgspec.json.decode(stored.payload, type=_Kept).feedback

    def current(self, tenant: str) -> dict[str, Feedback]:
        """Return the verdict that counts for each target."""
        return {each.target: each for each in self.all(tenant)}

    def by_event(self, tenant: str) -> dict[str, Feedback]:
        """Return the verdict that counts for each access; one on the decision itself goes before its session's."""
        found: dict[str, Feedback] = {}
        for said in sorted(self.current(tenant).values(), key=_decisions_last):
            found.update(dict.fromkeys(said.events, said))
        return found

    def precision(self, tenant: str) -> list[Precision]:
        """Return how many judged proposals of each adaptive rule were right."""
        counts: dict[str, list[int]] = {}
        for said in self.current(tenant).values():
            for rule in said.rules:
                counts.setdefault(rule, [0, 0])[0 if LABELS[said.verdict] else 1] += 1
        return [Precision(rule, *both) for rule, both in sorted(counts.items())]

    def _decision(self, tenant: str, name: str) -> DecisionRecord:
        stored = self._house.log.get(tenant, name)
        if stored is None or stored.kind != "decision" or stored.payload is None:
            raise RefusedError("decision_unknown", "there is no such decision, or it was erased")
        return _decode(stored.payload)

    def _session(self, tenant: str, name: str) -> list[DecisionRecord]:
        # A session that a caller asserts is named by type, subject and id; its accesses tell the id alone.
        kind, _, rest = name.partition("\n")
        subject, _, session = rest.partition("\n")
        whose = f"{kind}:{subject}" if session else None
        found: list[DecisionRecord] = []
        for stored in self._house.log.iterate(tenant, "decision", subject_key=whose):
            record = None if stored.payload is None else _decode(stored.payload)
            if record is not None and record.event is not None and record.event.session_id == (session or name):
                found.append(record)
        if not found:
            raise RefusedError("session_unknown", "there is no such session")
        if len({record.subject_key for record in found}) > 1:
            raise FaultyInputError("feedback_invalid", "several subjects have a session of that id: name the decision")
        return found


def _checked(target: str, verdict: str, reason: str) -> tuple[Word, str]:
    kind, _, name = target.partition(":")
    if kind not in {"decision", "session"} or not 0 < len(name) <= _MAX_TARGET:
        raise FaultyInputError("feedback_invalid", "say `decision:ID` or `session:ID`")
    if verdict not in LABELS:
        raise FaultyInputError("feedback_invalid", f"a verdict is one of {', '.join(WORDS)}")
    why = " ".join(reason.split())
    if not 0 < len(why) <= MAX_REASON:
        raise FaultyInputError("feedback_invalid", f"give a reason of at most {MAX_REASON} characters")
    word: Word = "confirm" if verdict == "confirm" else "safe" if verdict == "safe" else "dismiss"
    return word, why


def _decisions_last(said: Feedback) -> tuple[bool, int]:
    return said.target.startswith("decision:"), said.at_ns

"""An engine for asking one bundle about a whole log: what documents cannot tell apart is evaluated once.

- A decision is the sum of parts, and of each part it is known which paths of the input it can read (``policy.parts``).
  Documents that agree in these share its value; all parts whose value is not known yet are asked in one evaluation, on
  a document of the known paths alone.
- A value that is not there, an error, anything odd: the whole document is asked as the real engine asks it, and that
  answer counts. So it is where a set comes from several parts, once for each sum: OPA alone knows its order.
- Every so many documents one is asked whole for comparison. A difference means that the analysis missed something:
  from then on nothing is shared, and ``mistrusted`` names the question; whoever counts must begin again.
- A bundle that reads its input whole shares nothing. Bounded: values are remembered up to a number, then forgotten.

>>> bundle = Bundle.of({"g.rego": '''package ostiary.guardrails
... decision := {"allow": allow}
... allow contains {"rule": "anyone"} if input.subject.id''', "a.rego": '''package ostiary.adaptive
... decision := {}'''})
>>> with RerunEngine(bundle) as engine:
...     [engine.guardrails(b'{"subject": {"id": "ada"}, "n": %d}' % n).hits[0].rule for n in (1, 2, 3)], engine.asked
(['anyone', 'anyone', 'anyone'], 1)
"""

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, Final, Generic, Self, TypeVar

import msgspec

from ostiary.errors import OstiaryError
from ostiary.keys import random_bytes
from ostiary.policy.answers import Envelope
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import BundleInfo, OpaEngine
from ostiary.policy.limits import EngineSettings
from ostiary.policy.opa_library import OpaInstance, load_library
from ostiary.policy.parts import ENTRY, Part, take_apart
from ostiary.policy.reads import Path, least
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict

CHECK_EVERY: Final = 64
_MOST_VALUES: Final = 400_000
_MOST_VERDICTS: Final = 50_000
Verdict = TypeVar("Verdict", GuardrailVerdict, AdaptiveVerdict)
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_envelope: Final = msgspec.json.Decoder(Envelope[dict[str, msgspec.Raw]]).decode
_EMPTY: Final = b"[]"
Key = bytes | tuple[bytes, ...]
"""What a part's paths hold in one document, as JSON texts."""
Plan = list[tuple[str, int, "Plan"]]
"""For each member: its name, the place of its value among the leaves or -1, and what is wanted inside it."""


class _Question(Generic[Verdict]):
    """One of the two questions: its parts, what each reads, what is remembered."""

    def __init__(
        self,
        parts: list[Part],
        token: str,
        ask: Callable[[bytes, bytes], bytes],
        whole: Callable[[bytes], Verdict],
        read: Callable[[bytes], Verdict],
    ) -> None:
        """Take the parts, how to ask OPA, how the real engine asks, and how to read a decision's value."""
        self.parts = parts
        self.shares = all(() not in part.paths for part in parts)
        self._paths = least(path for part in parts for path in part.paths)
        self._places = [
            [number for number, path in enumerate(self._paths) if any(path == one[: len(path)] for one in part.paths)]
            for part in parts
        ]
        self._keys = [itemgetter(*places) if places else _nothing for places in self._places]
        self._plan = _branch(self._paths, range(len(self._paths)), 0) if self.shares else []
        self._members = sorted({part.member for part in parts})
        self._of_member = [[n for n, part in enumerate(parts) if part.member == m] for m in self._members]
        self._token, self._ask, self._answers = token, ask, f"ostiary.{token}.answers".encode()
        self._whole: Callable[[bytes], Verdict] = whole
        self._read: Callable[[bytes], Verdict] = read
        self._values: list[dict[Key, bytes]] = [{} for _ in parts]
        self._remembered = 0
        self._verdicts: dict[tuple[bytes, ...], Verdict] = {}
        self.asked = self.seen = 0

    def answer(self, document: bytes) -> Verdict:
        """Return the verdict of one document."""
        self.seen += 1
        leaves: list[Any] = [_ABSENT] * len(self._paths)
        _pick(_decode(document), self._plan, leaves)
        # An absent value is no bytes at all: no JSON text looks like that, whoever told it.
        told = [b"" if leaf is _ABSENT else _encode(leaf) for leaf in leaves]
        keys: list[Key] = [key(told) for key in self._keys]
        values = list(map(dict.get, self._values, keys))
        if None in values and not self._learn(values, keys, leaves):
            return self._whole(document)
        return self._verdict(tuple([value or b"null" for value in values]), document)

    def _learn(self, values: list[bytes | None], keys: list[Key], leaves: list[Any]) -> bool:
        missing = [number for number, value in enumerate(values) if value is None]
        found = self._evaluate(missing, leaves)
        if found is None:
            return False
        self._remembered += len(missing)
        if self._remembered > _MOST_VALUES:
            for known in self._values:
                known.clear()
            self._remembered = len(missing)
        for number in missing:
            values[number] = self._values[number][keys[number]] = found[self.parts[number].name]
        return True

    def _evaluate(self, missing: list[int], leaves: list[Any]) -> dict[str, bytes] | None:
        """Return the values of the parts that are missing, asked on what these can read and on nothing else."""
        self.asked += 1
        wanted = [self.parts[number].name for number in missing]
        places = set[int]().union(*(self._places[number] for number in missing))
        document = {**_grown(self._paths, leaves, sorted(places)), self._token: wanted}
        answer = _envelope(self._ask(self._answers, _encode(document)))
        if answer.error is not None or not answer.result or not answer.result[0].expressions:
            return None
        found = {name: bytes(raw) for name, raw in answer.result[0].expressions[0].value.items()}
        return found if all(name in found for name in wanted) else None

    def _verdict(self, values: tuple[bytes, ...], document: bytes) -> Verdict:
        known = self._verdicts.get(values)
        if known is None:
            if len(self._verdicts) > _MOST_VERDICTS:
                self._verdicts.clear()
            known = self._verdicts[values] = self._sum(values, document)
        return known

    def _sum(self, values: tuple[bytes, ...], document: bytes) -> Verdict:
        told: list[bytes] = []
        for member, numbers in zip(self._members, self._of_member, strict=True):
            full = [values[number] for number in numbers if values[number] != _EMPTY]
            if len(full) > 1:
                return self._whole(document)
            told.append(_encode(member) + b":" + (full[0] if full else values[numbers[0]]))
        return self._read(values[0] if self._members == [ENTRY] else b"{" + b",".join(told) + b"}")


class RerunEngine:
    """A policy engine over one bundle that answers as ``OpaEngine`` does, sooner when documents are alike."""

    def __init__(
        self, bundle: Bundle, settings: EngineSettings | None = None, *, check_every: int = CHECK_EVERY
    ) -> None:
        """Compile ``bundle`` and take it apart; ``check_every`` says how often a document is asked whole besides.

        Raises:
            FaultyInputError: the bundle does not parse or compile.
        """
        self._real = OpaEngine(bundle, settings)
        self.bundle: BundleInfo = self._real.bundle
        self._check_every = check_every
        self._limit = self._real.settings.max_input_bytes
        self.mistrusted = ""
        # No rule can name, and no source add to, what nobody knew when it was written.
        token = f"rerun_{random_bytes(16).hex()}"
        taken, reader = take_apart(bundle, token), self._real.reader
        self._opa = _instance(bundle, taken.sources, token)
        parts = {question: [part for part in taken.parts if part.question == question] for question in _NAMES}
        ask = self._opa.evaluate
        self._guardrails = _Question(parts["guardrails"], token, ask, self._real.guardrails, reader.guardrails_value)
        self._adaptive = _Question(parts["adaptive"], token, ask, self._real.adaptive, reader.adaptive_value)

    @property
    def asked(self) -> int:
        """How many evaluations were needed, those for comparison and of whole documents left out."""
        return self._guardrails.asked + self._adaptive.asked

    @property
    def digest(self) -> str:
        """The bundle's digest."""
        return self.bundle.digest

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Release OPA's memory."""
        self._opa.close()
        self._real.close()

    def guardrails(self, document: bytes) -> GuardrailVerdict:
        """Ask what is allowed."""
        return self._answer(self._guardrails, document, self._real.guardrails)

    def adaptive(self, document: bytes) -> AdaptiveVerdict:
        """Ask what to propose."""
        return self._answer(self._adaptive, document, self._real.adaptive)

    def whole(self, document: bytes) -> GuardrailVerdict:
        """Ask the guardrails as the real engine does, nothing shared."""
        return self._real.guardrails(document)

    def _answer(self, question: _Question[Verdict], document: bytes, whole: Callable[[bytes], Verdict]) -> Verdict:
        if self.mistrusted or not question.shares or len(document) > self._limit or b"\0" in document:
            return whole(document)
        try:
            verdict = question.answer(document)
        except (OstiaryError, msgspec.MsgspecError, TypeError, ValueError, RecursionError, OverflowError):
            return whole(document)  # what cannot be taken apart is asked as it stands
        if self._check_every and question.seen % self._check_every == 1 and whole(document) != verdict:
            self.mistrusted = question.parts[0].question
            return whole(document)
        return verdict


_NAMES: Final = ("guardrails", "adaptive")


class _Absent:
    """What a path that leads nowhere holds."""


_ABSENT: Final = _Absent()


def _instance(bundle: Bundle, sources: dict[str, str], token: str) -> OpaInstance:
    opa = load_library().new_engine()
    answers = f"""package ostiary.{token}
answers := {{name: value | some name in input["{token}"]; value := part[name]}}
"""
    try:
        for path, text in {**sources, f"{token}_answers.rego": answers}.items():
            opa.add_policy(path, text)
        opa.add_data(bundle.live_data)
    except BaseException:
        opa.close()
        raise
    return opa


def _nothing(_told: list[bytes]) -> Key:
    """Return the key of a part that reads nothing."""
    return ()


def _branch(paths: tuple[Path, ...], places: Iterable[int], depth: int) -> Plan:
    """Return how to walk a document so that each member on the way is looked at once; no path lies below another."""
    members: dict[str, list[int]] = {}
    for place in places:
        members.setdefault(paths[place][depth], []).append(place)
    plan: Plan = []
    for name, inside in members.items():
        ends = [place for place in inside if len(paths[place]) == depth + 1]
        plan.append((name, ends[0], []) if ends else (name, -1, _branch(paths, inside, depth + 1)))
    return plan


def _pick(document: Any, plan: Plan, leaves: list[Any]) -> None:
    """Put what the plan wants of a document into its places; what is not there stays absent."""
    if not isinstance(document, dict):
        return
    for name, place, inside in plan:
        value = document.get(name, _ABSENT)
        if value is _ABSENT:
            continue
        if place >= 0:
            leaves[place] = value
        else:
            _pick(value, inside, leaves)


def _grown(paths: tuple[Path, ...], leaves: list[Any], places: Iterable[int]) -> dict[str, Any]:
    """Return a document that holds the leaves of these places at their paths and nothing else."""
    root: dict[str, Any] = {}
    for number in places:
        path, value = paths[number], leaves[number]
        if value is not _ABSENT:
            place = root
            for step in path[:-1]:
                place = place.setdefault(step, {})
            place[path[-1]] = value
    return root

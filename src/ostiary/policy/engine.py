"""The policy engine: two fixed questions, asked of one bundle.

- ``guardrails`` on a document that holds no score; ``adaptive`` on the same plus the guardrails' result and the score.
- Neither ever raises for a fault of policy or engine: the verdict's ``error`` says it, and the decision denies.
- Several threads may ask at once. An evaluation cannot be cancelled: ``busy_since`` lets a watchdog see a stuck one.
- The bundle is compiled when the engine is made; what does not compile makes no engine.
- A ``sparing`` engine shows OPA what the rules can read of a document and nothing else (``excerpts``), and does not ask
  the adaptive rules twice about the same (``said_before``). The guardrails read the time, so they are always asked.

>>> bundle = Bundle.of({"g.rego": '''package ostiary.guardrails
... decision := {"allow": [{"rule": "anyone"}]} if input.subject.id
... '''})
>>> with OpaEngine(bundle) as engine:
...     engine.guardrails({"subject": {"id": "ada"}}).hits[0].rule, engine.adaptive({}).error
('anyone', 'policy_undefined')
"""

import logging
import re
import threading
import weakref
from collections.abc import Mapping
from typing import Any, Final, Protocol, Self

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.policy.answers import AnswerReader, adaptive_error, guardrail_error
from ostiary.policy.bundle import Bundle
from ostiary.policy.excerpts import excerpts
from ostiary.policy.filters import FilterEngine
from ostiary.policy.inflight import InFlight
from ostiary.policy.limits import EngineSettings
from ostiary.policy.opa_library import OpaInstance, load_library
from ostiary.policy.rulebook import RuleBook
from ostiary.policy.said_before import SaidBefore, constant
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict

GUARDRAILS: Final = b"ostiary.guardrails.decision"
ADAPTIVE: Final = b"ostiary.adaptive.decision"
_QUESTIONS: Final = {GUARDRAILS: "guardrails", ADAPTIVE: "adaptive"}
# What is remembered is remembered of one tenant: another must not tell by the time it takes what was asked before.
_APART: Final = {ADAPTIVE: ("tenant",)}
Document = Mapping[str, Any] | bytes
_log: Final = logging.getLogger("ostiary.policy")
# OPA's messages may quote values of the input: only the place and the builtin's name are safe to log.
_PLACE: Final = re.compile(rb'"message":"(?:[^":]+ )?([\w./-]+:\d+: \w+(?:: [\w.]+)?)')
_encode: Final = msgspec.json.Encoder().encode


class BundleInfo(msgspec.Struct, frozen=True):
    """Which policy answers: its digest goes into every record; ``data`` is its own, as far as it is known here."""

    digest: str
    revision: str
    rules: RuleBook
    data: Mapping[str, Any] = {}


class Engine(Protocol):
    """Answers the two questions. Implementations never raise for a fault of the policy."""

    @property
    def bundle(self) -> BundleInfo:
        """The policy that answers."""
        ...

    @property
    def digest(self) -> str:
        """Digest of that policy, ``sha256:…``, for the record."""
        ...

    def guardrails(self, document: Document) -> GuardrailVerdict:
        """Ask what is allowed; ``document`` holds no score."""
        ...

    def adaptive(self, document: Document) -> AdaptiveVerdict:
        """Ask what to propose, given the guardrails' result and the score."""
        ...

    def busy_since(self) -> int | None:
        """Return ``time.monotonic_ns`` of the oldest running evaluation, ``None`` when idle."""
        ...

    def close(self) -> None:
        """Release the engine; later questions are answered with ``policy_unavailable``."""
        ...


class OpaEngine:
    """Real OPA in this process, over one bundle."""

    def __init__(self, bundle: Bundle, settings: EngineSettings | None = None, *, sparing: bool = False) -> None:
        """Compile ``bundle`` and prepare both questions; ``sparing`` engines read the bundle's rules for it.

        Raises:
            FaultyInputError: ``opa_…`` when the bundle does not compile.
            UnavailableError: ``engine_missing``, ``engine_broken`` or ``engine_forked``.
        """
        self.settings = settings or EngineSettings()
        book = RuleBook.read(bundle.live_sources)
        self.bundle = BundleInfo(bundle.digest, bundle.revision, book, bundle.live_data)
        self.running = InFlight()
        self.reader = AnswerReader(book, self.settings)
        self._opa = new_instance(bundle)
        self._excerpts = excerpts(bundle, _QUESTIONS, _APART) if sparing else {}
        self._said = {ADAPTIVE: SaidBefore()} if sparing and constant(bundle) else {}
        self._filters: FilterEngine | None = None
        self._bundle = bundle
        self._making = threading.Lock()
        # Whoever holds the engine may ask it: OPA's memory goes when the last reference does, or at `close`.
        self._end = weakref.finalize(self, self._opa.close)

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

    def guardrails(self, document: Document) -> GuardrailVerdict:
        """Ask what is allowed; ``document`` holds no score."""
        answer = self._ask(GUARDRAILS, document)
        return guardrail_error(answer) if isinstance(answer, Reason) else self.reader.guardrails(answer)

    def adaptive(self, document: Document) -> AdaptiveVerdict:
        """Ask what to propose, given the guardrails' result and the score."""
        answer = self._ask(ADAPTIVE, document)
        return adaptive_error(answer) if isinstance(answer, Reason) else self.reader.adaptive(answer)

    def raw(self, question: bytes, document: bytes) -> bytes:
        """Return OPA's own answer to one of the two questions, unread: the yardstick of measurements."""
        return self._opa.evaluate(question, document)

    def shown(self, question: bytes, document: bytes) -> bytes:
        """Return what OPA is shown of a document when it is asked one of the two questions."""
        excerpt = self._excerpts.get(question)
        return document if excerpt is None else excerpt.of(document)

    def ucast(self, name: str, document: Mapping[str, Any]) -> Any:
        """Return what a filter of the bundle leaves as a condition for one asker (``policy.filters``).

        Raises:
            RefusedError: ``filter_not_understood``.
            UnavailableError: the engine cannot be asked.
        """
        with self._making:
            if self._filters is None:  # few bundles' filters are ever asked for
                self._filters = FilterEngine(self._bundle, self.settings)
        with self.running:
            return self._filters.ucast(name, document)

    def busy_since(self) -> int | None:
        """Return when the oldest running evaluation started (``time.monotonic_ns``)."""
        return self.running.busy_since()

    def close(self) -> None:
        """Release OPA's memory; closing twice is harmless."""
        for said in self._said.values():
            said.close()
        self._end()

    def _ask(self, path: bytes, document: Document) -> bytes | Reason:
        try:
            text = document if isinstance(document, bytes) else _encode(document)
            self._check(text)
            with self.running:
                answer = self._evaluate(path, text)
        except UnavailableError as fault:
            _log.error("no policy answer: %s", fault.code)
            return Reason.POLICY_UNAVAILABLE
        except (OstiaryError, TypeError, ValueError, RecursionError) as fault:
            _log.warning("the policy input cannot be encoded: %s", type(fault).__name__)
            return Reason.POLICY_ERROR
        if answer.startswith(b'{"error"'):
            place = _PLACE.search(answer)
            _log.warning("policy error at %s", place.group(1).decode() if place else "an unknown place")
        return answer

    def _evaluate(self, path: bytes, text: bytes) -> bytes:
        excerpt = self._excerpts.get(path)
        if excerpt is None:
            return self._opa.evaluate(path, text)
        answer = self._answer(path, excerpt.of(text))
        if excerpt.whole or excerpt.missed or not excerpt.to_check():
            return answer
        whole = self._opa.evaluate(path, text)
        if whole != answer:
            excerpt.miss(path)
            _log.error("the rules read more than was found in them, so they are shown everything: %s", path.decode())
        return whole

    def _answer(self, path: bytes, shown: bytes) -> bytes:
        said = self._said.get(path)
        if said is None:
            return self._opa.evaluate(path, shown)
        answer = said.of(shown)
        if answer is None:
            answer = self._opa.evaluate(path, shown)
            said.keep(shown, answer)
        return answer

    def _check(self, text: bytes) -> None:
        # A zero byte would end C's string early: policy would then judge another document than the one recorded.
        if not text or b"\0" in text or len(text) > self.settings.max_input_bytes:
            raise FaultyInputError("policy_input_invalid", "the policy input is empty, too long or holds a zero byte")


def new_instance(bundle: Bundle, *, tests: bool = False) -> OpaInstance:
    """Return an OPA instance with ``bundle`` compiled; with its tests and examples when ``tests``.

    Raises:
        FaultyInputError: ``opa_…`` when the bundle does not compile.
    """
    opa = load_library().new_engine()
    try:
        for path, source in (bundle.all_sources if tests else bundle.live_sources).items():
            opa.add_policy(path, source)
        opa.add_data(bundle.all_data if tests else bundle.live_data)
        for question in (GUARDRAILS, ADAPTIVE):
            _prepare(opa, question)
    except BaseException:
        opa.close()
        raise
    return opa


class _Prepared(msgspec.Struct):
    error: dict[str, str] | None = None


def _prepare(opa: OpaInstance, question: bytes) -> None:
    # Errors that span modules show at the first evaluation only; an error of evaluation on `{}` is no compile error.
    error = msgspec.json.decode(opa.evaluate(question, b"{}"), type=_Prepared).error
    if error is not None and error.get("code") != "eval_error":
        raise FaultyInputError(f"opa_{error.get('code', 'unknown')}", error.get("message", ""))

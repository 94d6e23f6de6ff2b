"""What a policy's answer must look like, and how it becomes a verdict. Strict: an odd answer is an error verdict.

- A member outside the contract, a wrong type, an unknown effect, ceiling or control: ``policy_malformed_answer``.
- No answer at all: ``policy_undefined``. An engine's complaint: ``policy_error``. All of them mean DENY.
- Nothing here raises: every road ends in a verdict.
- Words (explanation, remediation) come from the rule book, never from the answer.

>>> from ostiary.policy.rulebook import RuleBook
>>> reader = AnswerReader(RuleBook({}))
>>> reader.guardrails_value(b'{"deny": [{"rule": "closed"}]}').hits[0].effect.name
'DENY'
>>> reader.guardrails_value(b'{"dney": [{"rule": "closed"}]}').error
'policy_malformed_answer'
"""

from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar

import msgspec

from ostiary.policy.limits import EngineSettings
from ostiary.policy.rulebook import RULE_ID, RuleBook
from ostiary.vocabulary.effects import EFFECT_OF_CONTROL, Control, Effect
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, Obligation, RuleHit, Unmet

Answer = TypeVar("Answer")
_Object = dict[str, Any]
_DEFAULT_CONTROL: Final = {
    Effect.REDUCE: Control.REDUCE,
    Effect.STEP_UP: Control.STEP_UP,
    Effect.DENY: Control.DENY,
    Effect.TERMINATE: Control.TERMINATE,
}
_EFFECTS: Final = {effect.name: effect for effect in Effect}
# An engine that was closed under our feet is away, its policy is not to blame.
_FAULTS: Final = {"invalid_handle": Reason.POLICY_UNAVAILABLE}
_CONTROLS: Final = {control.value: control for control in Control}


class _Obligation(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    type: str
    properties: _Object = {}


class _Unmet(msgspec.Struct, forbid_unknown_fields=True):
    rule: str
    condition: str


class GuardrailAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """The value of ``data.ostiary.guardrails.decision``."""

    allow: list[_Object] = []
    deny: list[_Object] = []
    step_up: list[_Object] = []
    reduce: list[_Object] = []
    terminate: list[_Object] = []
    ceiling: str = "TERMINATE"
    obligations: list[_Obligation] = []
    unmet: list[_Unmet] = []


class AdaptiveAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """The value of ``data.ostiary.adaptive.decision``."""

    proposals: list[_Object] = []
    obligations: list[_Obligation] = []


class _Expression(msgspec.Struct, Generic[Answer]):
    value: Answer


class _Result(msgspec.Struct, Generic[Answer]):
    expressions: list[_Expression[Answer]]


class Envelope(msgspec.Struct, Generic[Answer]):
    """How the embedded library wraps an answer."""

    result: list[_Result[Answer]] | None = None
    error: _Object | None = None


_guardrail_envelope: Final = msgspec.json.Decoder(Envelope[GuardrailAnswer])
_adaptive_envelope: Final = msgspec.json.Decoder(Envelope[AdaptiveAnswer])
_guardrail_value: Final = msgspec.json.Decoder(GuardrailAnswer)
_adaptive_value: Final = msgspec.json.Decoder(AdaptiveAnswer)


class AnswerReader:
    """Turns answers into verdicts, with the words of one bundle's rule book."""

    def __init__(self, book: RuleBook, settings: EngineSettings | None = None) -> None:
        """Take the words and the limits."""
        self._book = book
        self._settings = settings or EngineSettings()

    def guardrails(self, raw: bytes) -> GuardrailVerdict:
        """Read the library's envelope of the guardrails' answer."""
        answer = self._unwrap(_guardrail_envelope, raw)
        return guardrail_error(answer) if isinstance(answer, Reason) else self._guardrail_verdict(answer)

    def adaptive(self, raw: bytes) -> AdaptiveVerdict:
        """Read the library's envelope of the adaptive rules' answer."""
        answer = self._unwrap(_adaptive_envelope, raw)
        return adaptive_error(answer) if isinstance(answer, Reason) else self._adaptive_verdict(answer)

    def guardrails_value(self, raw: bytes) -> GuardrailVerdict:
        """Read the bare value of the guardrails' answer (remote OPA)."""
        answer = self._decode(_guardrail_value, raw)
        return guardrail_error(answer) if isinstance(answer, Reason) else self._guardrail_verdict(answer)

    def adaptive_value(self, raw: bytes) -> AdaptiveVerdict:
        """Read the bare value of the adaptive rules' answer (remote OPA)."""
        answer = self._decode(_adaptive_value, raw)
        return adaptive_error(answer) if isinstance(answer, Reason) else self._adaptive_verdict(answer)

    def _unwrap(self, decoder: msgspec.json.Decoder[Envelope[Answer]], raw: bytes) -> Answer | Reason:
        envelope = self._decode(decoder, raw)
        if isinstance(envelope, Reason):
            return envelope
        if envelope.error is not None:
            return _FAULTS.get(str(envelope.error.get("code")), Reason.POLICY_ERROR)
        if not envelope.result:
            return Reason.POLICY_UNDEFINED
        expressions = envelope.result[0].expressions
        return expressions[0].value if expressions else Reason.POLICY_UNDEFINED

    def _decode(self, decoder: msgspec.json.Decoder[Answer], raw: bytes) -> Answer | Reason:
        if len(raw) > self._settings.max_answer_bytes:
            return Reason.POLICY_MALFORMED
        try:
            return decoder.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Reason.POLICY_MALFORMED

    def _guardrail_verdict(self, answer: GuardrailAnswer) -> GuardrailVerdict:
        try:
            hits = tuple(self._guardrail_hits(answer))
            ceiling = _EFFECTS[answer.ceiling]
            unmet = tuple(self._unmet(each) for each in answer.unmet)
        except (KeyError, _OddError):
            return guardrail_error(Reason.POLICY_MALFORMED)
        if len(hits) > self._settings.max_hits or len(unmet) > self._settings.max_hits:
            return guardrail_error(Reason.POLICY_MALFORMED)
        return GuardrailVerdict(hits=hits, unmet=unmet, ceiling=ceiling, obligations=_obligations(answer.obligations))

    def _guardrail_hits(self, answer: GuardrailAnswer) -> Iterator[RuleHit]:
        # The harshest first: the first hit is the reason that a person reads first.
        for effect, found in (
            (Effect.TERMINATE, answer.terminate),
            (Effect.DENY, answer.deny),
            (Effect.STEP_UP, answer.step_up),
            (Effect.REDUCE, answer.reduce),
            (Effect.ALLOW, answer.allow),
        ):
            for item in found:
                yield self._hit(effect, item)

    def _adaptive_verdict(self, answer: AdaptiveAnswer) -> AdaptiveVerdict:
        try:
            hits = tuple(sorted((self._proposal(item) for item in answer.proposals), key=_harshest_first))
        except (KeyError, _OddError):
            return adaptive_error(Reason.POLICY_MALFORMED)
        if len(hits) > self._settings.max_hits:
            return adaptive_error(Reason.POLICY_MALFORMED)
        control = Control(hits[0].properties["control"]) if hits else None
        return AdaptiveVerdict(hits=hits, control=control, obligations=_obligations(answer.obligations))

    def _proposal(self, item: _Object) -> RuleHit:
        effect = _EFFECTS[_text(item.pop("effect", ""))]
        if effect is Effect.ALLOW:
            raise _OddError
        control = _CONTROLS[_text(item.get("control", _DEFAULT_CONTROL[effect].value))]
        if EFFECT_OF_CONTROL[control] is not effect:
            raise _OddError
        item["control"] = control.value
        return self._hit(effect, item)

    def _hit(self, effect: Effect, item: _Object) -> RuleHit:
        rule = _rule_id(item.pop("rule", None))
        words = self._book.words_of(rule)
        return RuleHit(rule, effect, words.explanation, words.remediation, item)

    def _unmet(self, item: _Unmet) -> Unmet:
        rule = _rule_id(item.rule)
        return Unmet(rule, item.condition, self._book.words_of(rule).remediation)


class _OddError(Exception):
    """The answer breaks the contract in a way that its types do not show."""


def guardrail_error(reason: Reason) -> GuardrailVerdict:
    """Return the guardrail verdict of an evaluation that failed."""
    return GuardrailVerdict(error=reason.value)


def adaptive_error(reason: Reason) -> AdaptiveVerdict:
    """Return the adaptive verdict of an evaluation that failed."""
    return AdaptiveVerdict(error=reason.value)


def _rule_id(value: object) -> str:
    if not isinstance(value, str) or not RULE_ID.match(value):
        raise _OddError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _OddError
    return value


def _obligations(found: list[_Obligation]) -> tuple[Obligation, ...]:
    return tuple(Obligation(each.id, each.type, each.properties) for each in found)


def _harshest_first(hit: RuleHit) -> tuple[int, str, str]:
    return (-hit.effect, hit.rule, str(hit.properties["control"]))

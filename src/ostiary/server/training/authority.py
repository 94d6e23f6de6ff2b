"""Who may train: the house's own decision, asked in the name of whoever starts the run.

The runner is the enforcement point ``cli``, for whoever may open the data directory; a subject's own token proves who
it is, and policy can ask for one (the grant of CI jobs does).
"""

from typing import Any, Final

import msgspec

from ostiary.decision.decide import Decider
from ostiary.decision.parts import Call
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.one_request import OneRequest
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.keys import random_bytes
from ostiary.pipeline.training.ports import Granted, Question
from ostiary.server.one_at_a_time import OneAtATime
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

RECORD_WAIT_S: Final = 30.0
DENIED: Final = "training_denied"
STEP_UP: Final = "step_up_needed"


class HouseAuthority:
    """An ``Authority`` for one subject of one tenant; its token is verified once, however much is asked."""

    def __init__(self, house: House, tenant: str, subject: Subject | None, token: str = "") -> None:
        """Ask in the name of ``subject``, or of whom ``token`` is about.

        Raises:
            FaultyInputError: ``request_invalid``: neither is given.
            RefusedError: the token is not believed.
        """
        once = OneRequest(house.subjects)
        self._house = house
        self._decider = Decider(msgspec.structs.replace(house.decider.parts, subjects=OneAtATime(once)))
        self._presented = PresentedSubject(token=token or None)
        self._pep = PepIdentity(pep_id="cli", tenant=tenant, subjects="token" if token else "asserted")
        if token and subject is None:
            identity = once.identify(self._pep, self._presented, house.clock.now_ns())
            subject = Subject(identity.subject_type, identity.subject_id)
        if subject is None:
            raise FaultyInputError("request_invalid", "say who starts the run: `--subject type:id` or `--token-file`")
        self._subject = subject

    def ask(self, tenant: str, question: Question) -> Granted:
        """Return the permission; its record is on disk."""
        if tenant != self._pep.tenant:
            raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
        now_ns = self._house.clock.now_ns()
        receipt = Receipt(make_id("dec", now_ns, random_bytes(RANDOM_BYTES)), now_ns)
        request = EvaluationRequest(
            self._subject,
            Action(question.action, dict(question.properties)),
            Resource(question.resource_type, question.resource_id),
            {},
        )
        decided = self._decider.decide(receipt, Call(self._pep, request, self._presented))
        try:
            decided.durable.result(timeout=RECORD_WAIT_S)
        except (OstiaryError, TimeoutError) as fault:
            raise UnavailableError("record_failed", "the decision cannot be recorded, so the answer is no") from fault
        if not decided.record.outcome.effect.permits:
            raise refusal(question, decided.answer["context"], decided.record.outcome.effect)
        told = tuple((one.type, one.properties) for one in decided.record.obligations)
        return Granted(receipt.decision_id, told)


def refusal(question: Question, context: dict[str, Any], effect: Effect) -> RefusedError:
    """Return the refusal that a decision is, with its reasons and its id."""
    why = context.get("reason_user", {}).get("en", "Policy does not permit this.")
    what = f"`{question.action}` on {question.resource_type} `{question.resource_id[:80]}`"
    text = f"{what} is refused: {why[:1].lower()}{why[1:].rstrip('.')} (decision {context['id']})"
    return RefusedError(STEP_UP if effect == Effect.STEP_UP else DENIED, text, context["reasons"])

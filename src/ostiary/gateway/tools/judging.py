"""The calls of a conversation, judged: facts first, then policy, then the harshest of all.

- Pure and bounded but for the one question to policy (`Asks`): at the gateway the door asks the decision, which records
  it; offline a policy engine of this process answers.
- Policy's word may come late or not at all: then the call is refused.

>>> def never(facts):
...     return Judged(Effect.DENY, ("tool-tainted-target",))
>>> called = {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "send", "arguments": "{}"}}]}
>>> judge_calls(Manifest(()), "ada", [{"role": "user", "content": "hi"}, called], ask=never).effect
<Effect.DENY: 3>
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.gateway.tools.conversation import Conversation, read_conversation
from ostiary.gateway.tools.facts import CallFacts, facts_of
from ostiary.gateway.tools.kinds import SHORT
from ostiary.gateway.tools.manifest import Manifest
from ostiary.gateway.tools.provenance import Sources
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.labels import Label, SessionLabel, join

MAX_WORK: Final = 400_000
_LONG: Final = 16
_EACH: Final = 20


class Judged(msgspec.Struct, frozen=True):
    """What policy said of one call: ALLOW, STEP_UP or DENY, and the rules that said so."""

    effect: Effect
    reasons: tuple[str, ...] = ()


class CallJudged(msgspec.Struct, frozen=True):
    """One call, judged."""

    name: str
    effect: Effect
    reasons: tuple[str, ...]
    tainted: tuple[str, ...]
    facts: CallFacts


class CallsJudged(msgspec.Struct, frozen=True):
    """All calls of a message; ``effect`` is the harshest, ``session`` what the conversation joins to."""

    effect: Effect
    calls: tuple[CallJudged, ...]
    session: SessionLabel


Asks = Callable[[CallFacts], Judged]
"""Puts the facts of a call to policy; never raises for a fault of policy."""


def read_calls(
    manifest: Manifest,
    messages: Sequence[Any],
    *,
    tenant: str = "default",
    before: SessionLabel | None = None,
    labels: Mapping[int, Label] | None = None,
    pins: Mapping[str, str] | None = None,
    plan: Sequence[str] | None = None,
) -> tuple[CallFacts, ...]:
    """Return the facts of the calls in the last message.

    Args:
        manifest: of the application's tools.
        messages: OpenAI's chat form; the last holds the calls.
        tenant: whose session it is.
        before: what the session was joined to before these messages.
        labels: of messages, by their number, where more is known than the role says.
        pins: by tool, ``pinned`` or ``changed``; see ``pinning``.
        plan: the tools of the first plan, where plans are pinned.

    Raises:
        FaultyInputError: ``messages_invalid`` or ``messages_too_large``.
    """
    conversation = read_conversation(messages, manifest, tenant, labels)
    session = join(tenant, (piece.label for piece in conversation.pieces), before)
    sources = Sources(conversation, manifest, untrusted=session.untrusted)
    _check_work(conversation, len(sources.heard))
    found = (facts_of(call, manifest, sources, session) for call in conversation.calls)
    return tuple(
        msgspec.structs.replace(
            facts,
            pin=(pins or {}).get(facts.tool.name, "unpinned"),
            plan="none" if plan is None else "inside" if facts.tool.name in plan else "outside",
        )
        for facts in found
    )


def judge_calls(
    manifest: Manifest,
    subject: str,
    messages: Sequence[Any],
    *,
    ask: Asks,
    tenant: str = "default",
    before: SessionLabel | None = None,
    labels: Mapping[int, Label] | None = None,
    pins: Mapping[str, str] | None = None,
    plan: Sequence[str] | None = None,
) -> CallsJudged:
    """Judge the calls in the last message; of the arguments see `read_calls`.

    ``subject`` is for whoever reads the answer: policy learns who asks from the token. ``ask`` puts the facts of one
    call to policy.

    Raises:
        FaultyInputError: ``messages_invalid`` or ``messages_too_large``.
    """
    del subject  # facts are about words and tools; who it is, and what he may, is the decision's
    read = read_calls(manifest, messages, tenant=tenant, before=before, labels=labels, pins=pins, plan=plan)
    calls = tuple(_judged(facts, ask(facts)) for facts in read)
    return CallsJudged(max(call.effect for call in calls), calls, read[0].session)


def _check_work(conversation: Conversation, heard: int) -> None:
    """Refuse what would take long: each value is looked for in each text."""
    kilos = sum(len(piece.text) for piece in conversation.pieces) // 1_000
    work = 0
    for call in conversation.calls:
        for _, value in call.leaves():
            work += (_LONG if len(value) > SHORT else 1) * kilos + _EACH * heard
    if work > MAX_WORK:
        raise FaultyInputError("messages_too_large", "so many arguments are not looked for in a conversation this long")


def _judged(facts: CallFacts, said: Judged) -> CallJudged:
    return CallJudged(facts.tool.name, said.effect, said.reasons, facts.tainted, facts)

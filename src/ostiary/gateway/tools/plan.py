"""The plan that was made before anybody else could speak: the tools called until untrusted content arrived.

Where plans are pinned, a call of another tool after that needs a human (``tool-outside-plan``). The plan is read from
the conversation itself, so that nothing has to be kept beside it; a new request of the user begins a new plan.

>>> plan_of([{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [
...     {"id": "1", "function": {"name": "read_mail", "arguments": "{}"}}]}], Manifest(()))
('read_mail',)
"""

from collections.abc import Sequence
from typing import Any

from ostiary.gateway.tools.conversation import read_conversation
from ostiary.gateway.tools.manifest import Manifest
from ostiary.vocabulary.labels import Channel, Integrity


def plan_of(messages: Sequence[Any], manifest: Manifest, tenant: str = "default") -> tuple[str, ...]:
    """Return the names of the tools in the plan, in order.

    Raises:
        FaultyInputError: ``messages_…``.
    """
    read = read_conversation(messages, manifest, tenant)
    asked = max((piece.at for piece in read.pieces if piece.label.channel is Channel.USER), default=-1)
    strange = [piece.at for piece in read.pieces if piece.label.integrity is Integrity.UNTRUSTED]
    heard = min((at for at in strange if at > asked), default=len(messages))
    calls = (*read.before, *((len(messages) - 1, call) for call in read.calls))
    return tuple(dict.fromkeys(call.name for at, call in calls if asked < at < heard))

"""What is to become of what is found: an action for each class of rules, and whom links may point to.

- The longest name that fits decides: ``pii.card`` before ``pii``. A class without an action is not looked for.
- What was found with ``redact``, ``tokenise``, ``ask`` or ``block`` never leaves; ``ask`` and ``block`` end the text
  there.
- A finding of ``INCIDENTS`` is one: whoever calls tells it on.

>>> settings = LeakSettings(actions={**DEFAULT_ACTIONS, "pii.email": Action.TOKENISE})
>>> settings.action("pii.email"), settings.action("secret.aws-access-token"), settings.action("pii.ip")
(<Action.TOKENISE: 'tokenise'>, <Action.REDACT: 'redact'>, <Action.OFF: 'off'>)
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from ostiary.vocabulary.inspecting import Verdict


class Action(StrEnum):
    """What becomes of a find, mildest first."""

    OFF = "off"  # not looked for
    NOTE = "note"  # a finding, nothing else
    FLAG = "flag"  # a finding that policy sees
    REDACT = "redact"  # a typed placeholder instead
    TOKENISE = "tokenise"  # a pseudonym that its user can turn back
    ASK = "ask"  # the text ends there until somebody agreed
    BLOCK = "block"  # the text ends there


_ORDER: Final = tuple(Action)
VERDICTS: Final = {
    Action.OFF: Verdict.PASS,
    Action.NOTE: Verdict.PASS,
    Action.FLAG: Verdict.FLAG,
    Action.REDACT: Verdict.REDACT,
    Action.TOKENISE: Verdict.REDACT,
    Action.ASK: Verdict.ASK,
    Action.BLOCK: Verdict.BLOCK,
}

# Finds that somebody must hear of: an instruction got out, or what another may not read.
INCIDENTS: Final = frozenset({"canary.prompt", "canary.document", "document.verbatim"})

DEFAULT_ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "secret": Action.REDACT,
        "pii": Action.REDACT,
        "pii.email": Action.FLAG,  # answers name public addresses all the time
        "pii.phone": Action.FLAG,
        "pii.ip": Action.OFF,
        "canary": Action.BLOCK,
        "canary.cited": Action.REDACT,  # of a document that the asker may read: a mark, not a leak
        "document.verbatim": Action.BLOCK,
        "document.cited": Action.NOTE,
        "link": Action.REDACT,
        "link.remote-image": Action.FLAG,
        "link.egress": Action.FLAG,
        "terminal": Action.REDACT,
        "stream": Action.BLOCK,
    }
)


class LeakSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The policy of one tenant for what models answer.

    Attributes:
        actions: what becomes of each class of rules.
        egress_hosts: hosts that links and images may point to, with their subdomains; once there is one, images of
            other hosts are taken out whether they carry something or not.
        max_held: characters that may be held back before the text ends as uninspectable.
        words: so many words in a row are a quotation.
    """

    actions: Mapping[str, Action] = DEFAULT_ACTIONS
    egress_hosts: tuple[str, ...] = ()
    max_held: int = 65_536
    words: int = 8

    def action(self, rule: str) -> Action:
        """Return what becomes of a find of ``rule``."""
        name = rule
        while name not in self.actions:
            name, dot, _ = name.rpartition(".")
            if not dot:
                return Action.OFF
        return self.actions[name]


def withholds(action: Action) -> bool:
    """Return whether the text of a find does not leave."""
    return _ORDER.index(action) >= _ORDER.index(Action.REDACT)


def harsher(action: Action) -> int:
    """Return a key to sort actions by."""
    return _ORDER.index(action)

"""The policy of a tenant made ready: makes a scan for each stream that leaves.

- One ``Leaks`` is built once and shared; a scan is for one stream: a choice, an output item, the arguments of one call.

>>> leaks = Leaks()
>>> scan = leaks.scan()
>>> scan.feed("pay with 4111 1111 11") + scan.feed("11 1111, thanks") + scan.close()
'pay with [REDACTED:pii.card], thanks'
>>> scan.verdict, [finding.rule for finding in scan.findings]
(<Verdict.REDACT: 'redact'>, ['pii.card'])
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from ostiary.inspection.response.beside import RULE as BESIDE
from ostiary.inspection.response.beside import BesideWatch
from ostiary.inspection.response.canaries import CanaryWatch, needles
from ostiary.inspection.response.heard import Heard
from ostiary.inspection.response.links import link_patterns
from ostiary.inspection.response.names import NameFinder, NameWatch
from ostiary.inspection.response.pii.contact import EMAIL, IP, PHONE
from ostiary.inspection.response.pii.ibans import IBAN
from ostiary.inspection.response.pii.numbers import NUMBERS
from ostiary.inspection.response.regions import Machine, Pattern, RegionWatch
from ostiary.inspection.response.scan import Replace, Scan, placeholder
from ostiary.inspection.response.secrets import secret_patterns
from ostiary.inspection.response.settings import Action, LeakSettings, withholds
from ostiary.inspection.response.spans import Watch
from ostiary.inspection.response.terminal import TERMINAL
from ostiary.inspection.response.verbatim import LEAK, VerbatimWatch, substrings

_TELLING: Final = 2_000  # characters of a region that is only told of; what it began with may have left
CANARY: Final = "canary.prompt"
DOCUMENT_CANARY: Final = "canary.document"
CITED_CANARY: Final = "canary.cited"


class Document(msgspec.Struct, frozen=True):
    """A document that the model saw, or might have seen.

    Attributes:
        text: its words.
        cleared: whether the asker may read it.
        canary: a word put into it that nobody may say; empty if there is none.
    """

    text: str
    cleared: bool = False
    canary: str = ""


class Leaks:
    """Response inspection under one policy. Safe for several threads."""

    def __init__(self, settings: LeakSettings | None = None, names: NameFinder | None = None) -> None:
        """Build the automata; ``names`` finds names of people, where one is there.

        Raises:
            UnavailableError: ``re2_missing``.
        """
        self.settings = settings or LeakSettings()
        self._names = names
        groups = list(self._groups())
        holding = [pattern for rule, pattern in groups if withholds(self.settings.action(rule))]
        telling = [pattern for rule, pattern in groups if self.settings.action(rule) in {Action.NOTE, Action.FLAG}]
        self._holding = Machine(holding) if holding else None
        self._telling = Machine(telling) if telling else None

    def scan(
        self,
        canaries: Sequence[str] = (),
        documents: Sequence[Document] = (),
        *,
        escaped: bool = False,
        replace: Replace = placeholder,
    ) -> Scan:
        """Return a scan for one stream.

        Args:
            canaries: must not come out, in whatever spelling.
            documents: what the model saw; ``cleared`` says which the asker may read.
            escaped: the stream is JSON text (arguments of a tool): look through its escapes.
            replace: makes the pseudonym of a value where the action is ``tokenise``.
        """
        heard = Heard(escaped=escaped)
        watches = [*self._watches(heard), *self._own_watches(canaries, documents)]
        return Scan(heard, watches, self.settings, replace)

    def _own_watches(self, canaries: Sequence[str], documents: Sequence[Document]) -> Iterator[Watch]:
        """Yield the watches of what this one answer must not say."""
        words = [*((canary, CANARY) for canary in canaries)]
        words += [(doc.canary, CITED_CANARY if doc.cleared else DOCUMENT_CANARY) for doc in documents if doc.canary]
        words = [(word, rule) for word, rule in words if self.settings.action(rule) is not Action.OFF]
        if words:
            yield CanaryWatch(needles(tuple(dict.fromkeys(words))))
        foreign = tuple(dict.fromkeys(doc.text for doc in documents if doc.text and not doc.cleared))
        own = tuple(dict.fromkeys(doc.text for doc in documents if doc.text and doc.cleared))
        if foreign or own:
            eager = self.settings.action(LEAK) in {Action.ASK, Action.BLOCK}
            yield VerbatimWatch(substrings(foreign), substrings(own), self.settings.words, eager=eager)

    def _watches(self, heard: Heard) -> Iterator[Watch]:
        if self._holding is not None:
            yield RegionWatch(self._holding, heard, self.settings.max_held)
        if self._telling is not None:
            yield RegionWatch(self._telling, heard, min(self.settings.max_held, _TELLING), holds=False)
        beside = self.settings.action(BESIDE)
        if beside is not Action.OFF:
            yield BesideWatch(heard, holds=withholds(beside))
        if self._names is not None:
            yield NameWatch(self._names, heard)

    def _groups(self) -> Iterator[tuple[str, Pattern]]:
        """Yield every pattern with the class of rules whose action decides where it belongs."""
        yield from (("secret", pattern) for pattern in secret_patterns())
        yield from (("pii", pattern) for pattern in (*NUMBERS, IBAN))
        yield from (("link", pattern) for pattern in link_patterns(self.settings.egress_hosts))
        yield ("terminal", TERMINAL)
        yield from (("pii.email", EMAIL), ("pii.phone", PHONE), ("pii.ip", IP[0]), ("pii.ip", IP[1]))

r"""What OPA is shown of a document: what the rules can read of it, byte for byte, and nothing else.

OPA reads a document three times over before it looks at a rule, and that is a third of what a question costs. What no
rule can read (``policy.reads``) changes no answer, so OPA need not be shown it. Records keep the whole document.

- Values are handed on as they were written: nothing in them is read, rounded or put in another order.
- A document of another shape (a text where rules look for members), or one that is no JSON, is shown whole.
- Rules that read their input whole are shown all of it. What has an odd name is shown with all that lies beside it.
- Nothing here is believed blindly: the first questions, and every so many after them, are asked whole as well. When an
  answer differs, ``missed`` says so and everything is shown whole from then on (``engine``); ``times_missed`` counts
  it for whoever watches this process.

>>> shown = Excerpt((("subject", "id"), ("time",)))
>>> shown.of(b'{"subject": {"id": "ada", "home": "x"}, "time": 1.50, "context": {}}')
b'{"subject":{"id":"ada"},"time":1.50}'
>>> shown.of(b'{"subject": "ada"}')
b'{"subject": "ada"}'
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.policy.bundle import Bundle
from ostiary.policy.reads import Path, RuleTree, least

FIRST: Final = 16
_NAME: Final = re.compile(r'[^\x00-\x1f"\\]*')  # what msgspec takes for a member's name
CHECK_EVERY: Final = 1024
_encode: Final = msgspec.json.Encoder().encode
_Tree = dict[str, "_Tree"]
_missed: Final = list[bytes]()


class Excerpt:
    """Cuts the documents of one question down to the paths that its rules can read; safe for several threads.

    ``seen`` counts documents. Threads may lose a count: a check is a little later then.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        """Take the paths; the empty one stands for the whole document."""
        tree: _Tree = {}
        self.whole = False
        plain = dict.fromkeys(_plain(path) for path in paths)
        kept = set(least(plain))
        for path in filter(kept.__contains__, plain):
            self.whole |= not path
            place = tree
            for step in path:
                place = place.setdefault(step, {})
        self._decode = msgspec.json.Decoder(_shape(tree)).decode
        self.missed = False
        self.seen = 0

    def of(self, document: bytes) -> bytes:
        """Return what OPA is shown of ``document``."""
        if self.whole or self.missed:
            return document
        try:
            return _encode(self._decode(document))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return document

    def miss(self, question: bytes) -> None:
        """Remember that the rules of ``question`` read more than was found: they are shown everything from now on."""
        self.missed = True
        _missed.append(question)

    def to_check(self) -> bool:
        """Whether this question is one of those that are asked whole as well."""
        self.seen += 1
        return self.seen <= FIRST or self.seen % CHECK_EVERY == 0


def times_missed() -> int:
    """Return for how many questions, of all bundles that this process asked, rules read more than was found in them."""
    return len(_missed)


def excerpts(
    bundle: Bundle, questions: Mapping[bytes, str], beside: Mapping[bytes, Path] | None = None
) -> dict[bytes, Excerpt]:
    """Return an excerpt for each question; ``questions`` names the package below ``ostiary`` that answers each.

    ``beside`` names a path that is shown with a question whether rules read it or not.
    """
    more = beside or {}
    try:
        tree = RuleTree(bundle)
    except FaultyInputError:  # what does not parse does not compile either, and whoever compiles it says so
        return {question: Excerpt([()]) for question in questions}
    return {
        question: Excerpt(
            [*tree.reads((("ostiary", name), "decision")), *([more[question]] if question in more else [])]
        )
        for question, name in questions.items()
    }


def _plain(path: Path) -> Path:
    """Return the part of a path that a type can be made for, which reads more where it is shorter."""
    return path[: next((number for number, step in enumerate(path) if not _NAME.fullmatch(step)), len(path))]


def _shape(tree: _Tree) -> Any:
    """Return the type that reads the members of ``tree`` and passes over all others."""
    names = {f"m{number}": step for number, step in enumerate(tree)}
    fields = [(name, _member(tree[step]), msgspec.UNSET) for name, step in names.items()]
    return msgspec.defstruct("Shown", fields, rename=names, gc=False)


def _member(tree: _Tree) -> Any:
    return _shape(tree) | None | msgspec.UnsetType if tree else msgspec.Raw | msgspec.UnsetType
